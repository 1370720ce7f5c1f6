import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import type { RetryOptions } from '../../../src/base/node-options.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { Random } from '../../../src/base/ports.js';
import { oneOf, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { scripted, seededIds, seededRandom, VirtualClock } from '../../../src/testing/index.js';
import { everyWay, type Runner, statuses } from '../../support/every-way.js';

/** Fails its first `times` attempts with what `error` makes, then returns. */
function failing(
  times: number,
  retry: RetryOptions,
  error: (attempt: number) => unknown = (attempt) => new Error(`attempt ${attempt}`),
) {
  return defineNode({
    name: 'failing',
    outputs: { attempt: type<number>() },
    retry,
    run: (_, { attempt }) => {
      if (attempt <= times) throw error(attempt);
      return { attempt };
    },
  });
}

function single(times: number, retry: RetryOptions, error?: (attempt: number) => unknown) {
  const w = workflow('single');
  const step = w.add('step', failing(times, retry, error)({}));
  return w.build({ outputs: { attempt: step.out.attempt } });
}

/** Milliseconds after the start of the run at which each attempt of a node started. */
function starts(run: Runner, node = 'step'): number[] {
  const begin = run.events[0]?.ts ?? 0;
  return run.events.flatMap((event) =>
    event.kind === 'attempt.started' && event.data.node === node ? [event.ts - begin] : [],
  );
}

describe('retry', () => {
  it(
    'one attempt by default',
    everyWay(async (run) => {
      const result = await run.fail(single(1, {}));
      expect(result.node('step').attempts).to.equal(1);
      expect(result.error.failure.message).to.equal('attempt 1');
    }),
  );

  it(
    'attempts counts the first one; the last error is the failure, and every failed attempt is listed',
    everyWay(async (run) => {
      const result = await run.fail(single(9, { attempts: 3 }));
      const node = result.node('step');
      expect(node).to.include({ status: 'failed', attempts: 3 });
      expect(node.error?.message).to.equal('attempt 3');
      expect(
        node.failures.map(({ visit, attempt, status, error, retryAt }) => [
          visit,
          attempt,
          status,
          error.message,
          retryAt === undefined,
        ]),
      ).to.deep.equal([
        [1, 1, 'failed', 'attempt 1', false],
        [1, 2, 'failed', 'attempt 2', false],
        [1, 3, 'failed', 'attempt 3', true],
      ]);
      const verdicts = run.events.flatMap((event) => (event.kind === 'attempt.failed' ? [event.data.then.kind] : []));
      expect(verdicts).to.deep.equal(['retry', 'retry', 'fail']);
    }),
  );

  it(
    'an attempt within the budget that succeeds completes the node',
    everyWay(async (run) => {
      const result = await run.complete(single(2, { attempts: 3 }));
      expect(result.output).to.deep.equal({ attempt: 3 });
      expect(result.node('step')).to.include({ status: 'completed', attempts: 3, error: undefined });
      expect(result.failures).to.deep.equal([]);
    }),
  );

  const schedules: readonly (readonly [string, RetryOptions, readonly number[]])[] = [
    ['no delay', { attempts: 3 }, [0, 0, 0]],
    ['fixed', { attempts: 4, backoff: 'fixed', delayMs: 100 }, [0, 100, 200, 300]],
    ['linear', { attempts: 4, backoff: 'linear', delayMs: 100 }, [0, 100, 300, 600]],
    ['exponential', { attempts: 5, backoff: 'exponential', delayMs: 100 }, [0, 100, 300, 700, 1500]],
    ['exponential by default', { attempts: 4, delayMs: 10 }, [0, 10, 30, 70]],
    ['at most maxDelayMs', { attempts: 5, delayMs: 100, maxDelayMs: 250 }, [0, 100, 300, 550, 800]],
    ['maxDelayMs below the first wait', { attempts: 3, delayMs: 100, maxDelayMs: 30 }, [0, 30, 60]],
    ['maxDelayMs of a minute by default', { attempts: 3, backoff: 'fixed', delayMs: 100_000 }, [0, 60_000, 120_000]],
  ];
  for (const [name, retry, expected] of schedules) {
    it(
      `waits exactly: ${name}`,
      everyWay(async (run) => {
        const result = await run.fail(single(99, retry));
        expect(starts(run)).to.deep.equal(expected);
        const begin = result.startedAt;
        expect(
          result.node('step').failures.map(({ retryAt }) => (retryAt === undefined ? 'end' : retryAt - begin)),
        ).to.deep.equal([...expected.slice(1), 'end']);
        expect(result.durationMs).to.equal(expected.at(-1));
      }),
    );
  }

  it(
    'a wait begins when the attempt failed, not when it started',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const slow = defineNode({
        name: 'slow',
        outputs: { n: type<number>() },
        retry: { attempts: 3, backoff: 'fixed', delayMs: 100 },
        run: () => {
          clock.advance(7);
          throw new Error('slow');
        },
      });
      const w = workflow('slow');
      w.add('step', slow({}));
      await run.fail(w.build(), { runtime: { clock } });
      expect(starts(run)).to.deep.equal([0, 107, 214]);
    }),
  );

  it(
    'jitter lies in [(1 - jitter) d, d]',
    everyWay(async (run) => {
      const wait = async (jitter: number, random: Random): Promise<number[]> => {
        await run.fail(single(99, { attempts: 3, backoff: 'fixed', delayMs: 100, jitter }), { runtime: { random } });
        return starts(run);
      };
      const lowest = { keyed: () => 0 };
      const highest = { keyed: () => 1 - 2 ** -52 };
      expect(await wait(0.25, lowest)).to.deep.equal([0, 100, 200]);
      expect((await wait(0.25, highest)).map((at) => Math.round(at * 1e6) / 1e6)).to.deep.equal([0, 75, 150]);
      expect((await wait(1, highest)).map((at) => Math.round(at * 1e6) / 1e6)).to.deep.equal([0, 0, 0]);
      expect(await wait(0.5, { keyed: () => 0.5 })).to.deep.equal([0, 75, 150]);
      const asked: string[] = [];
      expect(await wait(0, { keyed: (key) => asked.push(key) })).to.deep.equal([0, 100, 200]);
      expect(asked).to.deep.equal([]);
    }),
  );

  it(
    'jitter is keyed by run, node, visit and attempt, and by nothing else',
    everyWay(async (run) => {
      const asked: string[] = [];
      const random: Random = {
        keyed: (key) => {
          asked.push(key);
          return 0.5;
        },
      };
      const twice = scripted({
        name: 'twice',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        retry: { attempts: 3, delayMs: 10, jitter: 0.5 },
        script: [{ throws: new Error('1st') }, { throws: new Error('2nd') }, ({ inputs }) => ({ gives: inputs })],
      });
      const w = workflow('keys');
      const step = w.add('step', twice({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      await run.complete(w.build(), { runtime: { random }, run: { runId: 'r' } });
      expect(asked).to.deep.equal(['r/step/1/1', 'r/step/1/2', 'r/step/2/1', 'r/step/2/2']);
    }),
  );

  it(
    'the jitter of a node does not depend on what else runs, or in which order',
    everyWay(async (run) => {
      const retry: RetryOptions = { attempts: 3, backoff: 'fixed', delayMs: 1000, jitter: 1 };
      const waits = async (ids: readonly string[]): Promise<number[]> => {
        const w = workflow('others');
        for (const id of ids) w.add(id, failing(99, retry)({}));
        const result = await run.fail(w.build(), { run: { runId: 'r' } });
        const [first, second] = result.node('step').failures;
        return [(first?.retryAt ?? 0) - result.startedAt, (second?.retryAt ?? 0) - (first?.retryAt ?? 0)];
      };
      const random = seededRandom(1);
      const expected = [1000 * (1 - random.keyed('r/step/1/1')), 1000 * (1 - random.keyed('r/step/1/2'))];
      for (const ids of [['step'], ['a', 'step', 'z'], ['z', 'y', 'x', 'step']]) {
        const found = await waits(ids);
        expect(found[0], ids.join()).to.be.closeTo(expected[0] as number, 0.01);
        expect(found[1], ids.join()).to.be.closeTo(expected[1] as number, 0.01);
      }
      expect(expected[0]).to.not.be.closeTo(expected[1] as number, 1);
    }),
  );

  it(
    'a node that waits does not hold up the others',
    everyWay(async (run) => {
      const w = workflow('beside');
      w.add('step', failing(1, { attempts: 2, delayMs: 500 })({}));
      const other = w.fn('other', {}, () => 1);
      w.fn('next', { n: other.out.value }, ({ n }) => n);
      await run.complete(w.build());
      expect(starts(run)).to.deep.equal([0, 500]);
      expect(starts(run, 'next')).to.deep.equal([0]);
    }),
  );
});

class Refused extends Error {
  readonly code = 'E_REFUSED';
}
class Fatal extends Refused {}

describe('what is tried again', () => {
  const cases: readonly (readonly [string, RetryOptions, unknown, number])[] = [
    ['every error by default', {}, new Error('any'), 3],
    ['retryOn a code', { retryOn: ['E_REFUSED'] }, new Refused('x'), 3],
    ['retryOn another code', { retryOn: ['E_OTHER'] }, new Refused('x'), 1],
    ['retryOn a code, on an object that is no error', { retryOn: ['E_1'] }, { code: 'E_1' }, 3],
    ['retryOn a code, on an error without one', { retryOn: ['NODE_THREW'] }, new Error('x'), 1],
    ['retryOn a code, on a string', { retryOn: ['E_1'] }, 'E_1', 1],
    ['retryOn a code, on null', { retryOn: ['E_1'] }, null, 1],
    ['retryOn a class', { retryOn: [Refused] }, new Refused('x'), 3],
    ['retryOn a class, its subclass', { retryOn: [Refused] }, new Fatal('x'), 3],
    ['retryOn a class, its base', { retryOn: [Fatal] }, new Refused('x'), 1],
    ['retryOn Error itself', { retryOn: [Error] }, new TypeError('x'), 3],
    [
      'retryOn a predicate that says yes',
      { retryOn: [(error) => (error as Error).message === 'x'] },
      new Error('x'),
      3,
    ],
    ['retryOn a predicate that says no', { retryOn: [(error) => (error as Error).message === 'x'] }, new Error('y'), 1],
    ['retryOn several: any suffices', { retryOn: ['E_OTHER', Refused] }, new Refused('x'), 3],
    ['retryOn nothing', { retryOn: [] }, new Error('x'), 1],
    ['dontRetryOn a code', { dontRetryOn: ['E_REFUSED'] }, new Refused('x'), 1],
    ['dontRetryOn several: any suffices', { dontRetryOn: ['E_OTHER', Refused] }, new Refused('x'), 1],
    ['dontRetryOn a class', { dontRetryOn: [Fatal] }, new Fatal('x'), 1],
    ['dontRetryOn a class, its base', { dontRetryOn: [Fatal] }, new Refused('x'), 3],
    ['dontRetryOn a predicate', { dontRetryOn: [() => true] }, new Error('x'), 1],
    ['dontRetryOn is stronger than retryOn', { retryOn: [Refused], dontRetryOn: [Fatal] }, new Fatal('x'), 1],
    ['both, where only retryOn matches', { retryOn: [Refused], dontRetryOn: [Fatal] }, new Refused('x'), 3],
  ];
  for (const [name, options, error, attempts] of cases) {
    it(
      `${name}: ${attempts === 1 ? 'no' : 'yes'}`,
      everyWay(async (run) => {
        const result = await run.fail(single(99, { attempts: 3, ...options }, () => error));
        expect(result.node('step').attempts).to.equal(attempts);
        expect(result.error.failure.code).not.to.equal('STRATEGY_THREW');
      }),
    );
  }

  it(
    'a predicate sees the very value that was thrown',
    everyWay(async (run) => {
      const seen: unknown[] = [];
      const thrown = [new Error('one'), 'two', { three: 3 }];
      const look = (error: unknown): boolean => seen.push(error) > 0;
      await run.fail(single(99, { attempts: 4, retryOn: [look] }, (attempt) => thrown[attempt - 1]));
      expect(seen).to.have.lengthOf(3);
      for (const [index, value] of seen.entries()) expect(value).to.equal(thrown[index]);
    }),
  );

  it(
    'a predicate that throws fails the node STRATEGY_THREW, with what it threw as the cause',
    everyWay(async (run) => {
      const bad = (): boolean => {
        throw new TypeError('predicate');
      };
      for (const options of [{ retryOn: [bad] }, { dontRetryOn: [bad] }]) {
        const result = await run.fail(single(99, { attempts: 3, ...options }));
        expect(result.node('step').attempts).to.equal(1);
        expect(result.error.failure.code).to.equal('STRATEGY_THREW');
        expect(result.error.failure.cause).to.deep.equal({
          name: 'TypeError',
          code: 'NODE_THREW',
          message: 'predicate',
        });
      }
    }),
  );

  it(
    'a predicate that answers with anything but a boolean fails the node STRATEGY_THREW, also with a promise that rejects',
    everyWay(async (run) => {
      for (const answer of ['yes', 1, undefined, async () => Promise.reject(new Error('late'))]) {
        const look = (): boolean => (typeof answer === 'function' ? answer() : answer) as never;
        const result = await run.fail(single(99, { attempts: 3, retryOn: [look] }));
        expect(result.node('step').attempts).to.equal(1);
        expect(result.error.failure.code).to.equal('STRATEGY_THREW');
        const what = typeof answer === 'function' ? 'object' : typeof answer;
        expect(result.error.failure.cause?.message).to.equal(`a predicate answered a ${what}, not a boolean`);
      }
    }),
  );

  it(
    'a predicate is not asked about the last attempt',
    everyWay(async (run) => {
      let asked = 0;
      await run.fail(single(99, { attempts: 3, retryOn: [() => ++asked > 0] }));
      expect(asked).to.equal(2);
    }),
  );

  it(
    'attempts that returned something wrong are tried again where retryOn names the code, and only there',
    everyWay(async (run) => {
      const returns: readonly (readonly [string, unknown])[] = [
        ['NODE_RETURNED_NOTHING', undefined],
        ['OUTPUT_INVALID', { n: 'text' }],
        ['OUTPUT_UNKNOWN', { n: 1, m: 2 }],
      ];
      for (const [code, returned] of returns) {
        const mended = scripted({
          name: 'mended',
          outputs: { n: z.number() },
          retry: { attempts: 2, retryOn: [code] },
          script: [{ gives: returned as { n: number } }, { gives: { n: 5 } }],
        });
        const unnamed = workflow('unnamed');
        const once = unnamed.add('once', mended({}), { retry: { attempts: 2, retryOn: [() => true, Error] } });
        const failed = await run.settle(unnamed.build({ outputs: { n: once.out.n } }));
        if (failed.status !== 'failed') throw new Error(`The run ${failed.status}.`);
        expect(failed.node('once').failures.map(({ error }) => error.code)).to.deep.equal([code]);
        const w = workflow('mended');
        const step = w.add('step', mended({}));
        const result = await run.complete(w.build({ outputs: { n: step.out.n } }));
        expect(result.output).to.deep.equal({ n: 5 });
        expect(result.node('step').failures.map(({ error }) => error.code)).to.deep.equal([code]);
      }
    }),
  );

  it(
    'inputs that cannot be had or do not fit are never tried again',
    everyWay(async (run) => {
      const retry = { attempts: 5 };
      const options = { retry };
      const takes = (schema: z.ZodType) =>
        defineNode({ name: 'takes', inputs: { v: schema }, outputs: { ok: z.boolean() }, run: () => ({ ok: true }) });
      const slow = { '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: 1 }) } } as const;
      const throws = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: () => {
            throw new Error('schema');
          },
        },
      } as const;
      const w = workflow('inputs');
      const text = w.fn('text', {}, () => 'text' as unknown);
      const route = w.switch(
        'route',
        text.out.value,
        { a: () => true, b: () => true, c: () => false },
        { mode: 'all' },
      );
      w.add('invalid', takes(z.number())({ v: text.out.value as never }), options);
      w.add(
        'missing',
        takes(z.number())({ v: (text.out.value as never as { at(key: string): never }).at('no') }),
        options,
      );
      w.fn('conflict', { v: oneOf(route.out.a, route.out.b) }, ({ v }) => v, options);
      w.fn('absent', { v: required(route.out.c) }, ({ v }) => v, options);
      w.add(
        'asynchronous',
        defineNode({
          name: 'asynchronous',
          inputs: { v: slow },
          outputs: { ok: z.boolean() },
          run: () => ({ ok: true }),
        })({ v: text.out.value as never }),
        options,
      );
      w.add(
        'throwing',
        defineNode({
          name: 'throwing',
          inputs: { v: throws },
          outputs: { ok: z.boolean() },
          run: () => ({ ok: true }),
        })({ v: text.out.value as never }),
        options,
      );
      w.add(
        'secretive',
        defineNode({
          name: 'secretive',
          outputs: { ok: z.boolean() },
          run: (_, ctx) => ({ ok: ctx.secret('NOPE' as never) === '' }),
        })({}),
        options,
      );
      const result = await run.fail(w.build());
      const ends = [...result.nodes.values()]
        .filter(({ id }) => id !== 'text' && id !== 'route')
        .map(({ id, attempts, error }) => `${id} ${attempts} ${error?.code}`);
      expect(ends).to.have.members([
        'invalid 1 INPUT_INVALID',
        'missing 1 INPUT_MISSING',
        'conflict 1 INPUT_CONFLICT',
        'absent 1 OUTPUT_MISSING',
        'asynchronous 1 SCHEMA_ASYNC',
        'throwing 1 SCHEMA_THREW',
        'secretive 1 SECRET_UNDECLARED',
      ]);
      const strict = workflow('strict');
      const number = strict.fn('number', {}, () => 'text');
      const contracted = strict.fn('contracted', { v: number.out.value }, ({ v }) => v, options);
      strict.contract(contracted.in.v, { schema: z.number() });
      const broken = await run.fail(strict.build(), { runtime: { validation: 'strict' } });
      expect(broken.node('contracted')).to.include({ attempts: 1 });
      expect(broken.node('contracted').error?.code).to.equal('CONTRACT_VIOLATED');
    }),
  );

  it('a promise in LocalRuntime is never tried again, and its rejection is handled', () => {
    const w = workflow('promise');
    let calls = 0;
    w.fn('step', {}, () => Promise.reject(new Error(String(++calls))), { retry: { attempts: 3 } });
    const outcome = new LocalRuntime({ clock: new VirtualClock(), ids: seededIds() }).settle(w.build());
    if (outcome.status !== 'failed') throw new Error(outcome.status);
    expect(calls).to.equal(1);
    expect(outcome.error.failure.code).to.equal('NODE_RETURNED_PROMISE');
  });

  it(
    'an error of ours that a node throws itself is judged by its code alone, a foreign one with the same code is not ours',
    everyWay(async (run) => {
      const foreign = Object.assign(new Error('mine'), { code: 'INPUT_INVALID' });
      const result = await run.fail(single(99, { attempts: 3 }, () => foreign));
      expect(result.node('step').attempts).to.equal(3);
    }),
  );

  it(
    'a switch that finds no case is tried like any node, and its retry is an option of its use',
    everyWay(async (run) => {
      let calls = 0;
      const w = workflow('switch', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { third: () => ++calls === 3 }, { retry: { attempts: 3 } });
      w.switch('other', route.out.third, { any: otherwise });
      const result = await run.complete(w.build(), { params: { n: 1 }, compare: false });
      expect(result.node('route').attempts).to.equal(3);
      expect(statuses(result)).to.deep.equal({ route: 'completed', other: 'completed' });
    }),
  );

  it(
    'options at the use replace those of the definition, one capability at a time',
    everyWay(async (run) => {
      const w = workflow('use');
      const definition = failing(99, { attempts: 4 });
      w.add('own', definition({}));
      w.add('replaced', definition({}), { retry: { attempts: 2 } });
      w.add('kept', definition({}), { timeoutMs: 1000 });
      const result = await run.fail(w.build());
      expect([...result.nodes.values()].map(({ id, attempts }) => `${id} ${attempts}`)).to.deep.equal([
        'own 4',
        'replaced 2',
        'kept 4',
      ]);
    }),
  );
});
