import { expect } from 'chai';
import { z } from 'zod';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ValidationMixin } from '../../../src/mixins/validation/index.js';
import { alone } from '../../support/alone.js';
import { give, take } from '../../support/nodes.js';

const Validating = alone(ValidationMixin);

function build(value: unknown, schema: z.ZodType = z.number()) {
  const w = workflow('small');
  const source = w.add('source', give(value));
  const h = w.add('h', take(schema)({ x: source.out.v }));
  w.contract('h.x', { schema: z.number().positive() });
  return w.build({ outputs: { seen: h.out.seen } });
}

describe('The validation mixin without any other', () => {
  it('applies input schemas, and shows the node what they yield', () => {
    const run = new Validating({ validation: 'off' }).execute(build('42', z.string().transform(Number)));
    expect(run.output).to.deep.equal({ seen: 42 });
  });

  it('fails an attempt whose input does not fit, naming the connection', () => {
    const run = new Validating().settle(build('five'));
    expect(run.status === 'failed' && run.error.message).to.include(
      'INPUT_INVALID: Input "h.x": Invalid input: expected number, received string; it comes from source.v.',
    );
  });

  it('warns of broken contracts, fails them in strict, and leaves them alone when off', () => {
    const warned = new Validating().execute(build(-1));
    expect(warned.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['contract', 'h.x']]);
    const strict = new Validating({ validation: 'strict' }).settle(build(-1));
    expect(strict.status === 'failed' && strict.error.failure.code).to.equal('CONTRACT_VIOLATED');
    expect(new Validating({ validation: 'off' }).execute(build(-1)).warnings).to.deep.equal([]);
  });

  it('asks the access policy', () => {
    const asked: unknown[] = [];
    const access = { allows: (request: unknown) => asked.push(request) > 1 };
    const runtime = new Validating({}, { access });
    const denied = runtime.settle(build(1), {}, { context: { tenant: 'acme' } });
    expect(denied.status === 'rejected' && denied.error.code).to.equal('ACCESS_DENIED');
    expect(runtime.settle(build(1)).status).to.equal('completed');
    expect(asked).to.deep.equal([
      { workflow: 'small', runId: 'run-1', context: { tenant: 'acme' } },
      { workflow: 'small', runId: 'run-2', context: {} },
    ]);
  });

  it('counts', () => {
    const runtime = new Validating();
    runtime.settle(build(-1));
    runtime.settle(build('x'));
    expect(runtime.getValidationMetrics()).to.deep.equal({
      workflows: 2,
      inputs: 2,
      inputFailures: 1,
      contractViolations: 1,
      accessDenied: 0,
    });
  });

  it('checks workflows, contexts and contracts without running them', () => {
    const runtime = new Validating();
    expect(runtime.validateWorkflow(build(1))).to.deep.equal({ problems: [], warnings: [] });
    expect(runtime.buildConnectionContext(build(1), 'h').incoming).to.deep.equal([
      { from: 'source.v', port: 'x', feedbackOf: null },
    ]);
    expect(runtime.validateConnectionContracts(build(1), 'h', { x: -1 }).map(({ kind }) => kind)).to.deep.equal([
      'schema',
    ]);
    expect(runtime.generateEnhancedValidationError(build(1), 'INPUT_INVALID', 'h', 'x', 'odd').message).to.match(
      /^Input "h\.x": odd; it comes from source\.v\./,
    );
    expect(runtime.shouldStopOnError(build(1), 'h')).to.equal(false);
  });

  it('leaves parameters to another: they reach nobody', () => {
    const w = workflow('bare');
    const h = w.add('h', take(z.number().default(3))());
    const run = new Validating().execute(w.build({ outputs: { seen: h.out.seen } }), { x: 9 } as never);
    expect(run.output).to.deep.equal({ seen: 3 });
  });
});
