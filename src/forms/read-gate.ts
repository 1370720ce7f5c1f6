import { type GateOptions, waysOf } from '../base/nodes/gate.js';
import type { StandardSchema } from '../base/standard-schema.js';
import { onBehalfOf } from './document-error.js';
import { connectInputs, type ReadNode, readConfig, useOptions } from './read-uses.js';

/** A gate has an input for each thing that it shows: their names are given first, so that they exist. */
export const readGate: ReadNode = (id, cursor, reading) => {
  cursor.fields(['gate', 'shows', 'config', 'answer', 'timeoutMs', 'after', 'join']);
  const gate = cursor.need('gate');
  if (gate.value !== true) gate.fail('a gate is written as "gate: true".');
  const shown = (cursor.get('shows')?.entries() ?? []).map(([name]) => [name, undefined]);
  const answer = cursor.get('answer');
  const { timeoutMs, ...use } = useOptions(cursor, reading.registry);
  const options: GateOptions<Readonly<Record<string, unknown>>, StandardSchema> = {
    shows: { ...Object.fromEntries(shown), ...readConfig(cursor.get('config'), reading) },
    ...(answer === undefined ? {} : { answer: reading.sources.schemaAt(answer) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  onBehalfOf(cursor.path, () => reading.builder.gate(id, options, use));
  connectInputs(id, cursor.get('shows'), reading);
  return waysOf(timeoutMs);
};
