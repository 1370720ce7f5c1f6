import {
  BREAKER_FIELDS,
  CACHE_FIELDS,
  LIMIT_FIELDS,
  RATE_FIELDS,
  VALIDATION_LEVELS,
} from '../base/capability-options.js';
import { DURABILITIES } from '../base/history/event-store.js';
import { type ErrorMatcher, type NodeCapabilities, RETRY_FIELDS } from '../base/node-options.js';
import type { Cursor } from './cursor.js';
import { predicateAt } from './read-conditions.js';
import type { NodeRegistry } from './registry.js';

function matchers(cursor: Cursor, registry: NodeRegistry): readonly ErrorMatcher[] {
  return cursor.items().map((item) => {
    if (typeof item.value === 'string') return item.value;
    return predicateAt(item.fields(['predicate']).need('predicate'), registry) as ErrorMatcher;
  });
}

function readRetry(cursor: Cursor, registry: NodeRegistry): object {
  const options = cursor.fields(RETRY_FIELDS).object();
  const [backoff, retryOn, dontRetryOn] = [cursor.get('backoff'), cursor.get('retryOn'), cursor.get('dontRetryOn')];
  if (backoff?.isObject) backoff.fields(['strategy']).need('strategy');
  return {
    ...options,
    ...(retryOn === undefined ? {} : { retryOn: matchers(retryOn, registry) }),
    ...(dontRetryOn === undefined ? {} : { dontRetryOn: matchers(dontRetryOn, registry) }),
  };
}

function readLimit(cursor: Cursor): object {
  const options = cursor.fields(LIMIT_FIELDS).object();
  cursor.get('rate')?.fields(RATE_FIELDS);
  return options;
}

const milliseconds = (cursor: Cursor): number => cursor.number();

type Read = (cursor: Cursor, registry: NodeRegistry) => unknown;

/** How each capability is read. Their numbers, and what goes with what, are checked by the builder. */
const CAPABILITIES: Readonly<Record<keyof NodeCapabilities, Read>> = {
  retry: readRetry,
  timeoutMs: milliseconds,
  softTimeoutMs: milliseconds,
  totalTimeoutMs: milliseconds,
  limit: readLimit,
  breaker: (cursor) => cursor.fields(BREAKER_FIELDS).object(),
  cache: (cursor) => cursor.fields(CACHE_FIELDS).object(),
  validation: (cursor) => cursor.word(VALIDATION_LEVELS),
  metrics: (cursor) => cursor.flag(),
  durability: (cursor) => cursor.word(DURABILITIES),
};

/** The keys of capabilities. */
export const CAPABILITY_KEYS: readonly string[] = Object.keys(CAPABILITIES);

/** The capabilities that a node has in a document. */
export function readCapabilities(cursor: Cursor, registry: NodeRegistry): NodeCapabilities {
  const read = Object.entries(CAPABILITIES).flatMap(([name, each]) => {
    const given = cursor.get(name);
    return given === undefined ? [] : [[name, each(given, registry)] as const];
  });
  return Object.fromEntries(read);
}
