import type { RunEvent } from '../base/events.js';
import type { RunOutcome } from '../base/outcome.js';
import { RunCancelledError, RunFailedError } from '../base/run-errors.js';
import type { RunOptions } from '../base/runtime-options.js';
import type { Workflow } from '../base/workflow.js';
import type { AsyncLocalRuntime } from '../runtimes/async-local-runtime.js';
import type { LocalRuntime } from '../runtimes/local-runtime.js';
import { answerGates, type GateAnswers } from './gate-answers.js';
import type { VirtualClock } from './virtual-clock.js';

/** A run whose gates are answered, so that it goes on to its end. */
export interface AnsweredRun<Output> {
  readonly workflow: Workflow<object, Output>;
  readonly params: object;
  readonly options: Omit<RunOptions, 'onEvent'> | undefined;
  /** The run that is recorded and goes on. Default: a new one begins. */
  readonly goesOn?: string;
  /** `undefined`: the run ends where it waits. */
  readonly answers: GateAnswers | undefined;
  readonly clock: VirtualClock;
  /** Where its events are put. */
  readonly events: RunEvent[];
}

/** What a resumed run came to, as a value. */
function ended<Output>(error: unknown): RunOutcome<Output> {
  if (error instanceof RunFailedError || error instanceof RunCancelledError)
    return error.result as unknown as RunOutcome<Output>;
  throw error;
}

/** @throws ConfigurationError GATE_UNANSWERED */
export function settleAnswered<Output>(runtime: LocalRuntime, run: AnsweredRun<Output>): RunOutcome<Output> {
  const { workflow, params, options, goesOn, answers, clock, events } = run;
  const onEvent = (event: RunEvent): unknown => events.push(event);
  const resume = (runId: string): RunOutcome<Output> => {
    try {
      return runtime.resume(workflow, runId, { onEvent });
    } catch (error) {
      return ended(error);
    }
  };
  let outcome = goesOn === undefined ? runtime.settle(workflow, params, { ...options, onEvent }) : resume(goesOn);
  while (outcome.status === 'waiting' && answers !== undefined) {
    answerGates(runtime, outcome, answers, clock, events);
    outcome = resume(outcome.runId);
  }
  return outcome;
}

/**
 * @param drive starts a part of the run and waits for it
 * @throws ConfigurationError GATE_UNANSWERED
 */
export async function settleAnsweredLater<Output>(
  runtime: AsyncLocalRuntime,
  run: AnsweredRun<Output>,
  drive: (start: () => Promise<RunOutcome<Output>>) => Promise<RunOutcome<Output>>,
): Promise<RunOutcome<Output>> {
  const { workflow, params, options, goesOn, answers, clock, events } = run;
  const onEvent = (event: RunEvent): unknown => events.push(event);
  const resume = (runId: string) => drive(() => runtime.resume(workflow, runId, { onEvent }).catch(ended<Output>));
  let outcome = await (goesOn === undefined
    ? drive(() => runtime.settle(workflow, params, { ...options, onEvent }))
    : resume(goesOn));
  while (outcome.status === 'waiting' && answers !== undefined) {
    answerGates(runtime, outcome, answers, clock, events);
    outcome = await resume(outcome.runId);
  }
  return outcome;
}
