import { AsyncLocalRuntime, defineNode, LocalRuntime, type, when, workflow } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { cycleLoop, type Loop } from '../limits/cycle-loop.js';
import type { Step } from '../limits/step.js';
import { compare, type Times } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

const NEVER = (loss: number): boolean => loss < 0;
const KEEP = 100;
const MINUTE = 60_000;

const guess = ({ weight }: { readonly weight: number }) => ({ moved: weight * 0.999 });
const judge = ({ moved }: { readonly moved: number }) => ({ weight: moved + 1e-6, loss: Math.abs(moved) });

const guessNode = defineNode({
  name: 'guess',
  inputs: { weight: type<number>() },
  outputs: { moved: type<number>() },
  run: guess,
});
const judgeNode = defineNode({
  name: 'judge',
  inputs: { moved: type<number>() },
  outputs: { weight: type<number>(), loss: type<number>() },
  run: judge,
});

/** A cycle of two nodes that never converges. */
export function ourCycle(maxIterations: number) {
  const w = workflow('cycle');
  const first = w.add(
    'first',
    defineNode({ name: 'first', outputs: { weight: type<number>() }, run: () => ({ weight: 1 }) })(),
  );
  const move = w.add('guess', guessNode({ weight: first.out.weight }));
  const verdict = w.add('judge', judgeNode({ moved: move.out.moved }));
  const feedback = [verdict.out.weight.to(move.in.weight)];
  w.cycle('fit', {
    feedback,
    until: when(verdict.out.loss, NEVER),
    maxIterations,
    timeoutMs: MINUTE,
    keepHistory: KEEP,
  });
  return w.build({ outputs: { loss: verdict.out.loss } });
}

function bareCycle(maxIterations: number): Loop {
  const body = [
    { id: 'guess', run: guess, edges: [{ to: 'weight', from: 'first', port: 'weight', many: false }] },
    { id: 'judge', run: judge, edges: [{ to: 'moved', from: 'guess', port: 'moved', many: false }] },
  ] as unknown as readonly Step[];
  return {
    body,
    before: new Map([['first', { weight: 1 }]]),
    feedback: [{ from: 'judge', port: 'weight', step: 'guess', to: 'weight' }],
    until: { from: 'judge', port: 'loss', test: NEVER },
    maxIterations,
    timeoutMs: MINUTE,
    keepHistory: KEEP,
  };
}

/** A cycle of two nodes that never converges: with a cap, a time limit, a convergence test and a bounded history. */
export const scenario: Scenario = {
  title: 'cycle of two nodes',
  sizes: [1_000],
  ciSizes: [1_000],
  async measure(size, effort) {
    const ours = ourCycle(size);
    const bare = bareCycle(size);
    const local = new LocalRuntime();
    const async = new AsyncLocalRuntime();
    if (local.execute(ours).unwrap().loss !== cycleLoop(bare).outputs.get('judge')?.loss)
      throw new Error('The two sides differ.');
    const sides = [() => cycleLoop(bare), () => local.execute(ours), () => async.execute(ours)];
    const [limit, sync, later] = (await compare(sides, effort)) as [Times, Times, Times];
    local.close();
    await async.close();
    const row = (what: string, { least, median }: Times): Row => ({
      what,
      size,
      unit: 'ns',
      limit: limit.least / size,
      ours: least / size,
      ratio: least / limit.least,
      medianRatio: median / limit.median,
      budget: { kind: 'ratio', most: BUDGETS.cycleIteration },
    });
    return [row('cycle iteration, local', sync), row('cycle iteration, async', later)];
  },
};
