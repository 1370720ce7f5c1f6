import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { refusal } from '../../support/caught.js';
import { everyWay } from '../../support/every-way.js';
import { fetching, ONE_BY_ONE, single, tell, withSession } from '../../support/governed.js';
import { fromModule, only, sharedCells } from '../../support/module-nodes.js';

/** A node that doubles, and what it was called with. */
function doubling(capabilities: NodeCapabilities = { cache: {} }, version: string | null = '1') {
  const calls: number[] = [];
  const node = defineNode({
    name: 'double',
    ...(version === null ? {} : { version }),
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    ...capabilities,
    run: ({ n }) => {
      calls.push(n);
      return { n: n * 2 };
    },
  });
  return { node, calls };
}

describe('the capability cache', () => {
  it(
    'gives the output of an earlier attempt with the same inputs, over runs, nodes and workflows of a runtime',
    everyWay((run) =>
      withSession(run, {}, async (session, { attempts }) => {
        const { node, calls } = doubling();
        const flow = (name: string) => {
          const w = workflow(name);
          const a = w.add('a', node({ n: 1 }));
          const b = w.add('b', node({ n: 1 }), { after: a });
          const c = w.add('c', node({ n: b.out.n }));
          return w.build({ outputs: { c: c.out.n } });
        };
        for (const name of ['one', 'two']) {
          const outcome = await session.settle(flow(name));
          expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ c: 4 });
        }
        expect(calls).to.deep.equal([1, 2]);
        expect(attempts.map(({ node: id, cached }) => `${id} ${cached}`)).to.deep.equal([
          'a false',
          'b true',
          'c false',
          'a true',
          'b true',
          'c true',
        ]);
        const { hits, misses, entries, maxEntries, evicted } = session.runtime.getResourceMetrics().cache;
        expect([hits, misses, entries, maxEntries, evicted]).to.deep.equal([4, 2, 2, 1_000, 0]);
      }),
    ),
  );

  it(
    'is for nodes that have it, and for no others',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fetch = fetching();
        await tell(session, single(fetch), 'a', 'a');
        await tell(session, single(fetch, { cache: {} }), 'a', 'a');
        expect(fetch.calls).to.deep.equal(['a', 'a', 'a']);
        expect(session.runtime.getResourceMetrics().cache).to.include({ hits: 1, misses: 1 });
      }),
    ),
  );

  it(
    'records in the event of an attempt that it was cached, and in no other',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const { node } = doubling();
        const w = workflow('w');
        const a = w.add('a', node({ n: 1 }));
        w.add('b', node({ n: 1 }), { after: a });
        await session.settle(w.build());
        const completed = session.events.flatMap((event) => (event.kind === 'attempt.completed' ? [event.data] : []));
        expect(completed).to.deep.equal([
          { scope: '', node: 'a', visit: 1, attempt: 1, output: { n: 2 } },
          { scope: '', node: 'b', visit: 1, attempt: 1, output: { n: 2 }, cached: true },
        ]);
      }),
    ),
  );

  it(
    'keeps no failure: what fails is tried again, and what succeeds then is kept',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fetch = fetching({ cache: {} });
        await tell(session, single(fetch, { retry: { attempts: 2 } }), 'fail', 'fail', 'ok', 'ok');
        expect(fetch.calls).to.deep.equal(['fail', 'fail', 'fail', 'fail', 'ok']);
      }),
    ),
  );

  it(
    'keeps no output that is judged a failure, or comes too late',
    everyWay((run) =>
      withSession(run, { contentAwareSuccess: true }, async (session) => {
        let calls = 0;
        const reports = defineNode({
          name: 'reports',
          version: '1',
          outputs: { success: type<boolean>() },
          cache: {},
          run: () => {
            calls++;
            if (calls === 2) session.clock.advance(10);
            return { success: calls > 1 };
          },
        });
        const w = workflow('w');
        w.add('step', reports({}), { retry: { attempts: 5 }, timeoutMs: 10 });
        const flow = w.build();
        const outcome = await session.settle(flow);
        if (outcome.status !== 'completed') throw new Error(outcome.status);
        expect(outcome.node('step').failures.map(({ error }) => error.code)).to.deep.equal([
          'NOT_SUCCESSFUL',
          'ATTEMPT_TIMEOUT',
        ]);
        await session.settle(flow);
        expect(calls).to.equal(3);
      }),
    ),
  );

  it(
    'gives a known output within any time limit of the node, whose function would take longer',
    everyWay((run) =>
      withSession(run, {}, async (session, { attempts }) => {
        let ms = 0;
        const slow = defineNode({
          name: 'slow',
          version: '1',
          outputs: { n: type<number>() },
          cache: {},
          run: () => {
            session.clock.advance(ms);
            return { n: 1 };
          },
        });
        const w = workflow('w');
        w.try('step', slow({}), { timeoutMs: 50, softTimeoutMs: 20, totalTimeoutMs: 60 });
        const flow = w.build();
        await session.settle(flow);
        ms = 50;
        const outcome = await session.settle(flow);
        expect(outcome.status === 'completed' && outcome.warnings).to.deep.equal([]);
        session.runtime.clearResultCache();
        await session.settle(flow);
        expect(attempts.map(({ status, cached, error }) => [status, cached, error?.code])).to.deep.equal([
          ['completed', false, undefined],
          ['completed', true, undefined],
          ['failed', false, 'ATTEMPT_TIMEOUT'],
        ]);
      }),
    ),
  );

  it(
    'keeps an output for ttlMs of the clock',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fetch = fetching();
        const flow = single(fetch, { cache: { ttlMs: 100 } });
        await tell(session, flow, 'a');
        session.clock.advance(99);
        await tell(session, flow, 'a');
        session.clock.advance(1);
        await tell(session, flow, 'a');
        expect(fetch.calls).to.have.length(2);
      }),
    ),
  );

  it(
    'holds cacheEntries outputs at most, and lets the one go that was used longest ago',
    everyWay((run) =>
      withSession(run, { cacheEntries: 2 }, async (session) => {
        const fetch = fetching({ cache: {} });
        await tell(session, single(fetch), 'a', 'b', 'a', 'c', 'a', 'b');
        expect(fetch.calls).to.deep.equal(['a', 'b', 'c', 'b']);
        expect(session.runtime.getResourceMetrics().cache).to.include({ entries: 2, maxEntries: 2, evicted: 2 });
      }),
    ),
  );

  it(
    'knows the items of maps and the visits of cycles by their inputs',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const { node, calls } = doubling();
        const w = workflow('w');
        const list = w.fn('list', {}, () => [1, 2, 1, 2]);
        const all = w.map('all', list.out.value, (n) => node({ n }), { maxConcurrency: 1 });
        const step = w.add('step', node({ n: 1 }), { after: all });
        const halve = w.fn('halve', { n: step.out.n }, ({ n }) => n / 2);
        w.cycle('loop', { feedback: [halve.out.value.to(step.in.n)], maxIterations: 4 });
        const outcome = await session.settle(w.build({ outputs: { all: all.out.n, step: step.out.n } }));
        expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ all: [2, 4, 2, 4], step: 2 });
        expect(calls).to.deep.equal([1, 2]);
      }),
    ),
  );

  it(
    'gives the very values of the first output, and takes an optional input that is missing for none',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const rows = [{ id: 1 }];
        const reads = defineNode({
          name: 'reads',
          version: '1',
          inputs: { at: z.number().optional() },
          outputs: { rows: type<readonly { id: number }[]>() },
          cache: {},
          run: () => ({ rows }),
        });
        const w = workflow('w');
        const a = w.add('a', reads({}));
        const flow = w.build({ outputs: { rows: a.out.rows } });
        const [first, second] = [await session.settle(flow), await session.settle(flow)];
        if (first.status !== 'completed' || second.status !== 'completed') throw new Error('failed');
        expect(second.output.rows).to.equal(first.output.rows);
        expect(second.warnings).to.deep.equal([]);
        expect(session.runtime.getResourceMetrics().cache.hits).to.equal(1);
      }),
    ),
  );

  it(
    'tells nodes apart by their version, or without one by their definition, whose text may be that of another',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const { node } = doubling({ cache: {} }, '1');
        const again = doubling({ cache: {} }, '2');
        const unversioned = [doubling({ cache: {} }, null), doubling({ cache: {} }, null)] as const;
        const w = workflow('w');
        let last: string = w.add('a', node({ n: 1 })).id;
        for (const [index, { node: other }] of [again, ...unversioned].entries())
          last = w.add(`b${index}`, other({ n: 1 }), { after: last }).id;
        await session.settle(w.build());
        expect([again, ...unversioned].map(({ calls }) => calls.length)).to.deep.equal([1, 1, 1]);
      }),
    ),
  );

  it(
    'calls a node whose inputs JSON cannot hold, and warns once of it',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        let calls = 0;
        const takes = defineNode({
          name: 'takes',
          version: '1',
          inputs: { at: type<Date>() },
          outputs: { ms: type<number>() },
          cache: {},
          run: ({ at }) => {
            calls++;
            return { ms: at.getTime() };
          },
        });
        const w = workflow('w');
        const at = w.fn('at', {}, () => new Date(5));
        w.add('step', takes({ at: at.out.value }));
        const flow = w.build();
        const outcome = await session.settle(flow);
        if (outcome.status !== 'completed') throw new Error(outcome.status);
        expect(outcome.warnings).to.have.length(1);
        expect(outcome.warnings[0]).to.include({ code: 'not-cached', at: 'step' });
        expect(outcome.warnings[0]?.message).to.contain(
          'The inputs of node "step" have no key: The value at inputs.at is [object Date], not a plain object.',
        );
        await session.settle(flow);
        expect(calls).to.equal(2);
        expect(session.runtime.getResourceMetrics().cache).to.include({ entries: 0, misses: 0 });
      }),
    ),
  );

  it(
    'lets a hash that throws keep nothing from running',
    everyWay((run) => {
      const hash = {
        sha256: (): string => {
          throw null;
        },
      };
      return withSession(run, { hash }, async (session) => {
        const fetch = fetching({ cache: {} });
        expect(await tell(session, single(fetch), 'a', 'a')).to.deep.equal(['a', 'a']);
        expect(fetch.calls).to.have.length(2);
      });
    }),
  );

  it(
    'is forgotten when told to: clearResultCache',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fetch = fetching({ cache: {} });
        await tell(session, single(fetch), 'a', 'a');
        session.runtime.clearResultCache();
        expect(session.runtime.getResourceMetrics().cache.entries).to.equal(0);
        await tell(session, single(fetch), 'a');
        expect(fetch.calls).to.have.length(2);
      }),
    ),
  );

  it(
    'keeps the output of an attempt that goes on while everything is forgotten',
    everyWay(
      (run) =>
        withSession(run, {}, async (session) => {
          const clears = defineNode({
            name: 'clears',
            version: '1',
            outputs: { n: type<number>() },
            cache: {},
            run: () => {
              session.runtime.clearResultCache();
              return { n: 1 };
            },
          });
          const w = workflow('w');
          w.add('step', clears({}));
          await session.settle(w.build());
          expect(session.runtime.getResourceMetrics().cache.entries).to.equal(1);
        }),
      ONE_BY_ONE,
    ),
  );

  it('is refused for nodes with state or secrets, in definitions and at uses; a default passes them over', () => {
    const counts = defineNode({
      name: 'counts',
      state: z.number().default(0),
      outputs: { n: type<number>() },
      run: (_, { state, setState }) => {
        setState(state + 1);
        return { n: state };
      },
    });
    const reads = defineNode({
      name: 'reads',
      secrets: ['KEY'],
      outputs: { n: type<number>() },
      run: (_, { secret }) => ({ n: secret('KEY').length }),
    });
    const w = workflow('w');
    expect(refusal(() => w.add('a', counts({}), { cache: {} }))).to.include({
      code: 'INVALID_OPTION',
      at: 'node "a".cache',
    });
    expect(refusal(() => w.add('a', counts({}), { cache: {} })).message).to.contain('does not go with state');
    expect(refusal(() => w.add('b', reads({}), { cache: {} })).message).to.contain('does not go with secrets');
    expect(refusal(() => new LocalRuntime({ capabilities: { cache: {} } as never }))).to.include({
      code: 'UNKNOWN_OPTION',
    });
  });

  it('is refused for what calls no function', () => {
    const w = workflow('w');
    const list = w.fn('list', {}, () => [1]);
    const { node } = doubling({});
    const refused = refusal(() => w.map('all', list.out.value, (n) => node({ n }), { cache: {} } as never));
    expect(refused.code).to.be.oneOf(['INVALID_OPTION', 'UNKNOWN_OPTION']);
    for (const cache of [
      { ttlMs: 0 },
      { ttlMs: -1 },
      { ttlMs: Number.NaN },
      { ttlMs: Number.POSITIVE_INFINITY },
      null,
      5,
    ])
      expect(refusal(() => doubling({ cache } as never)).code, JSON.stringify(cache)).to.equal('INVALID_OPTION');
    expect(refusal(() => doubling({ cache: { ttl: 5 } } as never)).code).to.equal('UNKNOWN_OPTION');
    for (const cacheEntries of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(refusal(() => new LocalRuntime({ cacheEntries })).at).to.equal('runtime.cacheEntries');
  });
});

describe('the capability cache of module nodes', () => {
  const counted = (cells: Int32Array) =>
    only(fromModule('flaky', { x: type<number>(), cells: type<Int32Array>() }, { cache: {} })({ cells, x: 0 }));

  it('in LocalRuntime: a call that is known is not made', () => {
    using runtime = new LocalRuntime();
    const flow = only(fromModule('identify', {}, { cache: {}, version: '1' })({}));
    const first = runtime.execute(flow);
    const second = runtime.execute(flow);
    expect(second.output).to.deep.equal(first.output);
    expect(runtime.getResourceMetrics().cache).to.include({ hits: 1, misses: 1 });
  });

  it('in AsyncLocalRuntime as well', async () => {
    await using runtime = new AsyncLocalRuntime();
    const flow = only(fromModule('identify', {}, { cache: {}, version: '1' })({}));
    await runtime.execute(flow);
    await runtime.execute(flow);
    expect(runtime.getResourceMetrics().cache).to.include({ hits: 1, misses: 1 });
  });

  it('in LocalRuntime: inputs without a key are handed to the thread, with a warning', () => {
    using runtime = new LocalRuntime();
    const cells = sharedCells();
    const flow = counted(cells);
    for (let count = 1; count <= 2; count++)
      expect(runtime.execute(flow).warnings.map(({ code }) => code)).to.deep.equal(['not-cached']);
    expect(Atomics.load(cells, 0)).to.equal(2);
  });

  it('in LocalRuntime: what depends on a known output goes on, beside calls that are made', () => {
    using runtime = new LocalRuntime();
    const double = fromModule('double', { x: type<number>() }, { cache: {} });
    const w = workflow('w');
    const a = w.add('a', double({ x: 1 }));
    const b = w.add('b', double({ x: a.out.y as never }));
    const c = w.add('c', double({ x: 5 }));
    const flow = w.build({ outputs: { b: b.out.y, c: c.out.y } });
    for (let count = 1; count <= 2; count++) expect(runtime.execute(flow).output).to.deep.equal({ b: 4, c: 10 });
    expect(runtime.getResourceMetrics().cache).to.include({ hits: 3, misses: 3 });
  });
});

describe('the capability cache of functions without a text', () => {
  const bound = (value: number) =>
    defineNode({
      name: 'bound',
      outputs: { n: type<number>() },
      cache: {},
      run: function (this: { readonly value: number }) {
        return { n: this.value };
      }.bind({ value }) as () => { n: number },
    });
  const one = bound(1);
  const two = bound(2);

  for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
    it(`gives none of them the output of another, in ${Runtime.name}`, async () => {
      const runtime = new Runtime();
      const w = workflow('bound');
      const a = w.add('a', one({}));
      const b = w.add('b', two({}), { after: a });
      const c = w.add('c', one({}), { after: b });
      const add = (x: string) => ({ v: x });
      const d = w.fn('d', {}, add.bind(null, 'd'), { cache: {} });
      const e = w.fn('e', {}, add.bind(null, 'e'), { cache: {}, after: d });
      const flow = w.build({ outputs: { a: a.out.n, b: b.out.n, c: c.out.n, d: d.out.value, e: e.out.value } });
      const expected = { a: 1, b: 2, c: 1, d: { v: 'd' }, e: { v: 'e' } };
      const outputs = [(await runtime.execute(flow)).unwrap(), (await runtime.execute(flow)).unwrap()];
      expect(outputs).to.deep.equal([expected, expected]);
      const { hits, misses } = runtime.getResourceMetrics().cache;
      expect([hits, misses], 'one definition is the same as itself').to.deep.equal([6, 4]);
    });
  }
});
