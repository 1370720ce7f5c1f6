import { type OutputUnit, Validator } from '@cfworker/json-schema';
import type { SchemaResult, StandardSchema } from '../../base/standard-schema.js';

/** A JSON Schema (draft 2020-12). */
export type JsonSchemaDocument = boolean | Readonly<Record<string, unknown>>;

/** Options of `jsonSchema`. */
export interface JsonSchemaOptions {
  /** Whether a value may be left out even though the schema has no `default`. Default `false`. */
  readonly optional?: boolean;
}

/** Keywords whose errors begin with the value. */
const LIMITS: ReadonlySet<string> = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
]);
const validators = new WeakMap<object, Validator>();

function validatorFor(schema: JsonSchemaDocument): Validator {
  if (typeof schema === 'boolean') return new Validator(schema, '2020-12', false);
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = new Validator(schema, '2020-12', false);
    validators.set(schema, validator);
  }
  return validator;
}

/** The words of the validator, without the value with which they begin where a limit is broken. */
function describeError({ instanceLocation, keyword, error }: OutputUnit): string {
  return `${instanceLocation}: ${LIMITS.has(keyword) ? error.replace(/^\S+/, 'The value') : error}`;
}

/** What is wrong with a value, and where inside it; empty where nothing is. Never holds the value. */
export function jsonSchemaFaults(schema: JsonSchemaDocument, value: unknown): readonly string[] {
  const { valid, errors } = validatorFor(schema).validate(value);
  return valid ? [] : errors.map(describeError);
}

/** What quotes an issue ends the sentence itself. */
function withoutStop(fault: string): string {
  return fault.replace(/\.$/, '');
}

/** A Standard Schema that is made of a JSON Schema, and still knows it. */
export interface JsonSchemaValue<T> extends StandardSchema<T> {
  readonly jsonSchema: JsonSchemaDocument;
  readonly optional: boolean;
}

class FromJsonSchema {
  readonly '~standard';
  readonly jsonSchema: JsonSchemaDocument;
  readonly optional: boolean;

  constructor(jsonSchema: JsonSchemaDocument, optional: boolean) {
    this.jsonSchema = jsonSchema;
    this.optional = optional;
    this['~standard'] = {
      version: 1 as const,
      vendor: 'lockstep',
      validate: (value: unknown) => this.#validate(value),
    };
  }

  #validate(value: unknown): SchemaResult<unknown> {
    const { jsonSchema, optional } = this;
    if (value === undefined && typeof jsonSchema === 'object' && jsonSchema.default !== undefined)
      return { value: jsonSchema.default };
    if (value === undefined) return optional ? { value } : { issues: [{ message: 'a value is required' }] };
    const faults = jsonSchemaFaults(jsonSchema, value);
    return faults.length === 0 ? { value } : { issues: faults.map((fault) => ({ message: withoutStop(fault) })) };
  }
}

/**
 * A port or parameter that is described by a JSON Schema (draft 2020-12): what data forms declare, and usable in code as well.
 * Where the schema has a `default`, that stands for a value that is left out; the value itself is checked, never changed.
 * `$ref` may point inside the schema only.
 *
 * @throws whatever the validator says of a document that is no JSON Schema, when it is first asked: SCHEMA_THREW
 */
export function jsonSchema<T = unknown>(
  schema: JsonSchemaDocument,
  options: JsonSchemaOptions = {},
): JsonSchemaValue<T> {
  return new FromJsonSchema(schema, options.optional ?? false) as unknown as JsonSchemaValue<T>;
}

/** Sees the JSON Schema of which a schema was made; `undefined` for any other. */
export function jsonSchemaOf(schema: StandardSchema): JsonSchemaValue<unknown> | undefined {
  return schema instanceof FromJsonSchema ? (schema as unknown as JsonSchemaValue<unknown>) : undefined;
}
