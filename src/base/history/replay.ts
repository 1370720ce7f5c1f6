import { compile } from '../compile.js';
import type { RunEvent } from '../events.js';
import { Execution } from '../execution.js';
import type { Random } from '../ports.js';
import { type ReplayStatus, RunResult } from '../run-result.js';
import type { Decisions } from '../run-view.js';
import type { Workflow } from '../workflow.js';

function never(): never {
  throw new TypeError('A replay decides nothing.');
}

const NOBODY: Decisions = {
  decideNode: never,
  decideCycle: never,
  admit: never,
  decideFailure: never,
  judge: never,
  afterAttempt: never,
  withdraw: never,
};

const NO_RANDOM: Random = { keyed: never };

/** A machine in the state that a history leads to. Nothing was run, and nobody decided anything. @throws LockstepError PLAN_MISMATCH, CORRUPT_HISTORY */
export function replayed(workflow: Workflow, runId: string, events: readonly RunEvent[]): Execution {
  const options = {
    onError: 'continue',
    maxConcurrency: null,
    timeoutMs: null,
    softTimeoutMs: null,
    retryBudget: null,
  } as const;
  const start = { runId, parameters: {}, set: undefined, options, context: {}, random: NO_RANDOM, warnings: [] };
  const execution = new Execution(compile(workflow), start, NOBODY, undefined);
  execution.fold(events);
  return execution;
}

/** What a history comes to, read from its events alone: no node runs. @throws LockstepError PLAN_MISMATCH, CORRUPT_HISTORY */
export function replayResult<Output>(
  workflow: Workflow<unknown, Output>,
  runId: string,
  events: readonly RunEvent[],
): RunResult<Output> {
  const execution = replayed(workflow, runId, events);
  const { runStatus } = execution.state;
  return new RunResult<Output>(execution, runStatus === 'pending' ? 'running' : (runStatus as ReplayStatus), 'omit');
}
