import { when } from '../../src/base/condition.js';
import type { RunEvent } from '../../src/base/events.js';
import { defineNode } from '../../src/base/node.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { oneOf } from '../../src/base/ref.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { MARKUP, type Recorded, renamed, type Takes } from './report-runs.js';

/** A subworkflow of two nodes, 4 ms and 6 ms, that turns twice in a cycle, beside a map of three items of 5, 30 and 10 ms. */
export function family(takes: Takes): Workflow<never, unknown> {
  const c = workflow('halving', { params: { n: type<number>() } });
  const half = c.fn('half', { n: c.params.n }, ({ n }) => takes(4, n / 2));
  const check = c.fn('check', { n: half.out.value }, ({ n }) => takes(6, n));
  const child = c.build({ outputs: { n: check.out.value } });

  const w = workflow('family');
  const seed = w.fn('seed', {}, () => takes(2, 8));
  const settle = w.add('settle', child({ n: seed.out.value }));
  w.cycle('loop', {
    feedback: [settle.out.n.to(settle.in.n)],
    until: when(settle.out.n, (n) => n <= 2),
    maxIterations: 5,
  });
  const list = w.fn('list', {}, () => [5, 30, 10]);
  const wait = defineNode({
    name: 'wait',
    inputs: { ms: type<number>() },
    outputs: { waited: type<number>() },
    run: async ({ ms }) => ({ waited: await takes(ms, ms) }),
  });
  const all = w.map('all', list.out.value, (ms) => wait({ ms }));
  w.fn('done', { n: settle.out.n, all: all.out.waited }, () => takes(1, 0));
  return w.build() as never;
}

/** A map of so many items, each a subworkflow of three nodes; every 41st fails, and the map collects. */
export function charges(items: number): (takes: Takes) => Workflow<never, unknown> {
  return (takes) => {
    const random = seededRandom(3);
    const c = workflow('charge-card', { params: { number: type<number>() } });
    const load = c.fn('load-account', { number: c.params.number }, ({ number }) =>
      takes(2 + 8 * random.keyed(`l${number}`), number),
    );
    const call = c.fn('call-bank', { number: load.out.value }, async ({ number }) => {
      await takes(5 + 60 * random.keyed(`c${number}`) ** 6, 0);
      if (number % 41 === 40)
        throw Object.assign(new Error(`card ${number} was declined by the bank`), { code: 'CARD_DECLINED' });
      return number;
    });
    const book = c.fn('book', { number: call.out.value }, ({ number }) => takes(3, number));
    const child = c.build({ outputs: { number: book.out.value } });
    const w = workflow('billing');
    const list = w.fn('open-invoices', {}, () =>
      takes(
        12,
        Array.from({ length: items }, (_, number) => number),
      ),
    );
    const all = w.map('charge', list.out.value, (number) => child({ number }), {
      maxConcurrency: 12,
      onItemError: 'collect',
    });
    w.fn('report', { charged: all.out.number, failed: all.failed }, () => takes(8, 1));
    return w.build() as never;
  };
}

/** A map whose middle item fails and fails the run, inside a subworkflow. */
export function failing(takes: Takes): Workflow<never, unknown> {
  const c = workflow('inner', { params: { list: type<readonly number[]>() } });
  const step = defineNode({
    name: 'step',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: async ({ n }) => {
      await takes(n, 0);
      if (n === 20) throw Object.assign(new Error('20 is too much'), { code: 'TOO_MUCH' });
      return { n };
    },
  });
  const each = c.map('each', c.params.list, (n) => step({ n }));
  const child = c.build({ outputs: { n: each.out.n } });
  const w = workflow('outer');
  const list = w.fn('list', {}, () => [10, 20, 30]);
  const sub = w.add('sub', child({ list: list.out.value }));
  w.fn('after', { n: sub.out.n }, () => 1);
  return w.build() as never;
}

/** Two gates: one at the top, one in a subworkflow, with a time limit. What they show is a payload. */
export function approvals(takes: Takes): Workflow<never, unknown> {
  const c = workflow('legal', { params: { amount: type<number>() } });
  const draft = c.fn('draft', { amount: c.params.amount }, ({ amount }) => takes(6, `PAYLOAD ${amount}`));
  const sign = c.gate('sign', { shows: { text: draft.out.value }, timeoutMs: 86_400_000 });
  const filed = c.fn('file', { by: sign.out.approved }, () => takes(3, 'filed'));
  const child = c.build({ outputs: { filed: filed.out.value } });
  const w = workflow('contract');
  const amount = w.fn('amount', {}, () => takes(4, 1200));
  const review = w.gate('review', { shows: { amount: amount.out.value } });
  const legal = w.add('legal', child({ amount: amount.out.value }));
  const paid = w.fn('pay', { answer: review.out.approved, filed: legal.out.filed }, () => takes(5, 1));
  const refused = w.fn('refuse', { why: review.out.rejected }, () => takes(2, 2));
  w.fn('close', { n: oneOf(paid.out.value, refused.out.value) }, () => takes(1, 0));
  return w.build() as never;
}

/** A run with gates: what it was when it waited, and what became of it once `review` and then `legal/sign` were answered. */
export async function answered(): Promise<{ readonly waiting: Recorded; readonly resumed: Recorded }> {
  const clock = new VirtualClock();
  const takes: Takes = (ms, value) => new Promise((resolve) => clock.setTimer(ms, () => resolve(value)));
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent): void => void events.push(event);
  await using runtime = new AsyncLocalRuntime({ clock, ids: seededIds(), random: seededRandom(1) });
  const built = approvals(takes) as unknown as Workflow<Record<string, unknown>, unknown>;
  const run = await advanceUntil(() => runtime.settle(built, {}, { onEvent }), clock);
  if (run.status !== 'waiting') throw new Error(`the run is ${run.status}`);
  const waiting = { run, events: [...events] };
  clock.advance(3_600_000);
  runtime.approve(run.runId, 'review', 'ANSWER', 'ada');
  clock.advance(60_000);
  runtime.approve(run.runId, 'legal/sign', 'ANSWER', 'bob');
  const after = await advanceUntil(() => runtime.resume(built, run.runId, { onEvent }), clock);
  return { waiting, resumed: { run: after, events: [...events] } };
}

/** Children whose scopes and errors are markup. */
export function hostileChildren(): Workflow<never, unknown> {
  const c = workflow('inner');
  c.fn('one', {}, () => {
    throw Object.assign(new Error(MARKUP), { code: MARKUP });
  });
  const child = c.build();
  const w = workflow('hostile-children');
  const list = w.fn('list', {}, () => [1, 2]);
  w.map('each', list.out.value, () => child());
  w.add('sub', child());
  return renamed(w.build() as never, (name) => `${name} ${MARKUP}`);
}

/** A map of two items at once, each with a cycle, a retry, a branch and a node that may fail: 3 and 2 iterations. */
export function busyItems(takes: Takes): Workflow<never, unknown> {
  const c = workflow('busy', { params: { n: type<number>() } });
  const first = c.fn('first', { n: c.params.n }, ({ n }) => takes(1, n));
  const turn = c.fn('turn', { n: first.out.value }, ({ n }) => takes(4, n - 1));
  c.cycle('down', {
    feedback: [turn.out.value.to(turn.in.n)],
    until: when(turn.out.value, (n) => n <= 0),
    maxIterations: 9,
  });
  const route = c.switch('route', turn.out.value, { zero: (n) => n === 0, other: otherwise });
  c.fn('never', { n: route.out.other }, () => 1);
  let tries = 0;
  const call = c.fn(
    'call',
    { n: route.out.zero },
    async ({ n }) => {
      await takes(2, 0);
      if (tries++ % 2 === 0) throw new Error('again');
      return n;
    },
    { retry: { attempts: 2, backoff: 'fixed', delayMs: 10, jitter: 0 } },
  );
  const risky = defineNode({
    name: 'risky',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: async () => {
      await takes(3, 0);
      throw new Error('as it may');
    },
  });
  const tried = c.try('tried', risky({ n: call.out.value }));
  c.fn('sorry', { error: tried.error }, () => takes(1, 0));
  const child = c.build({ outputs: { n: call.out.value } });
  const w = workflow('busy-items');
  const list = w.fn('list', {}, () => [3, 2]);
  w.map('each', list.out.value, (n) => child({ n }));
  return w.build() as never;
}
