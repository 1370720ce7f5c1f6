import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { ASYNC_WAYS, everyWay, type Runner, reasonOf, SYNC_WAYS, statuses } from '../../support/every-way.js';

/** A node whose attempts take the given times: by holding the thread in its synchronous form, by a timer in its asynchronous one. */
function taking(run: Runner, clock: VirtualClock, times: readonly number[], options: NodeCapabilities = {}) {
  return defineNode({
    name: 'taking',
    outputs: { n: type<number>() },
    ...options,
    run: (_, { attempt }): { n: number } | Promise<{ n: number }> => {
      const ms = times[attempt - 1] ?? 0;
      if (run.asyncNodes) return new Promise((resolve) => clock.setTimer(ms, () => resolve({ n: attempt })));
      clock.advance(ms);
      return { n: attempt };
    },
  });
}

describe('the time limit of an attempt', () => {
  it(
    'an attempt that takes longer fails ATTEMPT_TIMEOUT and says so; a synchronous one when it returns, an asynchronous one at the limit',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('late');
      w.add('step', taking(run, clock, [80], { timeoutMs: 50 })({}));
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect(result.error.failure).to.deep.equal({
        name: 'AttemptError',
        code: 'ATTEMPT_TIMEOUT',
        message: 'Node "step" ran longer than 50 ms. Raise timeoutMs, or make the node faster.',
      });
      expect(result.durationMs).to.equal(run.asyncNodes ? 50 : 80);
      expect(result.results.has('step')).to.equal(false);
    }),
  );

  it(
    'an attempt that takes exactly as long fails: it had not settled before its limit',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('exact');
      w.add('step', taking(run, clock, [50], { timeoutMs: 50 })({}));
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect([result.durationMs, result.error.failure.code]).to.deep.equal([50, 'ATTEMPT_TIMEOUT']);
    }),
  );

  it(
    'is for each attempt anew, and a timeout is tried again',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('again');
      w.add(
        'step',
        taking(run, clock, [80, 80, 40], { timeoutMs: 50, retry: { attempts: 3, retryOn: ['ATTEMPT_TIMEOUT'] } })({}),
      );
      const result = await run.complete(w.build(), { runtime: { clock } });
      expect(result.node('step').attempts).to.equal(3);
      expect(result.node('step').failures.map(({ error }) => error.code)).to.deep.equal([
        'ATTEMPT_TIMEOUT',
        'ATTEMPT_TIMEOUT',
      ]);
    }),
  );

  it(
    'an error that comes too late is the timeout, with the error as its cause',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const late = defineNode({
        name: 'late',
        outputs: { n: type<number>() },
        timeoutMs: 50,
        run: (): { n: number } => {
          clock.advance(60);
          throw new Error('own');
        },
      });
      const w = workflow('lateError');
      w.add('step', late({}));
      const result = await run.fail(w.build(), { runtime: { clock }, compare: false });
      expect(result.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
      if (run.way === 'local') expect(result.error.failure.cause?.message).to.equal('own');
    }),
  );

  it(
    'aborts the signal of an asynchronous attempt and ignores what it answers later',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const heard: string[] = [];
      const answers: (() => void)[] = [];
      const stubborn = defineNode({
        name: 'stubborn',
        outputs: { n: type<number>() },
        timeoutMs: 50,
        run: (_, { signal, deadline, attempt }) =>
          new Promise<{ n: number }>((resolve, reject) => {
            heard.push(`deadline ${(deadline ?? 0) - 1_704_067_200_000}`);
            signal.addEventListener('abort', () => heard.push((signal.reason as { code: string }).code));
            answers.push(() => (attempt === 1 ? resolve({ n: 1 }) : reject(new Error('late'))));
          }),
      });
      const w = workflow('stubborn');
      w.add('step', stubborn({}), { retry: { attempts: 2, delayMs: 10 }, timeoutMs: 50 });
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect(heard).to.deep.equal(['deadline 50', 'ATTEMPT_TIMEOUT', 'deadline 110', 'ATTEMPT_TIMEOUT']);
      for (const answer of answers) answer();
      await new Promise((resolve) => setImmediate(resolve));
      expect(result.node('step')).to.include({ status: 'failed', attempts: 2 });
      expect(result.durationMs).to.equal(110);
    }, ASYNC_WAYS),
  );

  it(
    'a late answer during the next attempt does not settle it',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('mixedUp');
      const step = w.add('step', taking(run, clock, [60, 40], { timeoutMs: 50, retry: { attempts: 2 } })({}));
      const result = await run.complete(w.build({ outputs: { n: step.out.n } }), { runtime: { clock } });
      expect(result.output).to.deep.equal({ n: 2 });
      expect(result.durationMs).to.equal(90);
    }, ASYNC_WAYS),
  );

  it(
    'is not there without the option',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      let deadline: number | undefined = 1;
      const w = workflow('none');
      w.add('step', taking(run, clock, [1e9])({}));
      const look = defineNode({
        name: 'look',
        outputs: { ok: type<boolean>() },
        run: (_, ctx) => {
          deadline = ctx.deadline;
          return { ok: true };
        },
      });
      w.add('look', look({}));
      const result = await run.complete(w.build(), { runtime: { clock }, compare: false });
      expect(result.durationMs).to.equal(1e9);
      expect(deadline).to.equal(undefined);
    }),
  );
});

describe('the soft time limit of an attempt', () => {
  it(
    'warns once and lets the attempt finish; an asynchronous one is told by its signal',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const heard: unknown[] = [];
      const soft = defineNode({
        name: 'soft',
        outputs: { n: type<number>() },
        softTimeoutMs: 30,
        timeoutMs: 100,
        run: (_, { signal }): { n: number } | Promise<{ n: number }> => {
          if (!run.asyncNodes) {
            clock.advance(40);
            return { n: 1 };
          }
          return new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              heard.push(clock.now() - 1_704_067_200_000);
              clock.setTimer(10, () => resolve({ n: 1 }));
            });
          });
        },
      });
      const w = workflow('soft');
      const step = w.add('step', soft({}));
      const result = await run.complete(w.build({ outputs: { n: step.out.n } }), {
        runtime: { clock },
        compare: false,
      });
      expect(result.output).to.deep.equal({ n: 1 });
      expect(result.durationMs).to.equal(40);
      expect(heard).to.deep.equal(run.asyncNodes ? [30] : []);
      expect(result.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['soft-timeout', 'step']]);
      const levels = run.events.flatMap((event) =>
        event.kind === 'deadline.expired' ? [`${event.data.subject} ${event.data.level}`] : [],
      );
      expect(levels).to.deep.equal(['step soft']);
    }),
  );

  it(
    'an attempt that is faster is neither warned about nor told',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('fast');
      w.add('step', taking(run, clock, [30], { softTimeoutMs: 31 })({}));
      const result = await run.complete(w.build(), { runtime: { clock } });
      expect(result.warnings).to.deep.equal([]);
      expect(result.durationMs).to.equal(30);
    }),
  );

  it(
    'each attempt has its own; the warning is given once for the node',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('softAgain');
      w.add('step', taking(run, clock, [100, 100], { softTimeoutMs: 30, timeoutMs: 50, retry: { attempts: 2 } })({}));
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect(run.events.filter(({ kind }) => kind === 'deadline.expired')).to.have.lengthOf(2);
      expect(result.warnings).to.have.lengthOf(1);
      expect(result.node('step').attempts).to.equal(2);
    }, ASYNC_WAYS),
  );

  it(
    'without a hard limit the attempt may take as long as it likes',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('onlySoft');
      w.add('step', taking(run, clock, [1000], { softTimeoutMs: 30 })({}));
      const result = await run.complete(w.build(), { runtime: { clock }, compare: false });
      expect(result.durationMs).to.equal(1000);
      expect(result.warnings).to.have.lengthOf(1);
    }),
  );
});

describe('the time limit of all attempts of a node', () => {
  it(
    'a retry that would start too late fails NODE_TIMEOUT at once, with the failure as its cause',
    everyWay(async (run) => {
      const w = workflow('total');
      const bad = defineNode({
        name: 'bad',
        outputs: { n: type<number>() },
        retry: { attempts: 9, backoff: 'fixed', delayMs: 40 },
        totalTimeoutMs: 100,
        run: (_, { attempt }): { n: number } => {
          throw new Error(`attempt ${attempt}`);
        },
      });
      w.add('step', bad({}));
      const result = await run.fail(w.build());
      expect(result.node('step').attempts).to.equal(3);
      expect(result.durationMs).to.equal(80);
      expect(result.error.failure.code).to.equal('NODE_TIMEOUT');
      expect(result.error.failure.message).to.contain(
        'together may take 100 ms, and the next one would start too late',
      );
      expect(result.error.failure.cause?.message).to.equal('attempt 3');
    }),
  );

  it(
    'a retry that would start exactly at the limit is not made',
    everyWay(async (run) => {
      const w = workflow('exact');
      const bad = defineNode({
        name: 'bad',
        outputs: { n: type<number>() },
        retry: { attempts: 9, backoff: 'fixed', delayMs: 50 },
        totalTimeoutMs: 100,
        run: (): { n: number } => {
          throw new Error('again');
        },
      });
      w.add('step', bad({}));
      const result = await run.fail(w.build());
      expect(result.node('step').attempts).to.equal(2);
    }),
  );

  it(
    'a running attempt that passes it fails NODE_TIMEOUT and is not tried again',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('running');
      w.add(
        'step',
        taking(run, clock, [60, 60, 60], { timeoutMs: 50, totalTimeoutMs: 90, retry: { attempts: 9 } })({}),
      );
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect(result.node('step').attempts).to.equal(2);
      expect(result.error.failure.code).to.equal('NODE_TIMEOUT');
      expect(result.durationMs).to.equal(run.asyncNodes ? 90 : 120);
    }),
  );

  it(
    'without timeoutMs it bounds a single attempt too',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const w = workflow('alone');
      w.add('step', taking(run, clock, [100], { totalTimeoutMs: 60 })({}));
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect(result.error.failure.code).to.equal('NODE_TIMEOUT');
    }),
  );

  it(
    'starts anew with each visit',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const tick = defineNode({
        name: 'tick',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        totalTimeoutMs: 60,
        run: ({ n }) => {
          clock.advance(50);
          return { n: n + 1 };
        },
      });
      const w = workflow('visits');
      const step = w.add('step', tick({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 3 });
      const result = await run.complete(w.build({ outputs: { n: step.out.n } }), { runtime: { clock } });
      expect(result.output).to.deep.equal({ n: 3 });
    }),
  );
});

describe('the time limit of a run', () => {
  /** Three nodes in a row of 40 ms each. */
  function chain(run: Runner, clock: VirtualClock) {
    const w = workflow('chain');
    const a = w.add('a', taking(run, clock, [40])({}));
    const b = w.add('b', taking(run, clock, [40])({}), { after: a });
    w.add('c', taking(run, clock, [40])({}), { after: b });
    return w.build();
  }

  for (const ways of [SYNC_WAYS, ASYNC_WAYS]) {
    it(
      `a run whose last node overran the limit fails RUN_TIMEOUT, with ${ways === SYNC_WAYS ? 'synchronous' : 'asynchronous'} nodes`,
      everyWay(async (run) => {
        const clock = new VirtualClock();
        const w = workflow('last');
        w.add('step', taking(run, clock, [30])({}));
        const result = await run.fail(w.build(), { runtime: { clock, timeoutMs: 10 } });
        expect(result.error.failure.code).to.equal('RUN_TIMEOUT');
        expect(result.node('step').status).to.equal(run.asyncNodes ? 'cancelled' : 'completed');
      }, ways),
    );
  }

  it(
    'a run that takes longer fails RUN_TIMEOUT; what had not settled is cancelled for that reason',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.fail(chain(run, clock), { runtime: { clock, timeoutMs: 70 }, compare: false });
      expect(result.error.failure.code).to.equal('RUN_TIMEOUT');
      expect(result.error.failure.message).to.contain('longer than 70 ms');
      expect(result.error.node).to.equal(undefined);
      expect(statuses(result)).to.deep.equal(
        run.asyncNodes
          ? { a: 'completed', b: 'cancelled', c: 'cancelled' }
          : { a: 'completed', b: 'completed', c: 'cancelled' },
      );
      expect(reasonOf(result, 'c')).to.deep.equal({
        code: 'run_timeout',
        input: null,
        source: null,
        root: { subject: '', port: null, code: 'run_timeout' },
      });
      expect(result.durationMs).to.equal(run.asyncNodes ? 70 : 80);
    }),
  );

  it(
    'the limit of a run replaces that of its runtime',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.complete(chain(run, clock), {
        runtime: { clock, timeoutMs: 70 },
        run: { timeoutMs: 200 },
      });
      expect(result.durationMs).to.equal(120);
      const other = new VirtualClock();
      const short = await run.fail(chain(run, other), {
        runtime: { clock: other, timeoutMs: 200 },
        run: { timeoutMs: 30 },
        compare: false,
      });
      expect(short.error.failure.message).to.contain('longer than 30 ms');
    }),
  );

  it(
    'aborts what runs',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const heard: string[] = [];
      const listening = defineNode({
        name: 'listening',
        outputs: { n: type<number>() },
        run: (_, { signal }) =>
          new Promise<{ n: number }>((resolve) => {
            signal.addEventListener('abort', () => heard.push((signal.reason as Error).message));
            clock.setTimer(500, () => resolve({ n: 1 }));
          }),
      });
      const w = workflow('abort');
      w.add('step', listening({}));
      const result = await run.fail(w.build(), { runtime: { clock, timeoutMs: 100 } });
      expect(result.durationMs).to.equal(100);
      expect(heard).to.have.lengthOf(1);
      expect(heard[0]).to.contain('run timeout');
    }, ASYNC_WAYS),
  );

  it(
    'while a node waits for its next attempt, the run ends at the limit and not at the retry',
    everyWay(async (run) => {
      const w = workflow('backoff');
      const bad = defineNode({
        name: 'bad',
        outputs: { n: type<number>() },
        retry: { attempts: 9, backoff: 'fixed', delayMs: 1000 },
        run: (): { n: number } => {
          throw new Error('again');
        },
      });
      w.add('step', bad({}));
      const result = await run.fail(w.build(), { run: { timeoutMs: 300 } });
      expect(result.durationMs).to.equal(300);
      expect(statuses(result)).to.deep.equal({ step: 'cancelled' });
      expect(reasonOf(result, 'step')?.code).to.equal('run_timeout');
    }),
  );

  it(
    'softTimeoutMs warns once for the run and aborts what runs, which may still finish',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const heard: string[] = [];
      const w = workflow('softRun');
      const polite = defineNode({
        name: 'polite',
        outputs: { n: type<number>() },
        run: (_, { signal }): { n: number } | Promise<{ n: number }> => {
          if (!run.asyncNodes) {
            clock.advance(60);
            return { n: 1 };
          }
          return new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              heard.push((signal.reason as { code: string }).code);
              clock.setTimer(10, () => resolve({ n: 1 }));
            });
          });
        },
      });
      const a = w.add('a', polite({}));
      w.fn('b', { n: a.out.n }, ({ n }) => n);
      const result = await run.complete(w.build(), {
        runtime: { clock },
        run: { softTimeoutMs: 50, timeoutMs: 500 },
        compare: false,
      });
      expect(result.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['soft-timeout', '']]);
      expect(heard).to.deep.equal(run.asyncNodes ? ['RUN_TIMEOUT'] : []);
      expect(result.durationMs).to.equal(60);
    }),
  );

  it(
    'a run within its limits is neither failed nor warned about',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.complete(chain(run, clock), {
        runtime: { clock, timeoutMs: 121, softTimeoutMs: 120.5 },
      });
      expect(result.warnings).to.deep.equal([]);
    }),
  );
});
