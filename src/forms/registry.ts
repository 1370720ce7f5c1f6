import { didYouMean } from '../base/did-you-mean.js';
import { ConfigurationError } from '../base/errors.js';
import { isName } from '../base/names.js';
import type { NodeDefinition, NodeImplementation } from '../base/node.js';
import { predicateIdentity } from '../base/predicate.js';
import { isSchema } from '../base/schema.js';
import type { StandardSchema } from '../base/standard-schema.js';
import { Workflow } from '../base/workflow.js';
import type { NodeIdentity } from '../base/workflow-data.js';
import { compareVersions, formatName } from './definition-name.js';

/** A test that `definePredicate` named. */
export type NamedPredicate = (...args: never[]) => unknown;

/** Any node definition. */
export type AnyDefinition = { readonly implementation: NodeImplementation };

/** Things of one kind, by name and version. */
class Shelf<T> {
  readonly #kind: string;
  readonly #entries = new Map<string, Map<string | undefined, T>>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  put({ name, version }: NodeIdentity, thing: T): void {
    const versions = this.#entries.get(name) ?? new Map<string | undefined, T>();
    const text = formatName({ name, version });
    const refuse = (what: string): never => {
      throw new ConfigurationError('DUPLICATE_DEFINITION', what, { at: text });
    };
    if (versions.has(version)) refuse(`There is a ${this.#kind} "${text}" already.`);
    if (versions.size > 0 && (version === undefined || versions.has(undefined)))
      refuse(`The ${this.#kind} "${name}" is registered both with and without a version.`);
    this.#entries.set(name, versions.set(version, thing));
  }

  /** Versions of a name, latest last. */
  versions(name: string): readonly string[] {
    return [...(this.#entries.get(name)?.keys() ?? [])].filter((key) => key !== undefined).sort(compareVersions);
  }

  find(name: string, version: string | undefined): T | undefined {
    return this.#entries.get(name)?.get(version ?? this.versions(name).at(-1));
  }

  get(name: string, version: string | undefined): T {
    const found = this.find(name, version);
    if (found !== undefined) return found;
    const text = formatName({ name, version });
    const versions = this.#entries.get(name);
    const known =
      versions === undefined
        ? didYouMean(name, [...this.#entries.keys()])
        : `Known versions: ${this.versions(name).join(', ') || 'none'}.`;
    throw new ConfigurationError('UNKNOWN_DEFINITION', `No ${this.#kind} "${text}" is registered. ${known}`, {
      at: text,
      value: text,
    });
  }

  all(): readonly string[] {
    return [...this.#entries].flatMap(([name, versions]) =>
      [...versions.keys()].map((version) => formatName({ name, version })),
    );
  }

  /** The name of a thing, with its version. */
  nameOf(thing: T): string | undefined {
    for (const [name, versions] of this.#entries)
      for (const [version, each] of versions) if (each === thing) return formatName({ name, version });
    return undefined;
  }
}

/** What `register` takes. */
export type Registrable = AnyDefinition | NamedPredicate | Workflow;

/** What documents may refer to by name: node definitions, predicates, workflows and schemas. */
export class NodeRegistry {
  readonly #definitions = new Shelf<AnyDefinition>('node definition');
  readonly #predicates = new Shelf<NamedPredicate>('predicate');
  readonly #workflows = new Shelf<Workflow>('workflow');
  readonly #schemas = new Shelf<StandardSchema>('schema');

  /**
   * Registers node definitions and predicates (made by `definePredicate`) under their own names and versions, and workflows under
   * their own names. A name has either versions, each once, or one thing without a version.
   *
   * @throws ConfigurationError DUPLICATE_DEFINITION, INVALID_DEFINITION
   */
  register(...things: readonly Registrable[]): this {
    for (const thing of things) {
      const predicate = predicateIdentity(thing);
      if (thing instanceof Workflow) this.#workflows.put({ name: thing.name }, thing);
      else if (predicate !== undefined) this.#predicates.put(predicate, thing as NamedPredicate);
      else if (isDefinition(thing)) this.#definitions.put(thing.implementation.identity, thing);
      else
        throw new ConfigurationError(
          'INVALID_DEFINITION',
          'A registry takes node definitions, workflows, and predicates made by definePredicate.',
          { at: 'register', value: thing },
        );
    }
    return this;
  }

  /**
   * Registers a workflow under its own name and a version, which only documents see: a workflow has none of its own.
   *
   * @throws ConfigurationError DUPLICATE_DEFINITION, INVALID_DEFINITION
   */
  registerWorkflow(workflow: Workflow, version: string): this {
    if (!(workflow instanceof Workflow) || typeof version !== 'string' || version === '')
      throw new ConfigurationError('INVALID_DEFINITION', 'registerWorkflow() takes a built workflow and a version.', {
        at: 'registerWorkflow',
        value: version,
      });
    this.#workflows.put({ name: workflow.name, version }, workflow);
    return this;
  }

  /**
   * Registers a schema under a name.
   *
   * @throws ConfigurationError DUPLICATE_DEFINITION, INVALID_DEFINITION, INVALID_NAME
   */
  registerSchema(name: string, schema: StandardSchema): this {
    if (!isName(name))
      throw new ConfigurationError('INVALID_NAME', `"${String(name)}" cannot be the name of a schema.`, {
        at: 'registerSchema',
        value: name,
      });
    if (!isSchema(schema))
      throw new ConfigurationError('INVALID_DEFINITION', `Schema "${name}" is no Standard Schema.`, { at: name });
    this.#schemas.put({ name }, schema);
    return this;
  }

  /** A node definition; without a version the latest one, by semantic order. @throws ConfigurationError UNKNOWN_DEFINITION */
  get(name: string, version?: string): NodeDefinition<Record<string, unknown>, Record<string, unknown>> {
    return this.#definitions.get(name, version) as never;
  }

  /** A predicate; without a version the latest one. @throws ConfigurationError UNKNOWN_DEFINITION */
  predicate(name: string, version?: string): NamedPredicate {
    return this.#predicates.get(name, version);
  }

  /** A workflow; without a version the latest one. @throws ConfigurationError UNKNOWN_DEFINITION */
  workflow(name: string, version?: string): Workflow {
    return this.#workflows.get(name, version);
  }

  /** The name of a registered workflow, `name` or `name@version`. */
  nameOfWorkflow(workflow: Workflow): string | undefined {
    return this.#workflows.nameOf(workflow);
  }

  /** A schema. @throws ConfigurationError UNKNOWN_DEFINITION */
  schema(name: string): StandardSchema {
    return this.#schemas.get(name, undefined);
  }

  /** The name of a registered schema. */
  nameOfSchema(schema: StandardSchema): string | undefined {
    return this.#schemas.nameOf(schema);
  }

  /** Whether this very implementation is registered under its name and version. */
  holds(implementation: NodeImplementation): boolean {
    const { name, version } = implementation.identity;
    return this.#definitions.find(name, version)?.implementation === implementation;
  }

  /** Everything that is registered, as `name` or `name@version`, in the order of registration. */
  list(): {
    readonly definitions: readonly string[];
    readonly predicates: readonly string[];
    readonly workflows: readonly string[];
    readonly schemas: readonly string[];
  } {
    return {
      definitions: this.#definitions.all(),
      predicates: this.#predicates.all(),
      workflows: this.#workflows.all(),
      schemas: this.#schemas.all(),
    };
  }
}

function isDefinition(thing: unknown): thing is AnyDefinition {
  return (
    typeof thing === 'function' &&
    'implementation' in thing &&
    typeof thing.implementation === 'object' &&
    thing.implementation !== null
  );
}

/** A registry that holds these node definitions, predicates and workflows. @throws ConfigurationError as `register` does */
export function registry(...things: readonly Registrable[]): NodeRegistry {
  return new NodeRegistry().register(...things);
}
