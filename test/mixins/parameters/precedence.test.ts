import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { both, type Given } from '../../support/both.js';
import { give } from '../../support/nodes.js';

/** Everything that can give `step.x` a value. What is left out does not exist. */
interface Sources {
  readonly schemaDefault?: boolean;
  readonly config?: boolean;
  readonly parameter?: 'declared' | 'broadcast';
  readonly connection?: boolean;
  readonly feedback?: boolean;
}

/** A node that collects what it saw in each iteration: `seen` is the list so far, `next` what is fed back. */
function build({ schemaDefault, config, parameter, connection, feedback }: Sources) {
  return () => {
    const seen: unknown[] = [];
    const step = defineNode({
      name: 'step',
      inputs: { x: (schemaDefault ? z.string().default('schema default') : z.string()) as z.ZodType<string> },
      outputs: { seen: type<readonly unknown[]>(), next: type<string>() },
      run: ({ x }) => ({ seen: [...seen, seen.push(x) && x], next: 'feedback' }),
    });
    const w = workflow('precedence', parameter === 'declared' ? { params: { p: z.string().optional() } } : {});
    if (connection) w.add('source', give('connection'));
    const bound =
      parameter === 'declared' ? { x: (w.params as { readonly p: never }).p } : config ? { x: 'config' } : {};
    const handle = w.node('step', step, bound);
    if (connection) w.connect('source.v', 'step.x');
    if (feedback) w.cycle('loop', { feedback: [handle.out.next.to(handle.in.x)], maxIterations: 2 });
    return w.build({ outputs: { seen: handle.out.seen } });
  };
}

const broadcast: Given = { params: { x: 'workflow parameter' } };
const declared: Given = { params: { p: 'workflow parameter' } };
const addressed: Given = { run: { set: { step: { x: 'node-addressed' } } } };

const pairs: readonly {
  readonly weaker: string;
  readonly stronger: string;
  readonly sources: Sources;
  readonly given?: Given;
  readonly seen: readonly string[];
}[] = [
  { weaker: 'nothing', stronger: 'the schema default', sources: { schemaDefault: true }, seen: ['schema default'] },
  {
    weaker: 'the schema default',
    stronger: 'config',
    sources: { schemaDefault: true, config: true },
    seen: ['config'],
  },
  {
    weaker: 'config',
    stronger: 'a broadcast parameter',
    sources: { config: true, parameter: 'broadcast' },
    given: broadcast,
    seen: ['workflow parameter'],
  },
  {
    weaker: 'the schema default',
    stronger: 'a declared parameter',
    sources: { schemaDefault: true, parameter: 'declared' },
    given: declared,
    seen: ['workflow parameter'],
  },
  {
    weaker: 'a broadcast parameter',
    stronger: 'a connection',
    sources: { parameter: 'broadcast', connection: true },
    given: broadcast,
    seen: ['connection'],
  },
  {
    weaker: 'a declared parameter',
    stronger: 'a connection',
    sources: { parameter: 'declared', connection: true },
    given: declared,
    seen: ['connection'],
  },
  { weaker: 'config', stronger: 'a connection', sources: { config: true, connection: true }, seen: ['connection'] },
  {
    weaker: 'a connection',
    stronger: 'a node-addressed parameter',
    sources: { connection: true },
    given: addressed,
    seen: ['node-addressed'],
  },
  {
    weaker: 'a declared parameter',
    stronger: 'a node-addressed parameter',
    sources: { parameter: 'declared' },
    given: { ...declared, ...addressed },
    seen: ['node-addressed'],
  },
  {
    weaker: 'a node-addressed parameter',
    stronger: 'feedback, from iteration 1 on',
    sources: { feedback: true },
    given: addressed,
    seen: ['node-addressed', 'feedback'],
  },
  {
    weaker: 'a connection',
    stronger: 'feedback, from iteration 1 on',
    sources: { connection: true, feedback: true },
    seen: ['connection', 'feedback'],
  },
];

describe('Input precedence', () => {
  for (const { weaker, stronger, sources, given, seen } of pairs) {
    it(`${stronger} beats ${weaker}`, async () => {
      const run = await both(build(sources), given);
      expect(run.status).to.equal('completed');
      expect(run.output).to.deep.equal({ seen });
    });
  }

  it('with every source at once, the strongest is taken in each iteration', async () => {
    const sources: Sources = {
      schemaDefault: true,
      config: true,
      parameter: 'broadcast',
      connection: true,
      feedback: true,
    };
    const run = await both(build(sources), { ...broadcast, ...addressed });
    expect(run.output).to.deep.equal({ seen: ['node-addressed', 'feedback'] });
  });

  it('a declared parameter that was not passed leaves the schema default', async () => {
    const run = await both(build({ schemaDefault: true, parameter: 'declared' }));
    expect(run.output).to.deep.equal({ seen: ['schema default'] });
  });

  it('the feedback of the innermost cycle past its first iteration is taken', async () => {
    const run = await both(() => {
      const seen: string[] = [];
      const step = defineNode({
        name: 'step',
        inputs: { x: type<string>() },
        outputs: { inner: type<string>(), seen: type<readonly string[]>() },
        run: ({ x }, { iterations }) => {
          seen.push(`${iterations.join('.')} ${x}`);
          return { inner: 'inner', seen: [...seen] };
        },
      });
      const w = workflow('nested');
      const inner = w.node('step', step, { x: 'config' });
      const last = w.fn('last', { seen: inner.out.seen }, () => 'outer');
      w.cycle('outer', { feedback: [last.out.value.to(inner.in.x)], maxIterations: 2 });
      w.cycle('inner', { feedback: [inner.out.inner.to(inner.in.x)], maxIterations: 2 });
      return w.build({ outputs: { seen: inner.out.seen } });
    });
    expect(run.output).to.deep.equal({ seen: ['0.0 config', '0.1 inner', '1.0 outer', '1.1 inner'] });
  });
});
