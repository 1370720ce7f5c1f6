import type { Attempt } from './attempt.js';
import { didYouMean } from './did-you-mean.js';
import { AttemptError } from './errors.js';
import type { NodeImplementation } from './node.js';
import { ask, formatIssues } from './schema.js';

/**
 * Checks what a node returned: an object with the declared ports and no other. Values are checked, never replaced; those of
 * `type<T>()` ports are not looked at.
 *
 * @throws AttemptError NODE_RETURNED_NOTHING, OUTPUT_UNKNOWN, OUTPUT_INVALID, SCHEMA_ASYNC, SCHEMA_THREW
 */
export function checkOutput({ node }: Pick<Attempt, 'node'>, returned: unknown): Readonly<Record<string, unknown>> {
  if (typeof returned !== 'object' || returned === null || Array.isArray(returned)) {
    const what = returned === null ? 'null' : Array.isArray(returned) ? 'an array' : typeof returned;
    throw new AttemptError(
      'NODE_RETURNED_NOTHING',
      `Node "${node.id}" returned ${what === 'undefined' ? 'nothing' : what}.`,
      { at: node.id, value: returned },
    );
  }
  const output = returned as Readonly<Record<string, unknown>>;
  const { outputs } = node.implementation;
  for (const name in output) if (!declares(outputs, name)) unknownPort(node.id, name, outputs);
  if (!node.checkedOutputs) return output;
  for (const port of outputs) {
    if (port.unchecked) continue;
    const at = `${node.id}.${port.name}`;
    const { issues } = ask(port.schema, output[port.name], at);
    if (issues !== undefined)
      throw new AttemptError('OUTPUT_INVALID', `Output "${at}" does not fit its schema: ${formatIssues(issues)}.`, {
        at,
        value: output[port.name],
      });
  }
  return output;
}

function declares(outputs: NodeImplementation['outputs'], name: string): boolean {
  for (let index = 0; index < outputs.length; index++) if (outputs[index]?.name === name) return true;
  return false;
}

function unknownPort(id: string, name: string, outputs: NodeImplementation['outputs']): never {
  const known = outputs.map((port) => port.name);
  throw new AttemptError(
    'OUTPUT_UNKNOWN',
    `Node "${id}" returned "${name}", which it does not declare. ${didYouMean(name, known)}`,
    { at: `${id}.${name}` },
  );
}
