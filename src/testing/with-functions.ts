import { executorMissing } from '../base/executor.js';
import type { NodeImplementation } from '../base/node.js';
import { childOf, Workflow } from '../base/workflow.js';

/** Makes another implementation of one that has a function. `path` names the node as `owner/node`, the owners being maps and subworkflows. */
export type ChangeFunction = (path: string, implementation: NodeImplementation) => NodeImplementation;

/**
 * The same workflow with other functions, those of children included. Maps, subworkflows and gates have none: the machine
 * performs them.
 */
export function withFunctions<Params, Output>(
  { data, bindings }: Workflow<Params, Output>,
  change: ChangeFunction,
  owners = '',
): Workflow<Params, Output> {
  const implementations = new Map<string, NodeImplementation>();
  for (const [id, implementation] of bindings.implementations) {
    const { gate } = implementation;
    const child = childOf(implementation);
    const path = `${owners}${id}`;
    if (child !== undefined)
      implementations.set(id, { ...implementation, child: withFunctions(child, change, `${path}/`) });
    else
      implementations.set(
        id,
        gate === undefined ? changed(implementation, change(path, implementation)) : implementation,
      );
  }
  return new Workflow(data, { ...bindings, implementations });
}

/** A node that got another function is performed by that, and by no executor. */
function changed(original: NodeImplementation, other: NodeImplementation): NodeImplementation {
  if (other.run === original.run || other.executor === undefined) return other;
  const { executor: _, ...here } = other;
  return here;
}

/** The paths of all nodes that have a function, those of children included, or of those for which something holds. */
export function pathsOf(
  workflow: Workflow,
  holds: (implementation: NodeImplementation) => boolean = () => true,
): readonly string[] {
  const paths: string[] = [];
  withFunctions(workflow, (path, implementation) => {
    if (holds(implementation)) paths.push(path);
    return implementation;
  });
  return paths;
}

/**
 * Refuses a workflow with nodes that executors perform, those excepted that have a stub: there is nobody here to perform them.
 *
 * @throws ConfigurationError EXECUTOR_MISSING
 */
export function refuseExecutors(workflow: Workflow, stubs: Readonly<Record<string, unknown>> = {}): void {
  withFunctions(workflow, (path, implementation) => {
    const { executor } = implementation;
    if (executor !== undefined && stubs[path] === undefined) throw executorMissing(path, executor);
    return implementation;
  });
}

/** The paths of all gates, those of children included. */
export function gatesOf({ bindings }: Workflow, owners = ''): readonly string[] {
  return [...bindings.implementations].flatMap(([id, implementation]) => {
    const child = childOf(implementation);
    if (child !== undefined) return gatesOf(child, `${owners}${id}/`);
    return implementation.gate === undefined ? [] : [`${owners}${id}`];
  });
}
