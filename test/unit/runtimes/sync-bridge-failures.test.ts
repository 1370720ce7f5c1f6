import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import type { BridgeCall, BridgeReport } from '../../../src/base/ports.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { moduleNode } from '../../../src/runtimes/module-node.js';
import { ThreadBridge } from '../../../src/runtimes/sync-bridge/thread-bridge.js';
import { both, type Outcome } from '../../support/both.js';
import { caught, refusal } from '../../support/caught.js';
import { fromModule, functions, only, sharedCells, withX } from '../../support/module-nodes.js';

const text = type<string>();
const cellsType = type<Int32Array>();
const failing = (outcome: Outcome) => [outcome.errors.a, outcome.messages.a];

const from = (module: string, name = 'run') =>
  only(moduleNode({ name: 'n', module, export: name, outputs: { y: text } })(), { retry: { attempts: 3 } });

describe('A module that cannot be used', () => {
  it('fails the attempt where it does not exist, and is not tried again', async () => {
    const outcome = await both(() => from('file:///nowhere/score.js'));
    expect(failing(outcome)).to.deep.equal([
      'MODULE_FAILED',
      'Node "a": file:///nowhere/score.js could not be loaded. See the cause; the URL must name a module that Node can import.',
    ]);
    expect(outcome.attempts).to.deep.equal({ a: 1 });
    const cause = outcome.error?.cause as { readonly cause?: { readonly code?: string } };
    expect(cause.cause?.code).to.equal('ERR_MODULE_NOT_FOUND');
  });

  it('fails it where the module throws while it is loaded', async () => {
    const outcome = await both(() => from('data:text/javascript,throw new RangeError("at load")'));
    const cause = outcome.error?.cause as Error;
    expect([outcome.errors.a, cause.cause instanceof RangeError, (cause.cause as Error).message]).to.deep.equal([
      'MODULE_FAILED',
      true,
      'at load',
    ]);
  });

  it('fails it where the export is missing, and names those that there are', async () => {
    expect(failing(await both(() => from('data:text/javascript,export const one = 1, two = 2')))).to.deep.equal([
      'EXPORT_MISSING',
      'Node "a": data:text/javascript,export const one = 1, two = 2 has no export "run"; it exports one, two. Export the function, or name another.',
    ]);
  });

  it('fails it where the export is no function', async () => {
    expect(failing(await both(() => from(functions.href, 'notAFunction')))).to.deep.equal([
      'EXPORT_NOT_FUNCTION',
      `Node "a": export "notAFunction" of ${functions.href} is a number. Export a node function.`,
    ]);
  });
});

describe('A module node that says what nobody can take', () => {
  const saying = (body: string) => from(`data:text/javascript,export function run(_, c) { ${body}; return { y: 1 } }`);

  it('fails where it sets a state that it does not declare', async () => {
    expect(failing(await both(() => saying('c.setState(1)')))).to.deep.equal([
      'STATE_UNDECLARED',
      'Node "a" called setState() and declares no state. Declare the state in the node definition.',
    ]);
  });

  it('fails where the log throws; its run and the next one go on', async () => {
    const log = {
      log: (_: string, message: string): void => {
        if (message === 'full') throw new Error('disk full');
      },
    };
    const flow = saying("c.log.log('info', 'full')");
    using local = new LocalRuntime({ log });
    await using async = new AsyncLocalRuntime({ log });
    for (const outcome of [local.settle(flow), await async.settle(flow), local.settle(flow)])
      expect(outcome.status === 'failed' && outcome.node('a').error).to.deep.equal({
        name: 'Error',
        code: 'NODE_THREW',
        message: 'disk full',
      });
  });
});

describe('A value that cannot be copied', () => {
  const oddNode = fromModule('odd', { how: type<unknown>() });

  it('fails the attempt, naming the path: in an input', async () => {
    const how = { rows: [1, new Map([['k', { deep: Symbol('s') }]])] };
    expect(failing(await both(() => only(oddNode({ how }), { retry: { attempts: 2 } })))).to.deep.equal([
      'VALUE_NOT_CLONEABLE',
      'Input "a.how.rows[1].get(k).deep" is a symbol. Pass plain data: no functions, symbols, promises or handles.',
    ]);
  });

  for (const [how, message] of [
    ['output', 'Output "a.y.rows[1].call" is a function.'],
    ['state', 'State "a.state.rows[1].call" is a function.'],
    ['emit', 'Speech "a.data.rows[1].call" is a function.'],
  ] as const) {
    it(`in what a node gives: ${how}`, async () => {
      const [code, said] = failing(await both(() => only(oddNode({ how }))));
      expect(code).to.equal('VALUE_NOT_CLONEABLE');
      expect(said).to.contain(message);
    });
  }

  it('in the context of the run', async () => {
    const outcome = await both(() => only(withX('double')({ x: 1 })), { run: { context: { db: () => 1 } } });
    expect(outcome.messages.a).to.contain('Part "context.db" is a function.');
  });

  it('names a getter that throws, and a whole that is the culprit itself', async () => {
    const throwing = () => {
      const w = workflow('w');
      const made = w.fn('made', {}, () =>
        Object.defineProperty({}, 'no', {
          enumerable: true,
          get: () => {
            throw new Error('not now');
          },
        }),
      );
      w.add('a', oddNode({ how: made.out.value }));
      return w.build();
    };
    const getter = await both(throwing, { forms: ['local'] });
    expect(getter.messages.a).to.contain('Input "a.how.no" is no plain data.');
    const promise = Promise.resolve(1);
    expect((await both(() => only(oddNode({ how: new Set([promise]) })))).messages.a).to.contain(
      '"a.how[0]" is no plain data.',
    );
  });
});

describe('What a module node throws', () => {
  it('keeps name, code, message, properties and causes; its class becomes one of the language', async () => {
    const { error, errors } = await both(() => only(fromModule('limited', {})()));
    const thrown = error?.cause as RangeError & {
      readonly code: string;
      readonly waitMs: number;
      readonly socket?: object;
    };
    expect(errors.a).to.equal('RATE_LIMITED');
    expect(thrown).to.be.instanceOf(RangeError);
    expect([thrown.name, thrown.message, thrown.code, thrown.waitMs, 'socket' in thrown]).to.deep.equal([
      'RateLimited',
      'slow down',
      'RATE_LIMITED',
      25,
      false,
    ]);
    expect(thrown.stack).to.contain('node-functions');
    expect(thrown.cause).to.be.instanceOf(TypeError);
    expect((thrown.cause as Error).cause).to.equal('tuesday');
  });

  for (const [how, code, message] of [
    ['text', 'NODE_THREW', 'only text'],
    ['function', 'NODE_THREW', '() => 1'],
    ['aggregate', 'NODE_THREW', 'both'],
    ['dom', 'NODE_THREW', 'given up'],
    ['ours', 'SCHEMA_THREW', 'Mine. Correct the schema.'],
    ['hostile', 'NODE_THREW', 'a value that cannot be read'],
    ['plain', 'NODE_THREW', 'plain'],
  ] as const) {
    it(`comes back whatever it is: ${how}`, async () => {
      const outcome = await both(() => only(fromModule('throwing', { how: text })({ how })));
      expect(failing(outcome)).to.deep.equal([code, message]);
      if (how === 'aggregate') expect((outcome.error?.cause as AggregateError | undefined)?.errors).to.have.length(2);
      if (how === 'dom') expect(outcome.error?.cause).to.include({ name: 'AbortError', code: 20 });
    });
  }

  it('is matched by code, by class of the language and by predicate', async () => {
    for (const matcher of ['FLAKY', TypeError, (error: unknown) => (error as Error).message === 'not yet']) {
      const outcome = await both(() => {
        const node = fromModule('flaky', { cells: cellsType, x: type<number>() });
        return only(node({ cells: sharedCells(), x: 2 }), { retry: { attempts: 3, retryOn: [matcher] } });
      });
      expect([outcome.output.y, outcome.attempts.a]).to.deep.equal([3, 3]);
    }
    const other = await both(() => {
      const node = fromModule('flaky', { cells: cellsType, x: type<number>() });
      return only(node({ cells: sharedCells(), x: 2 }), { retry: { attempts: 3, retryOn: [RangeError] } });
    });
    expect(other.attempts.a).to.equal(1);
  });

  it('asking for a secret that is not declared is SECRET_UNDECLARED', async () => {
    expect((await both(() => only(fromModule('undeclared', {})()))).errors).to.deep.equal({ a: 'SECRET_UNDECLARED' });
  });

  it('returning nothing is what it is for any node', async () => {
    const nothing = moduleNode({
      name: 'n',
      module: 'data:text/javascript,export const n = () => {}',
      outputs: { y: text },
    });
    expect((await both(() => only(nothing()))).errors).to.deep.equal({ a: 'NODE_RETURNED_NOTHING' });
  });
});

describe('A thread that ends', () => {
  const crashNode = fromModule('crash', { cells: cellsType, how: text });
  let bridge: ThreadBridge;
  let runtime: LocalRuntime;
  before(() => {
    bridge = new ThreadBridge({ resourceLimits: { maxOldGenerationSizeMb: 24 } });
    runtime = new LocalRuntime({ bridge });
  });
  after(() => {
    runtime.close();
    bridge.close();
  });

  for (const [how, words, cause] of [
    ['exit', 'it ended with exit code 3', undefined],
    ['uncaught', 'it failed: out of the blue', 'BLUE'],
    ['unhandled', 'it failed: nobody looked', undefined],
    ['memory', 'reaching memory limit', 'ERR_WORKER_OUT_OF_MEMORY'],
  ] as const) {
    it(`fails its call with BRIDGE_LOST, and is replaced: ${how}`, () => {
      const outcome = runtime.settle(only(crashNode({ cells: sharedCells(), how })));
      if (outcome.status !== 'failed') return expect.fail(outcome.status);
      expect(outcome.error.failure.code).to.equal('BRIDGE_LOST');
      expect(outcome.error.failure.message).to.contain(`Node "a" (crash of ${functions.href}) lost its thread: `);
      expect(outcome.error.failure.message).to.contain(words);
      if (cause !== undefined) expect(outcome.error.failure.cause?.code).to.equal(cause);
      expect(runtime.execute(only(withX('double')({ x: 2 }))).unwrap().y).to.equal(4);
    });
  }

  it('is one failed attempt, which the retry of the node tries again', () => {
    const run = runtime.execute(only(crashNode({ cells: sharedCells(), how: 'exit' }), { retry: { attempts: 2 } }));
    expect([run.unwrap().y, run.node('a').attempts, run.node('a').failures[0]?.error.code]).to.deep.equal([
      2,
      2,
      'BRIDGE_LOST',
    ]);
  });

  it('fails every call that it had begun, and keeps what it had answered', () => {
    const w = workflow('w');
    w.try('quick', withX('doubleNow')({ x: 1 }));
    w.try('lost', withX('wait')({ x: 60_000 }));
    w.try('cause', crashNode({ cells: sharedCells(), how: 'exit' }));
    const run = runtime.execute(w.build());
    expect([...run.nodes.values()].map(({ id, status, error }) => [id, status, error?.code])).to.deep.equal([
      ['quick', 'completed', undefined],
      ['lost', 'failed', 'BRIDGE_LOST'],
      ['cause', 'failed', 'BRIDGE_LOST'],
    ]);
  });
});

describe('ThreadBridge', () => {
  const call: BridgeCall = {
    ...{
      runId: 'r',
      nodeId: 'a',
      scope: '',
      attempt: 1,
      failures: 0,
      visit: 1,
      iterations: [],
      maxIterations: undefined,
    },
    ...{ deadline: undefined, timeLeftMs: undefined, idempotencyKey: 'k', state: undefined, context: {}, secrets: {} },
    module: { url: functions.href, export: 'double' },
    inputs: { x: 1 },
  };

  it('refuses options that it does not have', () => {
    expect(refusal(() => new ThreadBridge({ graceMs: 0 })).message).to.contain(
      'bridge.graceMs must be a finite number',
    );
    expect(refusal(() => new ThreadBridge({ grace: 1 } as never)).message).to.contain('Did you mean "graceMs"?');
  });

  it('says where it looks for the file of its threads, and takes another place', () => {
    using lost = new ThreadBridge({ worker: new URL('./nowhere.js', import.meta.url) });
    expect(caught(() => lost.submit(call, () => undefined)).message).to.match(/finds no file:.*nowhere\.js/);
    const file = new URL('../../../src/runtimes/sync-bridge/bridge-worker.js', import.meta.url);
    using found = new ThreadBridge({ worker: file });
    const reports: BridgeReport[] = [];
    found.submit(call, (report) => reports.push(report));
    expect(found.wait(undefined)).to.equal('reported');
    expect(reports).to.deep.equal([{ kind: 'completed', output: { y: 2 }, change: undefined }]);
  });

  it('is refused once it is closed; to close it twice is nothing', () => {
    const bridge = new ThreadBridge();
    bridge.close();
    bridge.close();
    expect(caught(() => bridge.submit(call, () => undefined)).code).to.equal('BRIDGE_CLOSED');
    expect(bridge.wait(undefined)).to.equal('stalled');
  });

  it('delivers nothing of a call that was given up', () => {
    using bridge = new ThreadBridge();
    const reports: string[] = [];
    const slow = { ...call, module: { ...call.module, export: 'wait' } };
    const given = bridge.submit({ ...slow, inputs: { x: 5 } }, () => reports.push('given up'));
    bridge.submit({ ...slow, inputs: { x: 15 } }, () => reports.push('wanted'));
    given.abandon(new Error('enough'));
    expect(bridge.wait(undefined)).to.equal('reported');
    expect(reports).to.deep.equal(['wanted']);
  });

  const taskCount = (): number => readdirSync('/proc/self/task').length;

  it('ends both threads when its runtime closes', async function () {
    if (process.platform !== 'linux') return this.skip();
    const before = taskCount();
    for (let round = 0; round < 5; round++) {
      using runtime = new LocalRuntime();
      expect(runtime.execute(only(withX('double')({ x: 2 }))).unwrap().y).to.equal(4);
    }
    while (taskCount() > before) await new Promise((resolve) => setImmediate(resolve));
  });

  it('keeps no process alive that does not close it, also while a call in it never ends', () => {
    const index = new URL('../../../src/index.js', import.meta.url).href;
    const program = `
      const { LocalRuntime, moduleNode, workflow, type } = await import('${index}');
      const node = (name) => moduleNode({ name, module: '${functions.href}', export: name, inputs: { x: type() }, outputs: { y: type() } });
      const w = workflow('w');
      const a = w.add('a', node('double')({ x: 4 }));
      w.try('b', node('block')({ x: 1e9 }), { timeoutMs: 20, after: 'a' });
      console.log(new LocalRuntime().execute(w.build({ outputs: { y: a.out.y } })).unwrap().y);
    `;
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const flags = ['--input-type=module', '-e', program];
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8', env, timeout: 9_000 })).to.equal('8\n');
  });
});
