import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { refusal } from '../../support/caught.js';
import { increment, plus, positive, sorter } from '../../support/child-nodes.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

/** What a schema makes of its parameters: a trimmed text, a number with a default, one that may be missing. */
function typed() {
  const w = workflow('typed', {
    params: {
      text: z.string().transform((text) => text.trim()),
      times: z.number().int().default(2),
      tail: z.string().optional(),
    },
  });
  const line = w.fn('line', { text: w.params.text, times: w.params.times }, ({ text, times }) => text.repeat(times));
  const tail = w.fn('tail-node', { tail: w.params.tail.or('-') }, (inputs) => inputs.tail);
  return w.build({ outputs: { line: line.out.value, tail: tail.out.value } });
}

describe('A subworkflow', () => {
  it(
    'takes what a workflow without parameters of its own broadcasts, by the names of its parameters',
    everyWay(async (run) => {
      const w = workflow('outer');
      const sub = w.add('sub', typed()({} as never));
      const built = w.build({ outputs: { line: sub.out.line } });
      const result = await run.complete(built as never, { params: { text: ' ab ', times: 3 } });
      expect([result.output, result.warnings]).to.deep.equal([{ line: 'ababab' }, []]);
    }),
  );

  it(
    'runs in the same run, in a scope of its own, and delivers its outputs',
    everyWay(async (run) => {
      const w = workflow('outer', { params: { n: type<number>() } });
      const sub = w.add('sub', increment()({ n: w.params.n }));
      const next = w.add('next', plus({ n: sub.out.n }));
      const result = await run.complete(w.build({ outputs: { n: next.out.n } }), { params: { n: 1 } });
      expect(result.output).to.deep.equal({ n: 3 });
      expect(
        run.events.map(({ kind, data }) => [kind, 'scope' in data ? data.scope : '', 'node' in data ? data.node : '']),
      ).to.deep.equal([
        ['run.started', '', ''],
        ['attempt.started', '', 'sub'],
        ['children.created', '', 'sub'],
        ['attempt.started', 'sub/', 'one'],
        ['attempt.completed', 'sub/', 'one'],
        ['attempt.completed', '', 'sub'],
        ['attempt.started', '', 'next'],
        ['attempt.completed', '', 'next'],
        ['run.completed', '', ''],
      ]);
      expect(run.events[2]?.data).to.deep.include({ parameters: { n: 1 }, items: null });
      const [child] = result.children('sub');
      expect([child?.scope, child?.number, child?.status]).to.deep.equal(['sub/', 0, 'completed']);
      expect([...(child?.results ?? [])]).to.deep.equal([['one', { n: 2 }]]);
      expect(result.children('next')).to.deep.equal([]);
    }),
  );

  it(
    'used twice, and inside itself another: each use has its own children',
    everyWay(async (run) => {
      const one = increment();
      const inner = workflow('two', { params: { n: type<number>() } });
      const a = inner.add('a', one({ n: inner.params.n }));
      const b = inner.add('b', one({ n: a.out.n }));
      const two = inner.build({ outputs: { n: b.out.n } });
      const w = workflow('four', { params: { n: type<number>() } });
      const first = w.add('first', two({ n: w.params.n }));
      const second = w.add('second', two({ n: first.out.n }));
      const result = await run.complete(w.build({ outputs: { n: second.out.n } }), { params: { n: 0 } });
      expect(result.output).to.deep.equal({ n: 4 });
      const scopes = run.events.flatMap((event) =>
        event.kind === 'attempt.started' && event.data.node === 'one' ? [event.data.scope] : [],
      );
      expect(scopes).to.deep.equal(['first/a/', 'first/b/', 'second/a/', 'second/b/']);
    }),
  );

  it(
    'an output that is dead there is a dead port here: a required reader is skipped, an optional one runs without',
    everyWay(async (run) => {
      const w = workflow('dead', { params: { n: type<number>() } });
      const sort = w.add('sort', sorter()({ n: w.params.n }));
      const needs = w.add('needs', plus({ n: sort.out.big }));
      w.add('may', plus({ n: sort.out.small, by: sort.out.big }));
      const either = w.add('either', plus({ n: oneOf(sort.out.big, sort.out.small) }));
      const first = w.add('first', plus({ n: sort.out.big.or(-1) }));
      const built = w.build({
        outputs: { needs: needs.out.n, either: either.out.n, first: first.out.n, big: sort.out.big },
      });
      const small = await run.complete(built, { params: { n: 1 } });
      expect(small.output).to.deep.equal({ either: 3, first: 0 });
      expect(statuses(small)).to.deep.equal({
        sort: 'completed',
        needs: 'skipped',
        may: 'completed',
        either: 'completed',
        first: 'completed',
      });
      expect(reasonOf(small, 'needs')).to.deep.equal({
        code: 'not_delivered',
        input: 'needs.n',
        source: 'sort.big',
        root: { subject: 'sort', port: 'big', code: 'not_delivered' },
      });
      expect(small.results.get('may')).to.deep.equal({ n: 3 });
      expect(small.value(sort.out.big)).to.equal(undefined);
      const big = await run.complete(built, { params: { n: 20 } });
      expect(big.output).to.deep.equal({ needs: 121, either: 121, first: 121, big: 120 });
      expect(statuses(big).may).to.equal('skipped');
    }),
  );

  it(
    'in one branch, with oneOf and join beside another branch',
    everyWay(async (run) => {
      const w = workflow('branches', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { up: (n) => n > 0, down: (n) => n <= 0 });
      const sub = w.add('sub', increment()({ n: route.out.up }));
      const other = w.add('other', plus({ n: route.out.down, by: -1 }));
      const built = w.build({
        outputs: { n: route.join({ up: sub.out.n, down: other.out.n }), m: oneOf(sub.out.n, other.out.n) },
      });
      const up = await run.complete(built, { params: { n: 5 } });
      expect(up.output).to.deep.equal({ n: 6, m: 6 });
      const down = await run.complete(built, { params: { n: -5 } });
      expect(down.output).to.deep.equal({ n: -6, m: -6 });
      expect(statuses(down)).to.deep.include({ sub: 'skipped' });
      expect(down.children('sub')).to.deep.equal([]);
      expect(down.warnings).to.deep.equal([]);
    }),
  );

  it(
    'parameters go through their schemas once: transformed, with defaults, optional ones left out',
    everyWay(async (run) => {
      const child = typed();
      const w = workflow('caller', { params: { text: type<string>() } });
      const some = w.add('some', child({ text: w.params.text }));
      const all = w.add('all', child({ text: w.params.text, times: 3, tail: 'end' }));
      const built = w.build({ outputs: { a: some.out.line, b: some.out.tail, c: all.out.line, d: all.out.tail } });
      const result = await run.complete(built, { params: { text: ' x ' } });
      expect(result.output).to.deep.equal({ a: 'xx', b: '-', c: 'xxx', d: 'end' });
      const created = run.events.flatMap(({ kind, data }) =>
        kind === 'children.created' && 'parameters' in data ? [data.parameters] : [],
      );
      expect(created).to.deep.equal([
        { text: 'x', times: 2 },
        { text: 'x', times: 3, tail: 'end' },
      ]);
    }),
  );

  it('parameters that cannot fit are refused at build', () => {
    const child = typed();
    const w = workflow('caller');
    expect(refusal(() => child({ text: 'x', tims: 3 } as never))).to.deep.include({ code: 'UNKNOWN_PORT' });
    expect(refusal(() => child({ text: 'x', tims: 3 } as never)).message).to.include('times');
    expect(refusal(() => child(7 as never)).code).to.equal('INVALID_DEFINITION');
    w.add('wrong', child({ text: 5 as never }));
    expect(refusal(() => w.build())).to.deep.include({ code: 'WRONG_PORT_TYPE', at: 'wrong.text' });
    expect(refusal(() => workflow('v').add('sub', child as never)).code).to.equal('INVALID_DEFINITION');
  });

  it(
    'a missing parameter is refused before the first node, a wrong one fails the subworkflow before its children begin',
    everyWay(async (run) => {
      const child = typed();
      const missing = workflow('missing');
      missing.fn('first', {}, () => 1);
      missing.add('sub', child({} as never));
      const refused = await run.reject(missing.build());
      expect(refused.error.problems.map(({ code, at }) => [code, at])).to.deep.equal([['INPUT_MISSING', 'sub.text']]);

      const wrong = workflow('wrong');
      const five = wrong.fn('five', {}, (): unknown => 5);
      wrong.add('sub', child({ text: five.out.value as never }));
      const failed = await run.fail(wrong.build());
      expect(failed.node('sub').error?.code).to.equal('INPUT_INVALID');
      expect(failed.children('sub')).to.deep.equal([]);
      expect(run.events.some(({ kind }) => kind === 'children.created')).to.equal(false);
    }),
  );

  it(
    'a node-addressed parameter reaches an input of the subworkflow, and nothing inside it',
    everyWay(async (run) => {
      const w = workflow('addressed', { params: { n: type<number>() } });
      const sub = w.add('sub', increment()({ n: w.params.n }));
      const built = w.build({ outputs: { n: sub.out.n } });
      const set = await run.complete(built, { params: { n: 1 }, run: { set: [sub.in.n.is(10)] } });
      expect(set.output).to.deep.equal({ n: 11 });
      const inside = await run.reject(built, { params: { n: 1 }, run: { set: { 'sub/one': { n: 5 } } } });
      expect(inside.error.problems.map(({ code }) => code)).to.deep.equal(['UNKNOWN_NODE']);
    }),
  );

  it(
    'an input inside that nothing gives a value is refused before the first node, with its place',
    everyWay(async (run) => {
      const inner = workflow('inner');
      inner.add('hungry', plus({} as never));
      const middle = workflow('middle', { params: { list: type<number[]>() } });
      middle.map('each', middle.params.list, () => inner.build()());
      let ran = 0;
      const w = workflow('outer');
      w.fn('first', {}, () => ran++);
      w.add('sub', middle.build()({ list: [] }));
      const refused = await run.reject(w.build());
      expect(refused.error.problems.map(({ code, at }) => [code, at])).to.deep.equal([
        ['INPUT_MISSING', 'sub/each/inner/hungry.n'],
      ]);
      expect(ran).to.equal(0);
    }),
  );

  it(
    'with options of any node: after, join, and a dead required parameter skips it',
    everyWay(async (run) => {
      const order: string[] = [];
      const note = defineNode({
        name: 'note',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }, context) => {
          order.push(`${context.scope}${context.nodeId}`);
          return { n };
        },
      });
      const inner = workflow('inner', { params: { n: z.number().optional() } });
      const inside = inner.add('note', note({ n: inner.params.n.or(0) }));
      const child = inner.build({ outputs: { n: inside.out.n } });
      const w = workflow('options', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { yes: (n) => n > 0, no: (n) => n <= 0 });
      w.add('a', child({ n: 1 }), { after: 'last' });
      w.add('b', child({ n: route.out.yes }));
      w.add('c', child({ n: route.out.yes }), { join: 'always' });
      w.add('last', note({ n: 1 }));
      const result = await run.complete(w.build(), { params: { n: 0 } });
      expect(statuses(result)).to.deep.equal({
        route: 'completed',
        b: 'skipped',
        c: 'completed',
        last: 'completed',
        a: 'completed',
      });
      expect(order.indexOf('a/note')).to.be.greaterThan(order.indexOf('last'));
    }),
  );

  it(
    'fails with the failure inside as its cause; as a try it is data, and join takes either way',
    everyWay(async (run) => {
      const inner = workflow('risky', { params: { n: type<number>() } });
      const checked = inner.add('checked', positive({ n: inner.params.n }));
      const child = inner.build({ outputs: { n: checked.out.n } });
      const w = workflow('tried', { params: { n: type<number>() } });
      const sub = w.try('sub', child({ n: w.params.n }));
      const spare = w.fn(
        'spare',
        { error: sub.error },
        ({ error }) => `${error.code}/${error.cause?.code}/${error.cause?.message}`,
      );
      const built = w.build({ outputs: { way: sub.join({ ok: sub.out.n, failed: spare.out.value }) } });
      expect((await run.complete(built, { params: { n: 4 } })).output).to.deep.equal({ way: 4 });
      const failed = await run.complete(built, { params: { n: -4 } });
      expect(failed.output).to.deep.equal({ way: 'CHILD_FAILED/NODE_THREW/-4 is negative' });
      expect(failed.failures.map(({ node, allowed }) => [node, allowed])).to.deep.equal([['sub', true]]);
      expect(failed.children('sub').map(({ status, error }) => [status, error?.message])).to.deep.equal([
        ['failed', '-4 is negative'],
      ]);
    }),
  );

  it(
    'an output that was live there and brought nothing is a warning there and a dead port here',
    everyWay(async (run) => {
      const inner = workflow('inner');
      const nothing = inner.fn('nothing', {}, (): { x?: number } => ({}));
      const child = inner.build({ outputs: { x: nothing.out.value.at('x') } });
      const w = workflow('outer');
      const sub = w.add('sub', child());
      w.fn('reader', { x: sub.out.x }, ({ x }) => x);
      const result = await run.complete(w.build());
      expect(result.node('reader').status).to.equal('skipped');
      expect(result.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['missing-output', 'sub/x']]);
    }),
  );
});
