import { didYouMean } from '../did-you-mean.js';
import { AttemptError, ConfigurationError, textOf } from '../errors.js';

type Comparison = (left: unknown, right: unknown, at: string) => boolean;

function ordered(left: unknown, right: unknown, at: string): number {
  if (typeof left === 'number' && typeof right === 'number')
    return left < right ? -1 : left > right ? 1 : left === right ? 0 : Number.NaN;
  if (typeof left === 'bigint' && typeof right === 'bigint') return left < right ? -1 : left > right ? 1 : 0;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  if (left instanceof Date && right instanceof Date) return ordered(left.getTime(), right.getTime(), at);
  throw new AttemptError('OPERATOR_TYPE', `${at} cannot order a ${kindOf(left)} and a ${kindOf(right)}.`, {
    at,
    value: left,
  });
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function holds(container: unknown, item: unknown, at: string): boolean {
  if (typeof container === 'string' && typeof item === 'string') return container.includes(item);
  if (Array.isArray(container)) return container.includes(item);
  if (container instanceof Set) return container.has(item);
  throw new AttemptError('OPERATOR_TYPE', `${at} cannot look inside a ${kindOf(container)}.`, { at, value: container });
}

/** The operators of a switch. `null` is a value: only `is_null` and `==` are true of it. */
export const switchOperators = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '>': (left, right, at) => ordered(left, right, at) > 0,
  '>=': (left, right, at) => ordered(left, right, at) >= 0,
  '<': (left, right, at) => ordered(left, right, at) < 0,
  '<=': (left, right, at) => ordered(left, right, at) <= 0,
  in: (left, right, at) => holds(right, left, at),
  contains: (left, right, at) => holds(left, right, at),
  is_null: (left) => left === null || left === undefined,
  is_not_null: (left) => left !== null && left !== undefined,
} as const satisfies Record<string, Comparison>;

/** The name of an operator of a switch. */
export type SwitchOperator = keyof typeof switchOperators;

/** Finds an operator. @throws ConfigurationError UNKNOWN_OPERATOR, listing them */
export function switchOperator(op: string, at: string): Comparison {
  if (typeof op === 'string' && Object.hasOwn(switchOperators, op)) return switchOperators[op as SwitchOperator];
  const known = Object.keys(switchOperators);
  const name = textOf(op);
  throw new ConfigurationError('UNKNOWN_OPERATOR', `${at} uses the operator "${name}". ${didYouMean(name, known)}`, {
    at,
    value: op,
  });
}
