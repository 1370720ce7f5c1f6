import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

const pass = defineNode({
  name: 'pass',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});
const add = defineNode({
  name: 'add',
  inputs: { n: type<number>(), by: z.number().default(1) },
  outputs: { n: type<number>() },
  run: ({ n, by }) => ({ n: n + by }),
});

describe('nested cycles', () => {
  it(
    'three times four: sum of 10 i + j',
    everyWay(async (run) => {
      const turns: string[] = [];
      const cell = defineNode({
        name: 'cell',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }, { iterations: [i = -1, j = -1], iteration }) => {
          turns.push(`${i}${j}${iteration}`);
          return { n: n + 10 * i + j };
        },
      });
      const sums: number[] = [];
      const w = workflow('grid');
      const open = w.add('open', pass({ n: 0 }));
      const inner = w.add('inner', cell({ n: open.out.n }));
      const close = w.fn('close', { n: inner.out.n }, ({ n }) => {
        sums.push(n);
        return n;
      });
      const columns = w.cycle('columns', { feedback: [inner.out.n.to(inner.in.n)], maxIterations: 4 });
      const rows = w.cycle('rows', { feedback: [close.out.value.to(open.in.n)], maxIterations: 3 });
      const end = w.fn('end', { n: inner.out.n }, ({ n }) => n);
      const result = await run.complete(
        w.build({
          outputs: {
            n: close.out.value,
            end: end.out.value,
            rows: rows.out.iterations,
            columns: columns.out.iterations,
          },
        }),
      );
      expect(turns).to.deep.equal(['000', '011', '022', '033', '100', '111', '122', '133', '200', '211', '222', '233']);
      expect(sums).to.deep.equal([6, 52, 138]);
      expect(result.output).to.deep.equal({ n: 138, end: 138, rows: 3, columns: 4 });
      expect([...result.nodes.values()].map(({ id, visits }) => `${id} ${visits}`)).to.deep.equal([
        'open 3',
        'inner 12',
        'close 3',
        'end 1',
      ]);
      expect(result.cycle('columns')).to.include({ iterations: 4, totalIterations: 12 });
      expect(result.cycle('rows')).to.include({ iterations: 3, totalIterations: 3 });
    }),
  );

  it(
    'three deep: each level multiplies the visits, a connection leaving all of them fires once, when the outermost stops',
    everyWay(async (run) => {
      const w = workflow('deep');
      const a = w.add('a', pass({ n: 0 }));
      const b = w.add('b', pass({ n: a.out.n }));
      const c = w.add('c', add({ n: b.out.n }));
      const d = w.add('d', pass({ n: c.out.n }));
      const e = w.add('e', pass({ n: d.out.n }));
      w.cycle('low', { feedback: [c.out.n.to(c.in.n)], maxIterations: 5 });
      w.cycle('middle', { feedback: [d.out.n.to(b.in.n)], maxIterations: 3 });
      w.cycle('high', { feedback: [e.out.n.to(a.in.n)], maxIterations: 2 });
      const end = w.fn('end', { n: c.out.n }, ({ n }) => n);
      const result = await run.complete(w.build({ outputs: { end: end.out.value } }));
      expect(result.output).to.deep.equal({ end: 30 });
      expect([...result.nodes.values()].map(({ id, visits }) => `${id} ${visits}`)).to.deep.equal([
        'a 2',
        'b 6',
        'c 30',
        'd 6',
        'e 2',
        'end 1',
      ]);
      const place = (kind: string, id: string): number =>
        run.events.findLastIndex(
          (event) =>
            event.kind === kind &&
            ('node' in event.data ? event.data.node : 'cycle' in event.data ? event.data.cycle : '') === id,
        );
      expect(place('attempt.started', 'end')).to.be.greaterThan(place('cycle.stopped', 'high'));
      expect(
        run.events
          .filter((event) => event.kind === 'cycle.stopped')
          .map((event) => (event.data as { cycle: string }).cycle),
      ).to.deep.equal([...['low', 'low', 'low', 'middle'], ...['low', 'low', 'low', 'middle'], 'high']);
    }),
  );

  it(
    'entering an inner cycle again starts its iteration, previous, history and time anew',
    everyWay(async (run) => {
      const views: unknown[] = [];
      const w = workflow('again');
      const open = w.add('open', pass({ n: 0 }));
      const step = w.add('step', add({ n: open.out.n }));
      const close = w.add('close', add({ n: step.out.n, by: 100 }));
      w.cycle('inner', {
        feedback: [step.out.n.to(step.in.n)],
        until: when(step.out.n, (n, { iteration, previous, history }) => {
          views.push([n, iteration, previous, [...history]]);
          return iteration === 1;
        }),
        maxIterations: 5,
      });
      w.cycle('outer', { feedback: [close.out.n.to(open.in.n)], maxIterations: 2 });
      const result = await run.complete(w.build({ outputs: { n: close.out.n } }));
      expect(views).to.deep.equal([
        [1, 0, undefined, []],
        [2, 1, 1, [1]],
        [103, 0, undefined, []],
        [104, 1, 103, [103]],
      ]);
      expect(result.output).to.deep.equal({ n: 204 });
      expect(result.cycle('inner')).to.deep.include({
        iterations: 2,
        totalIterations: 4,
        history: [103, 104],
        reason: 'converged',
      });
    }),
  );

  it(
    'entering an inner cycle again resets the state of its nodes; the state of the outer body stays',
    everyWay(async (run) => {
      const counting = defineNode({
        name: 'counting',
        inputs: { n: type<number>() },
        outputs: { n: type<number>(), count: type<number>() },
        state: z.number().default(0),
        run: ({ n }, ctx) => {
          ctx.setState(ctx.state + 1);
          return { n, count: ctx.state + 1 };
        },
      });
      const counts: number[] = [];
      const w = workflow('states');
      const open = w.add('open', counting({ n: 0 }));
      const step = w.add('step', counting({ n: open.out.n }));
      const close = w.fn(
        'close',
        { n: step.out.n, inner: step.out.count, outer: open.out.count },
        ({ n, inner, outer }) => {
          counts.push(inner, outer);
          return n;
        },
      );
      w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 3 });
      w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 2 });
      await run.complete(w.build());
      expect(counts).to.deep.equal([3, 1, 3, 2]);
    }),
  );

  it(
    'two feedback edges into one input: the inner one while its cycle turns, the outer one when it is entered again',
    everyWay(async (run) => {
      const seen: number[] = [];
      const double = defineNode({
        name: 'double',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }) => {
          seen.push(n);
          return { n: n * 2 };
        },
      });
      const w = workflow('twoEdges');
      const from = w.fn('from', {}, () => 1);
      const step = w.add('step', double({ n: from.out.value }));
      const close = w.add('close', add({ n: step.out.n, by: 10 }));
      w.cycle('outer', { feedback: [close.out.n.to(step.in.n)], maxIterations: 2 });
      w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      const result = await run.complete(w.build({ outputs: { n: close.out.n } }));
      expect(seen).to.deep.equal([1, 2, 14, 28]);
      expect(result.output).to.deep.equal({ n: 66 });
    }),
  );

  it(
    'a node of the inner cycle that only the outer one feeds keeps its entry through the first outer iteration',
    everyWay(async (run) => {
      const seen: string[] = [];
      const watch = defineNode({
        name: 'watch',
        inputs: { n: type<number>(), mark: type<string>() },
        outputs: { n: type<number>() },
        run: ({ n, mark }) => {
          seen.push(`${n} ${mark}`);
          return { n: n + 1 };
        },
      });
      const w = workflow('outerFed');
      const step = w.add('step', watch({ n: 0, mark: 'entry' }));
      const close = w.fn('close', { n: step.out.n }, ({ n }) => `outer ${n}`);
      w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      w.cycle('outer', { feedback: [close.out.value.to(step.in.mark)], maxIterations: 2 });
      await run.complete(w.build());
      expect(seen).to.deep.equal(['0 entry', '1 entry', '0 outer 2', '1 outer 2']);
    }),
  );

  it(
    'an entry made inside the outer cycle is made anew for each entry of the inner one',
    everyWay(async (run) => {
      const seen: number[] = [];
      const w = workflow('freshEntry');
      const open = w.add('open', add({ n: 0, by: 100 }));
      const entry = w.fn('entry', { n: open.out.n }, ({ n }) => n * 10);
      const step = w.fn('step', { n: entry.out.value }, ({ n }) => {
        seen.push(n);
        return n + 1;
      });
      const close = w.fn('close', { n: open.out.n, step: step.out.value }, ({ n }) => n);
      w.cycle('inner', { feedback: [step.out.value.to(step.in.n)], maxIterations: 2 });
      w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 2 });
      await run.complete(w.build());
      expect(seen).to.deep.equal([1000, 1001, 2000, 2001]);
    }),
  );

  it(
    'what an exit of an inner cycle carried in an earlier entry is forgotten in the next',
    everyWay(async (run) => {
      const got: string[] = [];
      const note = defineNode({
        name: 'note',
        inputs: { n: type<number>(), rare: z.number().optional() },
        outputs: { n: type<number>() },
        run: ({ n, rare }) => {
          got.push(`${n} ${rare ?? 'none'}`);
          return { n };
        },
      });
      const w = workflow('forget');
      const open = w.add('open', pass({ n: 0 }));
      const step = w.add('step', add({ n: open.out.n }));
      const route = w.switch('route', step.out.n, { small: (n) => n < 3, big: otherwise });
      const rare = w.fn('rare', { n: route.out.small }, ({ n }) => n * 10);
      const turn = w.fn('turn', { n: step.out.n, rare: rare.out.value.or(0) }, ({ n }) => n);
      const close = w.add('close', note({ n: turn.out.value, rare: rare.out.value }));
      w.cycle('inner', { feedback: [turn.out.value.to(step.in.n)], maxIterations: 3 });
      w.cycle('outer', { feedback: [close.out.n.to(open.in.n)], maxIterations: 2 });
      const result = await run.complete(w.build({ outputs: { rare: rare.out.value } }));
      expect(got).to.deep.equal(['3 20', '6 none']);
      expect(result.output).to.deep.equal({ rare: 20 });
    }),
  );

  it(
    'an inner cycle that a branch of the outer one leaves out is skipped in that iteration only',
    everyWay(async (run) => {
      const w = workflow('sometimes');
      const open = w.add('open', add({ n: 0 }));
      const route = w.switch('route', open.out.n, { odd: (n) => n % 2 === 1, even: otherwise });
      const step = w.add('step', add({ n: route.out.odd, by: 10 }));
      w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      const close = w.fn('close', { n: step.out.n.or(route.out.even) }, ({ n }) => n);
      w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 3 });
      const result = await run.complete(w.build({ outputs: { n: close.out.value } }));
      expect(result.output).to.deep.equal({ n: 43 });
      const ends = run.events.flatMap((event) =>
        event.kind === 'cycle.stopped' && event.data.cycle === 'inner'
          ? [`${event.data.reason} ${event.data.iterations}`]
          : [],
      );
      expect(ends).to.deep.equal(['max_iterations 2', 'skipped 0', 'max_iterations 2']);
      expect(result.cycle('inner')).to.include({ iterations: 2, totalIterations: 4 });
    }),
  );

  it(
    'an inner cycle that fails fails the outer one; its id is the root',
    everyWay(async (run) => {
      const w = workflow('innerFails');
      const open = w.add('open', pass({ n: 0 }));
      const step = w.add('step', add({ n: open.out.n }));
      w.cycle('inner', {
        feedback: [step.out.n.to(step.in.n)],
        until: when(step.out.n, (n) => n === 2),
        maxIterations: 2,
        onMaxIterations: 'fail',
      });
      const close = w.add('close', pass({ n: step.out.n }));
      const outer = w.cycle('outer', { feedback: [close.out.n.to(open.in.n)], maxIterations: 3 });
      w.fn('end', { n: close.out.n, why: outer.out.reason }, ({ n }) => n);
      const result = await run.fail(w.build());
      expect(result.error.node).to.equal('inner');
      expect(result.error.failure.code).to.equal('CYCLE_LIMIT');
      expect(result.cycle('inner')).to.include({
        reason: 'max_iterations',
        failed: true,
        iterations: 2,
        totalIterations: 4,
      });
      expect(result.cycle('outer')).to.include({ reason: 'failed', failed: true, root: 'inner', iterations: 2 });
      expect(statuses(result)).to.deep.equal({
        open: 'completed',
        step: 'completed',
        close: 'blocked',
        end: 'blocked',
      });
      expect(reasonOf(result, 'end')?.root).to.deep.equal({ subject: 'inner', port: null, code: 'upstream_failed' });
    }),
  );

  it(
    'an inner cycle that fails without a reader fails the outer one as well',
    everyWay(async (run) => {
      const w = workflow('unread');
      const open = w.add('open', pass({ n: 0 }));
      const step = w.add('step', add({ n: open.out.n }));
      const inner = w.cycle('inner', {
        feedback: [step.out.n.to(step.in.n)],
        maxIterations: 2,
        onMaxIterations: 'fail',
      });
      const close = w.fn('close', { n: open.out.n }, ({ n }) => n, { after: inner, join: 'any' });
      w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 3, within: undefined as never });
      const result = await run.fail(w.build());
      expect(result.cycle('outer')).to.include({ reason: 'failed', root: 'inner', iterations: 1 });
    }),
  );

  it(
    'a member of the inner cycle that fails is the root of both',
    everyWay(async (run) => {
      const w = workflow('memberFails');
      const open = w.add('open', pass({ n: 0 }));
      const step = w.fn('step', { n: open.out.n }, ({ n }): number => {
        if (n === 1) throw new Error('one');
        return n + 1;
      });
      w.cycle('inner', { feedback: [step.out.value.to(step.in.n)], maxIterations: 2 });
      const close = w.add('close', pass({ n: step.out.value }));
      w.cycle('outer', { feedback: [close.out.n.to(open.in.n)], maxIterations: 3 });
      const result = await run.fail(w.build());
      expect(result.error.node).to.equal('step');
      expect(result.cycle('inner')).to.include({ reason: 'failed', root: 'step', iterations: 2 });
      expect(result.cycle('outer')).to.include({ reason: 'failed', root: 'step', iterations: 1 });
    }),
  );

  it(
    'an iteration of a cycle leaves what stands inside its neighbour as it ended',
    everyWay(async (run) => {
      const w = workflow('neighbours');
      const quick = w.add('quick', add({ n: 0 }));
      const quickEnd = w.add('quickEnd', pass({ n: quick.out.n }));
      const slow = w.add('slow', add({ n: 0 }));
      const slowEnd = w.add('slowEnd', pass({ n: slow.out.n }));
      w.cycle('quickInner', { feedback: [quick.out.n.to(quick.in.n)], maxIterations: 3 });
      w.cycle('quickOuter', { feedback: [quickEnd.out.n.to(quick.in.n)], maxIterations: 1 });
      w.cycle('slowInner', { feedback: [slow.out.n.to(slow.in.n)], maxIterations: 2 });
      w.cycle('slowOuter', { feedback: [slowEnd.out.n.to(slow.in.n)], maxIterations: 4 });
      const result = await run.complete(w.build({ outputs: { quick: quickEnd.out.n, slow: slowEnd.out.n } }));
      expect(result.output).to.deep.equal({ quick: 3, slow: 8 });
      expect(result.cycle('quickInner')).to.include({ reason: 'max_iterations', iterations: 3, totalIterations: 3 });
      expect(result.cycle('quickOuter')).to.include({ reason: 'max_iterations', iterations: 1, totalIterations: 1 });
      expect(result.cycle('slowInner')).to.include({ reason: 'max_iterations', iterations: 2, totalIterations: 8 });
    }),
  );

  it(
    'within puts a cycle into another where the connections alone do not say so',
    everyWay(async (run) => {
      const w = workflow('within');
      const a = w.add('a', add({ n: 0 }));
      w.cycle('outer', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2 });
      w.cycle('inner', { feedback: [a.out.n.to(a.in.n)], maxIterations: 3, within: 'outer' });
      const result = await run.complete(w.build({ outputs: { n: a.out.n } }));
      expect(result.output).to.deep.equal({ n: 6 });
      expect(result.cycle('inner')).to.include({ iterations: 3, totalIterations: 6 });
      expect(result.cycle('outer')).to.include({ iterations: 2 });
    }),
  );

  it(
    'within widens the outer body by a cycle beside its path',
    everyWay(async (run) => {
      const w = workflow('widened');
      const open = w.add('open', add({ n: 0 }));
      const side = w.add('side', add({ n: open.out.n, by: 100 }));
      const close = w.add('close', pass({ n: open.out.n }));
      const outer = w.cycle('outer', { feedback: [close.out.n.to(open.in.n)], maxIterations: 3 });
      w.cycle('inner', { feedback: [side.out.n.to(side.in.n)], maxIterations: 2, within: outer });
      const result = await run.complete(w.build({ outputs: { side: side.out.n } }));
      expect(result.output).to.deep.equal({ side: 203 });
      expect(result.node('side').visits).to.equal(6);
    }),
  );
});
