import { type Condition, isCondition } from './condition.js';
import { WorkflowBuildError } from './errors.js';
import { knownFields } from './option-checks.js';
import { type Feedback, hasHomes } from './ref.js';
import { type ConditionData, type CycleData, conditionsIn, describeSource, type PlateauData } from './workflow-data.js';

/** How a cycle goes on and stops. `maxIterations` or `timeoutMs` is mandatory. */
export interface CycleOptions {
  /** The closing edges: `[step.out.weights.to(step.in.weights)]`. They define the body of the cycle. */
  readonly feedback: readonly Feedback[];
  /**
   * Stops the cycle when met. Made by `when`, `tolerance`, `plateau`, `budget`, `anyOf` or `allOf`. Default: runs to its cap,
   * or until a switch leaves the loop.
   */
  readonly until?: Condition;
  /** The most iterations. A whole number, at least 1. */
  readonly maxIterations?: number;
  /** The longest time, in milliseconds, measured at the end of each iteration. */
  readonly timeoutMs?: number;
  /** What reaching `maxIterations` means. Default `accept`, with a warning if `until` was given. */
  readonly onMaxIterations?: 'accept' | 'fail';
  /** What reaching `timeoutMs` means. Default `fail`. */
  readonly onTimeout?: 'accept' | 'fail';
  /** The enclosing cycle, where the connections alone do not say so. */
  readonly within?: string | { readonly id: string };
  /** How many metrics of past iterations are kept; at least the patience of a plateau. Default 100, or that patience. */
  readonly keepHistory?: number;
}

const FIELDS = [
  'feedback',
  'until',
  'maxIterations',
  'timeoutMs',
  'onMaxIterations',
  'onTimeout',
  'within',
  'keepHistory',
];
const DEFAULT_HISTORY = 100;

function refuse(id: string, what: string, value: unknown): never {
  throw new WorkflowBuildError('INVALID_CYCLE', `Cycle "${id}": ${what}.`, { at: id, value });
}

/** A condition or an edge by hand could name what does not exist, or what belongs to another workflow. */
function isMade(value: unknown, field: string): boolean {
  return typeof value === 'object' && value !== null && hasHomes(value) && field in value;
}

/** Checks the options of a cycle on their own. @throws WorkflowBuildError INVALID_CYCLE, CYCLE_WITHOUT_CAP; ConfigurationError UNKNOWN_OPTION */
export function checkCycleOptions(id: string, options: CycleOptions): void {
  knownFields(options, FIELDS, `cycle "${id}"`);
  const { feedback, until, maxIterations, timeoutMs, onMaxIterations, onTimeout, within, keepHistory } = options;
  if (!Array.isArray(feedback) || feedback.length === 0) refuse(id, 'feedback must list at least one edge', feedback);
  for (const edge of feedback) {
    if (!isMade(edge, 'to')) refuse(id, 'feedback lists edges, made by output.to(input)', edge);
  }
  if (maxIterations === undefined && timeoutMs === undefined) {
    throw new WorkflowBuildError('CYCLE_WITHOUT_CAP', `Cycle "${id}" has neither maxIterations nor timeoutMs.`, {
      at: id,
    });
  }
  if (maxIterations !== undefined && !(Number.isSafeInteger(maxIterations) && maxIterations >= 1)) {
    refuse(id, 'maxIterations must be a whole number of at least 1', maxIterations);
  }
  if (timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
    refuse(id, 'timeoutMs must be a finite number of milliseconds > 0', timeoutMs);
  }
  if (keepHistory !== undefined && !(Number.isSafeInteger(keepHistory) && keepHistory >= 0)) {
    refuse(id, 'keepHistory must be a whole number of at least 0', keepHistory);
  }
  for (const choice of [onMaxIterations, onTimeout]) {
    if (choice !== undefined && choice !== 'accept' && choice !== 'fail')
      refuse(id, 'onMaxIterations and onTimeout are "accept" or "fail"', choice);
  }
  if (within !== undefined && typeof within !== 'string' && typeof within?.id !== 'string')
    refuse(id, 'within must be the handle or the id of a cycle', within);
  if (until === undefined) return;
  if (!isCondition(until) || !hasHomes(until))
    refuse(id, 'until must be made by when(), tolerance(), plateau(), budget(), anyOf() or allOf()', until);
  checkPlateaus(id, until.data, keepHistory);
}

function plateausIn(until: ConditionData): readonly PlateauData[] {
  return conditionsIn(until).filter((each) => each.kind === 'plateau');
}

/** How many past iterations a condition looks back. */
function patienceOf(until: ConditionData): number {
  return Math.max(0, ...plateausIn(until).map(({ patience }) => patience));
}

/** How many metrics a cycle keeps that does not say so. */
export function historyFor(until: ConditionData | undefined): number {
  return until === undefined ? DEFAULT_HISTORY : Math.max(DEFAULT_HISTORY, patienceOf(until));
}

/** The plateaus of a condition must all look at one value, the metric of the cycle, and find enough of its past. */
function checkPlateaus(id: string, until: ConditionData, keepHistory: number | undefined): void {
  const watched = new Set(plateausIn(until).map(({ of }) => describeSource(of)));
  if (watched.size > 1)
    refuse(id, `its plateaus look at ${[...watched].join(' and ')}, but a cycle has one metric`, [...watched]);
  const patience = patienceOf(until);
  if (keepHistory !== undefined && keepHistory < patience)
    refuse(id, `keepHistory must be at least ${patience}, the patience of its plateau`, keepHistory);
}

/** The options of a cycle as data, defaults filled in. */
export function cycleData(id: string, options: CycleOptions): CycleData {
  const { feedback, until, maxIterations, timeoutMs, within } = options;
  return Object.freeze({
    id,
    feedback: feedback.map(({ from, to }) => ({ from, to })),
    ...(until === undefined ? {} : { until: until.data }),
    ...(maxIterations === undefined ? {} : { maxIterations }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onMaxIterations: options.onMaxIterations ?? 'accept',
    onTimeout: options.onTimeout ?? 'fail',
    ...(within === undefined ? {} : { within: typeof within === 'string' ? within : within.id }),
    keepHistory: options.keepHistory ?? historyFor(until?.data),
  });
}
