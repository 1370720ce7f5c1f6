import { expect } from 'chai';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { CyclesMixin } from '../../../src/mixins/cycles/index.js';
import { EnterpriseMixin } from '../../../src/mixins/enterprise/index.js';
import { scripted } from '../../../src/testing/index.js';
import { alone } from '../../support/alone.js';

function flaky() {
  const node = scripted({
    name: 'flaky',
    outputs: { success: type<boolean>() },
    retry: { attempts: 3 },
    script: [{ throws: new Error('first') }, { gives: { success: false } }, { gives: { success: true } }],
  });
  const w = workflow('flaky');
  w.try('step', node({}));
  return w.build();
}

describe('the enterprise mixin alone', () => {
  it('tries again and judges', () => {
    const run = new (alone(EnterpriseMixin))({ contentAwareSuccess: true }).execute(flaky());
    expect(run.node('step')).to.include({ status: 'completed', attempts: 3 });
    expect(run.node('step').failures.map(({ error }) => error.code)).to.deep.equal(['NODE_THREW', 'NOT_SUCCESSFUL']);
  });

  it('judges nothing unless told to', () => {
    const run = new (alone(EnterpriseMixin))().execute(flaky());
    expect(run.node('step').attempts).to.equal(2);
  });

  it('without it every failure is final, and nothing is judged', () => {
    const run = new (alone(CyclesMixin))({ contentAwareSuccess: true }).execute(flaky());
    expect(run.node('step')).to.include({ status: 'failed', attempts: 1 });
  });
});
