import { AttemptError } from './errors.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';

const UNCHECKED = Symbol('lockstep.unchecked');

class UncheckedSchema {
  readonly [UNCHECKED] = true;
  readonly '~standard';

  constructor() {
    this['~standard'] = {
      version: 1 as const,
      vendor: 'lockstep',
      validate: (value: unknown): SchemaResult<unknown> =>
        value === undefined ? { issues: [{ message: 'a value is required' }] } : { value },
    };
  }
}

const unchecked = new UncheckedSchema();

/**
 * A port with a type and no check: values pass as they are, without a copy. The fastest port there is.
 * A value of `undefined` counts as missing.
 */
export function type<T>(): StandardSchema<T> {
  return unchecked as unknown as StandardSchema<T>;
}

/** Whether a schema is `type<T>()`, which the kernel never calls. */
export function isUnchecked(schema: StandardSchema): boolean {
  return UNCHECKED in schema;
}

/** Whether a value looks like a Standard Schema, version 1. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value))
    return false;
  const standard: unknown = value['~standard'];
  return (
    typeof standard === 'object' &&
    standard !== null &&
    'validate' in standard &&
    typeof standard.validate === 'function' &&
    'version' in standard &&
    standard.version === 1
  );
}

/** Whether a value is a promise or behaves like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function ignoreRejection(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => undefined);
}

/**
 * Asks a schema about a value, synchronously.
 *
 * @throws AttemptError SCHEMA_ASYNC when the schema answers with a promise (its rejection is handled), SCHEMA_THREW when it throws or gives no answer
 */
export function ask(schema: StandardSchema, value: unknown, at: string): SchemaResult<unknown> {
  let answer: SchemaResult<unknown> | PromiseLike<SchemaResult<unknown>>;
  try {
    answer = schema['~standard'].validate(value);
  } catch (cause) {
    throw new AttemptError('SCHEMA_THREW', `The schema of ${at} threw.`, { at, cause });
  }
  if (isThenable(answer)) {
    ignoreRejection(answer);
    throw new AttemptError('SCHEMA_ASYNC', `The schema of ${at} validates asynchronously.`, { at });
  }
  if (typeof answer === 'object' && answer !== null && (answer.issues === undefined || Array.isArray(answer.issues)))
    return answer;
  throw new AttemptError('SCHEMA_THREW', `The schema of ${at} gave no answer.`, { at, value: answer });
}

/**
 * Whether a schema accepts `undefined`, asked once, at definition. A schema that throws or turns out asynchronous counts as
 * refusing: what it really says is found at the first attempt, which then fails.
 */
export function acceptsUndefined(schema: StandardSchema): boolean {
  if (isUnchecked(schema)) return false;
  try {
    return ask(schema, undefined, 'probe').issues === undefined;
  } catch {
    return false;
  }
}

/** Issues as one line: `name: expected string; age: too small`. */
export function formatIssues(issues: readonly SchemaIssue[]): string {
  return issues
    .map((issue) => {
      const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
      return path === '' ? issue.message : `${path}: ${issue.message}`;
    })
    .join('; ');
}
