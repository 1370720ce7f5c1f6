import { expect } from 'chai';
import { ConfigurationError } from '../../../src/base/errors.js';
import type { Clock, Log } from '../../../src/base/ports.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import {
  type AsyncPlugin,
  definePlugin,
  type Plugin,
  type PluginScope,
  type PluginStart,
  type SyncPlugin,
} from '../../../src/plugins/plugin.js';
import { type Token, token } from '../../../src/plugins/token.js';
import {
  ACCESS_POLICY,
  CLOCK,
  HASH,
  IDS,
  LOG,
  RANDOM,
  READINGS,
  SECRET_PROVIDER,
} from '../../../src/plugins/tokens.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { seededIds, seededRandom } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught, refusal, rejection } from '../../support/caught.js';

const STORE = token<{ readonly name: string }>('STORE');
const CACHE = token<{ readonly name: string }>('CACHE');

/** A plugin that notes what happens to it. */
function noted(notes: string[], name: string, more: Partial<SyncPlugin> = {}): SyncPlugin {
  return definePlugin({
    name,
    setup: (scope) => {
      notes.push(`setup ${name}`);
      for (const provided of more.provides ?? []) scope.provide(provided, { name });
    },
    start: () => {
      notes.push(`start ${name}`);
    },
    stop: () => {
      notes.push(`stop ${name}`);
    },
    ...more,
  });
}

function one() {
  const w = workflow('one');
  const a = w.fn('a', {}, () => 1);
  return w.build({ outputs: { a: a.out.value } });
}

describe('plugins', () => {
  describe('life', () => {
    const three = (notes: string[]): SyncPlugin[] => [
      noted(notes, 'last', { requires: [STORE, CACHE] }),
      noted(notes, 'cache', { requires: [STORE], provides: [CACHE] }),
      noted(notes, 'free'),
      noted(notes, 'store', { provides: [STORE] }),
    ];
    const ORDER = ['free', 'store', 'cache', 'last'];

    it('is set up and started after what it requires, and stopped in reverse, in LocalRuntime', () => {
      const notes: string[] = [];
      const runtime = new LocalRuntime({ plugins: three(notes) });
      expect(notes).to.deep.equal([...ORDER.map((name) => `setup ${name}`), ...ORDER.map((name) => `start ${name}`)]);
      notes.length = 0;
      runtime.close();
      runtime.close();
      expect(notes).to.deep.equal([...ORDER].reverse().map((name) => `stop ${name}`));
    });

    it('is set up in the constructor, started by the first run, once, and stopped in reverse, in AsyncLocalRuntime', async () => {
      const notes: string[] = [];
      const runtime = new AsyncLocalRuntime({ plugins: three(notes) });
      expect(notes).to.deep.equal(ORDER.map((name) => `setup ${name}`));
      notes.length = 0;
      await Promise.all([runtime.execute(one()), runtime.execute(one()), runtime.start()]);
      await runtime.execute(one());
      expect(notes).to.deep.equal(ORDER.map((name) => `start ${name}`));
      notes.length = 0;
      await Promise.all([runtime.close(), runtime.close()]);
      await runtime.close();
      expect(notes).to.deep.equal([...ORDER].reverse().map((name) => `stop ${name}`));
    });

    it('starts one after the other, also where starting takes time', async () => {
      const notes: string[] = [];
      const slow = (name: string): AsyncPlugin =>
        definePlugin({
          name,
          async: true,
          start: async () => {
            notes.push(`start ${name}`);
            await new Promise((resolve) => setImmediate(resolve));
            notes.push(`started ${name}`);
          },
          stop: async () => {
            notes.push(`stop ${name}`);
            await null;
            notes.push(`stopped ${name}`);
          },
        });
      const runtime = new AsyncLocalRuntime({ plugins: [slow('a'), slow('b')] });
      await runtime.start();
      await runtime.close();
      expect(notes).to.deep.equal([
        'start a',
        'started a',
        'start b',
        'started b',
        'stop b',
        'stopped b',
        'stop a',
        'stopped a',
      ]);
    });

    it('that never started is never stopped', async () => {
      const notes: string[] = [];
      const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'a')] });
      await runtime.close();
      expect(notes).to.deep.equal(['setup a']);
    });

    it('that is starting while the runtime closes is stopped once it has started', async () => {
      const notes: string[] = [];
      const slow = definePlugin({
        name: 'slow',
        async: true,
        start: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          notes.push('started');
        },
        stop: () => {
          notes.push('stopped');
        },
      });
      const runtime = new AsyncLocalRuntime({ plugins: [slow] });
      const run = runtime.settle(one());
      await null;
      await runtime.close();
      expect(notes).to.deep.equal(['started', 'stopped']);
      expect((await rejection(run)).code).to.equal('RUNTIME_CLOSED');
      expect((await rejection(runtime.start())).code).to.equal('RUNTIME_CLOSED');
      expect(notes).to.deep.equal(['started', 'stopped']);
    });

    it('stays up while somebody else uses the runtime', () => {
      const notes: string[] = [];
      const runtime = new LocalRuntime({ plugins: [noted(notes, 'a')] });
      runtime.acquire();
      runtime.close();
      expect(notes).to.deep.equal(['setup a', 'start a']);
      runtime.close();
      expect(notes).to.deep.equal(['setup a', 'start a', 'stop a']);
    });

    it('needs neither setup nor start nor stop', () => {
      const runtime = new LocalRuntime({ plugins: [definePlugin({ name: 'nothing' })] });
      expect(runtime.execute(one()).unwrap()).to.deep.equal({ a: 1 });
      runtime.close();
    });
  });

  describe('a failure', () => {
    const fails = (name: string, what: 'start' | 'stop' | 'setup') => ({
      name,
      [what]: (): never => {
        throw new Error(`${name} cannot ${what}`);
      },
    });

    it('in setup refuses the runtime, with the cause', () => {
      for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
        const error = caught(() => new Runtime({ plugins: [definePlugin(fails('bad', 'setup'))] }));
        expect([error.code, error.at, error.message]).to.deep.equal([
          'PLUGIN_FAILED',
          'bad',
          'Plugin "bad" failed in setup. See the cause.',
        ]);
        expect((error.cause as Error).message).to.equal('bad cannot setup');
      }
    });

    it('in setup keeps an error of ours as it is', () => {
      const own = new ConfigurationError('INVALID_OPTION', 'The file is missing.');
      const plugin = definePlugin({
        name: 'bad',
        setup: () => {
          throw own;
        },
      });
      expect(caught(() => new LocalRuntime({ plugins: [plugin] }))).to.equal(own);
    });

    it('to start stops what had started, in reverse, and does not start the rest', async () => {
      const make = (notes: string[]) => [
        noted(notes, 'a'),
        noted(notes, 'b'),
        definePlugin(fails('bad', 'start')),
        noted(notes, 'never'),
      ];
      const expected = ['setup a', 'setup b', 'setup never', 'start a', 'start b', 'stop b', 'stop a'];
      const sync: string[] = [];
      const error = caught(() => new LocalRuntime({ plugins: make(sync) }));
      expect([error.code, error.message, (error.cause as Error).message]).to.deep.equal([
        'PLUGIN_FAILED',
        'Plugin "bad" failed to start. See the cause.',
        'bad cannot start',
      ]);
      expect(sync).to.deep.equal(expected);
      const async: string[] = [];
      const other = await rejection(new AsyncLocalRuntime({ plugins: make(async) }).execute(one()));
      expect([other.code, other.message]).to.deep.equal([error.code, error.message]);
      expect(async).to.deep.equal(expected);
    });

    it('to start is collected together with failures to stop what had started', async () => {
      const plugins = [
        definePlugin({ ...fails('stubborn', 'stop'), start: () => undefined }),
        definePlugin(fails('bad', 'start')),
      ];
      const messages = (error: unknown): string[] =>
        ((error as Error).cause as AggregateError).errors.map(({ message }: Error) => message);
      expect(messages(caught(() => new LocalRuntime({ plugins })))).to.deep.equal([
        'bad cannot start',
        'stubborn cannot stop',
      ]);
      expect(messages(await rejection(new AsyncLocalRuntime({ plugins }).start()))).to.deep.equal([
        'bad cannot start',
        'stubborn cannot stop',
      ]);
    });

    it('to start may be mended: the next run starts the plugins again', async () => {
      let calls = 0;
      const notes: string[] = [];
      const flaky = definePlugin({
        name: 'flaky',
        start: () => {
          calls++;
          if (calls === 1) throw new Error('not yet');
        },
      });
      const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'a'), flaky] });
      expect((await rejection(runtime.execute(one()))).code).to.equal('PLUGIN_FAILED');
      expect((await runtime.execute(one())).unwrap()).to.deep.equal({ a: 1 });
      await runtime.close();
      expect(notes).to.deep.equal(['setup a', 'start a', 'stop a', 'start a', 'stop a']);
    });

    it('to stop does not keep the others from stopping, and all failures are collected', async () => {
      const make = (notes: string[]) => [
        noted(notes, 'a'),
        definePlugin(fails('one', 'stop')),
        noted(notes, 'b'),
        definePlugin(fails('two', 'stop')),
        noted(notes, 'c'),
      ];
      const sync: string[] = [];
      const local = new LocalRuntime({ plugins: make(sync) });
      const error = caught(() => local.close());
      expect([error.code, error.message]).to.deep.equal(['PLUGIN_FAILED', '2 plugins failed to stop. See the cause.']);
      expect((error.cause as AggregateError).errors.map(({ message }: Error) => message)).to.deep.equal([
        'two cannot stop',
        'one cannot stop',
      ]);
      expect(sync.slice(-3)).to.deep.equal(['stop c', 'stop b', 'stop a']);
      expect(() => local.close()).not.to.throw();
      const async: string[] = [];
      const runtime = new AsyncLocalRuntime({ plugins: make(async) });
      await runtime.start();
      expect((await rejection(runtime.close())).message).to.equal(error.message);
      expect(async.slice(-3)).to.deep.equal(['stop c', 'stop b', 'stop a']);
      await runtime.close();
    });

    it('of one plugin to stop is the cause itself', () => {
      const runtime = new LocalRuntime({ plugins: [definePlugin(fails('one', 'stop'))] });
      const error = caught(() => runtime.close());
      expect([error.message, (error.cause as Error).message]).to.deep.equal([
        'A plugin failed to stop. See the cause.',
        'one cannot stop',
      ]);
    });
  });

  describe('a list of plugins is refused', () => {
    const make =
      (...plugins: Plugin[]) =>
      () =>
        new AsyncLocalRuntime({ plugins });

    it('with two of one name', () => {
      expect(refusal(make(definePlugin({ name: 'a' }), definePlugin({ name: 'a' })))).to.deep.equal({
        code: 'PLUGIN_DUPLICATE',
        at: 'a',
        message: 'Two plugins are named "a". Remove one of the two.',
      });
    });

    it('with two that provide one token', () => {
      const notes: string[] = [];
      const plugins = [noted(notes, 'a', { provides: [STORE] }), noted(notes, 'b', { provides: [STORE] })];
      expect(refusal(make(...plugins))).to.deep.equal({
        code: 'PLUGIN_DUPLICATE',
        at: 'b',
        message: 'Plugins "a" and "b" both provide STORE. Remove one of the two.',
      });
      expect(notes, 'nothing was set up').to.deep.equal([]);
    });

    it('with one that requires what nobody provides, with a did-you-mean', () => {
      const other = token('STOER');
      const plugins = [noted([], 'a', { provides: [STORE] }), noted([], 'b', { requires: [other] })];
      expect(refusal(make(...plugins))).to.deep.equal({
        code: 'PLUGIN_MISSING',
        at: 'b',
        message:
          'Plugin "b" requires STOER, which no plugin provides. Did you mean "STORE"? Add the plugin that provides it.',
      });
      expect(refusal(make(noted([], 'b', { requires: [STORE] }))).message).to.equal(
        'Plugin "b" requires STORE, which no plugin provides. There are none. Add the plugin that provides it.',
      );
    });

    it('where they require each other, and shows the circle', () => {
      const A = token('A');
      const B = token('B');
      const plugins = [
        noted([], 'free'),
        noted([], 'a', { provides: [A], requires: [B] }),
        noted([], 'b', { provides: [B], requires: [A] }),
      ];
      expect(refusal(make(...plugins))).to.deep.equal({
        code: 'PLUGIN_CYCLE',
        at: 'b, a',
        message: 'Plugins require each other: b → a → b. Split one of them.',
      });
      expect(refusal(make(noted([], 'self', { provides: [A], requires: [A] }))).message).to.equal(
        'Plugins require each other: self → self. Split one of them.',
      );
    });

    it('that is no list of plugins', () => {
      expect(refusal(() => new LocalRuntime({ plugins: {} as never }))).to.deep.equal({
        code: 'INVALID_PLUGIN',
        at: '',
        message: 'The plugins of a runtime are an array. Make it with definePlugin().',
      });
      for (const wrong of [undefined, null, 5, {}, () => 1]) {
        expect(refusal(make(definePlugin({ name: 'a' }), wrong as never))).to.deep.equal({
          code: 'INVALID_PLUGIN',
          at: 'plugins[1]',
          message: 'Plugin 1 was not made with definePlugin(). Make it with definePlugin().',
        });
      }
    });
  });

  describe('definePlugin', () => {
    it('freezes what it is given and returns it', () => {
      const plugin = definePlugin({ name: 'a' });
      expect(Object.isFrozen(plugin)).to.equal(true);
      expect(plugin.name).to.equal('a');
    });

    it('refuses what is no plugin, and fields that do not exist or are no functions', () => {
      for (const wrong of [undefined, null, 'a', {}, { name: '' }, { name: 5 }]) {
        expect(refusal(() => definePlugin(wrong as never))).to.deep.equal({
          code: 'INVALID_PLUGIN',
          at: '',
          message: 'definePlugin() takes an object with a name. Make it with definePlugin().',
        });
      }
      expect(refusal(() => definePlugin({ name: 'a', require: [] } as never)).message).to.equal(
        'plugin "a" has no option "require". Did you mean "requires"? Correct its name or remove it.',
      );
      for (const part of ['setup', 'start', 'stop']) {
        expect(refusal(() => definePlugin({ name: 'a', [part]: 'now' } as never))).to.deep.equal({
          code: 'INVALID_PLUGIN',
          at: 'a',
          message: `${part} of plugin "a" is not a function. Make it with definePlugin().`,
        });
      }
    });
  });

  describe('an asynchronous plugin', () => {
    const later = definePlugin({ name: 'later', async: true, start: async () => undefined });

    it('is refused by LocalRuntime, by its type and at run time, before anything starts', () => {
      const notes: string[] = [];
      // @ts-expect-error an asynchronous plugin does not fit
      const make = () => new LocalRuntime({ plugins: [noted(notes, 'a'), later] });
      expect(refusal(make)).to.deep.equal({
        code: 'PLUGIN_ASYNC',
        at: 'later',
        message: 'Plugin "later" starts asynchronously. Use AsyncLocalRuntime.',
      });
      expect(notes).to.deep.equal(['setup a']);
    });

    it('is taken by AsyncLocalRuntime', async () => {
      await using runtime = new AsyncLocalRuntime({ plugins: [later] });
      expect((await runtime.execute(one())).unwrap()).to.deep.equal({ a: 1 });
    });

    it('must say so: a start or stop that returns a promise does not fit a synchronous plugin', () => {
      // @ts-expect-error start returns a promise and async is not declared
      definePlugin({ name: 'sneaky', start: async () => undefined });
      // @ts-expect-error start wants a signal, which is only given to one that says so
      definePlugin({ name: 'sneaky', start: ({ signal }: PluginStart) => signal.throwIfAborted() });
      // @ts-expect-error stop returns a promise and async is not declared
      definePlugin({ name: 'sneaky', async: false, stop: async () => undefined });
      const start = async ({ signal }: PluginStart): Promise<void> => signal.throwIfAborted();
      expect(definePlugin({ name: 'honest', async: true, start, stop: async () => undefined }).async).to.equal(true);
      definePlugin({ name: 'inferred', async: true, start: async ({ signal }) => signal.throwIfAborted() });
    });

    it('that does not say so is refused when it starts, and what had started is stopped', async () => {
      const notes: string[] = [];
      const sneaky = { name: 'sneaky', start: () => Promise.reject(new Error('later')) } as unknown as SyncPlugin;
      const error = caught(() => new LocalRuntime({ plugins: [noted(notes, 'a'), sneaky] }));
      expect(error.code).to.equal('PLUGIN_FAILED');
      expect((error.cause as Error).message).to.equal('Plugin "sneaky" starts asynchronously. Use AsyncLocalRuntime.');
      expect(notes).to.deep.equal(['setup a', 'start a', 'stop a']);
      const leaving = { name: 'leaving', stop: () => Promise.reject(new Error('later')) } as unknown as SyncPlugin;
      const runtime = new LocalRuntime({ plugins: [leaving] });
      expect((caught(() => runtime.close()).cause as Error).message).to.equal(
        'Plugin "leaving" stops asynchronously. Use AsyncLocalRuntime.',
      );
      await new Promise((resolve) => setImmediate(resolve));
    });
  });

  describe('tokens', () => {
    it('are told apart by identity, not by name', () => {
      const [one1, two] = [token<number>('X'), token<number>('X')];
      expect(one1.symbol).not.to.equal(two.symbol);
      expect([one1.name, Object.isFrozen(one1)]).to.deep.equal(['X', true]);
      const plugin = definePlugin({ name: 'a', provides: [one1], setup: ({ provide }) => provide(one1, 5) });
      const runtime = new LocalRuntime({ plugins: [plugin] });
      expect(runtime.get(one1)).to.equal(5);
      expect(caught(() => runtime.get(two)).code).to.equal('TOKEN_UNPROVIDED');
    });

    it('give a plugin what an earlier one provides', () => {
      const seen: unknown[] = [];
      const reader = definePlugin({
        name: 'reader',
        requires: [STORE],
        setup: ({ get }) => {
          seen.push(get(STORE));
        },
      });
      const runtime = new LocalRuntime({ plugins: [reader, noted([], 'store', { provides: [STORE] })] });
      expect(seen).to.deep.equal([{ name: 'store' }]);
      expect(runtime.get(STORE)).to.equal(seen[0]);
    });

    it('are looked for by a plugin that can do without', () => {
      const seen: unknown[] = [];
      const find = definePlugin({
        name: 'finder',
        setup: (scope) => {
          seen.push(() => scope.find(STORE));
        },
      });
      const [without, before] = [[find], [find, noted([], 'store', { provides: [STORE] })]];
      const found = [without, before].map((plugins) => {
        const runtime = new LocalRuntime({ plugins });
        const value = (seen.pop() as () => unknown)();
        runtime.close();
        return value;
      });
      expect(found).to.deep.equal([undefined, { name: 'store' }]);
    });

    it('carry any value, also undefined, null and functions', () => {
      const NONE = token<undefined>('NONE');
      const NULL = token<null>('NULL');
      const CALL = token<() => number>('CALL');
      const plugin = definePlugin({
        name: 'a',
        provides: [NONE, NULL, CALL],
        setup: ({ provide }) => {
          provide(NONE, undefined);
          provide(NULL, null);
          provide(CALL, () => 7);
        },
      });
      const runtime = new LocalRuntime({ plugins: [plugin] });
      expect([runtime.get(NONE), runtime.get(NULL), runtime.get(CALL)()]).to.deep.equal([undefined, null, 7]);
    });

    it('that nothing provides are refused, with a did-you-mean', () => {
      const runtime = new LocalRuntime({ plugins: [noted([], 'store', { provides: [STORE] })] });
      expect(refusal(() => runtime.get(token('STOR')))).to.deep.equal({
        code: 'TOKEN_UNPROVIDED',
        at: 'STOR',
        message: 'Nothing provides STOR. Did you mean "STORE"? Add a plugin that provides it.',
      });
      expect(refusal(() => new LocalRuntime().get(STORE)).message).to.equal(
        'Nothing provides STORE. There are none. Add a plugin that provides it.',
      );
      const impatient = definePlugin({
        name: 'impatient',
        setup: ({ get }) => {
          get(CACHE);
        },
      });
      expect(refusal(() => new LocalRuntime({ plugins: [impatient] })).message).to.equal(
        'Nothing provides CACHE. There are none. Add a plugin that provides it.',
      );
    });

    it('that are provided without being named, or named without being provided, are refused', () => {
      const silent = definePlugin({ name: 'silent', setup: ({ provide }) => provide(STORE, { name: 'x' }) });
      expect(refusal(() => new LocalRuntime({ plugins: [silent] }))).to.deep.equal({
        code: 'INVALID_PLUGIN',
        at: 'silent',
        message: 'Plugin "silent" provides STORE without naming it in provides. Make it with definePlugin().',
      });
      const boastful = definePlugin({ name: 'boastful', provides: [STORE] });
      expect(refusal(() => new LocalRuntime({ plugins: [boastful] }))).to.deep.equal({
        code: 'TOKEN_UNPROVIDED',
        at: 'boastful',
        message: 'Plugin "boastful" says that it provides STORE and did not. Add a plugin that provides it.',
      });
    });

    it('refuse a value of another type', () => {
      const COUNT: Token<number> = token<number>('COUNT');
      const plugin = definePlugin({
        name: 'a',
        provides: [COUNT],
        setup: ({ provide }) => {
          // @ts-expect-error a text is no number
          provide(COUNT, 'many');
        },
      });
      expect(new LocalRuntime({ plugins: [plugin] }).get(COUNT)).to.equal('many');
    });
  });

  it('two runtimes with the same plugins share nothing', () => {
    const COUNTER = token<{ count: number }>('COUNTER');
    const plugin = definePlugin({
      name: 'counter',
      provides: [COUNTER],
      setup: ({ provide }) => provide(COUNTER, { count: 0 }),
    });
    const [left, right] = [new LocalRuntime({ plugins: [plugin] }), new LocalRuntime({ plugins: [plugin] })];
    left.get(COUNTER).count++;
    expect([left.get(COUNTER).count, right.get(COUNTER).count]).to.deep.equal([1, 0]);
    left.close();
    expect(right.get(COUNTER)).to.deep.equal({ count: 0 });
  });

  describe('ports of the kernel', () => {
    const providing = <T>(port: Token<T>, value: T): SyncPlugin =>
      definePlugin({ name: `my ${port.name}`, provides: [port], setup: ({ provide }) => provide(port, value) });
    const calm = () => ({
      memory: () => ({ rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 2 }),
      eventLoopDelayMs: () => 0,
    });
    /** Shows the ports that a runtime bound. */
    class Shown extends LocalRuntime {
      get bound() {
        return this.ports;
      }
    }
    const values = {
      clock: [CLOCK, new VirtualClock(7), new VirtualClock(8)],
      ids: [IDS, seededIds('plugin'), seededIds('own')],
      random: [RANDOM, seededRandom(5), seededRandom(6)],
      log: [LOG, new MemoryLog(), new MemoryLog()],
      hash: [HASH, { sha256: () => 'x' }, { sha256: () => 'y' }],
      secrets: [SECRET_PROVIDER, { load: () => ({}) }, { load: () => ({}) }],
      access: [ACCESS_POLICY, { allows: () => true }, { allows: () => true }],
      readings: [READINGS, calm(), calm()],
    } as const;

    for (const [name, [port, value, own]] of Object.entries(values)) {
      it(`${name}: an option beats a plugin, a plugin beats the default`, () => {
        const plugin = providing(port as Token<unknown>, value);
        const bound = (options: object): unknown => new Shown(options).bound[name as keyof typeof values];
        expect(bound({ plugins: [plugin] })).to.equal(value);
        expect(bound({ plugins: [plugin], [name]: own })).to.equal(own);
        expect(bound({ plugins: [plugin], [name]: undefined })).to.equal(value);
        expect(bound({})).not.to.equal(value);
      });
    }

    it('serve runs', async () => {
      const clock: Clock = new VirtualClock(9_000);
      const plugins = [providing(CLOCK, clock), providing(IDS, seededIds('plugin'))];
      for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
        const run = await new Runtime({
          plugins: [providing(CLOCK, clock), providing(IDS, seededIds('plugin'))],
        }).execute(one());
        expect([run.runId, run.startedAt]).to.deep.equal(['plugin-1', 9_000]);
      }
      expect(plugins).to.have.length(2);
    });

    it('may be required by other plugins', () => {
      const seen: Log[] = [];
      const log = new MemoryLog();
      const reader = definePlugin({
        name: 'reader',
        requires: [LOG],
        setup: ({ get }) => {
          seen.push(get(LOG));
        },
      });
      expect(new LocalRuntime({ plugins: [reader, providing(LOG, log)] }).isClosed).to.equal(false);
      expect(seen).to.deep.equal([log]);
    });
  });

  describe('in setup', () => {
    it('ask for events, and hear them until the runtime closes', () => {
      const heard: string[] = [];
      const listener = definePlugin({
        name: 'listener',
        setup: ({ on }) => on('event', ({ kind }) => heard.push(kind)),
      });
      const runtime = new LocalRuntime({ plugins: [listener] });
      runtime.execute(one());
      expect(heard).to.deep.equal(['run.started', 'attempt.started', 'attempt.completed', 'run.completed']);
      runtime.close();
    });

    it('ask for events later, when they start', () => {
      const heard: string[] = [];
      let listen: () => void = () => undefined;
      const listener = definePlugin({
        name: 'listener',
        setup: ({ on }) => {
          listen = () => on('data', ({ data }) => heard.push(data as string));
        },
        start: () => listen(),
      });
      const runtime = new LocalRuntime({ plugins: [listener] });
      const w = workflow('w');
      w.fn('a', {}, ((_: unknown, { emit }: { emit: (data: unknown) => void }) => emit('x')) as never);
      runtime.execute(w.build());
      expect(heard).to.deep.equal(['x']);
    });

    it('get a log that says which plugin speaks, once there is a runtime', () => {
      const log = new MemoryLog();
      let speak: (message: string) => void = () => undefined;
      const talker = definePlugin({
        name: 'talker',
        setup: ({ log: own }) => {
          own.log('info', 'too early');
          speak = (message) => own.log('warn', message, { rows: 1 });
        },
        start: () => speak('started'),
      });
      const runtime = new LocalRuntime({ plugins: [talker], log });
      expect(log.entries.at(-1)).to.deep.equal({
        level: 'warn',
        message: 'started',
        fields: { rows: 1, plugin: 'talker' },
      });
      runtime.close();
    });

    it('find nothing any more once their runtime is closed', async () => {
      for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
        let scope: PluginScope | undefined;
        const looker = noted([], 'looker', {
          provides: [STORE],
          setup: (own) => {
            scope = own;
            own.provide(STORE, { name: 'looker' });
          },
        });
        const runtime = new Runtime({ plugins: [looker] });
        expect(scope?.find(STORE)).to.deep.equal({ name: 'looker' });
        await runtime.close();
        expect(scope?.find(STORE)).to.equal(undefined);
        expect(caught(() => scope?.get(STORE)).code).to.equal('TOKEN_UNPROVIDED');
      }
    });
  });
});
