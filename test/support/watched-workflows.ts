import { defineNode } from '../../src/base/node.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import type { RunOptions } from '../../src/base/runtime-options.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { Watched } from './watched.js';

/** A workflow whose nodes take known times, and how it is run. */
export interface Timed {
  // biome-ignore lint/suspicious/noExplicitAny: workflows of different parameters and outputs side by side
  readonly built: Workflow<any, any>;
  readonly params?: object;
  readonly run?: RunOptions;
}

/** `a` takes 10 ms, `b` after it 30 ms. */
export function line(watched: Watched): Timed {
  const w = workflow('line');
  const a = w.fn('a', {}, watched.takes(10, 1));
  w.fn('b', { a: a.out.value }, watched.takes(30, 2));
  return { built: w.build() };
}

/** `read` (5 ms), `route`, `big` (20 ms); `small` and what follows it are skipped. */
export function branches(watched: Watched): Timed {
  const w = workflow('branches');
  const read = w.fn('read', {}, watched.takes(5, 100));
  const route = w.switch('route', read.out.value, { big: (n) => n > 10, small: otherwise });
  w.fn('big', { n: route.out.big }, watched.takes(20, 1));
  const small = w.fn('small', { n: route.out.small }, watched.takes(40, 1));
  w.fn('smaller', { n: small.out.value }, watched.takes(40, 1));
  return { built: w.build() };
}

/** Four iterations of `turn` (10 ms, 15 ms where it fails): its second visit fails once, and is tried again 100 ms later. */
export function turns(watched: Watched): Timed {
  let calls = 0;
  const turn = defineNode({
    name: 'turn',
    version: '1',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }) => {
      if (++calls === 2) return watched.fails(15)();
      return { n: watched.takes(10, n + 1)() };
    },
  });
  const w = workflow('turns');
  const one = w.add('turn', turn({ n: 0 }), { retry: { attempts: 2, delayMs: 100, jitter: 0 } });
  w.cycle('loop', { feedback: [one.out.n.to(one.in.n)], maxIterations: 4 });
  w.fn('after', { n: one.out.n }, watched.takes(1, 0));
  return { built: w.build() };
}

/** `may` fails (8 ms) as it may, `bad` fails (12 ms) twice and for good, `next` is blocked, `fine` (2 ms) completes. */
export function failing(watched: Watched): Timed {
  const w = workflow('failing');
  w.try('may', defineNode({ name: 'may', version: '1', outputs: { n: type<number>() }, run: watched.fails(8) })());
  const bad = w.fn('bad', {}, watched.fails(12), { retry: { attempts: 2, delayMs: 50, jitter: 0 } });
  w.fn('next', { n: bad.out.value }, watched.takes(1, 1));
  w.fn('fine', {}, watched.takes(2, 1));
  return { built: w.build() };
}

/** `first` (3 ms) cancels the run: `second` never starts. */
export function cancelled(watched: Watched): Timed {
  const controller = new AbortController();
  const w = workflow('cancelled');
  const first = w.fn('first', {}, () => {
    watched.clock.advance(3);
    controller.abort(new Error('enough'));
    return 1;
  });
  w.fn('second', { n: first.out.value }, watched.takes(1, 1));
  return { built: w.build(), run: { signal: controller.signal } };
}

/** One of `slow` (10 ms a unit of its item): fails where the item is 0, after 5 ms. */
function slow(watched: Watched) {
  return defineNode({
    name: 'slow',
    version: '1',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }) => (n === 0 ? watched.fails(5)() : { n: watched.takes(10 * n, n)() }),
  });
}

/** A map over 1, 0 and 3 that collects, in a subworkflow; its owner `sub` takes as long as its items together: 10, 5 and 30 ms. */
export function families(watched: Watched): Timed {
  const inner = workflow('inner', { params: { list: type<number[]>() } });
  const all = inner.map('all', inner.params.list, (n) => slow(watched)({ n }), { onItemError: 'collect' });
  inner.fn('sum', { ns: all.out.n }, watched.takes(4, 1));
  const built = inner.build();
  const w = workflow('families');
  w.add('sub', built({ list: [1, 0, 3] }));
  return { built: w.build() };
}

/** A map one at a time whose first item fails: under fail-fast, its other two never begin. */
export function hasty(watched: Watched): Timed {
  const w = workflow('hasty', { params: { list: type<number[]>() } });
  w.map('all', w.params.list, (n) => slow(watched)({ n }), { maxConcurrency: 1 });
  return { built: w.build(), params: { list: [0, 1, 2] } };
}

/** `draft` (6 ms), the gate `ok`, `send` (9 ms). */
export function approval(watched: Watched): Timed {
  const w = workflow('approval');
  const draft = w.fn('draft', {}, watched.takes(6, 'text'));
  const ok = w.gate('ok', {}, { after: [draft] });
  w.fn('send', {}, watched.takes(9, 'sent'), { after: [ok] });
  return { built: w.build() };
}

/**
 * A cycle of two iterations around `seed` (3 ms) and a map of two items, 1 and 20. Each has a cycle of two iterations of `step` (0 ms)
 * and a switch: `rare` (1 ms) is skipped where the item was 1.
 */
export function nested(watched: Watched): Timed {
  const step = defineNode({
    name: 'step',
    version: '1',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }) => ({ n: n + 1 }),
  });
  const inner = workflow('inner', { params: { n: type<number>() } });
  const one = inner.add('step', step({ n: inner.params.n }));
  const route = inner.switch('route', one.out.n, { big: (n) => n > 10, small: otherwise });
  inner.fn('rare', { n: route.out.big }, watched.takes(1, 0));
  inner.cycle('small', { feedback: [one.out.n.to(one.in.n)], maxIterations: 2 });
  const built = inner.build({ outputs: { n: one.out.n } });
  const seed = defineNode({
    name: 'seed',
    version: '1',
    inputs: { of: type<unknown>() },
    outputs: { list: type<number[]>() },
    run: () => ({ list: watched.takes(3, [1, 20])() }),
  });
  const w = workflow('nested');
  const first = w.add('seed', seed({ of: 0 }));
  const all = w.map('all', first.out.list, (n) => built({ n }));
  w.cycle('big', { feedback: [all.out.n.to(first.in.of)], maxIterations: 2 });
  return { built: w.build() };
}

/** A subworkflow that is tried twice, around a map of twelve items of which the first fails. */
export function retried(watched: Watched): Timed {
  const inner = workflow('inner', { params: { list: type<number[]>() } });
  inner.map('all', inner.params.list, (n) => slow(watched)({ n }));
  const built = inner.build();
  const w = workflow('retried', { params: { list: type<number[]>() } });
  w.add('sub', built({ list: w.params.list }), { retry: { attempts: 2 } });
  return { built: w.build(), params: { list: [0, ...new Array<number>(11).fill(1)] } };
}

/**
 * A cycle around a map over a list of two, whose items each skip a node. In the second iteration the list is none: the map fails
 * before it opens children.
 */
export function stale(watched: Watched): Timed {
  const inner = workflow('inner', { params: { n: type<number>() } });
  const route = inner.switch('route', inner.params.n, { big: (n) => n > 10, small: otherwise });
  inner.fn('rare', { n: route.out.big }, watched.takes(1, 0));
  const small = inner.fn('often', { n: route.out.small }, watched.takes(1, 1));
  const built = inner.build({ outputs: { n: small.out.value.or(0) } });
  const lists = defineNode({
    name: 'lists',
    version: '1',
    inputs: { turn: type<unknown>() },
    outputs: { list: type<number[]>() },
    run: ({ turn }) => ({ list: (turn === 0 ? [1, 2] : 'none') as number[] }),
  });
  const w = workflow('stale');
  const list = w.add('list', lists({ turn: 0 }));
  const all = w.map('all', list.out.list, (n) => built({ n }));
  w.cycle('loop', { feedback: [all.items.to(list.in.turn)], maxIterations: 2 });
  return { built: w.build() };
}

/** A subworkflow whose `bad` fails and blocks `next`. `busy` (50 ms) holds the thread until its time is over: its second attempt opens no children. */
export function overdue(watched: Watched): Timed {
  const inner = workflow('inner');
  const bad = inner.fn('bad', {}, watched.fails(5));
  inner.fn('next', { n: bad.out.value }, watched.takes(1, 1));
  const built = inner.build();
  const w = workflow('overdue');
  w.add('sub', built({}), { retry: { attempts: 2, delayMs: 10, jitter: 0 }, totalTimeoutMs: 20 });
  w.fn('busy', {}, watched.takes(50, 1));
  return { built: w.build() };
}

/** A map over two items, each with a gate: the map goes on while its run waits. */
export function gates(watched: Watched): Timed {
  const inner = workflow('inner', { params: { n: type<number>() } });
  const draft = inner.fn('draft', { n: inner.params.n }, watched.takes(2, 1));
  inner.gate('ok', {}, { after: [draft] });
  const built = inner.build();
  const w = workflow('gates', { params: { list: type<number[]>() } });
  w.map('all', w.params.list, (n) => built({ n }));
  return { built: w.build(), params: { list: [1, 2] } };
}
