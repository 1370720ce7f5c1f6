import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { type Condition, type ConditionTest, conditionOf, type NamedRefs, namedSources } from '../base/condition.js';
import { didYouMean } from '../base/did-you-mean.js';
import { AttemptError, ConfigurationError } from '../base/errors.js';
import type { CelCase } from '../base/nodes/switch.js';

/** What an expression of a cycle may look at beside its own names. */
const VIEW = { iteration: 'double', previous: 'dyn', history: 'list<double>', elapsedMs: 'double' } as const;

type Values = Record<string, unknown>;

function invalid(text: string, what: string, cause?: unknown): never {
  const details = { at: text, value: text, ...(cause === undefined ? {} : { cause }) };
  throw new ConfigurationError('INVALID_CEL', `The expression "${text}" ${what}`, details);
}

/** The first thing that an error of the CEL package says, as a sentence. */
function said(error: unknown): string {
  const { summary, message } = error as { readonly summary?: unknown; readonly message?: unknown };
  const text = String(summary ?? message ?? error).split('\n')[0] ?? '';
  return `${text.replace(/\.$/, '')}.`;
}

/** An integer literal beside a number is what everybody writes first. */
function hint(error: unknown): string {
  const mixed = /overload.*(\bdouble\b.*\bint\b|\bint\b.*\bdouble\b)/.test(said(error));
  return mixed ? ' A number to calculate with is written with a point, such as 1.0.' : '';
}

function nameOf(node: ASTNode | undefined): string | undefined {
  return node?.op === 'id' && typeof node.args === 'string' ? node.args : undefined;
}

/** An expression that answers with a boolean, checked and ready to be asked. */
function compileExpression(
  text: unknown,
  names: Readonly<Record<string, string>>,
): (values: Values, at: string) => boolean {
  if (typeof text !== 'string' || text.trim() === '') return invalid(String(text), 'is not a text.');
  const environment = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false });
  for (const [name, kind] of Object.entries(names)) environment.registerVariable(name, kind);
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environment.parse(text);
  } catch (cause) {
    return invalid(text, `is no CEL: ${said(cause)}`, cause);
  }
  const { valid, type, error } = parsed.check();
  if (!valid) {
    const unknown = error?.code === 'unknown_variable' ? nameOf(error.node as ASTNode | undefined) : undefined;
    if (unknown !== undefined) invalid(text, `names "${unknown}". ${didYouMean(unknown, Object.keys(names))}`, error);
    invalid(text, `cannot be used: ${said(error)}`, error);
  }
  if (type !== 'bool' && type !== 'dyn') invalid(text, `answers with the type ${type}, not with true or false.`);
  return (values, at) => evaluate(parsed, text, values, at);
}

function evaluate(parsed: (values: Values) => unknown, text: string, values: Values, at: string): boolean {
  let answer: unknown;
  try {
    answer = parsed(values);
  } catch (cause) {
    const what = `The expression "${text}" of ${at} failed: ${said(cause)}${hint(cause)}`;
    throw new AttemptError('CEL_FAILED', what, { at, cause });
  }
  if (typeof answer === 'boolean') return answer;
  throw new AttemptError('CEL_FAILED', `The expression "${text}" of ${at} answered with no boolean.`, {
    at,
    value: answer,
  });
}

/** CEL has no `undefined`. */
function orNull(value: unknown): unknown {
  return value === undefined ? null : value;
}

function celCase(text: string): CelCase {
  const matches = compileExpression(text, { value: 'dyn' });
  return Object.freeze({ cel: text, matches: (value: unknown, at: string) => matches({ value: orNull(value) }, at) });
}

function celCondition(refs: NamedRefs, text: string): Condition {
  const named = namedSources('cel', refs);
  for (const name of Object.keys(named)) {
    if (Object.hasOwn(VIEW, name) || !/^[A-Za-z_]\w*$/.test(name))
      invalid(text, `cannot look at something called "${name}".`);
  }
  const matches = compileExpression(text, {
    ...Object.fromEntries(Object.keys(named).map((name) => [name, 'dyn'])),
    ...VIEW,
  });
  const names = Object.keys(named);
  const [only] = names.length === 1 ? names : [];
  const test: ConditionTest = (seen, { cycle, iteration, previous, history, elapsedMs }) => {
    const values = seen as Values;
    const own = Object.fromEntries(names.map((name) => [name, orNull(values[name])]));
    const met = matches({ ...own, iteration, previous: orNull(previous), history, elapsedMs }, `until of ${cycle}`);
    const metric = only === undefined ? undefined : values[only];
    return typeof metric === 'number' && Number.isFinite(metric) ? { met, metric } : met;
  };
  return conditionOf({ kind: 'cel', text, named }, [test], Object.values(refs));
}

/**
 * A case of a switch as an expression in the Common Expression Language over `value`: `cel('value.score > 0.9')`. The text is
 * part of the workflow's data, so that it has the same hash in every form. Numbers are doubles. An expression that fails when it
 * is asked, for example because it compares a text with a number, fails the attempt with CEL_FAILED.
 *
 * @throws ConfigurationError INVALID_CEL
 */
export function cel(text: string): CelCase;
/**
 * When a cycle stops, as an expression over named values and `iteration`, `history`, `elapsedMs` and `previous` (the named values
 * of the iteration before; null in the first): `cel({ loss: step.out.loss }, 'loss < 1e-3 && iteration > 3')`. Not met while one of
 * the named sources is dead. A single value that is a finite number is the metric of the cycle.
 *
 * @throws ConfigurationError INVALID_CEL, INVALID_CYCLE
 */
export function cel(refs: NamedRefs, text: string): Condition;
export function cel(first: string | NamedRefs, text?: string): CelCase | Condition {
  return typeof first === 'string' ? celCase(first) : celCondition(first, text as string);
}
