import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import type { AttemptEnded } from '../../../src/base/notifications.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog, VirtualClock } from '../../../src/testing/index.js';
import { deferred, turn } from '../../support/deferred.js';
import { everyWay } from '../../support/every-way.js';
import { fetching, ONE_BY_ONE, single, withSession } from '../../support/governed.js';
import { Session } from '../../support/session.js';

const brief = ({ scope, node, kind, status, visit, attempt, error }: AttemptEnded): string =>
  `${scope}${node} ${kind} ${visit}/${attempt} ${status}${error === undefined ? '' : ` ${error.code}`}`;

describe('the notification attempt', () => {
  it(
    'says everything about an attempt that settled',
    everyWay((run) =>
      withSession(run, {}, async (session, { attempts }) => {
        const flow = single(fetching(), { retry: { attempts: 2, delayMs: 10 }, cache: {} });
        const begin = session.clock.now();
        await session.settle(flow, { how: 'fail' });
        await session.settle(flow, { how: 'ok' });
        await session.settle(flow, { how: 'ok' });
        const same = {
          workflow: 'w',
          scope: '',
          node: 'step',
          kind: 'function',
          executor: 'function.fetch',
          visit: 1,
        };
        const error = { name: 'Error', code: 'E_FETCH', message: 'fail' };
        const at = (ms: number) => ({ startedAt: begin + ms, endedAt: begin + ms });
        const first = { ...same, runId: 'run-1', status: 'failed', error, cached: false };
        const completed = { ...same, attempt: 1, status: 'completed', ...at(10), error: undefined, retryAt: undefined };
        expect(attempts).to.deep.equal([
          { ...first, attempt: 1, ...at(0), retryAt: begin + 10 },
          { ...first, attempt: 2, ...at(10), retryAt: undefined },
          { ...completed, runId: 'run-2', cached: false },
          { ...completed, runId: 'run-3', cached: true },
        ]);
      }),
    ),
  );

  it(
    'is told of maps, subworkflows, gates, switches and visits of cycles, by the workflow of their run, not of untaken branches',
    everyWay(async (run) => {
      const session = new Session(run);
      const attempts: AttemptEnded[] = [];
      session.runtime.on('attempt', (attempt) => attempts.push(attempt));
      const fetch = fetching();
      const inner = workflow('inner');
      inner.try('deep', fetch.node({ how: 'fail' }));
      const w = workflow('w');
      const sub = w.add('sub', inner.build()({}));
      const list = w.fn('list', {}, () => ['ok'], { after: sub });
      const all = w.map('all', list.out.value, (how) => fetch.node({ how }));
      const route = w.switch(
        'route',
        list.out.value,
        { some: (rows) => rows.length > 0, none: () => true },
        { after: all },
      );
      w.fn('untaken', { rows: route.out.none }, () => 1);
      const turn = w.fn('turn', { n: route.out.some }, () => ['ok']);
      w.cycle('loop', { feedback: [turn.out.value.to(turn.in.n as never)], maxIterations: 2 });
      w.gate('gate', { shows: { n: turn.out.value } });
      const flow = w.build();
      await session.wait(flow);
      session.runtime.approve('run-1', 'gate');
      await session.resume(flow);
      expect(attempts.map(brief)).to.deep.equal([
        'sub/deep function 1/1 failed E_FETCH',
        'sub subworkflow 1/1 completed',
        'list function 1/1 completed',
        'all[0]/fetch function 1/1 completed',
        'all map 1/1 completed',
        'route switch 1/1 completed',
        'turn function 1/1 completed',
        'turn function 2/1 completed',
        'gate gate 1/1 completed',
      ]);
      expect(new Set(attempts.map((attempt) => attempt.workflow))).to.deep.equal(new Set(['w']));
      const executors = attempts.map(({ executor }) => executor);
      expect(executors.filter((each) => each === undefined)).to.have.length(4);
      await session.close();
    }, ONE_BY_ONE),
  );

  it(
    'is told of attempts that passed a limit or were refused before the node was called',
    everyWay((run) =>
      withSession(run, {}, async (session, { attempts }) => {
        const late = defineNode({
          name: 'late',
          outputs: { n: type<number>() },
          run: () => {
            session.clock.advance(50);
            return { n: 1 };
          },
        });
        const w = workflow('w');
        w.try('late', late({}), { timeoutMs: 50, breaker: { failures: 1 } });
        const flow = w.build();
        await session.settle(flow);
        await session.settle(flow);
        expect(attempts.map(brief)).to.deep.equal([
          'late function 1/1 failed ATTEMPT_TIMEOUT',
          'late function 1/1 failed BREAKER_OPEN',
        ]);
        expect(attempts.map(({ startedAt, endedAt }) => endedAt - startedAt)).to.deep.equal([50, 0]);
      }),
    ),
  );

  it('is told of attempts that were cancelled, in the middle of a map as well', async () => {
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock });
    const attempts: AttemptEnded[] = [];
    runtime.on('attempt', (attempt) => attempts.push(attempt));
    const hangs = defineNode({
      name: 'hangs',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      async: true,
      run: () => deferred<{ n: number }>().promise,
    });
    const w = workflow('w');
    const list = w.fn('list', {}, () => [1, 2]);
    w.map('all', list.out.value, (n) => hangs({ n }), { maxConcurrency: 1 });
    w.fn('after', {}, () => 1, { after: 'all' });
    const canceller = new AbortController();
    const run = runtime.settle(w.build(), {}, { signal: canceller.signal });
    await turn();
    clock.advance(5);
    canceller.abort(new Error('enough'));
    await run;
    expect(attempts.map(brief)).to.deep.equal([
      'list function 1/1 completed',
      'all[0]/hangs function 1/1 cancelled',
      'all map 1/1 cancelled',
    ]);
    expect(attempts.slice(1).map(({ startedAt, endedAt }) => endedAt - startedAt)).to.deep.equal([5, 5]);
  });

  it('is told of attempts that were lost, when their run is continued', () => {
    const events: RunEvent[] = [];
    const w = workflow('w');
    const node = fetching({ retry: { attempts: 1 } }).node;
    w.add('step', node({ how: 'ok' }));
    const flow = w.build();
    new LocalRuntime().execute(flow, {}, { runId: 'r', onEvent: (event) => events.push(event) });
    class Continuing extends LocalRuntime {
      protected override loadHistory() {
        return events.slice(0, 2);
      }
    }
    using runtime = new Continuing();
    const attempts: AttemptEnded[] = [];
    runtime.on('attempt', (attempt) => attempts.push(attempt));
    runtime.execute(flow, {}, { runId: 'r' });
    expect(attempts.map(brief)).to.deep.equal(['step function 1/1 lost ATTEMPT_LOST', 'step function 1/2 completed']);
    expect(runtime.getRetryAnalytics()).to.deep.include({ attempts: 2, recovered: 1, retries: 1, failed: 0 });
    expect(runtime.getRetryAnalytics().byCode).to.deep.equal({ ATTEMPT_LOST: { failures: 1, retries: 1 } });
    runtime.resetRetryMetrics();
    runtime.initializeRetryPolicies({ attempts: 9, maxLost: 0 });
    const strict = workflow('w');
    strict.add('step', fetching().node({ how: 'ok' }));
    const outcome = runtime.settle(strict.build(), {}, { runId: 'r' });
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('LOST_TOO_OFTEN');
    expect(runtime.getRetryAnalytics()).to.deep.include({ attempts: 1, failed: 1, retries: 0 });
    expect(runtime.getRetryAnalytics().givenUp).to.include({ lost: 1, attempts: 0 });
  });

  it(
    'leaves out nodes with metrics: false: of the node, of its executor, of the runtime',
    everyWay((run) =>
      withSession(
        run,
        { capabilities: { metrics: false }, executors: { 'function.heard': { metrics: true } } },
        async (session, { attempts }) => {
          const w = workflow('w');
          const a = w.add('a', fetching().node({ how: 'ok' }));
          const b = w.add('b', fetching({}, 'heard').node({ how: 'ok' }), { after: a });
          const c = w.add('c', fetching({}, 'heard').node({ how: 'ok' }), { metrics: false, after: b });
          w.add('d', fetching().node({ how: 'ok' }), { metrics: true, after: c });
          await session.settle(w.build());
          expect(attempts.map(({ node }) => node)).to.deep.equal(['b', 'd']);
        },
      ),
    ),
  );

  it(
    'is heard of runs that began after somebody listened',
    everyWay(async (run) => {
      const session = new Session(run);
      const heard: string[] = [];
      let stop: (() => void) | undefined;
      const w = workflow('w');
      const a = w.fn('a', {}, () => {
        stop ??= session.runtime.on('attempt', (attempt) => heard.push(`${attempt.runId} ${attempt.node}`));
      });
      w.fn('b', {}, () => 1, { after: a });
      const flow = w.build();
      await session.settle(flow);
      expect(heard).to.deep.equal([]);
      await session.settle(flow);
      stop?.();
      await session.settle(flow);
      expect(heard).to.deep.equal(['run-2 a', 'run-2 b']);
      await session.close();
    }),
  );

  it('touches no run when a listener throws', () => {
    const log = new MemoryLog();
    using runtime = new LocalRuntime({ log, capabilities: { breaker: { failures: 1 } } });
    for (const name of ['attempt', 'started', 'ended', 'breaker'] as const)
      runtime.on(name, () => {
        throw new Error(`listener of ${name}`);
      });
    const outcome = runtime.settle(single(fetching()), { how: 'fail' });
    expect(outcome.status).to.equal('completed');
    expect(log.entries.map(({ message }) => message).sort()).to.deep.equal(
      ['attempt', 'breaker', 'ended', 'started'].map((name) => `The listener of "${name}" threw; the run goes on.`),
    );
  });
});

describe('the notifications started and ended', () => {
  it(
    'tell of each run that began, and how it ended',
    everyWay(async (run) => {
      const session = new Session(run);
      const { clock, runtime } = session;
      const told: unknown[] = [];
      runtime.on('started', (started) => told.push(started));
      runtime.on('ended', (ended) => told.push(ended));
      const begin = clock.now();
      const w = workflow('w', { params: { how: type<string>() } });
      w.add('step', fetching().node({ how: w.params.how }), { retry: { attempts: 2, delayMs: 5 } });
      const flow = w.build();
      await session.settle(flow, { how: 'ok' });
      await session.settle(flow, { how: 'fail' });
      await session.settle(flow, { how: 'ok' }, { signal: AbortSignal.abort(new Error('enough')) });
      await session.settle(flow, { wrong: 1 });
      const run1 = { runId: 'run-1', workflow: 'w' };
      const run2 = { runId: 'run-2', workflow: 'w' };
      const run3 = { runId: 'run-3', workflow: 'w' };
      const error = { name: 'Error', code: 'E_FETCH', message: 'fail' };
      expect(told).to.deep.equal([
        { ...run1, at: begin, resumed: false },
        { ...run1, status: 'completed', startedAt: begin, at: begin, error: undefined },
        { ...run2, at: begin, resumed: false },
        { ...run2, status: 'failed', startedAt: begin, at: begin + 5, error },
        { ...run3, at: begin + 5, resumed: false },
        { ...run3, status: 'cancelled', startedAt: begin + 5, at: begin + 5, error: undefined },
      ]);
      await session.close();
    }),
  );

  it(
    'tell of a run that waits, and that it goes on',
    everyWay(async (run) => {
      const session = new Session(run);
      const { clock, runtime } = session;
      const told: string[] = [];
      const begin = clock.now();
      runtime.on('started', ({ runId, at, resumed }) =>
        told.push(`${runId} ${at - begin} ${resumed ? 'again' : 'new'}`),
      );
      runtime.on('ended', ({ runId, at, status, startedAt }) =>
        told.push(`${runId} ${startedAt - begin}-${at - begin} ${status}`),
      );
      const w = workflow('w');
      w.gate('gate', { shows: {} });
      const flow = w.build();
      await session.wait(flow);
      clock.advance(20);
      runtime.approve('run-1', 'gate');
      clock.advance(10);
      await session.resume(flow);
      expect(told).to.deep.equal(['run-1 0 new', 'run-1 0-0 waiting', 'run-1 30 again', 'run-1 0-30 completed']);
      await session.close();
    }),
  );
});
