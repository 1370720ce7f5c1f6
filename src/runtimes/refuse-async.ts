import { AttemptError, ConfigurationError } from '../base/errors.js';
import type { GraphAttempt } from '../base/graph-execution.js';
import type { Plan } from '../base/plan.js';

/** The refusal of a plan with nodes that LocalRuntime cannot run. */
export function refuseAsync({ asyncNodes }: Plan): ConfigurationError | undefined {
  const [first, ...more] = asyncNodes;
  if (first === undefined) return undefined;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  return new ConfigurationError('ASYNC_NODE', `Node "${first}"${others} is asynchronous.`, { at: first });
}

/** The failure of a node that returned a promise to LocalRuntime. What becomes of the promise is nobody's concern any more. */
export function refusedPromise({ node: { id } }: GraphAttempt, promise: PromiseLike<unknown>): AttemptError {
  promise.then(undefined, () => undefined);
  return new AttemptError('NODE_RETURNED_PROMISE', `Node "${id}" returned a promise.`, { at: id });
}
