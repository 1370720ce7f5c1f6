import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { plus } from '../../support/child-nodes.js';
import { everyWay, statuses, type Way } from '../../support/every-way.js';

/** A node that counts its calls in its state, and delivers the count. */
const counter = defineNode({
  name: 'counter',
  inputs: { n: type<number>() },
  outputs: { n: type<number>(), calls: type<number>() },
  state: z.number().default(0),
  run: ({ n }, context) => {
    const calls = context.state + 1;
    context.setState(calls);
    return { n: n + 1, calls };
  },
});

describe('Children in a cycle', () => {
  it(
    'a map opens a new scope for each visit',
    everyWay(async (run) => {
      const w = workflow('loop', { params: { list: type<number[]>() } });
      const take = w.fn('take', { list: w.params.list }, ({ list }) => list);
      const all = w.map('m', take.out.value, (n) => plus({ n }));
      w.cycle('loop', {
        feedback: [all.out.n.to(take.in.list as never)],
        until: when(all.out.n.at(0), (n) => n > 2),
        maxIterations: 5,
      });
      const result = await run.complete(w.build({ outputs: { n: all.out.n } }), { params: { list: [0, 10] } });
      expect(result.output).to.deep.equal({ n: [3, 13] });
      const scopes = run.events.flatMap((event) =>
        event.kind === 'attempt.started' && event.data.node === 'plus' ? [event.data.scope] : [],
      );
      expect(scopes.sort()).to.deep.equal(['m#2[0]/', 'm#2[1]/', 'm#3[0]/', 'm#3[1]/', 'm[0]/', 'm[1]/']);
      expect(result.node('m')).to.deep.include({ visits: 3, attempts: 1 });
      expect(result.children('m').map(({ scope }) => scope)).to.deep.equal(['m#3[0]/', 'm#3[1]/']);
    }),
  );

  it(
    'a subworkflow starts afresh in each visit: the states of its nodes are reset, those of the cycle kept',
    everyWay(async (run) => {
      const inner = workflow('inner', { params: { n: type<number>() } });
      const count = inner.add('count', counter({ n: inner.params.n }));
      const child = inner.build({ outputs: { n: count.out.n, calls: count.out.calls } });
      const w = workflow('outer');
      const outside = w.add('outside', counter({ n: 0 }));
      const sub = w.add('sub', child({ n: outside.out.n }));
      w.cycle('loop', { feedback: [sub.out.n.to(outside.in.n)], maxIterations: 3 });
      const result = await run.complete(
        w.build({ outputs: { n: sub.out.n, inside: sub.out.calls, outside: outside.out.calls } }),
      );
      expect(result.output).to.deep.equal({ n: 6, inside: 1, outside: 3 });
      const scopes = run.events.flatMap((event) => (event.kind === 'children.created' ? [event.data.visit] : []));
      expect(scopes).to.deep.equal([1, 2, 3]);
      expect(result.children('sub').map(({ scope }) => scope)).to.deep.equal(['sub#3/']);
    }),
  );

  it(
    'a cycle inside a child runs on its own in each child, and its context says so',
    everyWay(async (run) => {
      const inner = workflow('halve', { params: { n: type<number>() } });
      const seen: string[] = [];
      const half = defineNode({
        name: 'half',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }, context) => {
          seen.push(
            `${context.scope}${context.nodeId} ${context.visit} ${context.iteration} ${context.idempotencyKey}`,
          );
          return { n: n / 2 };
        },
      });
      const step = inner.add('step', half({ n: inner.params.n }));
      const fit = inner.cycle('fit', {
        feedback: [step.out.n.to(step.in.n)],
        until: when(step.out.n, (n) => n < 1),
        maxIterations: 10,
      });
      const child = inner.build({ outputs: { n: step.out.n, turns: fit.out.iterations } });
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const all = w.map('m', w.params.list, (n) => child({ n }), { maxConcurrency: 1 });
      const result = await run.complete(w.build({ outputs: { turns: all.out.turns } }), { params: { list: [3, 1] } });
      expect(result.output).to.deep.equal({ turns: [2, 1] });
      expect(seen).to.deep.equal([
        'm[0]/halve/step 1 0 run-1/m[0]/halve/step/1',
        'm[0]/halve/step 2 1 run-1/m[0]/halve/step/2',
        'm[1]/halve/step 1 0 run-1/m[1]/halve/step/1',
      ]);
      const [first] = result.children('m');
      expect(first?.children('halve')[0]?.cycle('fit')).to.deep.include({ iterations: 2, reason: 'converged' });
      expect(
        run.events.flatMap(({ kind, data }) => (kind === 'cycle.stopped' && 'scope' in data ? [data.scope] : [])),
      ).to.deep.equal(['m[0]/halve/', 'm[1]/halve/']);
    }),
  );

  it(
    'a map that some iterations skip keeps what the last live one delivered',
    everyWay(async (run) => {
      const w = workflow('sometimes');
      const step = w.add('step', plus({ n: 0 }));
      const route = w.switch('route', step.out.n, { odd: (n) => n % 2 === 1, even: (n) => n % 2 === 0 });
      const list = w.fn('list', { n: route.out.odd }, ({ n }) => [n, n]);
      const all = w.map('m', list.out.value, (n) => plus({ n }));
      const last = w.fn('last', { n: step.out.n, list: all.out.n.or([]) }, ({ n }) => n);
      w.cycle('loop', { feedback: [last.out.value.to(step.in.n)], maxIterations: 4 });
      const result = await run.complete(w.build({ outputs: { n: all.out.n } }));
      expect(result.output).to.deep.equal({ n: [4, 4] });
      expect(statuses(result)).to.deep.include({ m: 'skipped' });
    }),
  );
});

describe('The order in which children start', () => {
  /** Two maps and a node after each, which note when they run. */
  function crowd(order: string[], maxConcurrency?: number) {
    const note = defineNode({
      name: 'note',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }, context) => {
        order.push(`${context.scope}${context.nodeId}`);
        return { n };
      },
    });
    const inner = workflow('two', { params: { n: type<number>() } });
    const a = inner.add('a', note({ n: inner.params.n }));
    const b = inner.add('b', note({ n: a.out.n }));
    const child = inner.build({ outputs: { n: b.out.n } });
    const w = workflow('crowd');
    const list = w.fn('list', {}, () => [1, 2]);
    w.add('last', note({ n: 0 }), { after: 'list' });
    w.map('m', list.out.value, (n) => child({ n }), maxConcurrency === undefined ? {} : { maxConcurrency });
    return w.build();
  }

  const ORDERED: readonly Way[] = ['local', 'async runtime, sync nodes', 'async runtime, one async node at a time'];

  it(
    'is the place of their owner, by number, each child as far as it goes',
    everyWay(async (run) => {
      const order: string[] = [];
      await run.complete(crowd(order));
      expect(order).to.deep.equal(['last', 'm[0]/two/a', 'm[0]/two/b', 'm[1]/two/a', 'm[1]/two/b']);
    }, ORDERED),
  );

  it(
    'with all at once: every first node, then every second one',
    everyWay(
      async (run) => {
        const order: string[] = [];
        await run.complete(crowd(order));
        expect(order.map((at) => at.at(-1)).sort()).to.deep.equal(['a', 'a', 'b', 'b', 't']);
        expect(order.indexOf('m[1]/two/a')).to.be.lessThan(order.indexOf('m[0]/two/b') + 2);
      },
      ['async runtime, async nodes'],
    ),
  );

  /** The most calls in progress at once, and those of each map. */
  function watched() {
    const now = new Map<string, number>();
    const most = new Map<string, number>();
    const change = (key: string, by: number): void => {
      const next = (now.get(key) ?? 0) + by;
      now.set(key, next);
      most.set(key, Math.max(most.get(key) ?? 0, next));
    };
    const busy = defineNode({
      name: 'busy',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: async ({ n }, { scope }) => {
        const owner = scope.slice(0, scope.indexOf('['));
        for (const key of ['all', owner]) change(key, 1);
        for (let left = 50 + (n % 4); left > 0; left--) await null;
        for (const key of ['all', owner]) change(key, -1);
        return { n };
      },
    });
    return { busy, most };
  }

  for (const [own, runtime, expected] of [
    [undefined, undefined, { all: 20, m: 10, k: 10 }],
    [3, undefined, { all: 13, m: 3, k: 10 }],
    [3, 5, { all: 5, m: 3 }],
    [1, undefined, { all: 11, m: 1, k: 10 }],
    [50, 2, { all: 2, m: 2, k: 2 }],
  ] as const)
    it(
      `keeps to maxConcurrency of the map (${own}) and of the runtime (${runtime})`,
      everyWay(
        async (run) => {
          const { busy, most } = watched();
          const w = workflow('busy');
          const list = w.fn('list', {}, () => Array.from({ length: 10 }, (_, index) => index));
          w.map('m', list.out.value, (n) => busy({ n }), own === undefined ? {} : { maxConcurrency: own });
          w.map('k', list.out.value, (n) => busy({ n }));
          await run.complete(w.build(), {
            runtime: (runtime === undefined ? {} : { maxConcurrency: runtime }) as never,
            compare: false,
          });
          expect(Object.fromEntries(most)).to.deep.include(expected);
        },
        ['async runtime, async nodes'],
      ),
    );

  it(
    'of a map of one item at a time, which waits for a retry: no other item begins',
    everyWay(async (run) => {
      const order: string[] = [];
      const flaky = defineNode({
        name: 'flaky',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        retry: { attempts: 2, delayMs: 100 },
        run: ({ n }, { attempt }) => {
          order.push(`${n}.${attempt}`);
          if (n === 0 && attempt === 1) throw new Error('once');
          return { n };
        },
      });
      const w = workflow('waiting', { params: { list: type<number[]>() } });
      w.map('one', w.params.list, (n) => flaky({ n }), { maxConcurrency: 1 });
      await run.complete(w.build(), { params: { list: [0, 1] } });
      expect(order).to.deep.equal(['0.1', '0.2', '1.1']);
    }),
  );
});
