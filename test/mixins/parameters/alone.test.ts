import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ParametersMixin } from '../../../src/mixins/parameters/index.js';
import { alone } from '../../support/alone.js';
import { give, take } from '../../support/nodes.js';

const Parametric = alone(ParametersMixin);

function declaring() {
  const w = workflow('declaring', { params: { n: z.number().default(10) } });
  const source = w.add('source', give({ a: 1 }));
  const p = w.add('p', take(z.number())({ x: w.params.n }));
  const c = w.add('c', take(z.number())({ x: source.out.v.at('a') }));
  return w.build({ outputs: { p: p.out.seen, c: c.out.seen } });
}

describe('The parameters mixin without any other', () => {
  it('binds declared parameters and their defaults', () => {
    const runtime = new Parametric();
    expect(runtime.execute(declaring()).output).to.deep.equal({ p: 10, c: 1 });
    expect(runtime.execute(declaring(), { n: 4 }).output).to.deep.equal({ p: 4, c: 1 });
  });

  it('puts node-addressed parameters before connections', () => {
    const run = new Parametric().execute(declaring(), { p: { x: 5 } } as never, { set: { c: { x: 6 } } });
    expect(run.output).to.deep.equal({ p: 5, c: 6 });
  });

  it('rejects what is unknown, missing or of the wrong type', () => {
    const run = new Parametric().settle(declaring(), { n: 'x', m: 1 } as never, { set: { q: { x: 1 } } });
    const codes = run.status === 'rejected' ? run.error.problems.map(({ code }) => code) : [];
    expect(codes).to.deep.equal(['UNKNOWN_PARAMETER', 'INVALID_PARAMETER', 'UNKNOWN_NODE']);
  });

  it('falls to the next weaker source with a warning, or fails the attempt', () => {
    const build = (config: object) => {
      const w = workflow('missing');
      w.add('source', give({}));
      const h = w.node('h', take(z.number()), config);
      w.connect('source.v.a', 'h.x');
      return w.build({ outputs: { seen: h.out.seen } });
    };
    const run = new Parametric().execute(build({ x: 9 }));
    expect(run.output).to.deep.equal({ seen: 9 });
    expect(run.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['missing-path', 'source.v.a → h.x']]);
    const failed = new Parametric().settle(build({}));
    expect(failed.status === 'failed' && failed.error.failure.code).to.equal('INPUT_MISSING');
  });

  it('broadcasts, at the level of the runtime', () => {
    const build = () => {
      const w = workflow('broadcasting');
      const h = w.node('h', take(z.number()));
      return w.build({ outputs: { seen: h.out.seen } });
    };
    expect(new Parametric().execute(build(), { x: 3 } as never).output).to.deep.equal({ seen: 3 });
    const strict = new Parametric({ validation: 'strict' }).settle(build(), { x: 3, y: 4 } as never);
    expect(strict.status === 'rejected' && strict.error.code).to.equal('UNMATCHED_NAME');
    const missing = new Parametric().settle(build());
    expect(missing.status === 'rejected' && missing.error.code).to.equal('INPUT_MISSING');
  });

  it('leaves schemas of inputs to another: no default, no check', () => {
    const w = workflow('unchecked');
    const h = w.add('h', take(z.number().default(3))());
    const built = w.build({ outputs: { seen: h.out.seen } });
    expect(new Parametric().execute(built).results.get('h')).to.deep.equal({ seen: undefined });
    expect(new Parametric().execute(built, { x: 'text' } as never).output).to.deep.equal({ seen: 'text' });
  });

  it('gives nodes their secrets, and says which are needed', () => {
    const w = workflow('secretive');
    const node = defineNode({
      name: 'node',
      outputs: { n: type<number>() },
      secrets: ['TOKEN'],
      run: (_, { secret }) => ({ n: secret('TOKEN').length }),
    });
    const h = w.add('h', node());
    const built = w.build({ outputs: { n: h.out.n } });
    const runtime = new Parametric({}, { secrets: { load: () => ({ TOKEN: 'four' }) } });
    expect(runtime.execute(built).output).to.deep.equal({ n: 4 });
    expect(runtime.extractSecretRequirements(built)).to.deep.equal([{ name: 'TOKEN', nodes: ['h'] }]);
    const missing = new Parametric().settle(built);
    expect(missing.status === 'rejected' && missing.error.code).to.equal('SECRET_MISSING');
  });

  it('takes parameters apart, and serialises contexts', () => {
    const runtime = new Parametric();
    expect(runtime.separateParameterFormats(declaring(), { n: 1, p: { x: 2 } })).to.deep.equal({
      workflow: { n: 1 },
      nodes: { p: { x: 2 } },
    });
    expect(runtime.isNodeSpecificFormat(declaring(), 'p', { x: 2 })).to.equal(true);
    expect(runtime.processWorkflowParameters(declaring(), {}).parameters).to.deep.equal({ n: 10 });
    expect(runtime.serializeUserContext({ at: new Date(0) })).to.deep.equal({ at: '1970-01-01T00:00:00.000Z' });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the product
    expect(runtime.expandTemplates('${a}', { a: 1 })).to.equal(1);
  });
});
