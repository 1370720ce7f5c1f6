import { didYouMean } from './did-you-mean.js';
import { ConfigurationError, WorkflowBuildError } from './errors.js';
import { isRecord } from './record.js';
import { isSchema } from './schema.js';
import type { InferInput, StandardSchema } from './standard-schema.js';
import { expandTemplates, templateNames, wholeTemplate } from './templates.js';
import { describeSource, type Source } from './workflow-data.js';

declare const refType: unique symbol;
declare const inputType: unique symbol;

/** The conditions of two sources of which one suffices: `'always'` if either is, otherwise both. */
export type Either<C extends string, D extends string> = 'always' extends C | D ? 'always' : C | D;

/** The conditions of something that needs every source: all of them, without `'always'`. */
export type Both<C extends string> = [Exclude<C, 'always'>] extends [never] ? 'always' : Exclude<C, 'always'>;

/** The value of a source as its reader sees it: `T`, or `T | undefined` where a branch may leave it out. */
export type Delivered<T, C extends string> = [Exclude<C, 'always'>] extends [never] ? T : T | undefined;

type KeyOf<T> = T extends readonly unknown[] ? number : keyof NonNullable<T> & string;
type At<T, K> =
  NonNullable<T> extends infer U
    ? (K extends keyof U ? U[K] : never) | (T extends null | undefined ? undefined : never)
    : never;

/**
 * A value that a run will have: the output of a node, a parameter, or an expression over these.
 *
 * `T` is its type; `C` says on which branches it depends: `'always'`, or a union such as `'if route.many'`. Expressions may be
 * nested 1,000 levels deep; one that is deeper is refused where it is written (SOURCE_TOO_DEEP).
 */
export interface Ref<out T, out C extends string = 'always'> {
  readonly [refType]: { readonly value: T; readonly when: C };
  /** Reads a property or an index of the value. A path that is missing at run time counts as no value. */
  at<K extends KeyOf<T>>(key: K): Ref<At<T, K>, C>;
  /** Reads an untyped path such as `'a.0.b'`; the schema gives the type and checks the value at every attempt. */
  path<S extends StandardSchema>(path: string, schema: S): Ref<InferInput<S>, C>;
  /** This value, or, where it is dead or there is none, another source or a literal. */
  or<U, D extends string>(other: Ref<U, D>): Ref<Exclude<T, undefined> | U, Either<C, D>>;
  or<const U>(literal: U): Ref<Exclude<T, undefined> | U>;
  /** This output as feedback of a cycle. */
  to(input: InputHandle<T>): Feedback;
}

/** An input port of a node in a workflow. */
export interface InputHandle<in T> {
  readonly [inputType]: (value: T) => void;
  readonly node: string;
  readonly port: string;
  /** A node-addressed parameter: pass it to `execute` as `{ set: [handle.in.limit.is(50)] }`. Stronger than any connection. */
  is(value: T): NodeParameter;
}

/** The closing edge of a cycle. Made by `to`, and by nothing else. */
export interface Feedback {
  readonly from: Source;
  readonly to: { readonly node: string; readonly port: string };
}

/** A value for one input of one node in one run. */
export interface NodeParameter {
  readonly node: string;
  readonly port: string;
  readonly value: unknown;
}

/** The scope in which a reference is valid, and where it puts the schemas of untyped paths. One for each builder. */
export interface RefScope {
  /** Keeps a schema and returns the name under which the workflow data refers to it. */
  keepSchema(schema: StandardSchema): string;
}

/** How deep expressions may be nested: everything that reads them follows them by recursion. */
const DEEPEST_SOURCE = 1_000;

/** The one implementation of `Ref`. */
export class Reference {
  readonly source: Source;
  readonly scope: RefScope | undefined;
  /** How many expressions stand one inside the other: 0 for an output or a parameter. */
  readonly #depth: number;
  /** The output or parameter with which the expression begins. */
  readonly #root: Source;

  /**
   * @param parts what the source is an expression over
   * @throws WorkflowBuildError SOURCE_TOO_DEEP
   */
  constructor(source: Source, scope: RefScope | undefined, parts: readonly Reference[] = []) {
    this.source = source;
    this.scope = scope;
    this.#root = parts[0] === undefined ? source : parts[0].#root;
    this.#depth = parts.reduce((deepest, part) => Math.max(deepest, part.#depth + 1), 0);
    if (this.#depth > DEEPEST_SOURCE) tooDeep(this.#root);
  }

  /** What puts a reference into a text, a sum or a comparison would get neither its value nor an error without this. */
  [Symbol.toPrimitive](): never {
    const at = describeSource(this.source);
    const what = `${at} stands in a text, a calculation or a comparison, but has no value before the workflow runs.`;
    throw new WorkflowBuildError('REF_IN_LITERAL', what, { at });
  }

  at(key: string | number): Reference {
    if (typeof key !== 'string' && typeof key !== 'number') junk('at', 'takes the name of a property or an index', key);
    return this.#read([String(key)]);
  }

  path(path: string, schema: StandardSchema): Reference {
    if (typeof path !== 'string') junk('path', "takes a text such as 'a.0.b'", path);
    if (!isSchema(schema)) junk('path', 'takes a Standard Schema for what it reads', schema);
    return this.#read(path.split('.'), schema);
  }

  or(other: unknown): Reference {
    const next: Source = other instanceof Reference ? other.source : { kind: 'literal', value: other };
    const parts = other instanceof Reference ? [this, other] : [this];
    return new Reference({ kind: 'firstOf', of: [this.source, next] }, scopeOf('or', parts), parts);
  }

  to(input: InputHandle<never>): Feedback {
    const target: unknown = input;
    if (!(target instanceof InputPort)) junk('to', 'takes an input of a node, such as step.in.weights', target);
    return withHomes({ from: this.source, to: { node: target.node, port: target.port } }, [this, target]);
  }

  #read(steps: readonly string[], schema?: StandardSchema): Reference {
    const { source } = this;
    const named = schema === undefined ? {} : { schema: (this.scope as RefScope).keepSchema(schema) };
    return (source.kind === 'output' || source.kind === 'parameter') && source.schema === undefined
      ? new Reference({ ...source, path: [...source.path, ...steps], ...named }, this.scope)
      : new Reference({ kind: 'path', of: source, path: steps, ...named }, this.scope, [this]);
  }
}

function junk(name: string, what: string, value: unknown): never {
  throw new ConfigurationError('INVALID_DEFINITION', `${name}() ${what}.`, { at: name, value });
}

function tooDeep(root: Source): never {
  const at = describeSource(root);
  throw new WorkflowBuildError(
    'SOURCE_TOO_DEEP',
    `An expression that begins with ${at} is nested more than ${DEEPEST_SOURCE} levels deep.`,
    { at },
  );
}

/** The one scope of several references. @throws ConfigurationError FOREIGN_REF when they belong to different workflows */
function scopeOf(name: string, values: readonly unknown[]): RefScope | undefined {
  const scopes = new Set(values.flatMap((value) => (value instanceof Reference ? [value.scope] : [])));
  if (scopes.size > 1)
    throw new ConfigurationError('FOREIGN_REF', `${name}() mixes references of different workflows.`, { at: name });
  return [...scopes][0];
}

const homes = new WeakMap<object, readonly (RefScope | undefined)[]>();

/** Remembers to which workflows the parts of a feedback edge or a condition belong: references, inputs, other conditions. */
export function withHomes<T extends object>(made: T, parts: readonly unknown[]): T {
  homes.set(
    made,
    parts.flatMap((part) =>
      part instanceof Reference || part instanceof InputPort ? [part.scope] : homesOf(part as object),
    ),
  );
  return made;
}

/** Remembers in which scope a workflow was built. */
export function withHome<T extends object>(built: T, scope: RefScope): T {
  homes.set(built, [scope]);
  return built;
}

/** The scopes to which the parts of a feedback edge or a condition belong, or in which a workflow was built. */
export function homesOf(made: object): readonly (RefScope | undefined)[] {
  return homes.get(made) ?? [];
}

/** Whether a value was made by `to`, by `when` or by `build`, and not by hand. */
export function hasHomes(value: object): boolean {
  return homes.has(value);
}

/** Makes the typed face of a reference. The only place where the two views meet. */
export function asRef<T, C extends string>(reference: Reference): Ref<T, C> {
  return reference as unknown as Ref<T, C>;
}

/** Sees the implementation behind a typed reference; `undefined` for anything else. */
export function referenceOf(value: unknown): Reference | undefined {
  return value instanceof Reference ? value : undefined;
}

/** Whether a value is an object of references and literals by name. A reference alone is none. */
export function isBindings(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && !(value instanceof Reference);
}

function references(name: string, refs: readonly unknown[]): Reference[] {
  if (refs.length === 0)
    throw new ConfigurationError('INVALID_DEFINITION', `${name}() was called without a source.`, { at: name });
  return refs.map((ref) => {
    if (ref instanceof Reference) return ref;
    throw new ConfigurationError('INVALID_DEFINITION', `${name}() takes references, not literals.`, {
      at: name,
      value: ref,
    });
  });
}

function combine(kind: 'oneOf' | 'collect', refs: readonly unknown[]): Reference {
  const all = references(kind, refs);
  return new Reference({ kind, of: all.map((ref) => ref.source) }, scopeOf(kind, all), all);
}

type ValueOf<R> = R extends Ref<infer T, string> ? T : never;
type WhenOf<R> = R extends Ref<unknown, infer C> ? C : never;

/** One of several sources of which at most one is live, such as the ends of exclusive branches. Two live ones fail the attempt (INPUT_CONFLICT). */
export function oneOf<const Refs extends readonly Ref<unknown, string>[]>(
  ...refs: Refs
): Ref<ValueOf<Refs[number]>, Either<WhenOf<Refs[number]>, never>> {
  return asRef(combine('oneOf', refs));
}

/** All live sources, as an array, in the order given. Dead when none is live. */
export function collect<const Refs extends readonly Ref<unknown, string>[]>(
  ...refs: Refs
): Ref<ValueOf<Refs[number]>[], Either<WhenOf<Refs[number]>, never>> {
  return asRef(combine('collect', refs));
}

/** The same source, promised: where it is dead, the run (or the attempt that reads it) fails with OUTPUT_MISSING. */
export function required<T, C extends string>(ref: Ref<T, C>): Ref<T> {
  const [reference] = references('required', [ref]) as [Reference];
  return asRef(new Reference({ kind: 'required', of: reference.source }, reference.scope, [reference]));
}

type TemplateValue<T> = T extends string
  ? string
  : T extends object
    ? { readonly [K in keyof T]: TemplateValue<T[K]> }
    : T;

/**
 * A value in whose texts `${name}` and `${name.path}` stand for parameters, put in when a run reads it: `template('${dir}/out.csv',
 * w.params)`. Objects and lists are walked. A text that is one template is that parameter and keeps its type; inside other text,
 * objects and lists become JSON and an absent parameter nothing; `$${` stands for `${`. What documents write in `config` is such a
 * value; a literal in code never is.
 *
 * @throws ConfigurationError UNKNOWN_PARAMETER naming a name that is no parameter
 */
export function template<const T>(value: T, params: Readonly<Record<string, Ref<unknown>>>): Ref<TemplateValue<T>> {
  return asRef(new Reference(templateSource(value, Object.keys(params)), scopeOf('template', Object.values(params))));
}

/** A value with templates as a source: a parameter, a literal without any, or the template. @throws ConfigurationError UNKNOWN_PARAMETER */
export function templateSource(value: unknown, parameters: readonly string[], at = 'template()'): Source {
  const names = templateNames(value);
  for (const { name } of names) {
    if (parameters.includes(name)) continue;
    const what = `${at} names the parameter "${name}". ${didYouMean(name, parameters)}`;
    throw new ConfigurationError('UNKNOWN_PARAMETER', what, { at, value: name });
  }
  const whole = wholeTemplate(value);
  if (whole !== undefined) return { kind: 'parameter', ...whole };
  return names.length === 0 ? { kind: 'literal', value: expandTemplates(value, {}) } : { kind: 'template', value };
}

/** The one implementation of `InputHandle`. */
export class InputPort {
  readonly node: string;
  readonly port: string;
  readonly scope: RefScope | undefined;

  constructor(node: string, port: string, scope?: RefScope) {
    this.node = node;
    this.port = port;
    this.scope = scope;
  }

  is(value: unknown): NodeParameter {
    return { node: this.node, port: this.port, value };
  }
}
