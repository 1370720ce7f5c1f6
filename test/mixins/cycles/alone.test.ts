import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ConditionalMixin } from '../../../src/mixins/conditional/index.js';
import { CyclesMixin } from '../../../src/mixins/cycles/index.js';
import { alone } from '../../support/alone.js';

/** Counts visits outside the inputs, since feedback is resolved by the parameters mixin. */
function counting() {
  let count = 0;
  const w = workflow('counting');
  const step = w.fn('step', { n: 0 as number }, () => ++count);
  const loop = w.cycle('loop', {
    feedback: [step.out.value.to(step.in.n)],
    until: when(step.out.value, (n) => n === 4),
    maxIterations: 9,
  });
  return w.build({ outputs: { n: step.out.value, reason: loop.out.reason, iterations: loop.out.iterations } });
}

describe('the cycles mixin alone', () => {
  it('decides when a cycle stops', () => {
    const runtime = new (alone(CyclesMixin))();
    const run = runtime.execute(counting());
    expect(run.output).to.deep.equal({ n: 4, reason: 'converged', iterations: 4 });
    expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 4, stopped: 1 });
  });

  it('refuses cycles where they are disabled', () => {
    const outcome = new (alone(CyclesMixin))({ enableCycles: false }).settle(counting());
    if (outcome.status !== 'rejected') throw new Error(outcome.status);
    expect(outcome.error.code).to.equal('CYCLES_DISABLED');
  });

  it('without it a cycle fails after its first iteration: undecided', () => {
    const outcome = new (alone(ConditionalMixin))().settle(counting());
    if (outcome.status !== 'failed') throw new Error(outcome.status);
    expect(outcome.error.failure.code).to.equal('UNDECIDED');
    expect(outcome.error.node).to.equal('loop');
    expect(outcome.cycle('loop')).to.include({ reason: 'failed', failed: true, iterations: 1 });
  });
});
