import { WorkflowBuildError } from './errors.js';
import type { ConnectionData } from './workflow-data.js';

function refuse(end: string, value: unknown, what: string): never {
  const shown = typeof value === 'string' ? `"${value}"` : `The ${end} of the connection`;
  throw new WorkflowBuildError('UNKNOWN_PORT', `${shown} does not name ${what}.`, {
    at: typeof value === 'string' ? value : 'connect',
    value,
  });
}

function stepsOf(text: unknown): readonly string[] {
  return typeof text === 'string' ? text.split('.') : [];
}

/**
 * The connection from `'node.port'` or `'node.port.path'` to `'node.port'`. Whether they exist is seen at `build()`.
 *
 * @throws WorkflowBuildError UNKNOWN_PORT
 */
export function connectionOf(from: unknown, to: unknown): ConnectionData {
  const [source, output, ...path] = stepsOf(from);
  if (!source || !output) refuse('source', from, 'a node and a port');
  return { from: { kind: 'output', node: source, port: output, path }, to: inputOf(to) };
}

/** The input that `'node.port'` names. @throws WorkflowBuildError UNKNOWN_PORT */
export function inputOf(text: unknown): ConnectionData['to'] {
  const [node, port, ...rest] = stepsOf(text);
  if (!node || !port || rest.length > 0) refuse('target', text, 'a node and an input');
  return { node, port };
}
