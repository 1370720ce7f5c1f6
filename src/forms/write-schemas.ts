import { canonicalJson } from '../base/canonical-json.js';
import { ConfigurationError } from '../base/errors.js';
import { predicateIdentity } from '../base/predicate.js';
import { isUnchecked } from '../base/schema.js';
import type { StandardSchema } from '../base/standard-schema.js';
import type { NodeIdentity } from '../base/workflow-data.js';
import { jsonSchemaOf } from '../mixins/validation/json-schema.js';
import { formatName } from './definition-name.js';
import type { SchemaDocument } from './document.js';
import type { NodeRegistry } from './registry.js';

/** The error of something that a document cannot name. */
export function notRegistered(at: string, what: string): never {
  throw new ConfigurationError('NOT_REGISTERED', `${at}: ${what}`, { at });
}

/** The part of Standard JSON Schema (https://standardschema.dev/json-schema) that is read here. */
interface Describing {
  readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => Record<string, unknown> };
}

function described(schema: StandardSchema): Record<string, unknown> | undefined {
  const { jsonSchema } = schema['~standard'] as Describing;
  if (typeof jsonSchema?.input !== 'function') return undefined;
  try {
    const { $schema: _, ...rest } = jsonSchema.input({ target: 'draft-2020-12' });
    return rest;
  } catch {
    return undefined;
  }
}

/** Writes what stands in the bindings of a workflow: schemas and predicates, and literals. */
export class SchemaWriter {
  readonly #registry: NodeRegistry | undefined;

  constructor(registry: NodeRegistry | undefined) {
    this.#registry = registry;
  }

  /** A literal as it is, as long as JSON can hold it. @throws LockstepError UNHASHABLE_LITERAL */
  literal(value: unknown, at: string): unknown {
    canonicalJson(value, at);
    return value;
  }

  write(schema: StandardSchema, at: string): SchemaDocument {
    const registered = this.#registry?.nameOfSchema(schema);
    if (registered !== undefined) return registered;
    const own = jsonSchemaOf(schema);
    if (own !== undefined) return own.jsonSchema;
    if (isUnchecked(schema)) return {};
    return (
      described(schema) ??
      notRegistered(at, 'its schema is not registered and does not describe itself as JSON Schema.')
    );
  }

  predicate(use: NodeIdentity, at: string): string {
    const text = formatName(use);
    try {
      this.#registry?.predicate(use.name, use.version);
    } catch {
      notRegistered(at, `the predicate "${text}" is not in the registry.`);
    }
    return text;
  }

  predicateOf(test: unknown, at: string, what: string): string {
    const use = predicateIdentity(test);
    return use === undefined ? notRegistered(at, `${what} is a function without a name.`) : this.predicate(use, at);
  }
}
