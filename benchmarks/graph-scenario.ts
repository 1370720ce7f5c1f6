import { AsyncLocalRuntime, LocalRuntime } from '../src/index.js';
import { BUDGETS, SMALLEST_GATED } from './budgets.js';
import { type Form, type Graph, lastOf } from './graphs.js';
import { awaitingLoop } from './limits/awaiting-loop.js';
import { indexed, indexedLoop } from './limits/indexed-loop.js';
import { straightLoop } from './limits/straight-loop.js';
import { compare, type Times } from './measure.js';
import type { Budget, Effort, Row, Scenario } from './scenario.js';

const SIZES = [10, 100, 1_000, 10_000, 100_000];

/** Which runtime, with which functions. */
export type Variant = 'local' | 'async, sync functions' | 'async, async functions';

/** Runs one graph in one runtime against the bare loop that does the same. */
export function graphScenario(title: string, make: (size: number, form: Form) => Graph, variant: Variant): Scenario {
  return {
    title: `${title}, ${variant}`,
    sizes: SIZES,
    ciSizes: [1_000, 100_000],
    measure: (size, effort) => measure(`${title}, ${variant}`, make, variant, size, effort),
  };
}

async function measure(
  what: string,
  make: (size: number, form: Form) => Graph,
  variant: Variant,
  size: number,
  effort: Effort,
): Promise<readonly Row[]> {
  const form = variant === 'async, async functions' ? 'async' : 'sync';
  const { workflow, steps, stepsLater } = make(size, form);
  const runtime = variant === 'local' ? new LocalRuntime() : new AsyncLocalRuntime();
  const limit = form === 'sync' ? () => straightLoop(steps) : () => awaitingLoop(stepsLater);
  const ours = () => runtime.execute(workflow);
  const [bare, run] = [await limit(), await ours()];
  if (lastOf(bare.outputs, size) !== lastOf(run.results, size)) throw new Error(`${what}: the two sides differ.`);
  const compact = indexed(steps);
  const sides = form === 'sync' ? [limit, ours, () => indexedLoop(compact)] : [limit, ours];
  const [bareTimes, ourTimes, compactTimes] = (await compare(sides, effort)) as [Times, Times, Times?];
  await runtime.close();
  return [
    {
      what,
      size,
      unit: 'ns',
      limit: bareTimes.least / size,
      ours: ourTimes.least / size,
      ratio: ourTimes.least / bareTimes.least,
      medianRatio: ourTimes.median / bareTimes.median,
      budget: budgetOf(size, form),
      ...(compactTimes === undefined ? {} : { note: `indexed loop ${(compactTimes.least / size).toFixed(0)} ns` }),
    },
  ];
}

function budgetOf(size: number, form: Form): Budget | undefined {
  if (size < SMALLEST_GATED) return undefined;
  const { upTo1k, above } = BUDGETS.syncNode;
  return { kind: 'ratio', most: form === 'async' ? BUDGETS.asyncNode : size <= 1_000 ? upTo1k : above };
}
