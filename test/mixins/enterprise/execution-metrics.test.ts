import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { refusal } from '../../support/caught.js';
import { deferred, turn } from '../../support/deferred.js';
import { everyWay } from '../../support/every-way.js';
import { fetching, ONE_BY_ONE, single, tell, withSession } from '../../support/governed.js';
import { Session } from '../../support/session.js';

const monitored = { performanceMonitoring: true };
const NO_NODES = {
  pending: 0,
  running: 0,
  waiting: 0,
  completed: 0,
  failed: 0,
  skipped: 0,
  blocked: 0,
  cancelled: 0,
};

describe('getExecutionMetrics', () => {
  it(
    'says what one run did, on straight, branching and cyclic paths, children included, and not what another did',
    everyWay(
      (run) =>
        withSession(run, monitored, async (session) => {
          const { runtime, clock } = session;
          const slow = defineNode({
            name: 'slow',
            version: '1',
            inputs: { ms: type<number>(), fails: type<number>() },
            outputs: { ms: type<number>() },
            cache: {},
            run: ({ ms, fails }, { failures }) => {
              clock.advance(ms);
              if (failures < fails) throw new Error('again');
              return { ms };
            },
          });
          const w = workflow('w');
          const a = w.add('a', slow({ ms: 10, fails: 1 }), { retry: { attempts: 2, delayMs: 100 } });
          const b = w.add('b', slow({ ms: 10, fails: 1 }), { after: a });
          const c = w.try('c', slow({ ms: 5, fails: 9 }), { after: b });
          const route = w.switch(
            'route',
            b.out.ms,
            { low: (ms) => ms < 5, high: (ms) => ms >= 5 },
            { after: c, join: 'always' },
          );
          w.fn('untaken', { ms: route.out.low }, () => 1);
          const list = w.fn('list', { ms: route.out.high }, () => [1, 2]);
          w.map('all', list.out.value, (ms) => slow({ ms, fails: 0 }), { maxConcurrency: 1 });
          const step = w.add('step', slow({ ms: 7, fails: 0 }), { after: 'all' });
          w.cycle('loop', { feedback: [step.out.ms.to(step.in.ms)], maxIterations: 3 });
          const begin = clock.now();
          const outcome = await session.settle(w.build());
          expect(outcome.status).to.equal('completed');
          await tell(session, single(fetching()), 'fail');
          clock.advance(1_000);
          expect(runtime.getExecutionMetrics('run-1')).to.deep.equal({
            runId: 'run-1',
            workflow: 'w',
            status: 'completed',
            startedAt: begin,
            durationMs: 10 + 100 + 10 + 5 + 1 + 2 + 7,
            attempts: { completed: 10, failed: 2, lost: 0, cancelled: 0 },
            retries: 1,
            cached: 3,
            busyMs: 35,
            wastedMs: 15,
            nodes: { ...NO_NODES, completed: 6, failed: 1, skipped: 1 },
          });
          expect(runtime.getExecutionMetrics('run-2').attempts).to.deep.equal({
            completed: 0,
            failed: 1,
            lost: 0,
            cancelled: 0,
          });
        }),
      ONE_BY_ONE,
    ),
  );

  it(
    'leaves out the attempts of nodes with metrics: false, by node or by executor',
    everyWay((run) =>
      withSession(run, { ...monitored, executors: { 'function.silent': { metrics: false } } }, async (session) => {
        const w = workflow('w');
        const a = w.try('a', fetching({}, 'silent').node({ how: 'fail' }));
        const b = w.try('b', fetching().node({ how: 'fail' }), { metrics: false, after: a });
        const c = w.try('c', fetching({}, 'silent').node({ how: 'fail' }), { metrics: true, after: b });
        w.try('d', fetching().node({ how: 'ok' }), { after: c });
        await session.settle(w.build());
        const { attempts } = session.runtime.getExecutionMetrics('run-1');
        expect(attempts).to.deep.equal({ completed: 1, failed: 1, lost: 0, cancelled: 0 });
      }),
    ),
  );

  it(
    'says how a run does that waits, and counts on when it is resumed',
    everyWay(async (run) => {
      const session = new Session(run, monitored);
      const fetch = fetching();
      const w = workflow('w');
      const a = w.add('a', fetch.node({ how: 'ok' }));
      const gate = w.gate('gate', { shows: { got: a.out.got } });
      w.add('b', fetch.node({ how: 'ok' }), { after: gate });
      const flow = w.build();
      const begin = session.clock.now();
      await session.wait(flow);
      session.clock.advance(50);
      const { runtime } = session;
      expect(runtime.getExecutionMetrics('run-1')).to.deep.include({
        status: 'waiting',
        durationMs: 50,
        attempts: { completed: 1, failed: 0, lost: 0, cancelled: 0 },
        nodes: { ...NO_NODES, completed: 1, waiting: 1, pending: 1 },
      });
      runtime.approve('run-1', 'gate');
      await session.resume(flow);
      session.clock.advance(50);
      expect(runtime.getExecutionMetrics('run-1')).to.deep.include({
        status: 'completed',
        startedAt: begin,
        durationMs: 50,
        attempts: { completed: 3, failed: 0, lost: 0, cancelled: 0 },
        nodes: { ...NO_NODES, completed: 3 },
      });
      await session.close();
    }),
  );

  it('says how a run does that goes on, from its first attempt on', async () => {
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock, ...monitored });
    const held = deferred<number>();
    const canceller = new AbortController();
    const w = workflow('w');
    w.fn('a', {}, () => held.promise);
    w.fn('b', {}, () => deferred<number>().promise);
    const run = runtime.settle(w.build(), {}, { runId: 'r', signal: canceller.signal });
    await turn();
    clock.advance(5);
    expect(runtime.getExecutionMetrics('r')).to.deep.include({
      status: 'running',
      durationMs: 5,
      attempts: { completed: 0, failed: 0, lost: 0, cancelled: 0 },
      nodes: { ...NO_NODES, running: 2 },
    });
    held.resolve(1);
    await turn();
    expect(runtime.getExecutionMetrics('r').nodes).to.include({ running: 1, completed: 1 });
    clock.advance(5);
    canceller.abort(new Error('enough'));
    await run;
    expect(runtime.getExecutionMetrics('r')).to.deep.include({
      status: 'cancelled',
      durationMs: 10,
      attempts: { completed: 1, failed: 0, lost: 0, cancelled: 1 },
      busyMs: 15,
      wastedMs: 10,
    });
  });

  it('says how a run does to a node of that run, in LocalRuntime as well', () => {
    using runtime = new LocalRuntime(monitored);
    const shown: unknown[] = [];
    const looks = defineNode({
      name: 'looks',
      outputs: { n: type<number>() },
      run: (_, { runId }) => {
        const { status, nodes } = runtime.getExecutionMetrics(runId);
        return { n: shown.push(status, nodes.completed, nodes.running) };
      },
    });
    const w = workflow('w');
    const a = w.fn('a', {}, () => 1);
    w.add('b', looks({}), { after: a });
    runtime.execute(w.build());
    expect(shown).to.deep.equal(['running', 1, 1]);
  });

  it(
    'knows no run that was not monitored, and says why',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        await tell(session, single(fetching({ retry: { attempts: 2 } })), 'ok');
        expect(refusal(() => session.runtime.getExecutionMetrics('run-1'))).to.deep.include({
          code: 'RUN_UNKNOWN',
          at: 'getExecutionMetrics',
        });
        expect(refusal(() => session.runtime.getExecutionMetrics('run-1')).message).to.contain(
          'Nothing is known of run "run-1": the runtime is not monitored (performanceMonitoring).',
        );
      }),
    ),
  );

  it(
    'knows no run that never was',
    everyWay((run) =>
      withSession(run, monitored, async (session) => {
        await tell(session, single(fetching()), 'ok');
        const unknown = refusal(() => session.runtime.getExecutionMetrics('run-9'));
        expect(unknown.code).to.equal('RUN_UNKNOWN');
        expect(unknown.message).to.contain(
          'Nothing is known of run "run-9": it is not among the last that were monitored.',
        );
        expect(refusal(() => session.runtime.getExecutionMetrics({ runId: 'run-1' } as never)).message).to.equal(
          'getExecutionMetrics takes the id of a run, such as run.runId. Correct the named option.',
        );
      }),
    ),
  );
});

describe('optimizeRuntimePerformance', () => {
  it(
    'forgets what is no longer needed, says how much, and changes nothing that follows',
    everyWay(
      (run) =>
        withSession(
          run,
          {
            ...monitored,
            executors: {
              'function.fetch': { breaker: { failures: 2 } },
              'function.idle': { breaker: {} },
              'function.shares': { breaker: { rate: 0.5, windowSize: 2 } },
            },
            resources: { limits: { maxConcurrency: 5, per: 'tenant' } },
          },
          async (session) => {
            const { runtime, clock } = session;
            const fetch = fetching({ cache: { ttlMs: 10 } });
            const lasting = fetching({ cache: {} }, 'idle');
            const shares = fetching({}, 'shares');
            await tell(session, single(fetch), 'old', 'fail');
            await tell(session, single(lasting), 'lasting');
            await tell(session, single(shares), 'ok');
            for (let count = 1; count <= 100; count++)
              await session.settle(single(lasting), { how: 'lasting' }, { context: { tenant: count % 3 } });
            clock.advance(10);
            const { before, after } = runtime.optimizeRuntimePerformance();
            expect(before).to.deep.equal({ cachedOutputs: 2, limitValues: 4, breakers: 3, runs: 104 });
            expect(after).to.deep.equal({ cachedOutputs: 1, limitValues: 0, breakers: 2, runs: 100 });
            expect(refusal(() => runtime.getExecutionMetrics('run-4')).code).to.equal('RUN_UNKNOWN');
            expect(runtime.getExecutionMetrics('run-5').status).to.equal('completed');
            expect(await tell(session, single(lasting), 'lasting')).to.deep.equal(['lasting']);
            expect(lasting.calls).to.have.length(1);
            expect(await tell(session, single(fetch), 'fail', 'ok'), 'one failure was remembered').to.deep.equal([
              'E_FETCH',
              'BREAKER_OPEN',
            ]);
            expect(await tell(session, single(shares), 'fail', 'ok'), 'one success was remembered').to.deep.equal([
              'E_FETCH',
              'BREAKER_OPEN',
            ]);
          },
        ),
      ONE_BY_ONE,
    ),
  );

  it('finds nothing to forget in a runtime that has done nothing', () => {
    using runtime = new LocalRuntime();
    const nothing = { cachedOutputs: 0, limitValues: 0, breakers: 0, runs: 0 };
    expect(runtime.optimizeRuntimePerformance()).to.deep.equal({ before: nothing, after: nothing });
  });
});

describe('getExecutionMetrics, when monitoring is turned on or off while a run is in flight', () => {
  const flow = (meanwhile: () => void) => {
    const w = workflow('switched');
    const a = w.fn('a', {}, () => 1);
    const b = w.fn('b', { a: a.out.value }, () => meanwhile());
    w.fn('c', {}, () => 2, { after: b });
    return w.build();
  };
  const executors = { 'function.lockstep.fn': { retry: { attempts: 2 } } }; // its attempts are seen, monitored or not

  for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
    it(`counts a run that began monitored to its end, in ${Runtime.name}`, async () => {
      const runtime = new Runtime({ ...monitored, executors });
      await runtime.settle(
        flow(() => runtime.setPerformanceMonitoring(false)),
        {},
        { runId: 'r' },
      );
      const { status, attempts, nodes } = runtime.getExecutionMetrics('r');
      expect([status, attempts.completed, nodes.completed]).to.deep.equal(['completed', 3, 3]);
    });

    it(`knows nothing of a run that began before, in ${Runtime.name}`, async () => {
      const runtime = new Runtime({ executors });
      await runtime.settle(
        flow(() => runtime.setPerformanceMonitoring(true)),
        {},
        { runId: 'r' },
      );
      expect(refusal(() => runtime.getExecutionMetrics('r')).code).to.equal('RUN_UNKNOWN');
    });
  }
});

describe('getExecutionMetrics of runs side by side', () => {
  it('in AsyncLocalRuntime: a run that was forgotten while it went on does not come back with half of its counts', async () => {
    await using runtime = new AsyncLocalRuntime(monitored);
    const held = deferred<number>();
    const w = workflow('w');
    const a = w.fn('a', {}, () => held.promise);
    w.fn('b', { a: a.out.value }, () => 1);
    const flow = w.build();
    const runs = Array.from({ length: 1_001 }, (_, index) => runtime.settle(flow, {}, { runId: `r${index}` }));
    await turn();
    held.resolve(1);
    await Promise.all(runs);
    expect(refusal(() => runtime.getExecutionMetrics('r0')).code).to.equal('RUN_UNKNOWN');
    expect(runtime.getExecutionMetrics('r1').attempts.completed).to.equal(2);
  });

  it('in AsyncLocalRuntime: of runs that share an id, the one that began last is told of, as a whole', async () => {
    await using runtime = new AsyncLocalRuntime(monitored);
    const w = workflow('w');
    const a = w.fn('a', {}, async () => 1);
    w.fn('b', { a: a.out.value }, async () => 2);
    const flow = w.build();
    await Promise.all([1, 2, 3].map(() => runtime.settle(flow, {}, { runId: 'same' })));
    expect(runtime.getExecutionMetrics('same').attempts.completed).to.equal(2);
  });

  it('in LocalRuntime: a run inside another of the same id is told of as a whole', () => {
    using runtime = new LocalRuntime(monitored);
    const inner = workflow('inner');
    const x = inner.fn('x', {}, () => 1);
    inner.fn('y', { x: x.out.value }, () => 2);
    const child = inner.build();
    const w = workflow('outer');
    const a = w.fn('a', {}, () => runtime.settle(child, {}, { runId: 'same' }).status);
    w.fn('b', { a: a.out.value }, () => 1);
    runtime.execute(w.build(), {}, { runId: 'same' });
    const { workflow: name, attempts } = runtime.getExecutionMetrics('same');
    expect([name, attempts.completed]).to.deep.equal(['inner', 2]);
  });
});
