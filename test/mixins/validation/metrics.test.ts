import { expect } from 'chai';
import { z } from 'zod';
import { workflow } from '../../../src/base/workflow-builder.js';
import type { ValidationMetrics } from '../../../src/mixins/validation/index.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { give, take } from '../../support/nodes.js';

/** `h` and `again` have schemas to ask, `source` and `free` have none. */
function build(value: unknown) {
  const w = workflow('measured');
  const source = w.add('source', give(value));
  const h = w.add('h', take(z.number())({ x: source.out.v as never }));
  w.contract('h.x', { schema: z.number().positive(), policies: ['no-pii'] });
  w.contract('h.x', { jsonSchema: { maximum: -10 } });
  w.add('again', take(z.unknown())({ x: h.out.seen }));
  w.fn('free', { x: source.out.v }, ({ x }) => x);
  return w.build();
}

const ZERO: ValidationMetrics = { workflows: 0, inputs: 0, inputFailures: 0, contractViolations: 0, accessDenied: 0 };

for (const [name, Runtime] of [
  ['LocalRuntime', LocalRuntime],
  ['AsyncLocalRuntime', AsyncLocalRuntime],
] as const) {
  describe(`Validation metrics of ${name}`, () => {
    it('are 0 at first', () => {
      expect(new Runtime().getValidationMetrics()).to.deep.equal(ZERO);
    });

    it('count workflows and the attempts whose inputs were asked about', async () => {
      const runtime = new Runtime({ validation: 'off' });
      await runtime.settle(build(5));
      expect(runtime.getValidationMetrics()).to.deep.equal({ ...ZERO, workflows: 1, inputs: 2 });
      await runtime.settle(build(6));
      expect(runtime.getValidationMetrics()).to.deep.equal({ ...ZERO, workflows: 2, inputs: 4 });
    });

    it('count inputs that did not fit', async () => {
      const runtime = new Runtime();
      await runtime.settle(build('five'));
      expect(runtime.getValidationMetrics()).to.deep.equal({ ...ZERO, workflows: 1, inputs: 1, inputFailures: 1 });
    });

    it('count every violation of a contract, in warn and in strict', async () => {
      for (const validation of ['warn', 'strict'] as const) {
        const runtime = new Runtime({ validation });
        await runtime.settle(build(-5));
        const { contractViolations, inputFailures } = runtime.getValidationMetrics();
        expect([contractViolations, inputFailures]).to.deep.equal([2, 0]);
      }
      const runtime = new Runtime();
      await runtime.settle(build(-11));
      expect(runtime.getValidationMetrics().contractViolations).to.equal(1);
    });

    it('count runs that were denied', async () => {
      const runtime = new Runtime({ access: { allows: () => false } });
      await runtime.settle(build(5));
      expect(runtime.getValidationMetrics()).to.deep.equal({ ...ZERO, workflows: 1, accessDenied: 1 });
    });

    it("are the runtime's own", async () => {
      const [one, two] = [new Runtime(), new Runtime()];
      await one.settle(build(5));
      expect(two.getValidationMetrics()).to.deep.equal(ZERO);
      expect(one.getValidationMetrics().workflows).to.equal(1);
    });

    it('can be reset, and are a copy', async () => {
      const runtime = new Runtime({ access: { allows: ({ context }) => context.tenant === 'acme' } });
      for (const value of [0, 'five']) await runtime.settle(build(value), {}, { context: { tenant: 'acme' } });
      await runtime.settle(build(1));
      const before = runtime.getValidationMetrics();
      expect(before).to.deep.equal({
        workflows: 3,
        inputs: 3,
        inputFailures: 1,
        contractViolations: 2,
        accessDenied: 1,
      });
      runtime.resetValidationMetrics();
      expect(runtime.getValidationMetrics()).to.deep.equal(ZERO);
      expect(before.workflows).to.equal(3);
    });
  });
}
