import { expect } from 'chai';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ConditionalMixin } from '../../../src/mixins/conditional/index.js';
import { EnterpriseMixin } from '../../../src/mixins/enterprise/index.js';
import { alone } from '../../support/alone.js';

function fork() {
  const w = workflow('fork');
  const start = w.fn('start', {}, () => 3);
  const route = w.switch('route', start.out.value, { big: (n) => n >= 10, small: otherwise });
  w.fn('big', { n: route.out.big }, ({ n }) => n);
  const small = w.fn('small', { n: route.out.small }, ({ n }) => n);
  return w.build({ outputs: { small: small.out.value } });
}

describe('the conditional mixin alone', () => {
  it('decides by the join rule', () => {
    const runtime = new (alone(ConditionalMixin))();
    const run = runtime.execute(fork());
    expect(run.output).to.deep.equal({ small: 3 });
    expect(run.node('big').status).to.equal('skipped');
    expect(run.node('big').reason?.code).to.equal('branch_not_taken');
    expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
      runs: 1,
      executed: 3,
      skipped: 1,
      skippedShare: 0.25,
    });
    expect(runtime.hasConditionalPatterns(fork())).to.equal(true);
  });

  it('without it a node whose source is dead is blocked: undecided', () => {
    const run = new (alone(EnterpriseMixin))().settle(fork());
    if (run.status !== 'completed') throw new Error(run.status);
    expect(run.node('big')).to.deep.include({
      status: 'blocked',
      reason: { code: 'undecided', input: null, source: null, root: { subject: 'big', port: null, code: 'undecided' } },
    });
  });

  it('the reason for a failed source names it', () => {
    const w = workflow('failing', { params: { n: type<number>() } });
    const bad = w.fn('bad', {}, (): number => {
      throw new Error('bad');
    });
    w.fn('next', { n: bad.out.value }, ({ n }) => n);
    const run = new (alone(ConditionalMixin))().settle(w.build(), { n: 1 });
    if (run.status !== 'failed') throw new Error(run.status);
    expect(run.node('next').reason?.root).to.deep.equal({ subject: 'bad', port: null, code: 'upstream_failed' });
  });
});
