import { expect } from 'chai';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { when } from '../../src/index.js';
import type { SyncPlugin } from '../../src/plugins/plugin.js';
import { ndarray } from '../../src/plugins/python/values/ndarray.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { assertParity } from '../../src/testing/index.js';
import { both, type Given, type Outcome } from '../support/both.js';
import { PythonPool, pyPorts, pyTool } from '../support/python-nodes.js';

const same = pyTool('same');
const add = pyTool('add', ['a', 'b']);
const double = pyTool('double');
const fail = pyTool('fail');
const flaky = pyTool('flaky');

/** A state that a node begins with. */
const starting = (first: unknown) => ({
  '~standard': { ...type<unknown>()['~standard'], validate: (value: unknown) => ({ value: value ?? first }) },
});

describe('A workflow with Python nodes, in both runtimes,', function () {
  this.timeout(60_000);
  let pool: PythonPool;
  let plugin: SyncPlugin;
  let holder: AsyncLocalRuntime;

  before(async () => {
    pool = await PythonPool.open('numpy');
    plugin = pool.workers();
    // Keeps the workers that the other runtimes share.
    holder = new AsyncLocalRuntime({ plugins: [plugin] });
    const w = workflow('first');
    w.add('a', same({ value: 1 }));
    await holder.execute(w.build());
  });
  after(async () => {
    await holder.close();
    pool.remove();
  });

  function run(build: Parameters<typeof both>[0], given: Omit<Given, 'forms'> = {}): Promise<Outcome> {
    return both(build, { runtime: () => ({ plugins: [plugin] }), ...given, forms: ['local', 'async'] });
  }

  it('hands values from Python to JavaScript and back as they are', async () => {
    const value = {
      when: new Date(0),
      some: new Set([1n, 2 ** 53]),
      pairs: new Map<unknown, unknown>([[1, [undefined, Number.NaN, -0]]]),
      bytes: new Uint8Array([1, 2]),
      numbers: new Float64Array(100).fill(0.5),
      nothing: null,
    };
    const build = () => {
      const w = workflow('w');
      const a = w.add('a', same({ value }));
      const b = w.fn('b', { value: a.out.value }, ({ value: seen }) => [seen]);
      const c = w.add('c', same({ value: b.out.value }));
      const sum = w.add('sum', add({ a: 2, b: 40 }));
      const plus = w.add('plus', pyTool('add', ['a'])({ a: sum.out.value }));
      return w.build({ outputs: { value: c.out.value, plus: plus.out.value } });
    };
    const { output, attempts, problems } = await run(build);
    expect(problems).to.deep.equal([]);
    expect(output).to.deep.equal({ value: [value], plus: 43 });
    expect(attempts).to.deep.equal({ a: 1, b: 1, c: 1, sum: 1, plus: 1 });
  });

  it('computes with arrays of numpy', async () => {
    const build = () => {
      const w = workflow('w');
      const m = w.add('m', pyTool('matrix', ['rows', 'columns'])({ rows: 2, columns: 3 }));
      const sum = w.add('sum', pyTool('total')({ value: m.out.value }));
      return w.build({ outputs: { m: m.out.value, sum: sum.out.value } });
    };
    const { output } = await run(build);
    expect(output).to.deep.equal({ m: ndarray(new Float64Array([0, 1, 2, 3, 4, 5]), [2, 3]), sum: 15 });
  });

  it('takes each output from a dict, or what is returned as the only one', async () => {
    const build = () => {
      const w = workflow('w');
      const parts = w.add('parts', pyPorts('halves', ['value'], ['left', 'right'])({ value: [1, 2, 3, 4] }));
      const whole = w.add('whole', pyTool('halves')({ value: [5, 6] }));
      return w.build({ outputs: { left: parts.out.left, right: parts.out.right, whole: whole.out.value } });
    };
    const { output } = await run(build);
    expect(output).to.deep.equal({ left: [1, 2], right: [3, 4], whole: { left: [5], right: [6] } });
  });

  it('takes the branch that Python chose, and skips the other one', async () => {
    const build = (value: readonly number[]) => () => {
      const w = workflow('w');
      const size = w.add('size', pyTool('size')({ value }));
      const route = w.switch('route', size.out.value, {
        many: (found: unknown) => found === 'many',
        few: (found: unknown) => found === 'few',
      });
      const many = w.add('many', double({ value: route.out.many }));
      const few = w.add('few', same({ value: route.out.few }));
      w.add('later', same({ value: few.out.value }));
      const end = route.join({ many: many.out.value, few: few.out.value });
      return w.build({ outputs: { end } });
    };
    const { output, nodes, reasons } = await run(build([1, 2, 3]));
    expect(output).to.deep.equal({ end: 'manymany' });
    expect(nodes).to.include({ many: 'completed', few: 'skipped', later: 'skipped' });
    expect(Object.keys(reasons)).to.deep.equal(['few', 'later']);
    expect((await run(build([1]))).output).to.deep.equal({ end: 'few' });
  });

  it('falls back where a tool raises, blocks what needs it, and fails', async () => {
    const build = () => {
      const w = workflow('w');
      const risky = w.try('risky', fail({ value: 'Jo' }));
      const why = w.fn('why', { error: risky.error }, ({ error }) => error);
      const caused = w.add('caused', pyTool('fail_from')({ value: 'k' }));
      const after = w.add('after', same({ value: caused.out.value }));
      const aside = w.add('aside', same({ value: 1 }));
      return w.build({ outputs: { why: why.out.value, after: after.out.value, aside: aside.out.value } });
    };
    const { status, code, nodes, errors, messages, results, reasons } = await run(build);
    expect({ status, code }).to.deep.equal({ status: 'failed', code: 'RUN_FAILED' });
    expect(nodes).to.include({
      ...{ risky: 'failed', why: 'completed', caused: 'failed', after: 'blocked', aside: 'completed' },
    });
    expect(errors).to.deep.equal({ risky: 'PYTHON_RAISED', caused: 'PYTHON_RAISED' });
    expect(messages.caused).to.equal(
      'node_tools.NoLuckError: no such key. Its traceback is in the property traceback.',
    );
    expect(results.why?.value).to.deep.include({ name: 'PythonError', code: 'PYTHON_RAISED' });
    expect(Object.keys(reasons)).to.deep.equal(['after']);
  });

  it('makes as many attempts, and tells Python which one it is', async () => {
    const build = () => {
      const w = workflow('w');
      const third = w.add('third', flaky({ value: 2 }), { retry: { attempts: 5, delayMs: 1_000 } });
      w.add('never', flaky({ value: 9 }), { retry: { attempts: 3, delayMs: 0, retryOn: ['PYTHON_RAISED'] } });
      w.add('unlike', flaky({ value: 1 }), { retry: { attempts: 3, dontRetryOn: ['PYTHON_RAISED'] } });
      return w.build({ outputs: { third: third.out.value } });
    };
    const { attempts, results, errors } = await run(build);
    expect(attempts).to.deep.equal({ third: 3, never: 3, unlike: 1 });
    expect(results.third).to.deep.equal({ value: 3 });
    expect(errors).to.deep.equal({ never: 'PYTHON_RAISED', unlike: 'PYTHON_RAISED' });
  });

  it('does not try again what no attempt can change', async () => {
    const retry = { retry: { attempts: 3, delayMs: 0 } };
    const build = () => {
      const w = workflow('w');
      w.add('tool', pyTool('ad')({ value: 1 }), retry);
      w.add('module', pyTool('same', ['value'], { module: 'no.such' })({ value: 1 }), retry);
      w.add('broken', pyTool('same', ['value'], { module: 'broken_tools' })({ value: 1 }), retry);
      w.add('arguments', pyTool('same', ['valu'])({ valu: 1 }), retry);
      w.add('input', same({ value: [1, () => 1] as unknown as number[] }), retry);
      w.add('output', pyTool('unreadable')({ value: 1 }), retry);
      w.add('ports', pyPorts('whole', ['value'], ['a', 'b'])({ value: 1 }), retry);
      return w.build();
    };
    const { errors, attempts, messages } = await run(build);
    expect(errors).to.deep.equal({
      tool: 'TOOL_UNDECLARED',
      module: 'PYTHON_MODULE_MISSING',
      broken: 'PYTHON_IMPORT_FAILED',
      arguments: 'PYTHON_ARGUMENTS',
      input: 'VALUE_NOT_ENCODABLE',
      output: 'VALUE_NOT_ENCODABLE',
      ports: 'NODE_RETURNED_NOTHING',
    });
    expect(messages.tool).to.contain('did you mean add?');
    expect(messages.output).to.contain('output.rows[1]');
    expect(new Set(Object.values(attempts))).to.deep.equal(new Set([1]));
  });

  it('performs the items of a map in order, and collects those that fail', async () => {
    const build = () => {
      const w = workflow('w');
      const list = w.add('list', same({ value: [4, 1, 6, 3] }));
      const value = w.fn('numbers', { value: list.out.value }, ({ value: all }) => all as number[]);
      const each = w.map('each', value.out.value, (item) => pyTool('fail_odd')({ value: item }), {
        onItemError: 'collect',
      });
      const failed = w.fn('failed', { failed: each.failed }, ({ failed: some }) =>
        some.map(({ index, error }) => [index, error.code]),
      );
      return w.build({ outputs: { good: each.out.value, failed: failed.out.value } });
    };
    const { output } = await run(build);
    expect(output.good).to.deep.equal([4, 6]);
    expect(output.failed).to.deep.equal([
      [1, 'PYTHON_RAISED'],
      [3, 'PYTHON_RAISED'],
    ]);
  });

  it('goes round in a cycle until a value of Python has settled, and keeps state', async () => {
    const build = () => {
      const w = workflow('w');
      const step = w.add('step', pyTool('newton', ['value', 'target'])({ value: 2, target: 2 }));
      const turns = w.add('turns', pyTool('count', ['value'], { state: starting(0) })({ value: step.out.value }));
      const root = w.cycle('root', {
        feedback: [step.out.value.to(step.in.value)],
        until: when(turns.out.value, (count) => count === 4),
        maxIterations: 20,
      });
      return w.build({ outputs: { root: step.out.value, turns: turns.out.value, why: root.out.reason } });
    };
    const { output, visits, cycles } = await run(build);
    expect(output).to.deep.include({ turns: 4, why: 'converged' });
    expect(output.root).to.be.closeTo(Math.SQRT2, 1e-9);
    expect(visits).to.include({ step: 4, turns: 4 });
    expect(cycles.root?.iterations).to.equal(4);
  });

  it('tells a tool where it stands in subworkflows, maps and cycles', async () => {
    const build = () => {
      const c = workflow('child', { params: { n: type<unknown>() } });
      const inner = c.add('inner', pyTool('where')({ value: c.params.n }));
      const child = c.build({ outputs: { at: inner.out.value } });
      const w = workflow('w');
      const one = w.add('one', child({ n: 1 }));
      const list = w.fn('list', {}, () => [1, 2]);
      const all = w.map('all', list.out.value, (n) => child({ n }));
      const turn = w.add('turn', pyTool('where')({ value: null }));
      w.cycle('turns', { feedback: [turn.out.value.to(turn.in.value)], maxIterations: 2 });
      return w.build({ outputs: { one: one.out.at, all: all.out.at, turn: turn.out.value } });
    };
    const { output } = await run(build, { run: { runId: 'r' } });
    expect(output).to.deep.equal({
      one: ['inner', 'one/', 1, [], 'r/one/inner/1'],
      all: [0, 1].map((n) => ['inner', `all[${n}]/child/`, 1, [], `r/all[${n}]/child/inner/1`]),
      turn: ['turn', '', 2, [1], 'r/turn/2'],
    });
  });

  it('fails the owner of a child whose tool raises, and goes on beside it', async () => {
    const build = () => {
      const c = workflow('child');
      c.add('inner', fail({ value: 'Al' }), { retry: { attempts: 2, delayMs: 0 } });
      const child = c.build();
      const w = workflow('w');
      w.try('one', child());
      w.add('two', child());
      const beside = w.add('beside', double({ value: 21 }));
      return w.build({ outputs: { beside: beside.out.value } });
    };
    const { status, errors, results } = await run(build);
    expect({ status, errors }).to.deep.equal({
      status: 'failed',
      errors: { one: 'CHILD_FAILED', two: 'CHILD_FAILED' },
    });
    expect(results.beside).to.deep.equal({ value: 42 });
  });

  it('waits at a gate before and behind Python nodes', async () => {
    const w = workflow('w');
    const price = w.add('price', double({ value: 100 }));
    const ok = w.gate('ok', { shows: { price: price.out.value }, answer: type<number>() });
    const less = w.add('less', add({ a: price.out.value, b: ok.out.approved }));
    const built = w.build({ outputs: { less: less.out.value } });
    const asked: unknown[] = [];
    const outcome = await assertParity(
      built,
      {},
      {
        plugins: [plugin],
        store: true,
        answers: {
          ok: ({ shows }) => {
            asked.push(shows);
            return { approve: -20 };
          },
        },
      },
    );
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ less: 180 });
    expect(asked).to.deep.equal([{ price: 200 }, { price: 200 }]);
  });

  it('streams what a generator yields, and gives what it returns', async () => {
    const build = () => {
      const w = workflow('w');
      const stream = w.add('stream', pyTool('items')({ value: [1, 2, new Float64Array([3])] }));
      return w.build({ outputs: { count: stream.out.value } });
    };
    const { output, data } = await run(build);
    expect(output).to.deep.equal({ count: 3 });
    expect(data.map((each) => each.data)).to.deep.equal([10, 20, new Float64Array([30])]);
  });

  it('stops at the first failure where that is asked for, one node at a time', async () => {
    const build = () => {
      const w = workflow('w');
      const a = w.add('a', same({ value: 1 }));
      w.add('b', fail({ value: a.out.value }));
      w.add('c', same({ value: 2 }));
      return w.build();
    };
    const { nodes } = await run(build, {
      runtime: () => ({ plugins: [plugin], onError: 'fail-fast', maxConcurrency: 1 }),
    });
    expect(nodes).to.deep.equal({ a: 'completed', b: 'failed', c: 'cancelled' });
  });

  it('keeps what is known of a Python node, and counts its failures for the breaker of its tool', async () => {
    const build = () => {
      const w = workflow('w');
      const begin = w.add('begin', same({ value: 1 }));
      const known = w.add('known', pyTool('where', ['value'], { cache: {} })({ value: begin.out.value }));
      w.cycle('turns', {
        feedback: [begin.out.value.to(begin.in.value)],
        until: when(known.out.value, () => false),
        maxIterations: 3,
      });
      w.add('bad', fail({ value: 1 }), { retry: { attempts: 5, delayMs: 0 } });
      return w.build({ outputs: { known: known.out.value } });
    };
    const { results, visits, errors, attempts } = await run(build, {
      runtime: () => ({
        plugins: [plugin],
        maxConcurrency: 1,
        executors: { 'python.fail': { breaker: { failures: 2 } } },
      }),
    });
    expect(visits.known).to.equal(3);
    expect(results.known).to.deep.equal({ value: ['known', '', 1, [0], 'run-1/known/1'] });
    expect(errors).to.deep.equal({ bad: 'BREAKER_OPEN' });
    expect(attempts.bad).to.equal(3);
  });
});
