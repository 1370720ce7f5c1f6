import type { LockstepError } from './errors.js';
import type { AddressedParameters } from './event-data.js';
import type { Plan } from './plan.js';
import type { Warning } from './run-view.js';
import type { RunOptions } from './runtime-options.js';

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
}

/** What a check of a run found. */
export interface RunFindings {
  readonly problems: LockstepError[];
  readonly warnings: Warning[];
}
