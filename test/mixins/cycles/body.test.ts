import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { codeThrownBy, everyWay, reasonOf, statuses } from '../../support/every-way.js';

const add = defineNode({
  name: 'add',
  inputs: { n: type<number>(), by: z.number().default(1) },
  outputs: { n: type<number>() },
  run: ({ n, by }) => ({ n: n + by }),
});
const double = defineNode({
  name: 'double',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n: n * 2 }),
});

describe('what goes into a cycle and what comes out', () => {
  it(
    'sequential cycles: the second starts with what the first left',
    everyWay(async (run) => {
      const w = workflow('sequential');
      const a = w.add('a', double({ n: 1 }));
      w.cycle('doubling', { feedback: [a.out.n.to(a.in.n)], maxIterations: 3 });
      const b = w.add('b', add({ n: a.out.n }));
      w.cycle('adding', { feedback: [b.out.n.to(b.in.n)], maxIterations: 2 });
      const result = await run.complete(w.build({ outputs: { a: a.out.n, b: b.out.n } }));
      expect(result.output).to.deep.equal({ a: 8, b: 10 });
      expect([result.node('a').visits, result.node('b').visits]).to.deep.equal([3, 2]);
      const kinds = run.events.flatMap((event) =>
        event.kind === 'cycle.iterated' || event.kind === 'cycle.stopped' ? [event.data.cycle] : [],
      );
      expect(kinds).to.deep.equal(['doubling', 'doubling', 'doubling', 'adding', 'adding']);
    }),
  );

  it(
    'independent cycles do not touch each other',
    everyWay(async (run) => {
      const w = workflow('independent');
      const a = w.add('a', double({ n: 1 }));
      w.cycle('doubling', { feedback: [a.out.n.to(a.in.n)], maxIterations: 5 });
      const b = w.add('b', add({ n: 100, by: -1 }));
      const down = w.cycle('down', {
        feedback: [b.out.n.to(b.in.n)],
        until: when(b.out.n, (n) => n === 97),
        maxIterations: 9,
      });
      const end = w.fn(
        'end',
        { a: a.out.n, b: b.out.n, why: down.out.reason },
        ({ a: left, b: right, why }) => `${left} ${right} ${why}`,
      );
      const result = await run.complete(w.build({ outputs: { end: end.out.value } }));
      expect(result.output).to.deep.equal({ end: '32 97 converged' });
      expect(result.cycle('doubling').iterations).to.equal(5);
      expect(result.cycle('down').iterations).to.equal(3);
    }),
  );

  it(
    'a connection from outside is delivered in every iteration',
    everyWay(async (run) => {
      const w = workflow('constant');
      const by = w.fn('by', {}, () => 7);
      const step = w.add('step', add({ n: 0, by: by.out.value }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 4 });
      const result = await run.complete(w.build({ outputs: { n: step.out.n } }));
      expect(result.output).to.deep.equal({ n: 28 });
      expect(result.node('by').visits).to.equal(1);
    }),
  );

  it(
    'an input with feedback uses its connection, parameter or literal in iteration 0 only',
    everyWay(async (run) => {
      const seen: Record<string, number[]> = { connected: [], parameter: [], literal: [], set: [] };
      const watch = (id: string) =>
        defineNode({
          name: 'watch',
          inputs: { n: type<number>() },
          outputs: { n: type<number>() },
          run: ({ n }) => {
            seen[id]?.push(n);
            return { n: n * 2 };
          },
        });
      const w = workflow('entry', { params: { start: type<number>() } });
      const from = w.fn('from', {}, () => 1);
      const connected = w.add('connected', watch('connected')({ n: from.out.value }));
      const parameter = w.add('parameter', watch('parameter')({ n: w.params.start }));
      const literal = w.add('literal', watch('literal')({ n: 3 }));
      const set = w.add('set', watch('set')({ n: 99 }));
      for (const node of [connected, parameter, literal, set])
        w.cycle(`${node.id}Loop`, { feedback: [node.out.n.to(node.in.n)], maxIterations: 3 });
      await run.complete(w.build(), { params: { start: 2 }, run: { set: [set.in.n.is(4)] } });
      expect(seen).to.deep.equal({ connected: [1, 2, 4], parameter: [2, 4, 8], literal: [3, 6, 12], set: [4, 8, 16] });
    }),
  );

  it(
    'a body of several nodes starts its next iteration only when all of them have settled',
    everyWay(async (run) => {
      const order: string[] = [];
      const note = (id: string, n: number): number => {
        order.push(`${id}${n}`);
        return n;
      };
      const w = workflow('barrier');
      const head = w.add('head', add({ n: 0 }));
      const left = w.fn('left', { n: head.out.n }, ({ n }) => note('left', n));
      const right = w.fn('right', { n: head.out.n }, ({ n }) => note('right', n));
      const tail = w.fn('tail', { a: left.out.value, b: right.out.value }, ({ a, b }) => note('tail', (a + b) / 2));
      w.cycle('loop', { feedback: [tail.out.value.to(head.in.n)], maxIterations: 3 });
      const result = await run.complete(w.build({ outputs: { n: tail.out.value } }));
      expect(result.output).to.deep.equal({ n: 3 });
      expect(order.length).to.equal(9);
      for (const turn of [0, 1, 2])
        expect(order.slice(turn * 3, turn * 3 + 3).sort()).to.deep.equal([
          `left${turn + 1}`,
          `right${turn + 1}`,
          `tail${turn + 1}`,
        ]);
      expect(result.node('tail').visits).to.equal(3);
    }),
  );

  it(
    'a while loop whose closing turn skips the body still delivers what the body last did',
    everyWay(async (run) => {
      const w = workflow('while');
      const head = w.fn('head', { n: 0 as number }, ({ n }) => n);
      const test = w.switch('test', head.out.value, { go: (n) => n < 3, stop: otherwise });
      const body = w.add('body', add({ n: test.out.go }));
      const loop = w.cycle('loop', { feedback: [body.out.n.to(head.in.n)], maxIterations: 99 });
      const after = w.fn('after', { n: body.out.n }, ({ n }) => n * 100);
      const built = w.build({
        outputs: {
          body: body.out.n,
          go: test.out.go,
          stop: test.out.stop,
          after: after.out.value,
          iterations: loop.out.iterations,
        },
      });
      const result = await run.complete(built);
      expect(result.output).to.deep.equal({ body: 3, go: 2, stop: 3, after: 300, iterations: 4 });
      expect(result.cycle('loop')).to.include({ reason: 'exited', root: 'test.go' });
      expect(statuses(result).body).to.equal('skipped');
      expect(result.node('body').visits).to.equal(4);
      expect(result.node('after').visits).to.equal(1);
    }),
  );

  it(
    'an exit that was never live skips its reader, with the root of the last iteration',
    everyWay(async (run) => {
      const w = workflow('never');
      const step = w.add('step', add({ n: 0 }));
      const route = w.switch('route', step.out.n, { high: (n) => n > 100, low: otherwise });
      const close = w.fn('close', { n: route.out.low }, ({ n }) => n);
      const rare = w.fn('rare', { n: route.out.high }, ({ n }) => n);
      const close2 = w.fn('close2', { n: close.out.value, rare: rare.out.value.or(0) }, ({ n }) => n);
      w.cycle('loop', { feedback: [close2.out.value.to(step.in.n)], maxIterations: 2 });
      w.fn('direct', { n: route.out.high }, ({ n }) => n);
      w.fn('after', { n: rare.out.value }, ({ n }) => n);
      const result = await run.complete(w.build());
      const root = { subject: 'route', port: 'high', code: 'branch_not_taken' };
      expect(reasonOf(result, 'after')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'after.n',
        source: 'rare.value',
        root,
      });
      expect(reasonOf(result, 'direct')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'direct.n',
        source: 'route.high',
        root,
      });
    }),
  );

  it(
    'an exit of a node that may fail keeps its last success and its last error',
    everyWay(async (run) => {
      const w = workflow('lastError');
      const pick = defineNode({
        name: 'pick',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }) => {
          if (n === 2) throw new Error(`refused ${n}`);
          return { n: n * 10 };
        },
      });
      const step = w.add('step', add({ n: 0 }));
      const picked = w.try('picked', pick({ n: step.out.n }));
      const close = w.fn('close', { n: step.out.n, p: picked.out.n.or(0), e: picked.error.or(null) }, ({ n }) => n);
      w.cycle('loop', { feedback: [close.out.value.to(step.in.n)], maxIterations: 3 });
      const result = await run.complete(w.build({ outputs: { n: picked.out.n, error: picked.error.at('message') } }));
      expect(result.output).to.deep.equal({ n: 30, error: 'refused 2' });
    }),
  );

  it(
    'a join outside a cycle follows the last iteration',
    everyWay(async (run) => {
      const w = workflow('joined');
      const step = w.add('step', add({ n: 0 }));
      const route = w.switch('route', step.out.n, { odd: (n) => n % 2 === 1, even: otherwise });
      const odd = w.fn('odd', { n: route.out.odd }, ({ n }) => `odd ${n}`);
      const even = w.fn('even', { n: route.out.even }, ({ n }) => `even ${n}`);
      const text = route.join({ odd: odd.out.value, even: even.out.value });
      const close = w.fn('close', { n: step.out.n, text }, ({ n }) => n);
      w.cycle('loop', { feedback: [close.out.value.to(step.in.n)], maxIterations: 4 });
      const end = w.fn('end', { text }, ({ text: last }) => last);
      const result = await run.complete(w.build({ outputs: { end: end.out.value } }));
      expect(result.output).to.deep.equal({ end: 'even 4' });
    }),
  );

  it(
    'dead feedback leaves an optional input to its default and never revives the connection it entered by',
    everyWay(async (run) => {
      const seen: string[] = [];
      const w = workflow('dead');
      const from = w.fn('from', {}, () => 'entry');
      const head = defineNode({
        name: 'head',
        inputs: { n: type<number>(), hint: z.string().default('default') },
        outputs: { n: type<number>() },
        run: ({ n, hint }) => {
          seen.push(`${n} ${hint}`);
          return { n: n + 1 };
        },
      });
      const step = w.add('step', head({ n: 0, hint: from.out.value }));
      const route = w.switch('route', step.out.n, { odd: (n) => n % 2 === 1, even: otherwise });
      const odd = w.fn('odd', { n: route.out.odd }, ({ n }) => `odd ${n}`);
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n), odd.out.value.to(step.in.hint)], maxIterations: 4 });
      await run.complete(w.build());
      expect(seen).to.deep.equal(['0 entry', '1 odd 1', '2 default', '3 odd 3']);
    }),
  );

  it(
    'feedback that has never been live leaves its input alone, beside another edge that is',
    everyWay(async (run) => {
      const seen: string[] = [];
      const head = defineNode({
        name: 'head',
        inputs: { n: type<number>(), hint: z.string().default('default') },
        outputs: { n: type<number>() },
        run: ({ n, hint }) => {
          seen.push(`${n} ${hint}`);
          return { n: n + 1 };
        },
      });
      const w = workflow('neverLive');
      const step = w.add('step', head({ n: 0 }));
      const route = w.switch('route', step.out.n, { late: (n) => n >= 3, early: otherwise });
      const late = w.fn('late', { n: route.out.late }, ({ n }) => `late ${n}`);
      w.cycle('loop', { feedback: [late.out.value.to(step.in.hint), step.out.n.to(step.in.n)], maxIterations: 5 });
      await run.complete(w.build());
      expect(seen).to.deep.equal(['0 default', '1 default', '2 default', '3 late 3', '4 late 4']);
    }),
  );

  it(
    'where all feedback is dead, the first edge says why',
    everyWay(async (run) => {
      const w = workflow('firstEdge');
      const step = w.add('step', add({ n: 0 }));
      const right = w.switch('right', step.out.n, { on: (n) => n < 6, off: otherwise });
      const left = w.switch('left', step.out.n, { on: (n) => n < 6, off: otherwise });
      w.cycle('loop', { feedback: [left.out.on.to(step.in.by), right.out.on.to(step.in.n)], maxIterations: 9 });
      const result = await run.complete(w.build());
      // 0 + 1, 1 + 1, 2 + 2, 4 + 4
      expect(result.cycle('loop')).to.include({ reason: 'exited', root: 'left.on', iterations: 4 });
    }),
  );

  it(
    'a failure beside a cycle does not touch it',
    everyWay(async (run) => {
      const w = workflow('beside');
      const step = w.add('step', add({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 30 });
      w.fn('bad', {}, () => {
        throw new Error('beside');
      });
      const result = await run.fail(w.build());
      expect(result.error.node).to.equal('bad');
      expect(result.cycle('loop')).to.include({ reason: 'max_iterations', failed: false, iterations: 30 });
    }),
  );

  it(
    'dead feedback into a required input skips its node, although its entry is live',
    everyWay(async (run) => {
      const w = workflow('deadRequired');
      const from = w.fn('from', {}, () => 5);
      const step = w.add('step', add({ n: 0, by: 1 }));
      const route = w.switch('route', step.out.n, { keep: (n) => n < 2, drop: otherwise });
      const side = w.fn('side', { n: from.out.value }, ({ n }) => n);
      const close = w.fn('close', { n: step.out.n, side: side.out.value }, ({ n, side: plus }) => n + plus * 0);
      w.cycle('loop', { feedback: [close.out.value.to(step.in.n), route.out.keep.to(side.in.n)], maxIterations: 5 });
      const result = await run.complete(w.build({ outputs: { n: step.out.n } }));
      expect(result.cycle('loop')).to.include({ reason: 'exited', root: 'route.keep', iterations: 3 });
      expect(result.output).to.deep.equal({ n: 3 });
      expect(reasonOf(result, 'side')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'side.n',
        source: 'route.keep',
        root: { subject: 'route', port: 'keep', code: 'branch_not_taken' },
      });
      expect(reasonOf(result, 'close')?.root).to.deep.equal({
        subject: 'route',
        port: 'keep',
        code: 'branch_not_taken',
      });
    }),
  );

  it(
    'oneOf closes a cycle over exclusive branches',
    everyWay(async (run) => {
      const w = workflow('collatz');
      const head = w.fn('head', { n: 6 as number }, ({ n }) => n);
      const route = w.switch('route', head.out.value, {
        one: (n) => n === 1,
        even: (n) => n % 2 === 0,
        odd: otherwise,
      });
      const even = w.fn('even', { n: route.out.even }, ({ n }) => n / 2);
      const odd = w.fn('odd', { n: route.out.odd }, ({ n }) => 3 * n + 1);
      const loop = w.cycle('loop', {
        feedback: [oneOf(even.out.value, odd.out.value).to(head.in.n)],
        maxIterations: 99,
      });
      const result = await run.complete(
        w.build({ outputs: { iterations: loop.out.iterations, reason: loop.out.reason } }),
      );
      expect(result.output).to.deep.equal({ iterations: 9, reason: 'exited' });
    }),
  );

  it(
    'feedback with two live sources fails the cycle INPUT_CONFLICT',
    everyWay(async (run) => {
      const w = workflow('conflict');
      const head = w.fn('head', { n: 1 as number }, ({ n }) => n);
      const route = w.switch(
        'route',
        head.out.value,
        { positive: (n) => n > 0, odd: (n) => n % 2 === 1 },
        { mode: 'all' },
      );
      w.cycle('loop', { feedback: [oneOf(route.out.positive, route.out.odd).to(head.in.n)], maxIterations: 9 });
      const result = await run.fail(w.build());
      expect(result.error.node).to.equal('loop');
      expect(result.error.failure.code).to.equal('INPUT_CONFLICT');
      expect(result.cycle('loop')).to.include({ reason: 'failed', failed: true, root: 'loop', iterations: 1 });
    }),
  );

  it('two edges of one cycle into one input are refused when the workflow is built', () => {
    const w = workflow('twice');
    const head = w.fn('head', { n: 6 as number }, ({ n }) => n);
    const route = w.switch('route', head.out.value, { even: (n) => n % 2 === 0, odd: otherwise });
    w.cycle('loop', { feedback: [route.out.even.to(head.in.n), route.out.odd.to(head.in.n)], maxIterations: 9 });
    expect(codeThrownBy(() => w.build())).to.equal('INVALID_CYCLE');
  });

  it(
    'nodes know their iteration, their visit and the cap',
    everyWay(async (run) => {
      const seen: unknown[] = [];
      const watch = defineNode({
        name: 'watch',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }, { iteration, iterations, visit, maxIterations, idempotencyKey }) => {
          seen.push([iteration, [...iterations], visit, maxIterations, idempotencyKey]);
          return { n };
        },
      });
      const w = workflow('context');
      const step = w.add('step', watch({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      w.add('outside', watch({ n: step.out.n }));
      await run.complete(w.build(), { run: { runId: 'r' } });
      expect(seen).to.deep.equal([
        [0, [0], 1, 2, 'r/step/1'],
        [1, [1], 2, 2, 'r/step/2'],
        [0, [], 1, undefined, 'r/outside/1'],
      ]);
    }),
  );

  it(
    'a node of the body that fails is tried again within its visit; each visit has its own budget',
    everyWay(async (run) => {
      const tried: string[] = [];
      const flaky = defineNode({
        name: 'flaky',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        retry: { attempts: 3 },
        run: ({ n }, { attempt, visit, failures }) => {
          tried.push(`${visit}.${attempt} ${failures}`);
          if (attempt < 3) throw new Error('again');
          return { n: n + 1 };
        },
      });
      const w = workflow('flaky');
      const step = w.add('step', flaky({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      const result = await run.complete(w.build({ outputs: { n: step.out.n } }));
      expect(result.output).to.deep.equal({ n: 2 });
      expect(tried).to.deep.equal(['1.1 0', '1.2 1', '1.3 2', '2.1 0', '2.2 1', '2.3 2']);
      expect(result.node('step').failures.map(({ visit, attempt }) => [visit, attempt])).to.deep.equal([
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
      ]);
    }),
  );
});
