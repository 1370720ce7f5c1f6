import { expect } from 'chai';
import fc from 'fast-check';
import { workflow } from '../../src/base/workflow-builder.js';
import { arbitraryWorkflow, assertParity } from '../../src/testing/index.js';
import { rejection } from '../support/caught.js';
import { holds } from '../support/property.js';

describe('assertParity with a store', () => {
  it('finds values that cannot be recorded', async () => {
    const w = workflow('w');
    w.fn('a', {}, () => () => 1);
    const built = w.build();
    const outcome = await assertParity(built, {}, { store: true });
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('VALUE_NOT_STORABLE');
  });

  it('finds values that are changed after they were recorded', async () => {
    const w = workflow('w');
    const kept: { n: number }[] = [];
    const a = w.fn('a', {}, () => {
      const value = { n: 1 };
      kept.push(value);
      return value;
    });
    w.fn('b', { a: a.out.value }, () => {
      for (const value of kept) value.n++;
      return 1;
    });
    const error = await assertParity(w.build(), {}, { store: true }).catch((thrown: Error) => thrown);
    expect(error).to.include({ code: 'PARITY_DIFFERS' });
    expect((error as { path?: string }).path).to.match(/^record\./);
  });

  it('answers gates', async () => {
    const w = workflow('w');
    const gate = w.gate('gate');
    const a = w.fn('a', { x: gate.out.approved }, ({ x }) => x);
    const built = w.build({ outputs: { a: a.out.value } });
    const outcome = await assertParity(built, {}, { store: true, answers: { gate: { approve: 7 } } });
    expect(outcome).to.deep.include({ status: 'completed', output: { a: 7 } });
  });

  it('is asked for by true', async () => {
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    const error = await rejection(assertParity(w.build(), {}, { store: 'yes' as never }));
    expect(error).to.include({ code: 'INVALID_OPTION' });
  });

  holds(
    'finds both runtimes alike, whatever the workflow',
    arbitraryWorkflow(fc, { async: true }),
    async ({ workflow: flow, params, set, answers }) => {
      await assertParity(flow, params, { run: { set }, answers, store: true });
    },
    0.5,
  );
});
