import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { refusal } from '../../support/caught.js';
import { everyWay } from '../../support/every-way.js';
import { fetching, ONE_BY_ONE, single, tell, withSession } from '../../support/governed.js';

const brief = { failures: 2, openMs: 100, successes: 2 };
const forFetch = { executors: { 'function.fetch': { breaker: brief } } };

describe('a breaker', () => {
  it(
    'is off unless somebody asks for it',
    everyWay((run) =>
      withSession(run, {}, async (session, { breakers }) => {
        const fetch = fetching();
        const hows = Array.from({ length: 7 }, () => 'fail');
        expect(await tell(session, single(fetch), ...hows)).to.deep.equal(hows.map(() => 'E_FETCH'));
        expect(fetch.calls).to.have.length(7);
        expect(session.runtime.getCircuitBreakers().list()).to.deep.equal([]);
        expect(breakers).to.deep.equal([]);
      }),
    ),
  );

  it(
    'leaves an executor alone that keeps failing, over several runs, tries it with probes, and tells of it',
    everyWay((run) =>
      withSession(run, forFetch, async (session, { breakers }) => {
        const fetch = fetching();
        const flow = single(fetch);
        const { clock } = session;
        const begin = clock.now();
        expect(await tell(session, flow, 'ok', 'fail', 'fail')).to.deep.equal(['ok', 'E_FETCH', 'E_FETCH']);
        clock.advance(99);
        expect(await tell(session, flow, 'ok', 'ok')).to.deep.equal(['BREAKER_OPEN', 'BREAKER_OPEN']);
        expect(fetch.calls).to.have.length(3);
        clock.advance(1);
        expect(await tell(session, flow, 'probe', 'fail', 'ok')).to.deep.equal(['probe', 'E_FETCH', 'BREAKER_OPEN']);
        clock.advance(100);
        expect(await tell(session, flow, 'a', 'b', 'fail', 'c')).to.deep.equal(['a', 'b', 'E_FETCH', 'c']);
        const key = 'function.fetch';
        expect(breakers).to.deep.equal([
          { key, from: 'closed', to: 'open', at: begin, reason: '2 failures in a row' },
          { key, from: 'open', to: 'half-open', at: begin + 100, reason: 'its time has passed' },
          { key, from: 'half-open', to: 'open', at: begin + 100, reason: 'a probe failed' },
          { key, from: 'open', to: 'half-open', at: begin + 200, reason: 'its time has passed' },
          { key, from: 'half-open', to: 'closed', at: begin + 200, reason: '2 probes succeeded' },
        ]);
        expect(session.runtime.getCircuitBreakers().list()).to.deep.equal([
          { key, state: 'closed', failures: 0, retryAt: null, refused: 3, opened: 2 },
        ]);
      }),
    ),
  );

  it(
    'is shared by the nodes of one executor, also in maps, subworkflows and cycles, and by no other executor',
    everyWay(
      (run) =>
        withSession(run, { capabilities: { breaker: { failures: 3 } } }, async (session) => {
          const fetch = fetching();
          const other = fetching({}, 'other');
          const inner = workflow('inner');
          inner.try('deep', fetch.node({ how: 'fail 1' }));
          const w = workflow('w');
          const sub = w.add('sub', inner.build()({}));
          const lists = defineNode({
            name: 'lists',
            outputs: { value: type<readonly string[]>() },
            run: () => ({ value: ['fail 2', 'fail 3'] }),
          });
          const list = w.add('list', lists({}));
          const all = w.map('all', list.out.value, (how) => fetch.node({ how }), {
            after: sub,
            onItemError: 'collect',
          });
          const step = w.try('step', fetch.node({ how: 'ok' }), { after: all });
          w.add('beside', other.node({ how: 'ok' }), { after: step, join: 'always' });
          const outcome = await session.settle(w.build());
          expect(outcome.status).to.equal('completed');
          if (outcome.status !== 'completed') return;
          expect(outcome.node('step').error?.code).to.equal('BREAKER_OPEN');
          expect(fetch.calls).to.deep.equal(['fail 1', 'fail 2', 'fail 3']);
          expect(other.calls).to.deep.equal(['ok']);
          const states = session.runtime
            .getCircuitBreakers()
            .list()
            .map(({ key, state }) => `${key} ${state}`);
          expect(states).to.deep.equal(['function.fetch open', 'function.lists closed', 'function.other closed']);
        }),
      ONE_BY_ONE,
    ),
  );

  it(
    'of a node in a cycle counts its visits, and is not asked on a branch that is not taken',
    everyWay((run) =>
      withSession(run, { capabilities: { breaker: { failures: 2 } } }, async (session) => {
        const turns = defineNode({
          name: 'turns',
          inputs: { n: type<number>() },
          outputs: { n: type<number>() },
          run: ({ n }, { visit }) => {
            if (visit > 1) throw new Error('later');
            return { n: n + 1 };
          },
        });
        const w = workflow('w');
        const step = w.add('step', turns({ n: 0 }), { retry: { attempts: 5 } });
        w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 5 });
        const one = w.fn('one', {}, () => 1);
        const route = w.switch('route', one.out.value, { never: (n) => n > 1, always: (n) => n === 1 });
        const untaken = fetching({}, 'untaken');
        w.add('untaken', untaken.node({ how: 'ok' }), { after: route, join: 'required' });
        const outcome = await session.settle(w.build());
        if (outcome.status !== 'failed') throw new Error(outcome.status);
        expect(
          outcome.node('step').failures.map(({ visit, attempt, error }) => [visit, attempt, error.code]),
        ).to.deep.equal([
          [2, 1, 'NODE_THREW'],
          [2, 2, 'NODE_THREW'],
          [2, 3, 'BREAKER_OPEN'],
        ]);
      }),
    ),
  );

  it(
    'of a node itself is one of its own, beside that of its executor, and is asked instead of it',
    everyWay((run) =>
      withSession(run, forFetch, async (session) => {
        const fetch = fetching();
        const own = single(fetch, { breaker: { failures: 1 } });
        expect(await tell(session, own, 'fail', 'ok')).to.deep.equal(['E_FETCH', 'BREAKER_OPEN']);
        const w = workflow('v', { params: { how: type<string>() } });
        w.add('step', fetch.node({ how: w.params.how }));
        expect(await tell(session, w.build({ outputs: {} }) as never, 'ok')).to.deep.equal(['ok']);
        const keys = session.runtime
          .getCircuitBreakers()
          .list()
          .map(({ key, state }) => `${key} ${state}`);
        expect(keys).to.deep.equal(['w/step open', 'function.fetch closed']);
      }),
    ),
  );

  it(
    'of a definition is one for all nodes that use it',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fetch = fetching({ breaker: { failures: 1 } });
        const w = workflow('w');
        const first = w.try('first', fetch.node({ how: 'fail' }));
        const second = w.try('second', fetch.node({ how: 'ok' }), { after: first, join: 'always' });
        const outcome = await session.settle(w.build());
        expect(outcome.status === 'completed' && outcome.node(second).error?.code).to.equal('BREAKER_OPEN');
        const keys = session.runtime
          .getCircuitBreakers()
          .list()
          .map(({ key, state }) => `${key} ${state}`);
        expect(keys).to.deep.equal(['function.fetch open']);
      }),
    ),
  );

  it(
    'of one definition is not undone by another definition of that name which says something else',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const [strict, patient] = [fetching({ breaker: { failures: 2 } }), fetching({ breaker: { failures: 9 } })];
        const w = workflow('w');
        let last: string = w.try('s0', strict.node({ how: 'fail' })).id;
        for (const [index, fetch] of [patient, strict, patient].entries())
          last = w.try(`n${index}`, fetch.node({ how: 'fail' }), { after: last, join: 'always' }).id;
        await session.settle(w.build());
        const reports = session.runtime.getCircuitBreakers().list();
        expect(reports.map(({ key, state, failures }) => `${key} ${state} ${failures}`)).to.deep.equal([
          'function.fetch open 2',
          'function.fetch closed 2',
        ]);
        session.runtime.initializeCircuitBreaker({}, 'function.fetch');
        expect(session.runtime.getCircuitBreakers().list()).to.deep.equal([]);
      }),
    ),
  );

  it(
    'of a node outlives a workflow that is built anew for each run; with other options it begins anew',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fetch = fetching();
        const built = (failures: number) => single(fetch, { breaker: { failures } });
        expect(await tell(session, built(2), 'fail')).to.deep.equal(['E_FETCH']);
        expect(await tell(session, built(2), 'fail')).to.deep.equal(['E_FETCH']);
        expect(await tell(session, built(2), 'ok')).to.deep.equal(['BREAKER_OPEN']);
        expect(await tell(session, built(3), 'ok')).to.deep.equal(['ok']);
      }),
    ),
  );

  it(
    'that is open is never tried again: the next attempt of a retry is refused, and is the last',
    everyWay((run) =>
      withSession(run, forFetch, async (session, { attempts }) => {
        const fetch = fetching({ retry: { attempts: 9, retryOn: ['E_FETCH', 'BREAKER_OPEN', () => true] } });
        const outcome = await session.settle(single(fetch), { how: 'fail' });
        if (outcome.status !== 'completed') throw new Error(outcome.status);
        const { attempts: tried, failures, error } = outcome.node('step');
        expect([tried, error?.code]).to.deep.equal([3, 'BREAKER_OPEN']);
        expect(failures.map((failure) => failure.error.code)).to.deep.equal(['E_FETCH', 'E_FETCH', 'BREAKER_OPEN']);
        expect(error?.message).to.match(/^The breaker of "function\.fetch" is open: node "step" was not called\./);
        expect(attempts.map(({ status, error: data }) => `${status} ${data?.code}`)).to.deep.equal([
          'failed E_FETCH',
          'failed E_FETCH',
          'failed BREAKER_OPEN',
        ]);
        expect(fetch.calls).to.have.length(2);
      }),
    ),
  );

  it(
    'opens at a share of failures where it has a rate',
    everyWay((run) =>
      withSession(run, { capabilities: { breaker: { rate: 0.5, windowSize: 4 } } }, async (session, { breakers }) => {
        const told = await tell(session, single(fetching()), 'fail', 'fail', 'ok', 'ok', 'ok');
        expect(told).to.deep.equal(['E_FETCH', 'E_FETCH', 'ok', 'ok', 'BREAKER_OPEN']);
        expect(breakers.map(({ reason }) => reason)).to.deep.equal(['2 failures among the last 4 attempts']);
      }),
    ),
  );

  it(
    'does not count inputs that do not fit, and counts time limits and outputs that do not fit',
    everyWay((run) =>
      withSession(run, { capabilities: { breaker: { failures: 2 } } }, async (session) => {
        const wrong = defineNode({
          name: 'wrong',
          inputs: { how: z.string().max(2) },
          outputs: { got: z.string() },
          run: ({ how }) => {
            if (how === 'ms') session.clock.advance(50);
            return { got: how === 'no' ? (5 as never) : how };
          },
        });
        const flow = single({ node: wrong as never }, { timeoutMs: 50 });
        expect(await tell(session, flow, 'too long', 'too long', 'too long')).to.deep.equal([
          'INPUT_INVALID',
          'INPUT_INVALID',
          'INPUT_INVALID',
        ]);
        expect(await tell(session, flow, 'ms', 'no', 'ok')).to.deep.equal([
          'ATTEMPT_TIMEOUT',
          'OUTPUT_INVALID',
          'BREAKER_OPEN',
        ]);
      }),
    ),
  );

  it(
    'learns nothing from outputs that were cached: they neither forgive failures nor close it',
    everyWay((run) =>
      withSession(run, { capabilities: { breaker: brief } }, async (session) => {
        const fetch = fetching();
        const flow = single(fetch, { cache: {} });
        const { clock, runtime } = session;
        const state = (): string => runtime.getCircuitBreakers().get('function.fetch').state;
        await tell(session, flow, 'known', 'fail', 'known', 'fail');
        expect(state()).to.equal('open');
        expect(await tell(session, flow, 'known'), 'asked before the cache').to.deep.equal(['BREAKER_OPEN']);
        clock.advance(100);
        expect(await tell(session, flow, 'known', 'known', 'known')).to.deep.equal(['known', 'known', 'known']);
        expect(state()).to.equal('half-open');
        await tell(session, flow, 'new 1', 'new 2');
        expect(state()).to.equal('closed');
        expect(fetch.calls).to.deep.equal(['known', 'fail', 'fail', 'new 1', 'new 2']);
      }),
    ),
  );

  it(
    'is asked by one attempt at a time of a graph, whatever the ids of runs',
    everyWay((run) =>
      withSession(run, forFetch, async (session) => {
        const flow = single(fetching());
        for (const how of ['fail', 'fail']) await session.settle(flow, { how }, { runId: 'same' });
        expect(session.runtime.getCircuitBreakers().get('function.fetch').state).to.equal('open');
        session.clock.advance(100);
        await session.settle(flow, { how: 'ok' }, { runId: 'same' });
        await session.settle(flow, { how: 'ok' }, { runId: 'same' });
        expect(session.runtime.getCircuitBreakers().get('function.fetch').state).to.equal('closed');
      }),
    ),
  );
});

describe('what one attempt hears of a breaker', () => {
  it(
    'is what comes after limits: an attempt that is refused gives its slot back',
    everyWay((run) =>
      withSession(
        run,
        { executors: { 'function.fetch': { breaker: { failures: 1 }, limit: { maxConcurrency: 1 } } } },
        async (session) => {
          const flow = single(fetching());
          expect(await tell(session, flow, 'fail', 'ok', 'ok')).to.deep.equal([
            'E_FETCH',
            'BREAKER_OPEN',
            'BREAKER_OPEN',
          ]);
          const { limits, waiting } = session.runtime.getResourceMetrics();
          expect(limits.map(({ key, inFlight }) => [key, inFlight])).to.deep.equal([['function.fetch', 0]]);
          expect(waiting).to.equal(0);
        },
      ),
    ),
  );
});

describe('initializeCircuitBreaker', () => {
  it(
    'gives every executor a breaker from the next run on: 5 failures, 60 s',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const flow = single(fetching());
        await tell(session, flow, 'fail');
        const breakers = session.runtime.initializeCircuitBreaker();
        expect(breakers).to.equal(session.runtime.getCircuitBreakers());
        await tell(session, flow, 'fail', 'fail', 'fail', 'fail');
        expect(breakers.get('function.fetch')).to.include({ state: 'closed', failures: 4 });
        await tell(session, flow, 'fail');
        const retryAt = session.clock.now() + 60_000;
        expect(breakers.get('function.fetch')).to.include({ state: 'open', retryAt });
      }),
    ),
  );

  it(
    'gives one executor a breaker, which beats that of all; a node that has one keeps it',
    everyWay((run) =>
      withSession(run, { capabilities: { breaker: { failures: 9 } } }, async (session) => {
        session.runtime.initializeCircuitBreaker({ failures: 1 }, 'function.fetch');
        expect(await tell(session, single(fetching()), 'fail', 'ok')).to.deep.equal(['E_FETCH', 'BREAKER_OPEN']);
        const other = fetching({}, 'other');
        expect(await tell(session, single(other), 'fail', 'ok')).to.deep.equal(['E_FETCH', 'ok']);
        const own = single(fetching(), { breaker: { failures: 2 } });
        expect(await tell(session, own, 'fail', 'fail', 'ok')).to.deep.equal(['E_FETCH', 'E_FETCH', 'BREAKER_OPEN']);
      }),
    ),
  );

  it(
    'refuses what contradicts itself or is no number, and gives nobody anything then',
    everyWay((run) =>
      withSession(run, {}, async ({ runtime }) => {
        const wrong: readonly (readonly [unknown, string | undefined, string, string])[] = [
          [{ failures: 0 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.failures'],
          [{ failures: Number.NaN }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.failures'],
          [{ failures: 2, rate: 0.5 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.rate'],
          [{ rate: 0 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.rate'],
          [{ rate: 1.1 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.rate'],
          [{ windowSize: 5 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.windowSize'],
          [{ rate: 0.5, windowSize: 0 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.windowSize'],
          [{ openMs: -1 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.openMs'],
          [{ openMs: Number.POSITIVE_INFINITY }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.openMs'],
          [{ successes: 1.5 }, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker.successes'],
          [{ fails: 5 }, undefined, 'UNKNOWN_OPTION', 'initializeCircuitBreaker'],
          [null, undefined, 'INVALID_OPTION', 'initializeCircuitBreaker'],
          [{}, 'fetch', 'INVALID_OPTION', 'initializeCircuitBreaker'],
          [{}, 'function.', 'INVALID_OPTION', 'initializeCircuitBreaker'],
          [{}, 5 as never, 'INVALID_OPTION', 'initializeCircuitBreaker'],
        ];
        for (const [options, executor, code, at] of wrong) {
          const refused = refusal(() => runtime.initializeCircuitBreaker(options as never, executor));
          expect([refused.code, refused.at], JSON.stringify(options)).to.deep.equal([code, at]);
        }
      }),
    ),
  );
});

describe('getCircuitBreakers', () => {
  it(
    'trips and resets by hand, and tells of it',
    everyWay((run) =>
      withSession(run, forFetch, async (session, { breakers }) => {
        const flow = single(fetching());
        const all = session.runtime.getCircuitBreakers();
        await tell(session, flow, 'fail');
        all.trip('function.fetch', 'upgrade');
        expect(await tell(session, flow, 'ok')).to.deep.equal(['BREAKER_OPEN']);
        all.reset('function.fetch', 'upgraded');
        expect(await tell(session, flow, 'ok', 'fail')).to.deep.equal(['ok', 'E_FETCH']);
        all.reset('function.fetch');
        await tell(session, flow, 'fail');
        expect(all.get('function.fetch')).to.include({ state: 'closed', failures: 1 });
        all.trip('function.fetch');
        all.reset('function.fetch');
        expect(breakers.map(({ to, reason }) => `${to}: ${reason}`)).to.deep.equal([
          'open: upgrade',
          'closed: upgraded',
          'open: tripped by hand',
          'closed: reset by hand',
        ]);
      }),
    ),
  );

  it(
    'knows breakers that were used, and no others',
    everyWay((run) =>
      withSession(run, forFetch, async (session) => {
        const all = session.runtime.getCircuitBreakers();
        expect(refusal(() => all.get('function.fetch'))).to.include({ code: 'INVALID_OPTION', at: 'breaker' });
        await tell(session, single(fetching()), 'ok');
        for (const call of [
          () => all.get('function.fetsh'),
          () => all.trip('function.fetsh'),
          () => all.reset('function.fetsh'),
        ])
          expect(refusal(call).message).to.contain(
            'There is no breaker "function.fetsh". Did you mean "function.fetch"?',
          );
      }),
    ),
  );

  it(
    'a listener that trips it while it goes half-open keeps the attempt out',
    everyWay((run) =>
      withSession(run, forFetch, async (session) => {
        const flow = single(fetching());
        const { runtime } = session;
        await tell(session, flow, 'fail', 'fail');
        runtime.on('breaker', ({ to, key }) => {
          if (to === 'half-open') runtime.getCircuitBreakers().trip(key);
        });
        session.clock.advance(100);
        expect(await tell(session, flow, 'ok')).to.deep.equal(['BREAKER_OPEN']);
        expect(runtime.getCircuitBreakers().get('function.fetch')).to.include({ state: 'open', opened: 2 });
      }),
    ),
  );
});
