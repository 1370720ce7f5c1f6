import { type Condition, when } from '../base/condition.js';
import { allOf, anyOf, budget, plateau, tolerance } from '../base/convergence.js';
import { otherwise } from '../base/nodes/switch.js';
import { cel } from './cel.js';
import type { Cursor } from './cursor.js';
import { parseName } from './definition-name.js';
import { onBehalfOf } from './document-error.js';
import type { SourceReader } from './read-sources.js';
import type { NamedPredicate, NodeRegistry } from './registry.js';

/** Conditions, by the key that tells them apart. */
const FORMS = {
  when: ['when', 'over'],
  predicate: ['predicate', 'of', 'over'],
  tolerance: ['tolerance', 'epsilon', 'relative'],
  plateau: ['plateau', 'patience', 'epsilon', 'mode'],
  budget: ['budget'],
  anyOf: ['anyOf'],
  allOf: ['allOf'],
} as const satisfies Record<string, readonly string[]>;

type Form = keyof typeof FORMS;

const CASES = { when: ['when'], op: ['op', 'value', 'path'], predicate: ['predicate'] } as const;

function formOf<F extends string>(cursor: Cursor, forms: Readonly<Record<F, readonly string[]>>, what: string): F {
  const keys = Object.keys(cursor.object());
  const form = (Object.keys(forms) as F[]).find((each) => keys.includes(each));
  if (form === undefined) return cursor.fail(`this is no ${what}. It has one of ${Object.keys(forms).join(', ')}.`);
  cursor.fields(forms[form]);
  return form;
}

/** The predicate that a document names. */
export function predicateAt(cursor: Cursor, registry: NodeRegistry): NamedPredicate {
  const { name, version } = parseName(cursor.text());
  return onBehalfOf(cursor.path, () => registry.predicate(name, version));
}

/** A case of a switch. */
export function readCase(cursor: Cursor, registry: NodeRegistry): unknown {
  if (cursor.value === 'otherwise') return otherwise;
  if (!cursor.isObject)
    return cursor.fail('this is no case of a switch. It is "otherwise", or an object with one of when, op, predicate.');
  const form = formOf(cursor, CASES, 'case of a switch');
  const inner = cursor.need(form);
  if (form === 'when') return onBehalfOf(inner.path, () => cel(inner.text()));
  if (form === 'predicate') return predicateAt(inner, registry);
  const [value, path] = [cursor.get('value'), cursor.get('path')];
  return {
    op: inner.text(),
    ...(value === undefined ? {} : { value: value.value }),
    ...(path === undefined ? {} : { path: path.text() }),
  };
}

/** Reads conditions of one document. */
export class ConditionReader {
  readonly #sources: SourceReader;
  readonly #registry: NodeRegistry;

  constructor(sources: SourceReader, registry: NodeRegistry) {
    this.#sources = sources;
    this.#registry = registry;
  }

  read(cursor: Cursor): Condition {
    const form = formOf(cursor, FORMS, 'condition');
    return onBehalfOf(cursor.path, () => this.#make(form, cursor.need(form), cursor));
  }

  #make(form: Form, inner: Cursor, cursor: Cursor): Condition {
    switch (form) {
      case 'when':
        return cel(this.#sources.refs(cursor.need('over')), inner.text());
      case 'predicate':
        return this.#predicate(inner, cursor);
      case 'tolerance': {
        const relative = cursor.get('relative');
        const options = relative === undefined ? {} : { relative: relative.flag() };
        return tolerance(this.#sources.ref(inner), cursor.need('epsilon').number(), options);
      }
      case 'plateau':
        return plateau(this.#sources.ref(inner), {
          patience: cursor.need('patience').number(),
          epsilon: cursor.get('epsilon')?.number() ?? 0,
          mode: cursor.get('mode')?.word(['min', 'max']) ?? 'min',
        });
      case 'budget':
        return budget(inner.fields(['iterations', 'elapsedMs']).object());
      case 'anyOf':
        return anyOf(...inner.items().map((item) => this.read(item)));
      case 'allOf':
        return allOf(...inner.items().map((item) => this.read(item)));
    }
  }

  #predicate(inner: Cursor, cursor: Cursor): Condition {
    const [of, over] = [cursor.get('of'), cursor.get('over')];
    const test = predicateAt(inner, this.#registry) as () => boolean;
    if ((of === undefined) === (over === undefined)) return cursor.fail('a predicate looks at one of "of" and "over".');
    return of === undefined ? when(this.#sources.refs(over as Cursor), test) : when(this.#sources.ref(of), test);
  }
}
