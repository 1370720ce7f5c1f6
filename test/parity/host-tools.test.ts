import { expect } from 'chai';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { SyncPlugin } from '../../src/plugins/plugin.js';
import type { HostTool, HostToolContext } from '../../src/plugins/python/host-tools.js';
import type { PythonError } from '../../src/plugins/python/python-error.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { CrashingStore } from '../../src/testing/crashing-store.js';
import { both, type Given, type Outcome } from '../support/both.js';
import { deferred } from '../support/deferred.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';

const asking = { module: 'asking_tools' };
const asked = { sync: pyTool('ask', ['name', 'args'], asking), async: pyTool('ask_later', ['name', 'args'], asking) };
const caught = pyTool('caught', ['name'], asking);

/** A node that returns what a host tool returns. */
const ask = (name: string, args: object = {}) => asked.sync({ name, args });
const askLater = (name: string, args: object = {}) => asked.async({ name, args });

type Kind = 'sync' | 'async';
const KINDS: readonly Kind[] = ['sync', 'async'];

/** A workflow of one node, whose value is the output. */
function one(node: ReturnType<typeof ask>, options: object = {}): Workflow {
  const w = workflow('one');
  const a = w.add('a', node, options);
  return w.build({ outputs: { value: a.out.value } });
}

describe('Host tools of Python nodes, in both runtimes,', function () {
  this.timeout(60_000);
  let pool: PythonPool;
  let plugin: SyncPlugin;
  let holder: AsyncLocalRuntime;
  /** What the host tool `answer` does in a test. */
  let answer: HostTool;

  const hostTools: Readonly<Record<string, HostTool>> = {
    answer: (args, context) => answer(args, context),
    echo: ({ value }) => value,
    attempt: (_args, { attempt, signal, name }) => ({ ...attempt, aborted: signal.aborted, name }),
    third: (_args, { attempt }) => {
      if ((attempt?.failures ?? 0) < 2) throw Object.assign(new RangeError('too early'), { code: 'TOO_EARLY' });
      return attempt?.attempt;
    },
  };

  before(async () => {
    pool = await PythonPool.open();
    plugin = pool.workers({ hostTools, preload: ['asking_tools'] });
    // Keeps the workers that the other runtimes share.
    holder = new AsyncLocalRuntime({ plugins: [plugin] });
    await holder.execute(one(ask('echo', { value: 1 })));
  });
  after(async () => {
    await holder.close();
    pool.remove();
  });

  function run(build: Parameters<typeof both>[0], given: Omit<Given, 'forms'> = {}): Promise<Outcome> {
    return both(build, { runtime: () => ({ plugins: [plugin] }), ...given, forms: ['local', 'async'] });
  }

  function open(
    kind: Kind,
    options: Omit<AsyncLocalRuntimeOptions, 'plugins'> & { plugins: SyncPlugin[] },
  ): LocalRuntime {
    // Both take the same, and are waited for.
    return (kind === 'sync' ? new LocalRuntime(options as never) : new AsyncLocalRuntime(options)) as LocalRuntime;
  }

  const inBoth = (title: string, body: (kind: Kind) => Promise<void>): void => {
    for (const kind of KINDS) it(`${title} (${kind})`, () => body(kind));
  };

  it('are given values as they are, and give them back so', async () => {
    const value = {
      big: 2n ** 53n + 1n,
      nothing: null,
      none: undefined,
      long: new Uint8Array(300).fill(1),
      numbers: new Float64Array(200_000).fill(0.5),
      pairs: new Map<unknown, unknown>([[1, [new Date(0), -0]]]),
    };
    const build = () => {
      const w = workflow('w');
      const a = w.add('a', ask('echo', { value }));
      const b = w.add('b', askLater('echo', { value: [1, null] }));
      return w.build({ outputs: { a: a.out.value, b: b.out.value } });
    };
    const { output, problems } = await run(build);
    expect(problems).to.deep.equal([]);
    expect(output).to.deep.equal({ a: value, b: [1, null] });
  });

  it('are told for which attempt they are called', async () => {
    const build = () => {
      const w = workflow('w');
      const a = w.add('a', ask('attempt'));
      return w.build({ outputs: { a: a.out.value } });
    };
    const { output } = await run(build, { run: { runId: 'r', context: { tenant: 't' } } });
    expect(output.a).to.deep.include({
      ...{ runId: 'r', nodeId: 'a', scope: '', attempt: 1, failures: 0, visit: 1, iterations: [] },
      ...{ context: { tenant: 't' }, aborted: false, name: 'attempt' },
    });
  });

  it('fail the attempt that lets their errors pass, with the chain of causes, and are called by the next one', async () => {
    answer = () => {
      throw Object.assign(new RangeError('no such row', { cause: new TypeError('why') }), { code: 'NO_ROW' });
    };
    const build = () => {
      const w = workflow('w');
      const retry = { retry: { attempts: 3, delayMs: 0 } };
      const third = w.add('third', ask('third'), retry);
      const risky = w.try('risky', ask('answer'));
      const known = w.add('known', caught({ name: 'answer' }));
      w.add('missing', askLater('anser'));
      return w.build({ outputs: { third: third.out.value, error: risky.error, known: known.out.value } });
    };
    const { results, attempts, errors, messages, code } = await run(build);
    expect(code).to.equal('RUN_FAILED');
    expect(results.third).to.deep.equal({ value: 3 });
    expect(results.known?.value).to.deep.include({
      code: 'NO_ROW',
      name: 'RangeError',
      causes: [['NODE_THREW', 'TypeError', 'why']],
    });
    expect(attempts).to.deep.equal({ third: 3, risky: 1, known: 1, missing: 1 });
    expect(errors).to.deep.equal({ risky: 'PYTHON_RAISED', missing: 'PYTHON_RAISED' });
    expect(messages.risky).to.include('HostToolError: no such row.');
    expect(messages.missing).to.include('There is no host tool "anser". Did you mean "answer"?');
  });

  it('show what caused their errors in those of the run', async () => {
    answer = () => {
      throw new RangeError('no such row', { cause: new TypeError('why') });
    };
    for (const kind of KINDS) {
      const runtime = open(kind, { plugins: [plugin] });
      const run = await runtime.settle(one(ask('answer')));
      if (run.status !== 'failed') throw new Error(run.status);
      const raised = run.error.cause as PythonError;
      expect([raised.reason, raised.cause?.reason, raised.cause?.cause]).to.deep.equal([
        'no such row',
        'why',
        undefined,
      ]);
      await runtime.close();
    }
  });

  it('say what they cannot give back', async () => {
    answer = () => ({ rows: [() => 1] });
    const { messages } = await run(() => one(ask('answer')));
    expect(messages.a).to.include('host.answer().rows[0]');
  });

  it('answer many nodes that run together', async () => {
    const list = Array.from({ length: 40 }, (_, n) => n);
    const build = () => {
      const w = workflow('w');
      const numbers = w.fn('numbers', {}, () => list);
      const each = w.map('each', numbers.out.value, (item) => pyTool('echoed', ['value'], asking)({ value: item }));
      return w.build({ outputs: { all: each.out.value } });
    };
    expect((await run(build)).output.all).to.deep.equal(list);
  });

  inBoth('may run workflows with Python nodes that call them again, where workers have one place', async (kind) => {
    let runtime: LocalRuntime;
    const sub = (n: number): Workflow => one(ask('deeper', { n }));
    const deeper: HostTool = ({ n }) => {
      if (n === 0) return 0;
      const done = runtime.execute(sub((n as number) - 1)) as { then?: unknown; output?: { value: number } };
      const next = ({ output }: typeof done): number => (output?.value ?? Number.NaN) + 1;
      return kind === 'sync' ? next(done) : Promise.resolve(done).then(next);
    };
    const plugins = [pool.workers({ workers: 2, maxConcurrentCalls: 1, hostTools: { deeper } })];
    runtime = open(kind, { plugins });
    expect((await runtime.execute(sub(6))).output).to.deep.equal({ value: 6 });
    // Several at a time: all places are held by calls that wait for such runs.
    const w = workflow('w');
    const node = ask('deeper', { n: 3 });
    const [a, b, c] = [w.add('a', node), w.add('b', node), w.add('c', node)];
    const many = w.build({ outputs: { a: a.out.value, b: b.out.value, c: c.out.value } });
    expect((await runtime.execute(many)).output).to.deep.equal({ a: 3, b: 3, c: 3 });
    await runtime.close();
  });

  inBoth('may run workflows without any', async (kind) => {
    let runtime: LocalRuntime;
    const w = workflow('w');
    const sum = w.fn('sum', {}, () => 42);
    const inner = w.build({ outputs: { sum: sum.out.value } });
    const hostTool: HostTool = () => {
      const done = runtime.execute(inner);
      return kind === 'sync' ? done.output : Promise.resolve(done).then(({ output }) => output);
    };
    runtime = open(kind, { plugins: [pool.workers({ workers: 2, hostTools: { hostTool } })] });
    expect((await runtime.execute(one(ask('hostTool')))).output).to.deep.equal({ value: { sum: 42 } });
    await runtime.close();
  });

  inBoth('are not called again for an attempt that was recorded', async (kind) => {
    let calls = 0;
    answer = () => ++calls;
    const w = workflow('w');
    w.add('a', ask('answer'));
    w.gate('gate');
    const waiting = w.build();
    const store = new CrashingStore(undefined);
    const first = open(kind, { plugins: [plugin], store });
    expect((await first.execute(waiting, {}, { runId: 'r' })).status).to.equal('waiting');
    await first.close();
    const second = open(kind, { plugins: [plugin], store });
    const resumed = await second.resume(waiting, 'r');
    expect(resumed.node('a')).to.include({ status: 'completed', attempts: 1 });
    expect(resumed.results.get('a')).to.deep.equal({ value: 1 });
    expect(calls).to.equal(1);
    await second.close();
  });

  it('may answer later in AsyncLocalRuntime only', async () => {
    answer = async () => 'later';
    const async = open('async', { plugins: [plugin] });
    expect((await async.execute(one(ask('answer')))).output).to.deep.equal({ value: 'later' });
    await async.close();
    let refused = false;
    answer = async () => {
      refused = true;
      throw new Error('is told to nobody');
    };
    using sync = new LocalRuntime({ plugins: [plugin] });
    const { output } = sync.execute(one(caught({ name: 'answer' })));
    expect(refused).to.equal(true);
    expect(output).to.deep.include({
      value: {
        code: 'HOST_TOOL_ASYNC',
        name: 'AttemptError',
        message: 'Host tool "answer" returned a promise. Let it return its value, or use AsyncLocalRuntime.',
        tool: 'answer',
        causes: [],
      },
    });
  });

  it('are told when the run is cancelled, or the attempt has passed its limit', async () => {
    const runtime = open('async', { plugins: [plugin] });
    const waiting = (called: (context: HostToolContext) => void): Promise<unknown> => {
      const aborted = deferred<unknown>();
      answer = (_args, context) => {
        context.signal.addEventListener('abort', () => aborted.resolve(context.signal.reason));
        called(context);
        return aborted.promise;
      };
      return aborted.promise;
    };
    const abort = new AbortController();
    const cancelled = waiting(() => abort.abort(new Error('enough')));
    const run = await runtime.settle(one(ask('answer')), {}, { signal: abort.signal });
    expect(run.status).to.equal('cancelled');
    expect(await cancelled).to.be.an('error');
    const late = waiting(() => undefined);
    const timed = await runtime.settle(one(ask('answer'), { timeoutMs: 200 }));
    if (timed.status !== 'failed') throw new Error(timed.status);
    expect(timed.node('a').error?.code).to.equal('ATTEMPT_TIMEOUT');
    expect(await late).to.include({ code: 'ATTEMPT_TIMEOUT' });
    await runtime.close();
  });

  it('that hold the thread of LocalRuntime past the limit of the attempt are waited for, and what they answer is not', () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    answer = () => Atomics.wait(cell, 0, 0, 400);
    using runtime = new LocalRuntime({ plugins: [plugin] });
    runtime.execute(one(ask('echo', { value: 1 })));
    const run = runtime.settle(one(ask('answer'), { timeoutMs: 200 }));
    if (run.status !== 'failed') throw new Error(run.status);
    expect(run.node('a').error?.code).to.equal('ATTEMPT_TIMEOUT');
    expect(runtime.execute(one(ask('echo', { value: 2 }))).output).to.deep.equal({ value: 2 });
  });
});
