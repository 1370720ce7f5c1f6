import type { ContractPolicy } from '../../base/workflow.js';
import { credentialRules } from './credential-rules.js';
import { personalDataRules } from './personal-data-rules.js';
import type { PolicyRule } from './policy-rule.js';
import { sqlRules } from './sql-rules.js';

/** The ready-made policies. `docs/policies.md` is compared with this table, both ways. */
export const policyRules: Readonly<Record<ContractPolicy, readonly PolicyRule[]>> = Object.freeze({
  'no-credentials': credentialRules,
  'no-pii': personalDataRules,
  'no-sql': sqlRules,
});

/** A rule that a value breaks, and where. Never what it is. */
export interface PolicyViolation {
  /** Name of the rule, or `not-examined` for what was too large, or could not be read. */
  readonly rule: string;
  /**
   * Where inside the value: `$.user.emails[0]`. A key that breaks a rule itself, of this policy or another, is named by
   * its position: `$[key 3]`.
   */
  readonly path: string;
}

/** How many values, keys included, are looked at. What lies beyond is reported as `not-examined`. */
export const MOST_VALUES = 10_000;

/** How many violations are reported; one is enough to refuse a value. */
export const MOST_VIOLATIONS = 100;

/** The rule that reports what was not looked at: absence of evidence is not a pass. */
const NOT_EXAMINED = 'not-examined';

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const LONGEST_NAME = 64;
const allRules = Object.values(policyRules).flat();

/** One value on the way: how it was reached, without its path written out. */
interface Place {
  readonly value: unknown;
  readonly parent: Place | undefined;
  /** Position in its container. */
  readonly index: number;
  /** The property that holds it; `undefined` for items, and for keys themselves. */
  readonly name: string | undefined;
  readonly isKey: boolean;
}

function step({ name, index, isKey }: Place): string {
  if (isKey) return `[key ${index}]`;
  if (name === undefined) return `[${index}]`;
  if (name.length > LONGEST_NAME || allRules.some((rule) => rule.hits(name))) return `[key ${index}]`;
  return IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function pathOf(place: Place): string {
  const steps: string[] = [];
  for (let current = place; current.parent !== undefined; current = current.parent) steps.push(step(current));
  return `$${steps.reverse().join('')}`;
}

class Examination {
  readonly #rules: readonly PolicyRule[];
  readonly #found: PolicyViolation[] = [];
  readonly #places: Place[] = [];
  readonly #seen = new Set<object>();

  constructor(rules: readonly PolicyRule[]) {
    this.#rules = rules;
  }

  run(value: unknown): readonly PolicyViolation[] {
    this.#places.push({ value, parent: undefined, index: 0, name: undefined, isKey: false });
    for (let next = 0; next < this.#places.length && this.#found.length < MOST_VIOLATIONS; next++) {
      const place = this.#places[next] as Place;
      if (typeof place.value === 'string') this.#text(place, place.value);
      else if (typeof place.value === 'object' && place.value !== null) this.#container(place, place.value);
    }
    return this.#found;
  }

  #report(rule: string, place: Place): void {
    this.#found.push({ rule, path: pathOf(place) });
  }

  #text(place: Place, text: string): void {
    for (const rule of this.#rules) {
      if (rule.hits(text) || (place.name !== undefined && rule.hitsProperty(place.name, text)))
        this.#report(rule.name, place);
    }
  }

  #container(place: Place, value: object): void {
    if (this.#seen.has(value)) return;
    this.#seen.add(value);
    try {
      if (!this.#members(place, value)) this.#report(NOT_EXAMINED, place);
    } catch {
      this.#report(NOT_EXAMINED, place);
    }
  }

  /** Queues what a container holds. `false` when there was no room for all of it. */
  #members(parent: Place, value: object): boolean {
    if (ArrayBuffer.isView(value)) return true;
    let index = 0;
    if (value instanceof Map) {
      for (const [key, item] of value) {
        const name = typeof key === 'string' ? key : undefined;
        if (!this.#queue({ value: key, parent, index, name: undefined, isKey: true })) return false;
        if (!this.#queue({ value: item, parent, index: index++, name, isKey: false })) return false;
      }
      return true;
    }
    if (Array.isArray(value) || value instanceof Set) {
      for (const item of value)
        if (!this.#queue({ value: item, parent, index: index++, name: undefined, isKey: false })) return false;
      return true;
    }
    for (const name of Object.keys(value)) {
      if (!this.#queue({ value: name, parent, index, name: undefined, isKey: true })) return false;
      const item = (value as Readonly<Record<string, unknown>>)[name];
      if (!this.#queue({ value: item, parent, index: index++, name, isKey: false })) return false;
    }
    return true;
  }

  #queue(place: Place): boolean {
    if (this.#places.length >= MOST_VALUES) return false;
    this.#places.push(place);
    return true;
  }
}

/**
 * What in a value breaks a policy: its texts and the names of its keys, inside objects, arrays, Maps and Sets. Bytes
 * and numbers are not looked at. Never throws; the answer holds names of rules and places, never a part of the value
 * that broke a rule. A policy that does not exist examines nothing, and says so.
 */
export function violations(policy: ContractPolicy, value: unknown): readonly PolicyViolation[] {
  if (!Object.hasOwn(policyRules, policy)) return [{ rule: NOT_EXAMINED, path: '$' }];
  return new Examination(policyRules[policy]).run(value);
}
