import { AttemptError, ConfigurationError, textOf } from '../errors.js';
import { isName } from '../names.js';
import { implementationOf, type NodeImplementation, portSpecs } from '../node.js';
import { predicateIdentity } from '../predicate.js';
import { isRecord } from '../record.js';
import { type } from '../schema.js';
import { readPath } from '../source-path.js';
import type { CaseTest, SwitchData, SwitchMode } from '../workflow-data.js';
import { type SwitchOperator, switchOperator } from './switch-operators.js';

/** The case that is taken when no other matched. */
export const otherwise: unique symbol = Symbol('lockstep.otherwise');

/** A case as an operator: what a data form writes, and what can be hashed. */
export interface OperatorCase {
  readonly op: SwitchOperator;
  /** The right-hand side; left out for `is_null` and `is_not_null`. */
  readonly value?: unknown;
  /** A path inside the switched value, such as `'address.city'`. Default: the value itself. */
  readonly path?: string;
}

/** A case as an expression in the Common Expression Language over `value`, compiled. Made by `cel` of `lockstep/forms`. */
export interface CelCase {
  /** The text of the expression: what is hashed. */
  readonly cel: string;
  /** Whether it is true of a value. */
  readonly matches: (value: unknown, at: string) => boolean;
}

/** A case: a predicate, an operator, an expression, or `otherwise`. */
export type SwitchCase<T> = ((value: T) => boolean) | OperatorCase | CelCase | typeof otherwise;

/** A predicate that narrows. */
type Guard<T, N extends T> = (value: T) => value is N;

/** The type a case's output carries: a type guard narrows it. */
export type CaseValue<Case, T> = Case extends Guard<T, infer N> ? N : T;

type Matcher = (value: unknown) => boolean;

interface Case {
  readonly name: string;
  readonly test: CaseTest;
  /** `undefined` for `otherwise`. */
  readonly matches: Matcher | undefined;
  readonly sourceText: string;
}

function caseOf(id: string, name: string, test: unknown): Case {
  const at = `${id}.${name}`;
  if (!isName(name))
    throw new ConfigurationError('INVALID_NAME', `Case "${name}" of switch "${id}" cannot be a name.`, {
      at,
      value: name,
    });
  if (test === otherwise) return { name, test: { kind: 'otherwise' }, matches: undefined, sourceText: 'otherwise' };
  if (typeof test === 'function') {
    const predicate = test as Matcher;
    const matches = (value: unknown): boolean => {
      const answer: unknown = predicate(value);
      if (typeof answer === 'boolean') return answer;
      throw new AttemptError('OPERATOR_TYPE', `The predicate of ${at} returned a ${typeof answer}, not a boolean.`, {
        at,
        value: answer,
      });
    };
    const use = predicateIdentity(test);
    if (use !== undefined) return { name, test: { kind: 'function', use }, matches, sourceText: '' };
    return { name, test: { kind: 'function' }, matches, sourceText: Function.prototype.toString.call(test) };
  }
  if (typeof test === 'object' && test !== null && 'cel' in test) {
    const { cel, matches } = test as CelCase;
    return { name, test: { kind: 'cel', text: cel }, matches: (value) => matches(value, at), sourceText: '' };
  }
  if (typeof test === 'object' && test !== null && 'op' in test) {
    const { op, value, path } = test as OperatorCase;
    const compare = switchOperator(op, at);
    if (path !== undefined && typeof path !== 'string')
      throw new ConfigurationError('INVALID_SWITCH', `The path of ${at} is not a text.`, { at, value: path });
    const steps = path === undefined ? [] : path.split('.');
    const matches = (subject: unknown): boolean => compare(readPath(subject, steps), value, at);
    return { name, test: { kind: 'operator', op, value: value ?? null, path: steps }, matches, sourceText: '' };
  }
  throw new ConfigurationError(
    'INVALID_SWITCH',
    `Case ${at} is neither a predicate, an operator, an expression nor otherwise.`,
    {
      at,
      value: test,
    },
  );
}

function noMatch(id: string): AttemptError {
  return new AttemptError('NO_CASE_MATCHED', `No case of switch "${id}" matched.`, { at: id });
}

function chooseFirst(id: string, cases: readonly Case[]) {
  return (value: unknown): Record<string, unknown> => {
    for (const { name, matches } of cases) if (matches?.(value)) return { [name]: value };
    const rest = cases.find((candidate) => candidate.matches === undefined);
    if (rest === undefined) throw noMatch(id);
    return { [rest.name]: value };
  };
}

function chooseAll(id: string, cases: readonly Case[]) {
  return (value: unknown): Record<string, unknown> => {
    const taken: Record<string, unknown> = {};
    for (const { name, matches } of cases) if (matches?.(value)) taken[name] = value;
    if (Object.keys(taken).length > 0) return taken;
    const rest = cases.find((candidate) => candidate.matches === undefined);
    if (rest === undefined) throw noMatch(id);
    return { [rest.name]: value };
  };
}

function partition(id: string, cases: readonly Case[]) {
  const choose = chooseFirst(id, cases);
  return (value: unknown): Record<string, unknown> => {
    if (!Array.isArray(value)) {
      throw new AttemptError('OPERATOR_TYPE', `Switch "${id}" partitions lists and got a ${typeof value}.`, {
        at: id,
        value,
      });
    }
    const lists: Record<string, unknown[]> = {};
    for (const item of value) {
      const [name] = Object.keys(choose(item)) as [string];
      const list = lists[name];
      if (list === undefined) lists[name] = [item];
      else list.push(item);
    }
    return lists;
  };
}

const choosers = { first: chooseFirst, all: chooseAll, partition } as const;

/** The two cases of a boolean switch. */
export const booleanCases = { true: { op: '==', value: true }, false: { op: '==', value: false } } as const;

/**
 * Makes the implementation of a switch. Its one input is `value`; it has an output for each case, live where the case is taken.
 *
 * @throws ConfigurationError INVALID_SWITCH, UNKNOWN_OPERATOR, INVALID_NAME
 */
export function switchImplementation(id: string, cases: unknown, mode: SwitchMode): NodeImplementation {
  if (!isRecord(cases)) {
    throw new ConfigurationError('INVALID_SWITCH', `Switch "${id}" takes its cases as an object.`, {
      at: id,
      value: cases,
    });
  }
  const list = Object.entries(cases).map(([name, test]) => caseOf(id, name, test));
  if (list.length === 0) throw new ConfigurationError('INVALID_SWITCH', `Switch "${id}" has no case.`, { at: id });
  if (list.filter((candidate) => candidate.matches === undefined).length > 1) {
    throw new ConfigurationError('INVALID_SWITCH', `Switch "${id}" has more than one otherwise.`, { at: id });
  }
  if (typeof mode !== 'string' || !Object.hasOwn(choosers, mode)) {
    throw new ConfigurationError(
      'INVALID_SWITCH',
      `Switch "${id}" has the mode "${textOf(mode)}"; there are first, all and partition.`,
      { at: id },
    );
  }
  const choose = choosers[mode](id, list);
  const data: SwitchData = { mode, cases: list.map(({ name, test }) => ({ name, test })) };
  return implementationOf({
    name: 'lockstep.switch',
    run: (inputs) => choose(inputs.value),
    inputs: portSpecs({ value: type<unknown>() }, id),
    outputs: portSpecs(Object.fromEntries(list.map(({ name }) => [name, type<unknown>()])), id),
    ...(list.some(({ test }) => test.kind === 'function' && test.use === undefined) ? {} : { version: '1' }),
    sourceText: list.map((candidate) => candidate.sourceText).join('\n'),
    async: false,
    kind: 'switch',
    delivers: mode === 'first' ? 'one' : 'some',
    switch: data,
  });
}
