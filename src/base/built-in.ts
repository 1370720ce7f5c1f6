import { AttemptError } from './errors.js';
import type { GraphAttempt } from './graph-execution.js';
import { nodeName } from './transitions.js';

/** The input of a map that holds its list. */
export const LIST = '$list';

/**
 * Opens the children of a map or subworkflow, or a gate: what the machine performs itself. `false` for any other node.
 *
 * @throws AttemptError NOT_A_LIST
 */
export function openBuiltIn(attempt: GraphAttempt, inputs: Readonly<Record<string, unknown>>): boolean {
  const { graph, node } = attempt;
  switch (node.implementation.kind) {
    case 'map': {
      const { [LIST]: items, ...parameters } = inputs;
      if (!Array.isArray(items)) throw notAList(graph.scope, node.id, items);
      graph.openChildren(attempt, parameters, [...items]);
      return true;
    }
    case 'subworkflow':
      graph.openChildren(attempt, inputs, null);
      return true;
    case 'gate':
      graph.openGate(attempt, inputs);
      return true;
    default:
      return false;
  }
}

function notAList(scope: string, id: string, value: unknown): AttemptError {
  const kind = value === null ? 'null' : typeof value;
  const what = `The list of map "${nodeName(scope, id)}" is of type ${kind}.`;
  return new AttemptError('NOT_A_LIST', what, { at: `${scope}${id}`, value });
}
