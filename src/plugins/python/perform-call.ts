import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ErrorCode } from '../../base/error-catalog.js';
import { LockstepError } from '../../base/errors.js';
import type { NodeContext } from '../../base/node-context.js';
import type { PythonTarget } from './python-node.js';
import type { AnswerTool } from './wire/asked.js';
import type { Answer, AttemptDescription, CallRequest } from './wire/call-request.js';
import type { LiveCall } from './wire/live-call.js';
import type { WorkerLog, WorkerProgress, WorkerSpan } from './wire/said.js';

/** Workers as Python nodes need them. */
export interface WorkerSource {
  /**
   * Has a worker perform a call, once there is one that takes it.
   *
   * @throws why there is none; the reason of the signal
   */
  begin(request: CallRequest, signal: AbortSignal): Promise<LiveCall>;
}

/** One attempt of a Python node. */
export interface PythonCall {
  readonly target: PythonTarget;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly state: unknown;
  /** What the caller of the run passed. */
  readonly runContext: Readonly<Record<string, unknown>>;
  /** Whom to tell what it says. Its `state` and `context` are not read. */
  readonly context: NodeContext;
  readonly timeLeftMs: number | undefined;
  readonly gone: AbortSignal;
  /** The span of the attempt, as W3C Trace Context writes it; `null` where nobody traces it. */
  readonly traceparent: string | null;
  /** Told of the parts that the tool has measured. */
  readonly onSpan: (span: WorkerSpan) => void;
  /** Answers what the tool asks its host for. */
  readonly answer: AnswerTool;
}

/**
 * Has a worker perform an attempt.
 *
 * @throws what became of it: PythonError, AttemptError, LockstepError
 */
export async function performCall(workers: WorkerSource, given: PythonCall): Promise<Answer> {
  const began = performance.now();
  for (let left = given.timeLeftMs; ; left = leftOf(given.timeLeftMs, began)) {
    const call = await workers.begin(requestOf(given, left), given.gone);
    try {
      return await answerOf(call, given);
    } catch (error) {
      // Its worker has ended and had been told nothing of it: another one is.
      if (!call.isUnsent || given.gone.aborted || hasCode(error, 'WORKER_STOPPED')) throw error;
    }
  }
}

function leftOf(timeLeftMs: number | undefined, began: number): number | undefined {
  return timeLeftMs === undefined ? undefined : Math.max(1, timeLeftMs - (performance.now() - began));
}

async function answerOf(call: LiveCall, given: PythonCall): Promise<Answer> {
  const { context, gone } = given;
  const { signal } = context;
  // A limit that ends the attempt aborts both signals in a row: the tool is told once, and that nobody waits.
  const cancel = (): void => queueMicrotask(() => call.cancel(textOfReason(signal)));
  const giveUp = (): void => call.giveUp(textOfReason(gone), gone.reason);
  signal.addEventListener('abort', cancel);
  gone.addEventListener('abort', giveUp);
  if (gone.aborted) giveUp();
  else if (signal.aborted) cancel();
  try {
    return await call.outcome;
  } catch (error) {
    if (given.timeLeftMs !== undefined && isOutOfTime(error)) return await untilGone(gone);
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    gone.removeEventListener('abort', giveUp);
    // What the tool has printed before it answered comes by another way, in this turn at the latest.
    await nextTurn();
  }
}

function requestOf(
  { target, inputs, state, runContext, context, traceparent, onSpan, answer }: PythonCall,
  timeLeftMs: number | undefined,
): CallRequest {
  const { module, function: called, secrets } = target;
  const { runId, nodeId, scope, failures, visit, iterations, maxIterations = null, idempotencyKey } = context;
  const attempt: AttemptDescription = {
    runId,
    nodeId,
    scope,
    attempt: context.attempt,
    failures,
    visit,
    iterations,
    maxIterations,
    idempotencyKey,
    context: runContext,
    secrets: Object.fromEntries(secrets.map((name) => [name, context.secret(name)])),
    state,
  };
  return {
    command: `${module}:${called}`,
    args: inputs,
    at: 'inputs',
    leftMs: timeLeftMs,
    timeoutMs: undefined,
    // At once, so that what the tool says by the way keeps its place among them.
    items: (item) => context.emit(item),
    input: undefined,
    traceparent,
    attempt,
    onSaid: (said) => {
      if (said.kind === 'span') onSpan(said);
      else repeat(said, context);
    },
    answer,
  };
}

/** Tells the host of a node what a tool said. */
function repeat(said: WorkerLog | WorkerProgress, { log, progress }: NodeContext): void {
  if (said.kind === 'progress') {
    progress(said.current, said.total ?? undefined, said.message ?? undefined);
    return;
  }
  const { level, logger, message, fields } = said;
  log.log(level, message, { logger, ...fields });
}

/** The worker has seen first that the time of the call is over: the run, whose clock counts, will say so. */
function isOutOfTime(error: unknown): boolean {
  return hasCode(error, 'CALL_CANCELLED') || hasCode(error, 'CALL_TIMEOUT');
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof LockstepError && error.code === code;
}

function untilGone(gone: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const settle = (): void => reject(gone.reason);
    if (gone.aborted) settle();
    else gone.addEventListener('abort', settle, { once: true });
  });
}

function textOfReason({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
