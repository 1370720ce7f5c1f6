import { compile } from './compile.js';
import { ConfigurationError, LockstepError } from './errors.js';
import type { AddressedParameters } from './event-data.js';
import type { RunEvent } from './events.js';
import type { RunHeader } from './history/event-store.js';
import type { RecordedRun } from './history/recorded-runs.js';
import type { Plan } from './plan.js';
import type { Ids } from './ports.js';
import { RunRejectedError } from './run-errors.js';
import { checkRunOptions, type ResolvedOptions, type RunOptions } from './runtime-options.js';
import type { Warning } from './warning.js';
import { notAWorkflow, Workflow } from './workflow.js';

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
  /** It ends before its store is there: nothing of it is kept. */
  readonly isUnrecorded?: boolean;
  /** It is over: it is given back as it was recorded. */
  readonly isOver?: boolean;
}

/** What a check of a run found. */
export interface RunFindings {
  readonly problems: LockstepError[];
  readonly warnings: Warning[];
}

/**
 * Checks what a caller passed: that there is a workflow, and options and parameters of a run.
 *
 * @param runtime the options of the runtime
 * @throws RunRejectedError
 */
export function requestOf(
  workflow: unknown,
  parameters: unknown,
  options: RunOptions,
  runtime: ResolvedOptions,
  ids: Ids,
): RunRequest {
  const runId = options.runId ?? ids.runId();
  const named = { runId, workflow: workflow instanceof Workflow ? workflow.name : '?' };
  if (!(workflow instanceof Workflow)) {
    throw new RunRejectedError(named, [notAWorkflow('execute', workflow)]);
  }
  try {
    checkRunOptions(options, runtime);
  } catch (error) {
    if (error instanceof LockstepError) throw new RunRejectedError(named, [error]);
    throw error;
  }
  if (
    parameters !== undefined &&
    (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
  ) {
    throw new RunRejectedError(named, [
      new ConfigurationError('INVALID_PARAMETER', 'The parameters of a run are an object.', { value: parameters }),
    ]);
  }
  return {
    runId,
    plan: compile(workflow),
    parameters: (parameters ?? {}) as Readonly<Record<string, unknown>>,
    options: options,
  };
}
