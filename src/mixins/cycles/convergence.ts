import type { CycleView, Verdict } from '../../base/condition.js';
import { AttemptError } from '../../base/errors.js';
import type { ExecutionState, RegionState } from '../../base/execution-state.js';
import type { PlanCondition, PlanRegion } from '../../base/plan.js';
import { isThenable } from '../../base/schema.js';
import { observe } from '../../base/source-evaluation.js';
import {
  type BudgetData,
  type ConditionData,
  conditionsIn,
  type PlateauData,
  type ToleranceData,
} from '../../base/workflow-data.js';

/** What a condition said, and the number that measures it. */
export interface Convergence {
  /** `undefined` when the condition could not be asked: there is none, or its source is dead. */
  readonly met: boolean | undefined;
  readonly metric: number | undefined;
}

const NOT_ASKED: Convergence = Object.freeze({ met: undefined, metric: undefined });

/** What a test sees. The history is copied when a test looks: the run's own list must stay what a fold would make it. */
class IterationView implements CycleView {
  readonly cycle: string;
  readonly iteration: number;
  readonly previous: unknown;
  readonly elapsedMs: number;
  readonly #history: readonly number[];

  constructor({ id }: PlanRegion, { iteration, history }: RegionState, previous: unknown, elapsedMs: number) {
    this.cycle = id;
    this.iteration = iteration;
    this.previous = previous;
    this.elapsedMs = elapsedMs;
    this.#history = history;
  }

  get history(): readonly number[] {
    return [...this.#history];
  }
}

/** A number that can be compared; `undefined` where there is none. @throws AttemptError CONDITION_VALUE */
function measured(value: unknown, region: PlanRegion): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  const what = `The condition of cycle "${region.id}" measures a number and got ${kind}.`;
  throw new AttemptError('CONDITION_VALUE', what, { at: region.id, value });
}

function atRest({ epsilon, relative }: ToleranceData, value: number, previous: number): boolean {
  const scale = relative ? Math.max(Math.abs(value), Math.abs(previous)) : 1;
  return Math.abs(value - previous) <= epsilon * scale;
}

function levelled({ epsilon, patience, mode }: PlateauData, value: number, history: readonly number[]): boolean {
  const start = history.length - patience + 1;
  if (start < 1) return false;
  const better = (left: number, right: number): number => (left < right === (mode === 'min') ? left : right);
  const [before, recent] = [history.slice(0, start).reduce(better), history.slice(start).reduce(better, value)];
  return Math.abs(before - recent) <= epsilon || better(before, recent) === before;
}

function spent({ iterations, elapsedMs }: BudgetData, iteration: number, elapsed: number): boolean {
  return (iterations !== undefined && iteration + 1 >= iterations) || (elapsedMs !== undefined && elapsed >= elapsedMs);
}

/** Which part of a combination measures the cycle: the one with the plateau, or the first that looks at anything. */
function measuringPart(parts: readonly ConditionData[]): number {
  const holding = (kinds: (kind: ConditionData['kind']) => boolean): number =>
    parts.findIndex((part) => conditionsIn(part).some(({ kind }) => kinds(kind)));
  const plateau = holding((kind) => kind === 'plateau');
  return plateau === -1 ? holding((kind) => !['budget', 'anyOf', 'allOf'].includes(kind)) : plateau;
}

/** Asks about one iteration of one cycle. */
class Judge {
  readonly #state: ExecutionState;
  readonly #region: PlanRegion;
  readonly #around: RegionState;
  readonly #elapsedMs: number;

  constructor(state: ExecutionState, region: PlanRegion, elapsedMs: number) {
    this.#state = state;
    this.#region = region;
    this.#around = state.regions[region.index] as RegionState;
    this.#elapsedMs = elapsedMs;
  }

  ask(condition: PlanCondition, previous: unknown): Convergence {
    const { data, parts } = condition;
    switch (data.kind) {
      case 'budget':
        return { met: spent(data, this.#around.iteration, this.#elapsedMs), metric: undefined };
      case 'anyOf':
      case 'allOf': {
        const before = (previous ?? []) as readonly unknown[];
        const answers = parts.map((part, index) => this.ask(part, before[index]));
        const isMet = ({ met }: Convergence): boolean => met === true;
        return {
          met: data.kind === 'anyOf' ? answers.some(isMet) : answers.every(isMet),
          metric: answers[measuringPart(data.parts)]?.metric,
        };
      }
      case 'tolerance':
      case 'plateau':
        return this.#measure(condition, data, previous);
      default:
        return this.#test(condition, previous);
    }
  }

  #measure(condition: PlanCondition, data: ToleranceData | PlateauData, previous: unknown): Convergence {
    const value = measured(observe(this.#state, condition)?.value, this.#region);
    if (value === undefined) return { met: false, metric: undefined };
    if (data.kind === 'plateau') return { met: levelled(data, value, this.#around.history), metric: value };
    const before = typeof previous === 'number' && Number.isFinite(previous) ? previous : undefined;
    return { met: before !== undefined && atRest(data, value, before), metric: value };
  }

  #test(condition: PlanCondition, previous: unknown): Convergence {
    const seen = observe(this.#state, condition);
    if (seen === undefined || condition.test === undefined) return NOT_ASKED;
    const view = new IterationView(this.#region, this.#around, previous, this.#elapsedMs);
    const verdict: Verdict = condition.test(seen.value, view);
    const met = typeof verdict === 'boolean' ? verdict : verdict.met;
    if (typeof met !== 'boolean') {
      if (isThenable(verdict)) verdict.then(undefined, () => undefined);
      const what = `The condition of cycle "${this.#region.id}" answered ${String(verdict)}, not a boolean.`;
      throw new AttemptError('CONDITION_THREW', what, { at: this.#region.id });
    }
    const own = typeof verdict === 'boolean' ? undefined : verdict.metric;
    const metric = own ?? (typeof seen.value === 'number' ? seen.value : undefined);
    return { met, metric: measured(metric, this.#region) };
  }
}

/** Asks the condition of a cycle about the iteration that has just ended. What a test throws is thrown. */
export function askConvergence(state: ExecutionState, region: PlanRegion, elapsedMs: number): Convergence {
  if (region.until === undefined) return NOT_ASKED;
  const { previous } = state.regions[region.index] as RegionState;
  return new Judge(state, region, elapsedMs).ask(region.until, previous);
}
