import { LIST } from '../base/built-in.js';
import { LockstepError } from '../base/errors.js';
import type { MapOptions } from '../base/nodes/map.js';
import { INDEX, ITEM } from '../base/plan.js';
import { type Reference, type RefScope, referenceOf } from '../base/ref.js';
import { templateNames } from '../base/templates.js';
import type { Cursor } from './cursor.js';
import { DocumentError, onBehalfOf } from './document-error.js';
import { ItemSourceReader, isItemName, readsItem } from './read-sources.js';
import {
  type AnyBound,
  type Bare,
  COMMON,
  checkPorts,
  definitionAt,
  mergeAt,
  type NodeReading,
  type ReadNode,
  useOptions,
  workflowAt,
} from './read-uses.js';
import { readTemplate } from './templates.js';

/** What runs for each item. */
function bodyAt(cursor: Cursor, reading: NodeReading): Bare {
  const body = cursor.need('map');
  if (typeof body.value === 'string') return definitionAt(body, reading);
  const kind = ['workflow', 'merge'].find((each) => body.has(each));
  if (kind === undefined)
    return body.fail('a map runs a definition, such as "clean@1", { workflow: name } or { merge: kind }.');
  const inner = body.fields([kind]).need(kind);
  return kind === 'workflow' ? workflowAt(inner, reading) : mergeAt(inner, cursor, reading);
}

/** Binds the inputs of what runs for each item. */
class BodyReader {
  readonly #cursor: Cursor;
  readonly #reading: NodeReading;
  readonly #item: RefScope;
  readonly #items: ItemSourceReader;
  readonly #bound: Record<string, unknown>;

  constructor(cursor: Cursor, reading: NodeReading, item: RefScope, { inputs }: Bare) {
    this.#cursor = cursor;
    this.#reading = reading;
    this.#item = item;
    this.#items = new ItemSourceReader(item, reading.registry);
    this.#bound = { ...inputs };
  }

  read(): Readonly<Record<string, unknown>> {
    if (!this.#cursor.need('map').has('merge'))
      for (const [port, value] of this.#cursor.get('config')?.entries() ?? [])
        this.#bound[port] = this.#template(value);
    for (const [port, sources] of this.#cursor.get('inputs')?.entries() ?? []) this.#source(port, sources);
    return this.#bound;
  }

  #template(value: Cursor): unknown {
    if (templateNames(value.value).some(({ name }) => isItemName(name)))
      return readTemplate(value, [ITEM, INDEX], this.#item);
    const { builder } = this.#reading;
    return readTemplate(value, Object.keys(builder.params), builder);
  }

  /** The first source: further ones are connected to the input of the map that this makes. */
  #source(port: string, sources: Cursor): void {
    const [first, ...more] = sources.some();
    if (first === undefined) return;
    if (Object.hasOwn(this.#bound, port)) sources.fail(`"${port}" stands under "config" too: use one of the two.`);
    const own = readsItem(first.value);
    const other = more.find((each) => own || readsItem(each.value));
    if (other !== undefined) other.fail('an input that reads the item of a map has one source.');
    this.#bound[port] = (own ? this.#items : this.#reading.sources).ref(first);
  }
}

/** Where in a map something is wrong that the builder found in its body: an input of it, if it names one. */
function placeInBody({ at }: LockstepError, cursor: Cursor): Cursor {
  const port = /\.([\w-]+)$/.exec(at)?.[1] ?? '';
  return cursor.get('inputs')?.get(port) ?? cursor.get('config')?.get(port) ?? cursor;
}

function mapOptions(cursor: Cursor, { registry }: NodeReading): MapOptions {
  const [most, failed] = [cursor.get('maxConcurrency'), cursor.get('onItemError')];
  return {
    ...useOptions(cursor, registry),
    ...(most === undefined ? {} : { maxConcurrency: most.number() }),
    ...(failed === undefined ? {} : { onItemError: failed.word(['fail', 'collect']) }),
  };
}

export const readMap: ReadNode = (id, cursor, reading) => {
  cursor.fields(['map', 'over', 'inputs', 'config', 'maxConcurrency', 'onItemError', ...COMMON]);
  const { builder, sources } = reading;
  const bare = bodyAt(cursor, reading);
  const { implementation } = bare;
  if (!cursor.need('map').has('merge')) checkPorts(cursor, implementation);
  const over = cursor.need('over').some();
  const literal = over.find((each) => each.has('literal'))?.fields(['literal']);
  const options = mapOptions(cursor, reading);
  const body = (item: unknown): AnyBound => {
    const scope = (referenceOf(item) as Reference).scope as RefScope;
    return { implementation, inputs: new BodyReader(cursor, reading, scope, bare).read() } as unknown as AnyBound;
  };
  try {
    builder.map(id, literal?.need('literal').value as never, body, options);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    throw DocumentError.from(error, placeInBody(error, cursor).path);
  }
  for (const each of over)
    if (!each.has('literal')) onBehalfOf(each.path, () => builder.connect(sources.ref(each), `${id}.${LIST}`));
  for (const [port, all] of cursor.get('inputs')?.entries() ?? [])
    for (const each of all.some().slice(1))
      onBehalfOf(each.path, () => builder.connect(sources.ref(each), `${id}.${port}`));
  return [];
};
