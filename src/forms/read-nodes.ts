import type { Cursor } from './cursor.js';
import { onBehalfOf } from './document-error.js';
import { readCase } from './read-conditions.js';
import { readGate } from './read-gate.js';
import { readMap } from './read-map.js';
import { PARAMS } from './read-sources.js';
import {
  addBound,
  type Bare,
  COMMON,
  checkPorts,
  definitionAt,
  mergeAt,
  type NodeReading,
  type ReadNode,
  readConfig,
  useOptions,
  workflowAt,
} from './read-uses.js';

const MODES = ['first', 'all', 'partition'] as const;

/** Reads what has named inputs and configuration: a definition or a workflow in use. */
function readUse(kind: 'use' | 'workflow', find: (cursor: Cursor, reading: NodeReading) => Bare): ReadNode {
  return (id, cursor, reading) => {
    cursor.fields([kind, 'inputs', 'config', 'allowFailure', ...COMMON]);
    const { implementation } = find(cursor.need(kind), reading);
    checkPorts(cursor, implementation);
    const inputs = readConfig(cursor.get('config'), reading);
    return addBound(id, { implementation, inputs }, cursor, reading);
  };
}

const readMerge: ReadNode = (id, cursor, reading) => {
  cursor.fields(['merge', 'inputs', 'config', 'allowFailure', ...COMMON]);
  return addBound(id, mergeAt(cursor.need('merge'), cursor, reading), cursor, reading);
};

const readSwitch: ReadNode = (id, cursor, { builder, registry, sources }) => {
  cursor.fields(['switch', 'mode', 'cases', ...COMMON]);
  const mode = cursor.get('mode')?.word(MODES) ?? 'first';
  const options = useOptions(cursor, registry);
  if (mode === 'partition') cursor.need('cases');
  const list = cursor
    .get('cases')
    ?.entries()
    .map(([name, test]) => [name, readCase(test, registry)] as const);
  const cases = list === undefined ? undefined : (Object.fromEntries(list) as never);
  const on = cursor.need('switch').some();
  const constant = on
    .find((each) => each.has('literal'))
    ?.fields(['literal'])
    .need('literal').value;
  onBehalfOf(cursor.path, () => {
    if (mode === 'partition') builder.partition(id, constant as never, cases as never, options);
    else builder.switch(id, constant as never, cases as never, { ...options, mode } as never);
  });
  for (const each of on) {
    if (!each.has('literal')) onBehalfOf(each.path, () => builder.connect(sources.ref(each), `${id}.value`));
  }
  return mode === 'first' ? (list?.map(([name]) => name) ?? ['true', 'false']) : [];
};

/** How each kind of node is read, by the key that tells it apart. */
const READERS: Readonly<Record<string, ReadNode>> = {
  use: readUse('use', definitionAt),
  switch: readSwitch,
  merge: readMerge,
  workflow: readUse('workflow', workflowAt),
  map: readMap,
  gate: readGate,
};

/** Reads one node. */
export function readNode(id: string, cursor: Cursor, reading: NodeReading): readonly string[] {
  if (id === PARAMS) cursor.fail(`"${PARAMS}" cannot be the id of a node.`);
  const keys = Object.keys(cursor.object());
  const kinds = Object.keys(READERS);
  const [kind] = kinds.filter((each) => keys.includes(each));
  if (kind === undefined) return cursor.fail(`this is no node. It has one of ${kinds.join(', ')}.`);
  return (READERS[kind] as ReadNode)(id, cursor, reading);
}
