import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../../src/testing/index.js';
import { asyncForm } from '../../support/every-way.js';

let history: readonly RunEvent[] | undefined;

class Local extends LocalRuntime {
  protected override loadHistory(): readonly RunEvent[] | undefined {
    return history;
  }
}

class Async extends AsyncLocalRuntime {
  protected override loadHistory(): readonly RunEvent[] | undefined {
    return history;
  }
}

interface Continued {
  readonly outcome: Exclude<RunOutcome<unknown>, { readonly status: 'rejected' }>;
  /** History and new events. */
  readonly log: RunEvent[];
}

type Continue = (built: Workflow, known?: readonly RunEvent[]) => Promise<Continued>;

function options() {
  return { clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1) };
}

const ways: Readonly<Record<string, Continue>> = {
  LocalRuntime: async (built, known) => {
    history = known;
    const log = [...(known ?? [])];
    const outcome = new Local(options()).settle(
      built as Workflow<Record<never, never>>,
      {},
      { onEvent: (event) => log.push(event) },
    );
    if (outcome.status === 'rejected') throw outcome.error;
    return { outcome, log };
  },
  'AsyncLocalRuntime with asynchronous nodes': async (built, known) => {
    history = known;
    const log = [...(known ?? [])];
    const own = options();
    const outcome = await advanceUntil(
      () =>
        new Async(own).settle(
          asyncForm(built) as Workflow<Record<never, never>>,
          {},
          { onEvent: (event) => log.push(event) },
        ),
      own.clock,
    );
    if (outcome.status === 'rejected') throw outcome.error;
    return { outcome, log };
  },
};

/** A workflow whose node `step` fails its first `failures` attempts. */
function build(capabilities: NodeCapabilities, failures = 0, allowed = false) {
  const step = defineNode({
    name: 'step',
    outputs: { n: type<number>() },
    ...capabilities,
    run: (_, ctx) => {
      if (ctx.failures < failures) throw new Error(`failure ${ctx.failures + 1}`);
      return { n: ctx.attempt };
    },
  });
  const w = workflow('lost');
  const first = w.fn('first', {}, () => 1);
  if (allowed) w.try('step', step({}), { after: first });
  else w.add('step', step({}), { after: first });
  return w.build();
}

/** The log up to and with the start of the last attempt of `step`: the process ended while it ran. */
function crash(log: readonly RunEvent[]): readonly RunEvent[] {
  const index = log.findLastIndex((event) => event.kind === 'attempt.started' && event.data.node === 'step');
  return log.slice(0, index + 1);
}

function lost(log: readonly RunEvent[]) {
  return log.flatMap((event) => (event.kind === 'attempt.lost' ? [event.data] : []));
}

for (const [name, go] of Object.entries(ways)) {
  describe(`lost attempts in ${name}`, () => {
    after(() => {
      history = undefined;
    });

    it('an attempt that was running when the process ended is lost and tried again; nothing else is', async () => {
      const { log } = await go(build({}));
      const again = await go(build({}), crash(log));
      expect(again.outcome.status).to.equal('completed');
      expect(again.outcome.node('step')).to.include({ status: 'completed', attempts: 2 });
      expect(again.outcome.node('first').attempts).to.equal(1);
      expect(again.outcome.results.get('step')).to.deep.equal({ n: 2 });
      const [data] = lost(again.log);
      expect(data).to.deep.include({ scope: '', node: 'step', visit: 1, attempt: 1 });
      expect(data?.error.code).to.equal('ATTEMPT_LOST');
      expect(data?.then.kind).to.equal('retry');
      expect(again.outcome.node('step').failures.map(({ status, error }) => [status, error.code])).to.deep.equal([
        ['lost', 'ATTEMPT_LOST'],
      ]);
      expect(again.log.map(({ seq }) => seq)).to.deep.equal(again.log.map((_, index) => index));
    });

    it('losses do not use up the budget of failures', async () => {
      const capabilities = { retry: { attempts: 2 } };
      let log = (await go(build(capabilities, 1))).log;
      for (let losses = 1; losses <= 2; losses++) log = (await go(build(capabilities, 1), crash(log))).log;
      const { outcome } = await go(build(capabilities, 1), crash(log));
      expect(outcome.status).to.equal('completed');
      expect(outcome.node('step').failures.map(({ status }) => status)).to.deep.equal([
        'failed',
        'lost',
        'lost',
        'lost',
      ]);
    });

    it('three by default: the fourth is LOST_TOO_OFTEN', async () => {
      let log = (await go(build({}))).log;
      for (let losses = 1; losses <= 3; losses++) {
        const again = await go(build({}), crash(log));
        expect(again.outcome.status, `loss ${losses}`).to.equal('completed');
        log = again.log;
      }
      const { outcome, log: last } = await go(build({}), crash(log));
      if (outcome.status !== 'failed') throw new Error(outcome.status);
      expect(outcome.error.failure.code).to.equal('LOST_TOO_OFTEN');
      expect(outcome.error.failure.message).to.contain('Node "step" was lost 4 times; 3 are allowed.');
      expect(outcome.node('step')).to.include({ status: 'failed', attempts: 4 });
      expect(lost(last).map(({ then }) => then.kind)).to.deep.equal(['retry', 'retry', 'retry', 'fail']);
    });

    it('maxLost says how many; 0 allows none', async () => {
      const one = { retry: { maxLost: 1 } };
      const first = await go(build(one), crash((await go(build(one))).log));
      expect(first.outcome.status).to.equal('completed');
      const second = await go(build(one), crash(first.log));
      expect(second.outcome.status).to.equal('failed');

      const none = { retry: { maxLost: 0 } };
      const { outcome } = await go(build(none), crash((await go(build(none))).log));
      expect(outcome.node('step').error?.code).to.equal('LOST_TOO_OFTEN');
    });

    it('is not tried again where the total limit of its node has passed meanwhile', async () => {
      const limited = { totalTimeoutMs: 100 };
      const earlier = (ms: number): readonly RunEvent[] => crash(log).map((event) => ({ ...event, ts: event.ts - ms }));
      const { log } = await go(build(limited));
      const late = await go(build(limited), earlier(100));
      if (late.outcome.status !== 'failed') throw new Error(late.outcome.status);
      expect(late.outcome.error.failure.code).to.equal('NODE_TIMEOUT');
      expect(late.outcome.error.failure.message).to.contain('together may take 100 ms, and that time had passed.');
      expect(late.outcome.node('step').attempts).to.equal(1);
      expect((await go(build(limited), earlier(99))).outcome.status).to.equal('completed');
    });

    it('too often is allowed to a node that may fail', async () => {
      const none = { retry: { maxLost: 0 } };
      const { outcome, log } = await go(build(none, 0, true), crash((await go(build(none, 0, true))).log));
      expect(outcome.status).to.equal('completed');
      expect(outcome.failures.map(({ node, allowed, error }) => [node, allowed, error.code])).to.deep.equal([
        ['step', true, 'LOST_TOO_OFTEN'],
      ]);
      expect(lost(log).map(({ then }) => then.kind)).to.deep.equal(['allow']);
    });

    it('a wait for the next attempt survives: it is neither lost nor shortened', async () => {
      const capabilities = { retry: { attempts: 2, delayMs: 500 } };
      const { log } = await go(build(capabilities, 1));
      const failedAt = log.findIndex((event) => event.kind === 'attempt.failed');
      const { outcome, log: all } = await go(build(capabilities, 1), log.slice(0, failedAt + 1));
      expect(outcome.status).to.equal('completed');
      expect(lost(all)).to.deep.equal([]);
      const started = all
        .filter((event) => event.kind === 'attempt.started' && event.data.node === 'step')
        .map(({ ts }) => ts);
      expect((started[1] ?? 0) - (started[0] ?? 0)).to.equal(500);
    });
  });
}
