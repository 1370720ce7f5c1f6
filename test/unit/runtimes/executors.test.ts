import { expect } from 'chai';
import { compile } from '../../../src/base/compile.js';
import { ConfigurationError } from '../../../src/base/errors.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { definePlugin } from '../../../src/plugins/plugin.js';
import { executorToken } from '../../../src/plugins/token.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { assertParity, explore, exploreCrashes } from '../../../src/testing/index.js';
import { withFunctions } from '../../../src/testing/with-functions.js';
import { executorContract } from '../../contract/executor.js';
import { caught } from '../../support/caught.js';
import { ToolExecutor, toolNode, toolWorkers } from '../../support/tool-executor.js';

executorContract(
  'The test executor',
  {
    kind: 'tool',
    plugin: () => toolWorkers(),
    node: toolNode,
    refusal: 'VALUE_NOT_STORABLE',
    failure: { code: 'NO_LUCK', message: 'no luck with Jo' },
  },
  ['async', 'sync'],
);

const echo = toolNode('echo');

/** `a` and, in a subworkflow, `b`, both performed by executors. */
function nested(inner = echo) {
  const child = workflow('child');
  const b = child.add('b', inner({ value: 2 }));
  const w = workflow('w');
  const a = w.add('a', echo({ value: 1 }));
  const c = w.add('c', child.build({ outputs: { value: b.out.value } })());
  return w.build({ outputs: { a: a.out.value, b: c.out.value } });
}

describe('A node of executorNode, which an executor performs', () => {
  it('has the kind of its executor in the key of its limits and metrics', async () => {
    await using runtime = new AsyncLocalRuntime({ plugins: [toolWorkers()] });
    const keys: unknown[] = [];
    runtime.on('attempt', ({ node, executor }) => keys.push([node, executor]));
    await runtime.execute(nested());
    expect(keys).to.deep.include(['a', 'tool.echo']);
  });

  it('is identified by name and version, or by what the executor says, and never by where it is performed', () => {
    const hashed = (node = echo) => hashOf(nested(node));
    expect(hashed(toolNode('echo', {}, 'elsewhere'))).to.equal(hashed());
    expect(hashed(toolNode('fail'))).to.not.equal(hashed());
    expect(hashed(toolNode('echo', { version: '1' }))).to.not.equal(hashed());
    expect(nested().data.nodes[0]).to.deep.include({ kind: 'function', use: { name: 'echo', unversioned: true } });
  });

  it('is no asynchronous node of its plan, which names each target once', () => {
    const plan = compile(nested(toolNode('count')));
    expect([plan.asyncNodes, plan.hasRemote]).to.deep.equal([[], true]);
    expect(plan.executors.map(({ node, reference }) => [node, reference.target])).to.deep.equal([
      ['a', { tool: 'echo' }],
      ['c/b', { tool: 'count' }],
    ]);
    expect(compile(nested()).executors).to.have.length(1);
  });

  it('is refused with fields that mean nothing there', () => {
    for (const field of ['run', 'async', 'inputMode'])
      expect(caught(() => toolNode('echo', { [field]: 1 })).message).to.equal(
        `Tool node "echo" cannot have "${field}". Correct the named field.`,
      );
    expect(caught(() => toolNode('echo', { timeOut: 1 })).code).to.equal('UNKNOWN_OPTION');
  });

  it('is performed by a function that was put in its place', async () => {
    await using runtime = new AsyncLocalRuntime();
    const stubbed = withFunctions(nested(), (_, one) => ({ ...one, run: () => ({ value: 'stub' }) }));
    expect((await runtime.execute(stubbed)).output).to.deep.equal({ a: 'stub', b: 'stub' });
  });

  it('says what is missing where its own function is called', async () => {
    await using runtime = new AsyncLocalRuntime();
    const here = withFunctions(nested(), (_, one) => ({ ...one, run: (...args) => one.run(...args) }));
    expect((await runtime.settle(here)).status).to.equal('failed');
    const outcome = await runtime.settle(here);
    expect(outcome.status === 'failed' && outcome.node('a').error?.code).to.equal('EXECUTOR_MISSING');
  });
});

describe('The testing kit', () => {
  it('asks for stubs of nodes that executors perform: they are not at hand there', async () => {
    const stubs = { a: () => ({ value: 1 }), 'c/b': () => ({ value: 2 }) };
    expect((await assertParity(nested(), {}, { stubs })).status).to.equal('completed');
    expect(await explore(nested(), {}, () => undefined, { stubs, seeds: 1 })).to.include({ runs: 1 });
    const missed = async (call: () => Promise<unknown>) => {
      try {
        await call();
      } catch (error) {
        const { code, at, path } = error as Record<'code' | 'at' | 'path', string>;
        return [code, at ?? path];
      }
      return [];
    };
    expect(await missed(() => assertParity(nested()))).to.deep.equal(['PARITY_NEEDS_STUB', 'a, c/b']);
    const { a } = stubs;
    const some = () => explore(nested(), {}, () => undefined, { stubs: { a }, seeds: 1 });
    expect(await missed(some)).to.deep.equal(['EXECUTOR_MISSING', 'c/b']);
    expect(await missed(() => exploreCrashes(nested(), {}))).to.deep.equal(['EXECUTOR_MISSING', 'a']);
  });
});

describe('Before the first node, an executor', () => {
  it('is asked once about each target, those of children included', async () => {
    const executor = new ToolExecutor();
    await using runtime = new AsyncLocalRuntime({ plugins: [toolWorkers('default', executor)] });
    await runtime.settle(nested(toolNode('count')));
    expect(executor.checked).to.deep.equal(['echo', 'count']);
  });

  it('that nobody provides is missed, with the node and what to add', async () => {
    await using runtime = new AsyncLocalRuntime({ plugins: [toolWorkers('others')] });
    const outcome = await runtime.settle(nested());
    expect(
      outcome.status === 'rejected' && outcome.error.problems.map(({ code, at, message }) => [code, at, message]),
    ).to.deep.equal([
      [
        'EXECUTOR_MISSING',
        'a',
        'Node "a" is performed by the tool executor "default", which nothing provides here: add toolWorkers("default"). Add the named plugin to the runtime; in a test, give the node a stub.',
      ],
    ]);
  });

  it('that finds something wrong refuses the run', async () => {
    const executor = Object.assign(new ToolExecutor(), {
      check: () => new ConfigurationError('INVALID_OPTION', 'No such tool.', { at: 'echo' }),
    });
    await using runtime = new AsyncLocalRuntime({ plugins: [toolWorkers('default', executor)] });
    const outcome = await runtime.settle(nested());
    expect(outcome.status === 'rejected' && outcome.error.problems.map(({ code }) => code)).to.deep.equal([
      'INVALID_OPTION',
    ]);
  });

  it('that works in no thread is refused by LocalRuntime', () => {
    const here = Object.assign(new ToolExecutor(), { remote: undefined });
    using runtime = new LocalRuntime({ plugins: [toolWorkers('default', here)] });
    const outcome = runtime.settle(nested());
    expect(outcome.status === 'rejected' && outcome.error.problems.map(({ code, at }) => [code, at])).to.deep.equal([
      ['EXECUTOR_NEEDS_LANES', 'a'],
    ]);
  });
});

describe('The token of an executor', () => {
  it('is the same for a kind and a name, and another for others', () => {
    expect(executorToken('python', 'a')).to.equal(executorToken('python', 'a'));
    const tokens = [executorToken('python', 'a'), executorToken('python', 'b'), executorToken('tool', 'a')];
    expect(new Set(tokens.map(({ symbol }) => symbol)).size).to.equal(3);
  });
});

describe('A plugin that may wait where somebody can', () => {
  const told: string[] = [];
  const plugin = () =>
    definePlugin({
      name: 'either',
      start: () => void told.push('start'),
      stop: () => void told.push('stop'),
      whenAsync: {
        start: async ({ signal }) => {
          await null;
          told.push(`start later ${signal.aborted}`);
        },
        stop: async () => {
          await null;
          told.push('stop later');
        },
      },
    });
  const w = workflow('w');
  w.fn('a', {}, () => 1);
  const one = w.build();
  beforeEach(() => {
    told.length = 0;
  });

  it('starts and stops at once in LocalRuntime', () => {
    const runtime = new LocalRuntime({ plugins: [plugin()] });
    runtime.execute(one);
    runtime.close();
    expect(told).to.deep.equal(['start', 'stop']);
  });

  it('is waited for in AsyncLocalRuntime, and nothing else of it is called', async () => {
    const runtime = new AsyncLocalRuntime({ plugins: [plugin()] });
    await runtime.execute(one);
    await runtime.close();
    expect(told).to.deep.equal(['start later false', 'stop later']);
  });

  it('is refused with what is no such life', () => {
    const refused = (more: object) => {
      const { code, message } = caught(() => definePlugin({ name: 'p', ...more } as never));
      return [code, message];
    };
    expect(refused({ whenAsync: 1 })).to.deep.equal([
      'INVALID_PLUGIN',
      'Plugin "p" has a whenAsync that is no object. Make it with definePlugin().',
    ]);
    expect(refused({ whenAsync: { start: 1 } })).to.deep.equal([
      'INVALID_PLUGIN',
      'whenAsync.start of plugin "p" is not a function. Make it with definePlugin().',
    ]);
    expect(refused({ whenAsync: { begin: 1 } })[0]).to.equal('UNKNOWN_OPTION');
    expect(refused({ async: true, whenAsync: {} })).to.deep.equal([
      'INVALID_PLUGIN',
      'Plugin "p" waits by itself and needs no whenAsync. Make it with definePlugin().',
    ]);
  });
});
