import { canonicalJson } from '../base/canonical-json.js';
import {
  type ErrorMatcher,
  type NodeCapabilities,
  OPERATIONAL,
  RETRY_DEFAULTS,
  type RetryOptions,
  retryData,
} from '../base/node-options.js';
import type { NodeData, RetryData } from '../base/workflow-data.js';
import { compact } from './compact.js';
import type { CallDocument, MatcherDocument, RetryDocument } from './document.js';
import type { SchemaWriter } from './write-schemas.js';

type CapabilitiesDocument = Pick<CallDocument, keyof NodeCapabilities>;

const LIMITS = ['timeoutMs', 'softTimeoutMs', 'totalTimeoutMs'] as const;
const MATCHERS = ['retryOn', 'dontRetryOn'] as const;

/** Whether two capabilities say the same, in whatever order. */
function same(left: object | string | number | boolean | undefined, right: typeof left): boolean {
  if (left === undefined || right === undefined) return left === right;
  return canonicalJson(left) === canonicalJson(right);
}

function sameMatchers(left: readonly ErrorMatcher[] | undefined, right: readonly ErrorMatcher[] | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((matcher, index) => matcher === right[index]);
}

function sameRetry(left: RetryOptions, right: RetryOptions | undefined): boolean {
  if (right === undefined) return false;
  return same(retryData(left), retryData(right)) && MATCHERS.every((name) => sameMatchers(left[name], right[name]));
}

/** Writes the capabilities of the nodes of one workflow. */
export class CapabilityWriter {
  readonly #schemas: SchemaWriter;

  constructor(schemas: SchemaWriter) {
    this.#schemas = schemas;
  }

  /** What a node says otherwise than its definition. */
  write(node: NodeData, retry: RetryOptions | undefined, defined: NodeCapabilities): CapabilitiesDocument {
    const own = [...LIMITS, ...OPERATIONAL]
      .filter((name) => !same(node[name], defined[name]))
      .map((name) => [name, structuredClone(node[name])]);
    return compact<CapabilitiesDocument>({
      retry: retry === undefined || sameRetry(retry, defined.retry) ? undefined : this.#retry(node, retry),
      ...Object.fromEntries(own),
    });
  }

  #retry({ id, retry }: NodeData, { retryOn, dontRetryOn }: RetryOptions): RetryDocument {
    const own = Object.entries(retry as RetryData).filter(
      ([name, value]) => value !== RETRY_DEFAULTS[name as keyof RetryData],
    );
    return compact<RetryDocument>({
      ...structuredClone(Object.fromEntries(own)),
      retryOn: this.#matchers(retryOn, `node "${id}".retry.retryOn`),
      dontRetryOn: this.#matchers(dontRetryOn, `node "${id}".retry.dontRetryOn`),
    });
  }

  #matchers(list: readonly ErrorMatcher[] | undefined, place: string): readonly MatcherDocument[] | undefined {
    return list?.map((matcher) => {
      if (typeof matcher === 'string') return matcher;
      return { predicate: this.#schemas.predicateOf(matcher, place, 'what errors are compared with') };
    });
  }
}
