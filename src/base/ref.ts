import { ConfigurationError } from './errors.js';
import type { InferInput, StandardSchema } from './standard-schema.js';
import type { Source } from './workflow-data.js';

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
 * `T` is its type; `C` says on which branches it depends: `'always'`, or a union such as `'if route.many'`.
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

/** The closing edge of a cycle. */
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

/** The one implementation of `Ref`. */
export class Reference {
  readonly source: Source;
  readonly scope: RefScope | undefined;

  constructor(source: Source, scope: RefScope | undefined) {
    this.source = source;
    this.scope = scope;
  }

  at(key: string | number): Reference {
    return this.#read([String(key)]);
  }

  path(path: string, schema: StandardSchema): Reference {
    return this.#read(path.split('.'), schema);
  }

  or(other: unknown): Reference {
    const next: Source = other instanceof Reference ? other.source : { kind: 'literal', value: other };
    return new Reference({ kind: 'firstOf', of: [this.source, next] }, scopeOf('or', [this, other]));
  }

  to(input: InputHandle<never>): Feedback {
    return withHomes({ from: this.source, to: { node: input.node, port: input.port } }, [this, input]);
  }

  #read(steps: readonly string[], schema?: StandardSchema): Reference {
    const { source } = this;
    const named = schema === undefined ? {} : { schema: (this.scope as RefScope).keepSchema(schema) };
    const extended: Source =
      (source.kind === 'output' || source.kind === 'parameter') && source.schema === undefined
        ? { ...source, path: [...source.path, ...steps], ...named }
        : { kind: 'path', of: source, path: steps, ...named };
    return new Reference(extended, this.scope);
  }
}

/** The one scope of several references. @throws ConfigurationError FOREIGN_REF when they belong to different workflows */
function scopeOf(name: string, values: readonly unknown[]): RefScope | undefined {
  const scopes = new Set(values.flatMap((value) => (value instanceof Reference ? [value.scope] : [])));
  if (scopes.size > 1)
    throw new ConfigurationError('FOREIGN_REF', `${name}() mixes references of different workflows.`, { at: name });
  return [...scopes][0];
}

const homes = new WeakMap<object, readonly (RefScope | undefined)[]>();

/** Remembers to which workflows the parts of a feedback edge or a condition belong. */
export function withHomes<T extends object>(made: T, parts: readonly unknown[]): T {
  homes.set(
    made,
    parts.flatMap((part) => (part instanceof Reference || part instanceof InputPort ? [part.scope] : [])),
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

/** Makes the typed face of a reference. The only place where the two views meet. */
export function asRef<T, C extends string>(reference: Reference): Ref<T, C> {
  return reference as unknown as Ref<T, C>;
}

/** Sees the implementation behind a typed reference; `undefined` for anything else. */
export function referenceOf(value: unknown): Reference | undefined {
  return value instanceof Reference ? value : undefined;
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
  return new Reference({ kind, of: all.map((ref) => ref.source) }, scopeOf(kind, all));
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
  return asRef(new Reference({ kind: 'required', of: reference.source }, reference.scope));
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
