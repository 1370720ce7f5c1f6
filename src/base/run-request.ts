import type { LockstepError } from './errors.js';
import type { AddressedParameters } from './event-data.js';
import type { RunEvent } from './events.js';
import type { RunHeader } from './history/event-store.js';
import type { RecordedRun } from './history/recorded-runs.js';
import type { Plan } from './plan.js';
import type { RunOptions } from './runtime-options.js';
import type { Warning } from './warning.js';

/** Parameters of a run after they have been matched with the workflow. */
export interface BoundParameters {
  /** Declared parameters, or names to broadcast. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Node-addressed parameters: plan index to port to value. */
  readonly set: AddressedParameters;
  readonly problems: readonly LockstepError[];
  readonly warnings: readonly Warning[];
}

/** What is known of a run before it exists. */
export interface RunRequest {
  readonly runId: string;
  readonly plan: Plan;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly options: RunOptions;
  /** What has been recorded of it, where a run goes on. */
  readonly history?: readonly RunEvent[];
  /** Where it was found, if in a store. */
  readonly found?: RecordedRun;
  /** The run that its history was taken from. */
  readonly forkedFrom?: NonNullable<RunHeader['forkedFrom']>;
  /** It is over: it is given back as it was recorded. */
  readonly isOver?: boolean;
}

/** What a check of a run found. */
export interface RunFindings {
  readonly problems: LockstepError[];
  readonly warnings: Warning[];
}
