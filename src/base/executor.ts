import type { PlanNode } from './plan.js';

/** What every function is called that is written into a workflow. */
export const INLINE_NAME = 'lockstep.fn';

/** The key of what performs the attempts of a node, such as `function.clean`; `undefined` where the machine performs them itself. */
export function executorOf({ implementation: { kind, identity } }: PlanNode): string | undefined {
  return kind === 'function' ? `function.${identity.name}` : undefined;
}
