import { ConfigurationError, type LockstepError } from './errors.js';
import type { Executor, ExecutorReference } from './executor-port.js';
import type { Plan, PlanExecutor, PlanNode } from './plan.js';

/** What every function is called that is written into a workflow. */
export const INLINE_NAME = 'lockstep.fn';

/** The key of what performs the attempts of a node, such as `function.clean`; `undefined` where the machine performs them itself. */
export function executorOf({ implementation: { kind, identity }, executor }: PlanNode): string | undefined {
  return kind === 'function' ? `${executor?.kind ?? 'function'}.${identity.name}` : undefined;
}

/** What nodes name that others perform, those of children included: each target once, with the first node that names it. */
export function executorsOf(nodes: readonly PlanNode[]): readonly PlanExecutor[] {
  const found = new Map<string, PlanExecutor>();
  const add = (one: PlanExecutor): void => {
    const { kind, name, target } = one.reference;
    const key = JSON.stringify([kind, name, target]);
    if (!found.has(key)) found.set(key, one);
  };
  for (const { id, executor, child } of nodes) {
    if (executor !== undefined) add({ node: id, reference: executor });
    for (const { node, reference } of child?.executors ?? []) add({ node: `${id}/${node}`, reference });
  }
  return [...found.values()];
}

/** The error of a node whose executor nobody provides. */
export function executorMissing(node: string, { kind, name, providedBy }: ExecutorReference): ConfigurationError {
  const what = `Node "${node}" is performed by the ${kind} executor "${name}", which nothing provides here: add ${providedBy}.`;
  return new ConfigurationError('EXECUTOR_MISSING', what, { at: node });
}

/** What keeps the executors of a plan from performing its nodes. */
export function executorProblems(
  { executors }: Plan,
  find: (reference: ExecutorReference) => Executor | undefined,
): readonly LockstepError[] {
  return executors.flatMap(({ node, reference }) => {
    const executor = find(reference);
    return executor === undefined ? executorMissing(node, reference) : (executor.check(reference.target) ?? []);
  });
}
