import { type ErrorCode, errorCatalog } from '../../base/error-catalog.js';
import { AttemptError, ConfigurationError, LockstepError, WorkflowBuildError } from '../../base/errors.js';

/** Something that was thrown, as plain data that crosses to another thread. */
export type Thrown =
  | {
      readonly kind: 'error';
      /** The class of the language that it is, or extends. */
      readonly base: string;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** Own enumerable properties that can be copied, `code` among them. */
      readonly properties: Readonly<Record<string, unknown>>;
      readonly cause: Thrown | undefined;
      /** Of an AggregateError. */
      readonly errors: readonly Thrown[] | undefined;
    }
  | { readonly kind: 'value'; readonly value: unknown };

/** As deep as the log keeps causes. */
const DEEPEST_CAUSE = 4;

const BUILT_IN: ReadonlyMap<string, new (message?: string) => Error> = new Map<string, new (message?: string) => Error>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((type) => [type.name, type]),
);
const OURS: ReadonlyMap<string, typeof LockstepError> = new Map(
  [LockstepError, AttemptError, ConfigurationError, WorkflowBuildError].map((type) => [type.name, type]),
);
const GIVEN_APART = new Set(['name', 'message', 'stack', 'cause', 'errors']);

function baseOf(error: Error): string {
  if (error instanceof AggregateError) return 'AggregateError';
  if (error instanceof DOMException) return 'DOMException';
  for (const [name, type] of [...BUILT_IN].reverse()) if (error instanceof type) return name;
  return 'Error';
}

function propertiesOf(error: Error): Readonly<Record<string, unknown>> {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    if (GIVEN_APART.has(name)) continue;
    try {
      properties[name] = structuredClone(value);
    } catch {
      // What cannot be copied stays where it was thrown.
    }
  }
  return properties;
}

function dataOf(thrown: unknown, depth: number): Thrown {
  if (!(thrown instanceof Error)) return plainValue(thrown);
  const inner = (one: unknown): Thrown | undefined =>
    one === undefined || depth >= DEEPEST_CAUSE ? undefined : dataOf(one, depth + 1);
  const errors =
    thrown instanceof AggregateError ? thrown.errors.map(inner).filter((one) => one !== undefined) : undefined;
  const { name, message, stack, cause } = thrown;
  return {
    kind: 'error',
    base: baseOf(thrown),
    name: String(name),
    message: String(message),
    stack: stack === undefined ? undefined : String(stack),
    properties: propertiesOf(thrown),
    cause: inner(cause),
    errors,
  };
}

function plainValue(value: unknown): Thrown {
  try {
    return { kind: 'value', value: structuredClone(value) };
  } catch {
    return { kind: 'value', value: String(value) };
  }
}

/** Turns anything that was thrown into data. Never throws itself. Causes are followed four levels down. */
export function thrownData(thrown: unknown): Thrown {
  try {
    return dataOf(thrown, 0);
  } catch {
    return { kind: 'value', value: 'a value that cannot be read' };
  }
}

function make(data: Extract<Thrown, { kind: 'error' }>): Error {
  const { base, name, message, properties, errors } = data;
  const code = properties.code as ErrorCode;
  const ours = OURS.get(name);
  if (ours !== undefined && Object.hasOwn(errorCatalog, code)) {
    const error = new ours(code, '', { at: String(properties.at ?? '') });
    error.message = message;
    return error;
  }
  if (base === 'DOMException') return new DOMException(message, name);
  if (base === 'AggregateError') return new AggregateError((errors ?? []).map(revive), message);
  return new (BUILT_IN.get(base) ?? Error)(message);
}

/**
 * Makes an error of data again: one of the language's own classes, or of ours, with the name, message, stack, cause and
 * copyable properties of the original. A class of the user's becomes the class of the language that it extends, so `retryOn`
 * tells such errors apart by code, or by a predicate that looks at the name.
 */
export function revive(data: Thrown): unknown {
  if (data.kind === 'value') return data.value;
  const error = make(data);
  const hidden = (name: string, value: unknown): void => {
    Object.defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
  };
  if (error.name !== data.name) hidden('name', data.name);
  if (data.stack !== undefined) hidden('stack', data.stack);
  if (data.cause !== undefined) hidden('cause', revive(data.cause));
  for (const [name, value] of Object.entries(data.properties))
    if (!(name in error)) Object.assign(error, { [name]: value });
  return error;
}
