import { ConfigurationError } from '../base/errors.js';
import type { Plan } from '../base/plan.js';

/** The refusal of a plan with nodes that LocalRuntime cannot run. */
export function refuseAsync({ asyncNodes }: Plan): ConfigurationError | undefined {
  const [first, ...more] = asyncNodes;
  if (first === undefined) return undefined;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  return new ConfigurationError('ASYNC_NODE', `Node "${first}"${others} is asynchronous.`, { at: first });
}
