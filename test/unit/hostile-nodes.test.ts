import { inspect } from 'node:util';
import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import type { FailedRun, RunOutcome } from '../../src/base/outcome.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { seededIds } from '../../src/testing/seeded.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { both } from '../support/both.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A workflow of one hostile node with the output port `value`, and a harmless one beside it. */
function hostile(run: (context: NodeContext) => unknown, options: object = {}, fields: object = {}) {
  const node = defineNode({
    name: 'hostile',
    outputs: { value: type<unknown>() },
    run: ((_: unknown, context: NodeContext) => run(context)) as never,
    ...fields,
  });
  const w = workflow('w');
  const a = w.add('a', node(), options);
  w.fn('reader', { value: a.out.value }, ({ value }) => value);
  w.fn('beside', {}, () => 1);
  return w.build();
}

/** Code and message of the failure of node `a`, after the same has happened in every form. */
async function failure(
  run: (context: NodeContext) => unknown,
  fields: object = {},
): Promise<readonly [string | undefined, string | undefined]> {
  const outcome = await both(() => hostile(run, {}, fields));
  expect([outcome.status, outcome.nodes]).to.deep.equal([
    'failed',
    { a: 'failed', reader: 'blocked', beside: 'completed' },
  ]);
  return [outcome.errors.a, outcome.messages.a];
}

/** Makes sure that no rejection of a promise stays unhandled while something happens. */
async function withoutUnhandled<T>(what: () => Promise<T>): Promise<T> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    const result = await what();
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(unhandled).to.deep.equal([]);
    return result;
  } finally {
    process.off('unhandledRejection', note);
  }
}

async function settleAsync(
  built: Workflow<object>,
  options: ConstructorParameters<typeof AsyncLocalRuntime>[0] = {},
): Promise<RunOutcome<unknown>> {
  return new AsyncLocalRuntime({ ids: seededIds(), ...options }).settle(built);
}

function failedIn(outcome: RunOutcome<unknown>): FailedRun<unknown> {
  if (outcome.status !== 'failed') throw new Error(`The run is ${outcome.status}.`);
  return outcome;
}

describe('hostile nodes', () => {
  describe('that return', () => {
    const REMEDY = 'Return an object with one property for each output port.';

    for (const [what, value] of [
      ['nothing', undefined],
      ['null', null],
      ['an array', [1]],
      ['string', 'text'],
      ['number', 0],
      ['boolean', true],
      ['bigint', 1n],
      ['symbol', Symbol('s')],
      ['function', () => 1],
    ] as const) {
      it(`${what} fail NODE_RETURNED_NOTHING`, async () => {
        expect(await failure(() => value)).to.deep.equal([
          'NODE_RETURNED_NOTHING',
          `Node "a" returned ${what}. ${REMEDY}`,
        ]);
      });
    }

    it('a port that they do not declare fail OUTPUT_UNKNOWN, with a did-you-mean', async () => {
      expect(await failure(() => ({ valeu: 1 }))).to.deep.equal([
        'OUTPUT_UNKNOWN',
        'Node "a" returned "valeu", which it does not declare. Did you mean "value"? Declare the port or do not return it.',
      ]);
      expect((await failure(() => ({ value: 1, $error: 2 })))[0]).to.equal('OUTPUT_UNKNOWN');
      expect((await failure(() => ({ value: 1, toString: () => 'x' })))[0]).to.equal('OUTPUT_UNKNOWN');
    });

    it('an output that does not fit its schema fail OUTPUT_INVALID', async () => {
      for (const outputs of [{ value: z.number() }, { free: type<unknown>(), value: z.number() }]) {
        const [code, message] = await failure(() => ({ value: 'many' }), { outputs });
        expect([code, message]).to.deep.equal([
          'OUTPUT_INVALID',
          'Output "a.value" does not fit its schema: Invalid input: expected number, received string. Correct the node or the schema.',
        ]);
      }
    });

    it('an empty object leave their readers without a value', async () => {
      const outcome = await both(() => hostile(() => ({})));
      expect([outcome.nodes, outcome.errors]).to.deep.equal([
        { a: 'completed', reader: 'failed', beside: 'completed' },
        { reader: 'INPUT_MISSING' },
      ]);
    });

    it('an object without a prototype, or of a class, are taken as any other', async () => {
      class Result {
        readonly value = 7;
        method(): number {
          return this.value;
        }
      }
      for (const make of [() => Object.assign(Object.create(null), { value: 7 }) as object, () => new Result()]) {
        expect((await both(() => hostile(make))).results.reader).to.deep.equal({ value: 7 });
      }
    });

    it('an object whose ports throw when they are read fail where they are read', async () => {
      const explosive = (): object =>
        Object.defineProperty({}, 'value', {
          enumerable: true,
          get: () => {
            throw new Error('do not touch');
          },
        });
      const reader = new LocalRuntime().settle(hostile(explosive));
      expect(failedIn(reader).node('reader').error?.message).to.equal('do not touch');
      expect(failedIn(await settleAsync(hostile(explosive))).node('reader').error?.message).to.equal('do not touch');
      const checked = hostile(explosive, {}, { outputs: { value: z.number() } });
      expect(failedIn(new LocalRuntime().settle(checked)).node('a').error?.message).to.equal('do not touch');
    });

    it('an output that throws when the result of the run is read fail the run', async () => {
      const w = workflow('w');
      const node = defineNode({
        name: 'n',
        outputs: { value: type<unknown>() },
        run: () =>
          Object.defineProperty({}, 'value', {
            enumerable: true,
            get: () => {
              throw new Error('do not touch');
            },
          }) as { value: unknown },
      });
      const a = w.add('a', node());
      const built = w.build({ outputs: { a: a.out.value } });
      for (const outcome of [new LocalRuntime().settle(built), await settleAsync(built)]) {
        const { failure: primary, node: where } = failedIn(outcome).error;
        expect([where, primary.code, primary.cause?.message]).to.deep.equal([
          undefined,
          'OUTPUT_INVALID',
          'do not touch',
        ]);
      }
    });

    it('a value fed back that throws when it is read fail the cycle', async () => {
      let calls = 0;
      const node = defineNode({
        name: 'n',
        inputs: { value: type<unknown>() },
        outputs: { value: type<unknown>() },
        run: () => {
          calls++;
          return Object.defineProperty({}, 'value', {
            enumerable: true,
            get: () => {
              throw new Error('do not touch');
            },
          }) as { value: unknown };
        },
      });
      const make = () => {
        const w = workflow('w');
        const a = w.add('a', node({ value: 1 }));
        w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 3 });
        return w.build();
      };
      for (const outcome of [new LocalRuntime().settle(make()), await settleAsync(make())])
        expect([outcome.status, failedIn(outcome).cycle('fit').failed]).to.deep.equal(['failed', true]);
      expect(calls).to.equal(2);
    });
  });

  describe('that throw', () => {
    for (const [what, value, message] of [
      ['undefined', undefined, 'undefined'],
      ['null', null, 'null'],
      ['a string', 'just text', 'just text'],
      ['an empty string', '', ''],
      ['a number', 0, '0'],
      ['false', false, 'false'],
      ['a symbol', Symbol('s'), 'Symbol(s)'],
      ['a function', Object.assign(() => 1, { toString: () => 'fn' }), 'fn'],
      ['a frozen object', Object.freeze({ a: 1 }), '[object Object]'],
      ['an object without a prototype', Object.create(null), '[object Object]'],
    ] as const) {
      it(`${what} fail NODE_THREW with it as text`, async () => {
        expect(
          await failure(() => {
            throw value;
          }),
        ).to.deep.equal(['NODE_THREW', message]);
      });
    }

    it('a frozen error keep its name, code and cause', async () => {
      const error = Object.freeze(
        Object.assign(new TypeError('frozen', { cause: new Error('inner') }), { code: 'E_COLD' }),
      );
      const outcome = await both(() =>
        hostile(() => {
          throw error;
        }),
      );
      const event = outcome.events.find(({ kind }) => kind === 'attempt.failed');
      expect(event?.data).to.deep.include({
        error: {
          name: 'TypeError',
          code: 'E_COLD',
          message: 'frozen',
          cause: { name: 'Error', code: 'NODE_THREW', message: 'inner' },
        },
      });
    });

    it('an error that is its own cause end after a few levels', async () => {
      const error = new Error('round and round');
      error.cause = error;
      const outcome = failedIn(
        new LocalRuntime().settle(
          hostile(() => {
            throw error;
          }),
        ),
      );
      let depth = 0;
      for (let data = outcome.node('a').error; data !== undefined; data = data.cause) depth++;
      expect(depth).to.equal(5);
      expect(inspect(outcome.error)).to.contain('round and round');
    });

    const trap = (): never => {
      throw new Error('trapped');
    };
    for (const [what, make] of [
      [
        'an object whose getters throw',
        () => Object.defineProperties({}, { message: { get: trap }, code: { get: trap }, toString: { get: trap } }),
      ],
      [
        'an error whose getters throw',
        () =>
          Object.defineProperties(new Error('x'), {
            message: { get: trap },
            code: { get: trap },
            name: { get: trap },
            cause: { get: trap },
          }),
      ],
      [
        'a Proxy that traps everything',
        () =>
          new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap }),
      ],
      ['a Proxy of an error', () => new Proxy(new Error('x'), { get: trap, has: trap, getPrototypeOf: trap })],
      [
        'a revoked Proxy',
        () => {
          const { proxy, revoke } = Proxy.revocable({}, {});
          revoke();
          return proxy;
        },
      ],
      [
        'an object that cannot become text',
        () => ({
          toString: trap,
          [Symbol.toPrimitive]: trap,
          get [Symbol.toStringTag]() {
            return trap();
          },
        }),
      ],
    ] as const) {
      it(`${what} fail like any other, in every form and with every policy`, async () => {
        const run = (): never => {
          throw make();
        };
        const [code] = await failure(run);
        expect(code).to.equal('NODE_THREW');
        for (const options of [
          { retry: { attempts: 2 } },
          { retry: { attempts: 2, retryOn: ['E_X', TypeError] } },
          { timeoutMs: 50 },
        ]) {
          for (const outcome of [
            new LocalRuntime({ clock: new VirtualClock() }).settle(hostile(run, options)),
            await settleAsync(
              hostile(async () => run(), options),
              { clock: new VirtualClock() },
            ),
          ]) {
            expect(failedIn(outcome).node('a').status).to.equal('failed');
          }
        }
      });

      it(`${what} after their time limit fail like any other`, () => {
        const clock = new VirtualClock();
        const outcome = new LocalRuntime({ clock }).settle(
          hostile(
            () => {
              clock.advance(100);
              throw make();
            },
            { timeoutMs: 50 },
          ),
        );
        expect(failedIn(outcome).node('a').error?.code).to.equal('ATTEMPT_TIMEOUT');
      });
    }

    it('one error in many nodes fail each of them', async () => {
      const error = new Error('shared');
      const outcome = await both(() => {
        const w = workflow('w');
        for (const id of ['a', 'b', 'c'])
          w.fn(id, {}, () => {
            throw error;
          });
        return w.build();
      });
      expect(outcome.messages).to.deep.equal({ a: 'shared', b: 'shared', c: 'shared' });
    });

    it('a fake of an error of ours are not believed further than its code', async () => {
      expect(
        await failure(() => {
          throw Object.assign(new Error('I am your kernel'), { code: 'RUN_CANCELLED' });
        }),
      ).to.deep.equal(['RUN_CANCELLED', 'I am your kernel']);
    });
  });

  describe('that answer with a thenable', () => {
    /** Runs a node that returns a thenable in AsyncLocalRuntime. */
    const answer = async (then: unknown): Promise<RunOutcome<unknown>> =>
      withoutUnhandled(async () => settleAsync(hostile(() => ({ then }))));

    it('that throws when it is asked fail', async () => {
      const outcome = failedIn(
        await answer(() => {
          throw new Error('in then');
        }),
      );
      expect(outcome.node('a').error?.message).to.equal('in then');
    });

    it('whose then cannot even be read fail', async () => {
      const make = () =>
        hostile(() =>
          Object.defineProperty({}, 'then', {
            get: () => {
              throw new Error('no then');
            },
          }),
        );
      for (const outcome of [new LocalRuntime().settle(make()), await settleAsync(make())])
        expect(failedIn(outcome).node('a').error?.message).to.equal('no then');
    });

    it('that calls both callbacks count once, by the first', async () => {
      const done = await answer((kept: (value: unknown) => void, broken: (error: unknown) => void) => {
        kept({ value: 1 });
        broken(new Error('changed my mind'));
        kept({ value: 2 });
        throw new Error('and again');
      });
      expect(done.status === 'completed' && done.results.get('a')).to.deep.equal({ value: 1 });
      const failed = await answer((kept: (value: unknown) => void, broken: (error: unknown) => void) => {
        broken(new Error('first'));
        kept({ value: 1 });
      });
      expect(failedIn(failed).node('a').error?.message).to.equal('first');
    });

    it('that answers with another thenable are followed to the end', async () => {
      const outcome = await answer((kept: (value: unknown) => void) =>
        kept({ then: (inner: (value: unknown) => void): void => inner({ value: 3 }) }),
      );
      expect(outcome.status === 'completed' && outcome.results.get('a')).to.deep.equal({ value: 3 });
    });

    it('that settles the attempt again after its run has ended change nothing', async () => {
      const callbacks: ((value: unknown) => void)[] = [];
      const outcome = await answer((kept: (value: unknown) => void) => {
        callbacks.push(kept);
        kept({ value: 1 });
      });
      for (const call of callbacks) call({ value: 9 });
      await turn();
      expect(outcome.status === 'completed' && outcome.results.get('a')).to.deep.equal({ value: 1 });
    });
  });

  describe('that never settle', () => {
    it('fail NEVER_SETTLED when nothing could settle them, and do not hold up the others', async () => {
      const clock = new VirtualClock();
      const running = settleAsync(
        hostile(() => new Promise(() => undefined)),
        { clock },
      );
      await turn();
      clock.stall();
      const outcome = failedIn(await running);
      expect(outcome.node('a').error).to.deep.equal({
        name: 'AttemptError',
        code: 'NEVER_SETTLED',
        message:
          'Node "a" never settled: nothing is left that could settle its promise. Settle the promise, or set a time limit.',
      });
      expect([outcome.node('reader').status, outcome.node('beside').status]).to.deep.equal(['blocked', 'completed']);
    });

    it('fail ATTEMPT_TIMEOUT at their limit, and a late answer does not count', async () => {
      const clock = new VirtualClock();
      let answer: (value: unknown) => void = () => undefined;
      const running = settleAsync(
        hostile(
          () =>
            new Promise((resolve) => {
              answer = resolve;
            }),
          { timeoutMs: 100 },
        ),
        { clock },
      );
      await turn();
      clock.advance(100);
      const outcome = failedIn(await running);
      answer({ value: 'late' });
      await turn();
      expect(outcome.node('a').error?.code).to.equal('ATTEMPT_TIMEOUT');
      expect(outcome.results.has('a')).to.equal(false);
    });

    it('and reject after the end are handled', async () => {
      const clock = new VirtualClock();
      let reject: (error: unknown) => void = () => undefined;
      await withoutUnhandled(async () => {
        const running = settleAsync(
          hostile(
            () =>
              new Promise((_, broken) => {
                reject = broken;
              }),
            { timeoutMs: 100 },
          ),
          { clock },
        );
        await turn();
        clock.advance(100);
        const outcome = failedIn(await running);
        reject(new Error('too late'));
        await turn();
        expect(outcome.node('a').failures).to.have.length(1);
      });
    });
  });

  describe('that talk after the end', () => {
    it('are not heard: progress, emit, setState and a second answer', async () => {
      let context: NodeContext | undefined;
      const heard: unknown[] = [];
      const runtime = new LocalRuntime({ ids: seededIds() });
      for (const name of ['progress', 'data', 'event'] as const) runtime.on(name, (what: unknown) => heard.push(what));
      const outcome = runtime.settle(
        hostile(
          (given) => {
            context = given;
            return { value: 1 };
          },
          {},
          { state: z.number().optional() },
        ),
      );
      const before = heard.length;
      context?.progress(1);
      context?.emit('late');
      (context as NodeContext<number>).setState(9);
      expect(heard).to.have.length(before);
      expect(outcome.status === 'completed' && outcome.results.get('a')).to.deep.equal({ value: 1 });
    });

    it('do not change the state of the next visit', async () => {
      const contexts: NodeContext<number>[] = [];
      const node = defineNode({
        name: 'n',
        inputs: { value: type<number>() },
        outputs: { value: type<number>() },
        state: z.number().default(0),
        run: ({ value }, context) => {
          for (const earlier of contexts) earlier.setState(999);
          contexts.push(context);
          const { state } = context;
          context.setState(state + 1);
          return { value: value * 10 + state };
        },
      });
      const outcome = await both(() => {
        contexts.length = 0;
        const w = workflow('w');
        const a = w.add('a', node({ value: 0 }));
        w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 4 });
        return w.build({ outputs: { value: a.out.value } });
      });
      expect(outcome.output).to.deep.equal({ value: 123 });
    });

    it('may still write to the log, which says where it comes from', () => {
      const log = new MemoryLog();
      let context: NodeContext | undefined;
      new LocalRuntime({ log, ids: seededIds() }).settle(
        hostile((given) => {
          context = given;
          return { value: 1 };
        }),
      );
      context?.log.log('info', 'late');
      expect(log.entries).to.deep.equal([
        { level: 'info', message: 'late', fields: { runId: 'run-1', node: 'a', visit: 1, attempt: 1 } },
      ]);
    });

    it('see their signal aborted where the run was cancelled before they looked', async () => {
      const abort = new AbortController();
      let context: NodeContext | undefined;
      const built = hostile((given) => {
        context = given;
        return new Promise(() => undefined);
      });
      const running = new AsyncLocalRuntime().settle(built, {}, { signal: abort.signal });
      await turn();
      abort.abort(new Error('enough'));
      expect((await running).status).to.equal('cancelled');
      expect(context?.signal.aborted).to.equal(true);
      expect((context?.signal.reason as Error | undefined)?.message).to.match(/^Node "a" was aborted: run cancelled\./);
    });
  });

  describe('that throw in what listens to their signal', () => {
    it('do not touch the run; the others hear it', async () => {
      const abort = new AbortController();
      const heard: string[] = [];
      const uncaught: unknown[] = [];
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.on('uncaughtException', (error) => uncaught.push(error));
      const w = workflow('w');
      for (const id of ['a', 'b']) {
        w.fn(id, {}, ((_: unknown, { signal }: NodeContext) => {
          signal.addEventListener('abort', () => {
            heard.push(id);
            throw new Error(`from ${id}`);
          });
          return new Promise(() => undefined);
        }) as never);
      }
      try {
        const running = new AsyncLocalRuntime().settle(w.build(), {}, { signal: abort.signal });
        await turn();
        abort.abort(new Error('enough'));
        const outcome = await running;
        await turn();
        expect(outcome.status).to.equal('cancelled');
        expect(heard).to.deep.equal(['a', 'b']);
      } finally {
        process.removeAllListeners('uncaughtException');
        for (const listener of listeners) process.on('uncaughtException', listener);
      }
      // Node reports what an event listener throws as uncaught, in a later turn: it reached nobody else.
      expect(uncaught.map((error) => (error as Error).message)).to.deep.equal(['from a', 'from b']);
    });
  });

  describe('that mutate their inputs', () => {
    const greedy = (inputMode: 'shared' | 'frozen') =>
      defineNode({
        name: 'greedy',
        inputs: { rows: type<number[]>() },
        outputs: { count: type<number>() },
        inputMode,
        run: ({ rows }) => ({ count: rows.push(99) }),
      });
    const make = (inputMode: 'shared' | 'frozen') => {
      const w = workflow('w');
      const source = w.fn('source', {}, () => [1, 2]);
      w.add('a', greedy(inputMode)({ rows: source.out.value }));
      w.fn('later', { rows: source.out.value }, ({ rows }) => [...rows]);
      return w.build();
    };

    it('are seen by others: values are shared, not copied', async () => {
      expect((await both(() => make('shared'))).results.later).to.deep.equal({ value: [1, 2, 99] });
    });

    it("fail with inputMode: 'frozen', and the others see what was sent", async () => {
      const outcome = await both(() => make('frozen'));
      expect(outcome.messages.a).to.match(/object is not extensible/);
      expect(outcome.results.source).to.deep.equal({ value: [1, 2] });
      expect(outcome.nodes.later).to.equal('completed');
    });

    it('cannot touch the workflow: replacing or adding an input changes one attempt only', async () => {
      const node = defineNode({
        name: 'n',
        inputs: { n: type<number>() },
        outputs: { seen: type<unknown>() },
        run: (inputs) => {
          const seen = { ...inputs };
          Object.assign(inputs, { n: 99, extra: true });
          return { seen };
        },
      });
      const w = workflow('w');
      const a = w.add('a', node({ n: 1 }));
      const built = w.build({ outputs: { seen: a.out.seen } });
      const runtime = new LocalRuntime();
      expect([runtime.execute(built).unwrap(), runtime.execute(built).unwrap()]).to.deep.equal([
        { seen: { n: 1 } },
        { seen: { n: 1 } },
      ]);
    });
  });

  it('that overflow the stack fail like any other', async () => {
    const deep = (): number => deep() + 1;
    const outcome = await both(() => hostile(() => ({ value: deep() })), { forms: ['local', 'async'] });
    expect(outcome.messages.a).to.equal('Maximum call stack size exceeded');
    expect(outcome.nodes.beside).to.equal('completed');
  });

  it('that close their own runtime do not hurt their run', () => {
    const runtime = new LocalRuntime();
    const outcome = runtime.settle(
      hostile(() => {
        runtime.close();
        return { value: 1 };
      }),
    );
    expect([outcome.status, runtime.isClosed]).to.deep.equal(['completed', true]);
  });
});
