import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { collect } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

const risky = defineNode({
  name: 'risky',
  inputs: { n: type<number>() },
  outputs: { half: type<number>() },
  run: ({ n }) => {
    if (n % 2 === 1) throw Object.assign(new Error(`${n} is odd`), { code: 'E_ODD' });
    return { half: n / 2 };
  },
});

const number = { params: { n: type<number>() } };

describe('failures beside branches', () => {
  it(
    'try: the error is data where the node failed, and a dead port where it did not',
    everyWay(async (run) => {
      const w = workflow('try', number);
      const half = w.try('half', risky({ n: w.params.n }));
      const why = w.fn('why', { error: half.error }, ({ error }) => `${error.code}: ${error.message}`);
      const twice = w.fn('twice', { half: half.out.half }, ({ half: value }) => value * 2);
      const built = w.build({ outputs: { why: why.out.value, twice: twice.out.value } });
      const odd = await run.complete(built, { params: { n: 3 } });
      expect(odd.output).to.deep.equal({ why: 'E_ODD: 3 is odd' });
      expect(statuses(odd)).to.deep.equal({ half: 'failed', why: 'completed', twice: 'skipped' });
      expect(reasonOf(odd, 'twice')).to.deep.equal({
        code: 'allowed_failure',
        input: 'twice.half',
        source: 'half.half',
        root: { subject: 'half', port: null, code: 'allowed_failure' },
      });
      expect(odd.failures).to.deep.equal([
        { node: 'half', error: { name: 'Error', code: 'E_ODD', message: '3 is odd' }, allowed: true },
      ]);
      const even = await run.complete(built, { params: { n: 4 } });
      expect(even.output).to.deep.equal({ twice: 4 });
      expect(reasonOf(even, 'why')).to.deep.equal({
        code: 'no_error',
        input: 'why.error',
        source: 'half.$error',
        root: { subject: 'half', port: '$error', code: 'no_error' },
      });
      expect(even.failures).to.deep.equal([]);
    }),
  );

  it(
    'try.join delivers the way it went',
    everyWay(async (run) => {
      const w = workflow('tryJoin', number);
      const half = w.try('half', risky({ n: w.params.n }));
      const spare = w.fn('spare', { n: w.params.n, because: half.error }, ({ n }) => n / 2);
      const end = w.fn(
        'end',
        { half: half.join({ ok: half.out.half, failed: spare.out.value }) },
        ({ half: value }) => value,
      );
      const built = w.build({ outputs: { end: end.out.value } });
      expect((await run.complete(built, { params: { n: 4 } })).output).to.deep.equal({ end: 2 });
      const odd = await run.complete(built, { params: { n: 5 } });
      expect(odd.output).to.deep.equal({ end: 2.5 });
      expect(odd.status).to.equal('completed');
    }),
  );

  it(
    'try.join of a node that was blocked blocks, of one that was skipped skips',
    everyWay(async (run) => {
      const w = workflow('tryEnds', number);
      const route = w.switch('route', w.params.n, { go: (n) => n > 0, stop: otherwise });
      const before = w.add('before', risky({ n: route.out.go }));
      const half = w.try('half', risky({ n: before.out.half }));
      w.fn('end', { n: half.join({ ok: half.out.half, failed: half.out.half as never }) }, ({ n }) => n);
      const built = w.build();
      const skipped = await run.complete(built, { params: { n: 0 } });
      expect(statuses(skipped)).to.deep.equal({
        route: 'completed',
        before: 'skipped',
        half: 'skipped',
        end: 'skipped',
      });
      expect(reasonOf(skipped, 'end')?.root).to.deep.equal({ subject: 'route', port: 'go', code: 'branch_not_taken' });
      const blocked = await run.fail(built, { params: { n: 1 } });
      expect(statuses(blocked)).to.deep.equal({
        route: 'completed',
        before: 'failed',
        half: 'blocked',
        end: 'blocked',
      });
      expect(reasonOf(blocked, 'end')).to.deep.equal({
        code: 'upstream_blocked',
        input: 'end.n',
        source: 'half.',
        root: { subject: 'before', port: null, code: 'upstream_failed' },
      });
    }),
  );

  it(
    'collect leaves out a source whose failure was allowed',
    everyWay(async (run) => {
      const w = workflow('partial', number);
      const a = w.try('a', risky({ n: w.params.n }));
      const b = w.try('b', risky({ n: 8 }));
      const all = w.fn('all', { all: collect(a.out.half, b.out.half) }, ({ all: values }) => values);
      const result = await run.complete(w.build({ outputs: { all: all.out.value } }), { params: { n: 1 } });
      expect(result.output).to.deep.equal({ all: [4] });
    }),
  );

  it(
    'continue: everything not downstream of a failure finishes, then the run fails',
    everyWay(async (run) => {
      const w = workflow('continue');
      const bad = w.add('bad', risky({ n: 1 }));
      const down = w.add('down', risky({ n: bad.out.half }));
      const good = w.add('good', risky({ n: 8 }));
      const on = w.add('on', risky({ n: good.out.half }));
      w.add('end', risky({ n: collect(down.out.half, on.out.half).at(0) }));
      const result = await run.fail(w.build());
      expect(statuses(result)).to.deep.equal({
        bad: 'failed',
        down: 'blocked',
        good: 'completed',
        on: 'completed',
        end: 'blocked',
      });
      expect(result.results.get('on')).to.deep.equal({ half: 2 });
      expect(result.output).to.equal(undefined);
    }),
  );
});

describe('after', () => {
  const twice = defineNode({
    name: 'twice',
    inputs: { n: z.number().default(1) },
    outputs: { n: z.number() },
    run: ({ n }) => ({ n: n * 2 }),
  });

  it(
    'waits for a node, a switch and a cycle without taking data',
    everyWay(async (run) => {
      const order: string[] = [];
      const note = (id: string) => (): number => {
        order.push(id);
        return 1;
      };
      const w = workflow('after');
      w.fn('first', {}, note('first'), { after: ['last', 'route', 'loop'] });
      const last = w.fn('last', {}, note('last'));
      w.switch('route', last.out.value, { one: (n) => n === 1, other: otherwise });
      const step = w.add('step', twice({ n: 1 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 3 });
      w.fn('second', {}, note('second'), { after: last });
      const result = await run.complete(w.build());
      expect(order.indexOf('last')).to.be.lessThan(order.indexOf('first'));
      expect(order.indexOf('last')).to.be.lessThan(order.indexOf('second'));
      const started = run.events.findIndex((event) => event.kind === 'attempt.started' && event.data.node === 'first');
      const stopped = run.events.findIndex((event) => event.kind === 'cycle.stopped');
      expect(stopped).to.be.greaterThan(-1).and.lessThan(started);
      expect(result.cycle('loop').iterations).to.equal(3);
    }),
  );

  it(
    'a node that failed blocks; one that was blocked blocks with the root; one that was skipped or may fail does not',
    everyWay(async (run) => {
      const w = workflow('afterFailure', number);
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      const bad = w.add('bad', risky({ n: 1 }));
      const blocked = w.add('blocked', risky({ n: bad.out.half }));
      const skipped = w.fn('skipped', { n: route.out.big }, ({ n }) => n);
      const allowed = w.try('allowed', risky({ n: 3 }));
      w.fn('afterBad', {}, () => 1, { after: bad });
      w.fn('afterBlocked', {}, () => 1, { after: blocked });
      w.fn('afterSkipped', {}, () => 1, { after: skipped });
      w.fn('afterAllowed', {}, () => 1, { after: allowed });
      w.fn('anyway', {}, () => 1, { after: bad, join: 'always' });
      const result = await run.fail(w.build(), { params: { n: 1 } });
      expect(statuses(result)).to.deep.equal({
        route: 'completed',
        bad: 'failed',
        blocked: 'blocked',
        skipped: 'skipped',
        allowed: 'failed',
        afterBad: 'blocked',
        afterBlocked: 'blocked',
        afterSkipped: 'completed',
        afterAllowed: 'completed',
        anyway: 'completed',
      });
      const root = { subject: 'bad', port: null, code: 'upstream_failed' };
      expect(reasonOf(result, 'afterBad')).to.deep.equal({ code: 'upstream_failed', input: null, source: 'bad', root });
      expect(reasonOf(result, 'afterBlocked')).to.deep.equal({
        code: 'upstream_blocked',
        input: null,
        source: 'blocked',
        root,
      });
    }),
  );

  it(
    'the first node of the plan blocks like any other',
    everyWay(async (run) => {
      const w = workflow('first');
      const bad = w.add('bad', risky({ n: 1 }));
      w.fn('next', {}, () => 1, { after: bad });
      const result = await run.fail(w.build());
      expect([...result.nodes.keys()]).to.deep.equal(['bad', 'next']);
      expect(reasonOf(result, 'next')).to.deep.equal({
        code: 'upstream_failed',
        input: null,
        source: 'bad',
        root: { subject: 'bad', port: null, code: 'upstream_failed' },
      });
    }),
  );

  it(
    'a cycle that failed blocks who waits for it',
    everyWay(async (run) => {
      const w = workflow('afterCycle');
      const step = w.add('step', twice({ n: 1 }));
      const loop = w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2, onMaxIterations: 'fail' });
      w.fn('end', {}, () => 1, { after: loop });
      const bad = w.add('bad', risky({ n: 3 }));
      const halve = w.add('halve', risky({ n: bad.out.half }));
      const other = w.cycle('other', { feedback: [halve.out.half.to(halve.in.n)], maxIterations: 2 });
      w.fn('late', {}, () => 1, { after: [other] });
      w.fn('fine', {}, () => 1, { after: [other], join: 'any' });
      const turn = w.add('turn', twice({ n: 1 }));
      const good = w.cycle('good', { feedback: [turn.out.n.to(turn.in.n)], maxIterations: 2 });
      w.fn('second', {}, () => 1, { after: [good, bad] });
      const result = await run.fail(w.build());
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_blocked',
        input: null,
        source: 'loop',
        root: { subject: 'loop', port: null, code: 'upstream_failed' },
      });
      expect(reasonOf(result, 'late')).to.deep.equal({
        code: 'upstream_blocked',
        input: null,
        source: 'other',
        root: { subject: 'bad', port: null, code: 'upstream_failed' },
      });
      expect(statuses(result).fine).to.equal('completed');
      expect(reasonOf(result, 'second')).to.deep.equal({
        code: 'upstream_failed',
        input: null,
        source: 'bad',
        root: { subject: 'bad', port: null, code: 'upstream_failed' },
      });
    }),
  );

  it(
    'an input that lost its source is the reason before what the node waits for',
    everyWay(async (run) => {
      const w = workflow('order', number);
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      const bad = w.add('bad', risky({ n: 1 }));
      w.fn('both', { n: bad.out.half }, ({ n }) => n, { after: bad });
      w.fn('dead', { n: route.out.big }, ({ n }) => n, { after: bad });
      const result = await run.fail(w.build(), { params: { n: 1 } });
      expect(reasonOf(result, 'both')?.input).to.equal('both.n');
      expect(reasonOf(result, 'dead')?.code).to.equal('upstream_failed');
    }),
  );
});
