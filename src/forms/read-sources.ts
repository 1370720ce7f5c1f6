import { didYouMean } from '../base/did-you-mean.js';
import { INDEX, ITEM } from '../base/plan.js';
import { asRef, type Ref, Reference, type RefScope } from '../base/ref.js';
import type { StandardSchema } from '../base/standard-schema.js';
import { templateNames } from '../base/templates.js';
import type { Source } from '../base/workflow-data.js';
import { jsonSchema } from '../mixins/validation/json-schema.js';
import type { Cursor } from './cursor.js';
import { DocumentError, onBehalfOf } from './document-error.js';
import type { NodeRegistry } from './registry.js';

/** How parameters are written. */
export const PARAMS = '$params';

type Leaf = Source & { readonly kind: 'output' | 'parameter' };

/** Expressions, by the key that tells them apart. */
const FORMS = {
  from: ['from', 'path', 'schema'],
  of: ['of', 'path', 'schema'],
  oneOf: ['oneOf'],
  collect: ['collect'],
  firstOf: ['firstOf'],
  required: ['required'],
  join: ['join', 'cases'],
  literal: ['literal'],
  template: ['template'],
} as const satisfies Record<string, readonly string[]>;

type Form = keyof typeof FORMS;

/** Where a text is no expression. */
const PLAIN_KEYS = ['literal', 'path', 'schema'];

/** Whether a name stands for the item of a map or its number. */
export function isItemName(name: string | undefined): boolean {
  return name === ITEM || name === INDEX;
}

/** A join that was read, to be compared with its owner once all nodes are known. */
interface ReadJoin {
  readonly place: Cursor;
  readonly owner: string;
  readonly cases: readonly string[];
}

function steps(cursor: Cursor | undefined): readonly string[] {
  if (cursor === undefined) return [];
  const path = Array.isArray(cursor.value) ? cursor.items().map((item) => item.text()) : cursor.text().split('.');
  return path.every((step) => step !== '') ? path : cursor.fail('a path has an empty step.');
}

/** Reads expressions of one document. */
export class SourceReader {
  readonly #scope: RefScope;
  readonly #registry: NodeRegistry;
  readonly #joins: ReadJoin[] = [];

  constructor(scope: RefScope, registry: NodeRegistry) {
    this.#scope = scope;
    this.#registry = registry;
  }

  /** An expression as a reference. */
  ref(cursor: Cursor): Ref<never> {
    return asRef(new Reference(this.source(cursor), this.#scope));
  }

  /** Expressions by name, as references. */
  refs(cursor: Cursor): Readonly<Record<string, Ref<never>>> {
    return Object.fromEntries(cursor.entries().map(([name, source]) => [name, this.ref(source)]));
  }

  source(cursor: Cursor): Source {
    if (typeof cursor.value === 'string') return this.leaf(cursor);
    if (!cursor.isObject)
      return cursor.fail(
        `this is no source, but a value. A value stands under "config", or as { literal: … }; a source is a text such as "node.port", or an object with ${listed()}.`,
      );
    const keys = Object.keys(cursor.object());
    const form = (Object.keys(FORMS) as Form[]).find((each) => keys.includes(each));
    if (form === undefined)
      return cursor.fail(`this is no source. It is a text such as "node.port", or an object with ${listed()}.`);
    cursor.fields(FORMS[form]);
    const inner = cursor.need(form);
    switch (form) {
      case 'from':
        return this.#extended(this.leaf(inner), cursor);
      case 'of':
        return { kind: 'path', of: this.source(inner), path: steps(cursor.need('path')), ...this.#schema(cursor) };
      case 'oneOf':
      case 'collect':
      case 'firstOf':
        return { kind: form, of: this.#several(inner) };
      case 'required':
        return { kind: 'required', of: this.source(inner) };
      case 'join':
        return this.join(inner, cursor.need('cases'));
      case 'literal':
        return { kind: 'literal', value: inner.value };
      case 'template':
        return { kind: 'template', value: inner.value };
    }
  }

  /** Compares every join with its owner's cases; those of an owner that does not exist are left to the builder. */
  checkJoins(casesOf: (owner: string) => readonly string[] | undefined): void {
    for (const { place, owner, cases } of this.#joins) {
      const known = casesOf(owner);
      if (known === undefined) continue;
      const refuse = (what: string, key?: string): never => {
        throw new DocumentError('JOIN_CASES', what, key === undefined ? place.path : [...place.path, key]);
      };
      if (known.length === 0) refuse(`"${owner}" has no cases to join.`);
      const missing = known.filter((name) => !cases.includes(name));
      if (missing.length > 0)
        refuse(`the join of "${owner}" leaves out ${missing.map((name) => `"${name}"`).join(', ')}.`);
      const unknown = cases.find((name) => !known.includes(name));
      if (unknown !== undefined) refuse(`"${owner}" has no case "${unknown}". ${didYouMean(unknown, known)}`, unknown);
    }
  }

  /** A schema of a document: a JSON Schema, or the name of a registered one. */
  schemaAt(cursor: Cursor): StandardSchema {
    const { value } = cursor;
    if (typeof value === 'string') return onBehalfOf(cursor.path, () => this.#registry.schema(value));
    return jsonSchema(typeof value === 'boolean' ? value : cursor.object());
  }

  /** `node.port.path` or `$params.name.path`. */
  protected leaf(cursor: Cursor): Leaf {
    const text = cursor.text();
    const [first, second, ...path] = text.split('.');
    if (isItemName(first)) return cursor.fail(`only the inputs of a map can read "${first}".`);
    if (!first || !second || path.includes(''))
      return cursor.fail(`"${text}" does not name a node and an output, such as "node.port", or "${PARAMS}.name".`);
    return first === PARAMS
      ? { kind: 'parameter', name: second, path }
      : { kind: 'output', node: first, port: second, path };
  }

  protected join(owner: Cursor, cases: Cursor): Source {
    const sources = Object.fromEntries(cases.entries().map(([name, source]) => [name, this.source(source)]));
    this.#joins.push({ place: cases, owner: owner.text(), cases: Object.keys(sources) });
    return { kind: 'join', owner: owner.text(), cases: sources };
  }

  #extended(source: Leaf, cursor: Cursor): Source {
    return { ...source, path: [...source.path, ...steps(cursor.get('path'))], ...this.#schema(cursor) };
  }

  #schema(cursor: Cursor): { readonly schema?: string } {
    const schema = cursor.get('schema');
    return schema === undefined ? {} : { schema: this.#scope.keepSchema(this.schemaAt(schema)) };
  }

  #several(cursor: Cursor): readonly Source[] {
    const sources = cursor.items().map((item) => this.source(item));
    return sources.length > 0 ? sources : cursor.fail('there is no source in the list.');
  }
}

function listed(): string {
  return Object.keys(FORMS)
    .join(', ')
    .replace(/, (\w+)$/, ' or $1');
}

/** Whether an expression mentions the item of a map or its number. */
export function readsItem(value: unknown): boolean {
  if (typeof value === 'string') return isItemName(value.split('.')[0]);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) =>
    key === 'template'
      ? templateNames(inner).some(({ name }) => isItemName(name))
      : !PLAIN_KEYS.includes(key) && readsItem(inner),
  );
}

/** Reads expressions over the item of a map and its number, which see nothing else. */
export class ItemSourceReader extends SourceReader {
  protected override leaf(cursor: Cursor): Leaf {
    const [name, ...path] = cursor.text().split('.');
    if (!readsItem(cursor.value)) return this.#mixed(cursor);
    return path.includes('')
      ? cursor.fail('a path has an empty step.')
      : { kind: 'parameter', name: name as string, path };
  }

  protected override join(owner: Cursor): Source {
    return this.#mixed(owner);
  }

  #mixed(cursor: Cursor): never {
    return cursor.fail('an expression over the item of a map reads nothing else: give each an input of its own.');
  }
}
