import { didYouMean } from '../../base/did-you-mean.js';
import { AttemptError, errorData } from '../../base/errors.js';
import type { NodeContext } from '../../base/node-context.js';
import { refuse } from '../../base/option-checks.js';
import { isRecord } from '../../base/record.js';
import { isThenable } from '../../base/schema.js';
import type { Asked, HostAnswer } from './wire/asked.js';

/** For which attempt of a node a host tool is called, in the words of its context. */
export type HostToolAttempt = Pick<
  NodeContext,
  'runId' | 'nodeId' | 'scope' | 'attempt' | 'failures' | 'visit' | 'iterations' | 'idempotencyKey' | 'context'
>;

/** What a host tool is given beside its arguments. */
export interface HostToolContext {
  /** By what name it was called. */
  readonly name: string;
  /** The attempt of the node whose Python function calls it; `undefined` for a call of a `PythonWorker`. */
  readonly attempt: HostToolAttempt | undefined;
  /**
   * Aborted when nobody waits any more for what the tool returns: the call that asks was cancelled, is out of time, or was lost with
   * its worker. In LocalRuntime, whose thread the tool holds, it is that of the attempt, and aborted by nothing but the tool's own work.
   */
  readonly signal: AbortSignal;
}

/**
 * A function of this process that Python tools may call: `ctx.call_host("name", key=1)`. It is given the arguments by name. What it
 * returns, or what the promise that it returns is kept with, is what Python is given; what it throws is raised there as HostToolError.
 */
export type HostTool = (args: Readonly<Record<string, unknown>>, context: HostToolContext) => unknown;

/** The host tools of workers. */
export class HostTools {
  readonly #tools: ReadonlyMap<string, HostTool>;

  /** @throws ConfigurationError INVALID_OPTION */
  constructor(given: Readonly<Record<string, HostTool>>, at = 'workers.hostTools') {
    if (!isRecord(given)) refuse(at, 'must be an object with functions', given);
    for (const [name, tool] of Object.entries(given)) {
      if (name.trim() === '') refuse(at, 'must have names that are not empty', name);
      if (typeof tool !== 'function') refuse(`${at}.${name}`, 'must be a function', tool);
    }
    this.#tools = new Map(Object.entries(given));
  }

  /** Calls a tool. What it throws, and that there is none of the name, is an answer as well. */
  answer(
    asked: Asked,
    attempt: HostToolAttempt | undefined,
    signal: () => AbortSignal,
  ): HostAnswer | Promise<HostAnswer> {
    const { name, args } = asked;
    try {
      const returned = this.#find(name)(args, new Told(name, attempt, signal));
      if (!isThenable(returned)) return { value: returned };
      return Promise.resolve(returned).then((value) => ({ value }), failed);
    } catch (error) {
      return failed(error);
    }
  }

  /** The same for who cannot wait: a promise is a failure. */
  answerNow(asked: Asked, attempt: HostToolAttempt, signal: () => AbortSignal): HostAnswer {
    const answer = this.answer(asked, attempt, signal);
    if (!(answer instanceof Promise)) return answer;
    const { name } = asked;
    return failed(new AttemptError('HOST_TOOL_ASYNC', `Host tool "${name}" returned a promise.`, { at: name }));
  }

  #find(name: string): HostTool {
    const tool = this.#tools.get(name);
    if (tool !== undefined) return tool;
    const what = `There is no host tool "${name}". ${didYouMean(name, [...this.#tools.keys()])}`;
    throw new AttemptError('HOST_TOOL_UNKNOWN', what, { at: name });
  }
}

/** The attempt that a context belongs to, as host tools are told of it. */
export function attemptOf(context: NodeContext): HostToolAttempt {
  const { runId, nodeId, scope, attempt, failures, visit, iterations, idempotencyKey, context: ofRun } = context;
  return { runId, nodeId, scope, attempt, failures, visit, iterations, idempotencyKey, context: ofRun };
}

/** What a host tool is told; its signal is made when it is first read. */
class Told implements HostToolContext {
  readonly name: string;
  readonly attempt: HostToolAttempt | undefined;
  readonly #signal: () => AbortSignal;

  constructor(name: string, attempt: HostToolAttempt | undefined, signal: () => AbortSignal) {
    this.name = name;
    this.attempt = attempt;
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }
}

function failed(error: unknown): HostAnswer {
  return { failure: errorData(error) };
}
