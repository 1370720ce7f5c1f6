import { didYouMean } from '../base/did-you-mean.js';
import type { Bound, NodeImplementation, PortSchemas } from '../base/node.js';
import type { UseOptions } from '../base/node-options.js';
import { merge } from '../base/nodes/merge.js';
import type { WorkflowBuilder } from '../base/workflow-builder.js';
import type { JoinRule } from '../base/workflow-data.js';
import type { Cursor } from './cursor.js';
import { parseName } from './definition-name.js';
import { onBehalfOf } from './document-error.js';
import { CAPABILITY_KEYS, readCapabilities } from './read-capabilities.js';
import type { SourceReader } from './read-sources.js';
import type { WorkflowReader } from './read-workflows.js';
import type { NodeRegistry } from './registry.js';
import { readTemplate } from './templates.js';

/** What any node may say beside what it does. */
export const COMMON = ['after', 'join', ...CAPABILITY_KEYS];
const MERGES = ['concat', 'zip', 'objects', 'byKey'] as const;
const JOINS: readonly JoinRule[] = ['required', 'all', 'any', 'always'];

/** What reading nodes needs. */
export interface NodeReading {
  readonly builder: WorkflowBuilder<PortSchemas>;
  readonly registry: NodeRegistry;
  readonly sources: SourceReader;
  readonly workflows: WorkflowReader;
}

/** Adds a node to the builder, and says which cases it has to join. */
export type ReadNode = (id: string, cursor: Cursor, reading: NodeReading) => readonly string[];

/** Something with its inputs bound. */
export type AnyBound = Bound<unknown, unknown, string>;

/** What a node runs, and what the document binds of it without naming an input. */
export interface Bare {
  readonly implementation: NodeImplementation;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** The options of a node, as the builder takes them. */
export function useOptions(cursor: Cursor, registry: NodeRegistry): UseOptions {
  const [after, join] = [cursor.get('after'), cursor.get('join')];
  return {
    ...(after === undefined ? {} : { after: after.some().map((each) => each.text()) }),
    ...(join === undefined ? {} : { join: join.word(JOINS) }),
    ...readCapabilities(cursor, registry),
  };
}

/** Connects inputs of a node that was added. */
export function connectInputs(id: string, cursor: Cursor | undefined, { builder, sources }: NodeReading): void {
  for (const [port, inputs] of cursor?.entries() ?? [])
    for (const input of inputs.some())
      onBehalfOf(input.path, () => builder.connect(sources.ref(input), `${id}.${port}`));
}

/** Configuration as literals, and references where templates name parameters. */
export function readConfig(cursor: Cursor | undefined, { builder }: NodeReading): Readonly<Record<string, unknown>> {
  const parameters = Object.keys(builder.params);
  const entries = cursor?.entries() ?? [];
  return Object.fromEntries(entries.map(([port, value]) => [port, readTemplate(value, parameters, builder)]));
}

/** Refuses an input that what the node runs does not have. */
export function checkPorts(cursor: Cursor, { inputs }: NodeImplementation): void {
  const known = inputs.map(({ name }) => name).filter((name) => !name.startsWith('$'));
  for (const named of [cursor.get('inputs'), cursor.get('config')]) {
    const unknown = named?.entries().find(([port]) => !known.includes(port))?.[0];
    if (unknown === undefined) continue;
    named?.failAtKey('UNKNOWN_PORT', unknown, `there is no input "${unknown}". ${didYouMean(unknown, known)}`);
  }
}

/** Adds what is bound so far, as a node that may fail where the document says so, and connects its inputs. */
export function addBound(id: string, bound: Bare, cursor: Cursor, reading: NodeReading): readonly string[] {
  const { builder, registry } = reading;
  const options = useOptions(cursor, registry);
  const allowed = cursor.get('allowFailure')?.flag() ?? false;
  onBehalfOf(cursor.path, () => {
    const free = bound as unknown as AnyBound;
    if (allowed) builder.try(id, free, options);
    else builder.add(id, free, options as UseOptions & { join?: 'required' });
  });
  connectInputs(id, cursor.get('inputs'), reading);
  return allowed ? ['ok', 'failed'] : [];
}

/** The registered definition that stands at a place. */
export function definitionAt(cursor: Cursor, { registry }: NodeReading): Bare {
  const { name, version } = parseName(cursor.text());
  const { implementation } = onBehalfOf(cursor.path, () => registry.get(name, version));
  return { implementation, inputs: {} };
}

/** A merge node has a port for each of its lists: they are bound first, so that its ports exist. */
export function mergeAt(kind: Cursor, cursor: Cursor, { builder }: NodeReading): Bare {
  const name = kind.word(MERGES);
  const inputs = cursor.need('inputs');
  const config = cursor.get('config');
  const options = (config === undefined ? {} : readTemplate(config, [], builder)) as Readonly<Record<string, unknown>>;
  const make = merge[name] as unknown as (lists: unknown, options: unknown) => AnyBound;
  const ports = inputs.entries().map(([port]) => port);
  if (name === 'concat' || name === 'objects') inputs.fields([name === 'concat' ? 'lists' : 'objects']);
  const lists = name === 'concat' || name === 'objects' ? [] : Object.fromEntries(ports.map((port) => [port, []]));
  const bound = onBehalfOf(cursor.path, () => make(lists, options));
  const own = Object.entries(bound.inputs).filter(([port]) => port.startsWith('$'));
  return { implementation: bound.implementation, inputs: Object.fromEntries(own) };
}

/** The workflow that stands at a place, as a node. */
export function workflowAt(cursor: Cursor, { workflows }: NodeReading): Bare {
  const call = workflows.at(cursor) as unknown as () => AnyBound;
  return { implementation: call().implementation, inputs: {} };
}
