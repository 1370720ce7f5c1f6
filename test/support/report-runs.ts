import { when } from '../../src/base/condition.js';
import type { RunEvent } from '../../src/base/events.js';
import { defineNode } from '../../src/base/node.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { collect, oneOf, type Ref } from '../../src/base/ref.js';
import type { RunResult } from '../../src/base/run-result.js';
import type { RunOptions } from '../../src/base/runtime-options.js';
import { type } from '../../src/base/schema.js';
import { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { WorkflowData } from '../../src/base/workflow-data.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';

/** A run with its events. */
export interface Recorded {
  readonly run: RunResult;
  readonly events: readonly RunEvent[];
}

/** Makes a node function take time on the clock of the run. */
export type Takes = <T>(ms: number, value: T) => Promise<T>;

/** Runs a workflow on virtual time, whatever becomes of it. */
export async function recorded(
  build: (takes: Takes) => Workflow<never, unknown> | Workflow,
  options: RunOptions = {},
): Promise<Recorded> {
  const clock = new VirtualClock();
  const takes: Takes = (ms, value) => new Promise((resolve) => clock.setTimer(ms, () => resolve(value)));
  const events: RunEvent[] = [];
  await using runtime = new AsyncLocalRuntime({ clock, ids: seededIds(), random: seededRandom(1) });
  const built = build(takes) as Workflow<Record<string, unknown>, unknown>;
  const run: RunOptions = { ...options, onEvent: (event) => events.push(event) };
  const outcome = await advanceUntil(() => runtime.settle(built, {}, run), clock);
  if (outcome.status === 'rejected') throw outcome.error;
  return { run: outcome, events };
}

/** A diamond: 10 ms, then 20 ms beside 30 ms, then 5 ms. */
export function diamond(takes: Takes): Workflow<never, unknown> {
  const w = workflow('diamond');
  const start = w.fn('start', {}, () => takes(10, 1));
  const short = w.fn('short', { n: start.out.value }, () => takes(20, 2));
  const long = w.fn('long', { n: start.out.value }, () => takes(30, 3));
  const end = w.fn('end', { a: short.out.value, b: long.out.value }, () => takes(5, 4));
  return w.build({ outputs: { end: end.out.value } }) as never;
}

/** A node that fails twice and waits 100 ms each time, and then completes. */
export function flaky(takes: Takes): Workflow<never, unknown> {
  const w = workflow('flaky');
  let tries = 0;
  const call = w.fn(
    'call',
    {},
    async () => {
      await takes(10, undefined);
      if (++tries < 3) throw Object.assign(new Error(`no answer ${tries}`), { code: 'NO_ANSWER' });
      return tries;
    },
    { retry: { attempts: 3, backoff: 'fixed', delayMs: 100, jitter: 0 } },
  );
  w.fn('after', { n: call.out.value }, () => takes(5, 1));
  return w.build() as never;
}

/** A cycle of two nodes that turns three times: 4 ms and 6 ms an iteration. */
export function turning(takes: Takes): Workflow<never, unknown> {
  const w = workflow('turning');
  const seed = w.fn('seed', {}, () => takes(2, 16));
  const halve = w.fn('halve', { n: seed.out.value }, ({ n }) => takes(4, n / 2));
  const look = w.fn('look', { n: halve.out.value }, ({ n }) => takes(6, n));
  w.cycle('loop', {
    feedback: [look.out.value.to(halve.in.n)],
    until: when(look.out.value, (n) => n <= 2),
    maxIterations: 10,
  });
  w.fn('done', { n: look.out.value }, () => takes(1, 0));
  return w.build() as never;
}

/** Everything at once: branches, a node that may fail, retries, nested cycles, a failure and what it blocks. */
export function eventful(takes: Takes): Workflow<never, unknown> {
  const w = workflow('nightly-settlement');
  let answers = 0;
  const orders = w.fn('load-orders', {}, () => takes(42, 120));
  const rates = w.fn(
    'fetch-rates',
    {},
    async () => {
      await takes(30, undefined);
      if (++answers < 3)
        throw Object.assign(new Error('The rate service did not answer in time.'), { code: 'RATES_503' });
      return 1.08;
    },
    { retry: { attempts: 4, backoff: 'exponential', delayMs: 40, jitter: 0 } },
  );
  const clean = w.fn('clean', { orders: orders.out.value }, ({ orders: n }) => takes(25, n));
  const size = w.switch('size', clean.out.value, { bulk: (n) => n > 100, single: otherwise });
  const batch = w.fn('split-into-batches', { orders: size.out.bulk }, ({ orders: n }) => takes(18, n));
  const single = w.fn('settle-one-by-one', { orders: size.out.single }, ({ orders: n }) => takes(80, n));
  const check = w.fn('check-single', { n: single.out.value }, ({ n }) => takes(5, n));
  const mail = defineNode({
    name: 'send-mail',
    inputs: { orders: type<number>() },
    outputs: { id: type<string>() },
    run: async () => {
      await takes(12, undefined);
      const cause = Object.assign(new Error('550 unknown user'), { code: 'SMTP_550' });
      throw new Error('The desk has no mailbox.', { cause });
    },
  });
  const notify = w.try('notify-desk', mail({ orders: size.out.bulk }));

  // An outer cycle over prices, an inner one that balances the books for each price.
  const price = w.fn('guess-price', { rate: rates.out.value, batches: batch.out.value }, ({ rate }) =>
    takes(6, rate * 64),
  );
  const open = w.fn('open-books', { price: price.out.value }, ({ price: p }) => takes(3, p));
  const balance = w.fn('balance', { gap: open.out.value }, ({ gap }) => takes(4, gap / 4));
  w.cycle('books', {
    feedback: [balance.out.value.to(balance.in.gap)],
    until: when(balance.out.value, (gap) => gap < 0.5),
    maxIterations: 20,
  });
  const adjust = w.fn('adjust-price', { gap: balance.out.value, price: price.out.value }, ({ price: p }) =>
    takes(5, p / 3),
  );
  w.cycle('pricing', {
    feedback: [adjust.out.value.to(price.in.rate)],
    until: when(adjust.out.value, (p) => p < 0.01),
    maxIterations: 4,
  });

  const total = w.fn(
    'total',
    { a: oneOf(balance.out.value, check.out.value), all: collect(adjust.out.value, check.out.value) },
    () => takes(9, 1),
  );
  const post = w.fn('post-to-ledger', { total: total.out.value, rate: rates.out.value }, async () => {
    await takes(15, undefined);
    throw Object.assign(new Error('The ledger is closed for the day; 120 entries were not posted.'), {
      code: 'LEDGER_CLOSED',
      cause: Object.assign(new Error('lock held by closing job 4411'), { code: 'LOCK_HELD' }),
    });
  });
  const receipt = w.fn('print-receipts', { posted: post.out.value }, () => takes(5, 1));
  w.fn('archive', { receipts: receipt.out.value }, () => takes(5, 1), { after: [notify] });
  w.fn('statistics', { n: clean.out.value }, ({ n }) => takes(64, n), { after: [total] });
  w.fn('apology', { error: notify.error }, () => takes(7, 1));
  return w.build() as never;
}

/** A random acyclic workflow in which some nodes fail and some branches are not taken; the same for the same size. */
export function large(size: number): (takes: Takes) => Workflow<never, unknown> {
  return (takes) => {
    const random = seededRandom(7);
    const draw = (key: string): number => random.keyed(key);
    const w = workflow('thousand');
    const outs: Ref<number>[] = [];
    for (let index = 0; index < size; index++) {
      const reach = Math.max(0, Math.min(outs.length - 24, 90));
      const ports = reach === 0 ? 0 : 1 + Math.floor(draw(`ports ${index}`) * 2.4);
      const inputs: Record<string, Ref<number>> = {};
      for (let port = 0; port < ports; port++) {
        const back = 24 + Math.floor(draw(`from ${index} ${port}`) ** 1.6 * reach);
        inputs[`in${port}`] = outs[outs.length - back] as Ref<number>;
      }
      const fails = draw(`fails ${index}`) < 0.006;
      const ms = 1 + Math.floor(draw(`ms ${index}`) * 40);
      const node = w.fn(`step-${index}`, index % 29 === 0 ? {} : inputs, async () => {
        await takes(ms, 0);
        if (fails) throw Object.assign(new Error(`step ${index} broke`), { code: 'STEP_BROKE' });
        return index;
      });
      outs.push(node.out.value as Ref<number>);
    }
    return w.build() as never;
  };
}

/** Markup that runs a script wherever it is taken for markup. */
export const MARKUP = '</script><img src=x onerror="window.hacked=1">\u2028<!--';

/** A workflow whose names, errors and warnings are markup: no builder allows such names, but data from elsewhere may hold them. */
export function hostile(): Workflow<never, unknown> {
  const w = workflow('hostile');
  const first = w.fn('first', {}, () => 1);
  const route = w.switch('route', first.out.value, { here: (n) => n === 1, there: otherwise });
  const loud = w.fn('loud', { n: route.out.here }, () => {
    throw Object.assign(new Error(MARKUP), { code: MARKUP, cause: new Error(MARKUP) });
  });
  w.fn('never', { n: route.out.there }, () => 1);
  w.fn('stuck', { n: loud.out.value }, () => 1);
  const turn = w.fn('turn', { n: first.out.value }, ({ n }) => n);
  w.cycle('round', {
    feedback: [turn.out.value.to(turn.in.n)],
    until: when(turn.out.value, () => false),
    maxIterations: 2,
  });
  return renamed(w.build() as never, (name) => `${name} ${MARKUP}`);
}

/** The same workflow with other names for its nodes, cycles and itself. */
export function renamed(built: Workflow<never, unknown>, rename: (name: string) => string): Workflow<never, unknown> {
  const { data, bindings } = built;
  const ids = new Set([...data.nodes, ...data.cycles].map(({ id }) => id));
  const text = JSON.stringify({ ...data, name: rename(data.name) }, (key, value: unknown) =>
    ['id', 'node', 'owner'].includes(key) && ids.has(value as string) ? rename(value as string) : value,
  );
  const keys = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...map].map(([key, value]) => [ids.has(key) ? rename(key) : key, value]));
  const { implementations, retries, tests } = bindings;
  return new Workflow<never, unknown>(JSON.parse(text) as WorkflowData, {
    ...bindings,
    implementations: keys(implementations),
    retries: keys(retries),
    tests: keys(tests),
  });
}

/** One of everything that a picture tells apart. */
export function pictured(takes: Takes): Workflow<never, unknown> {
  const w = workflow('pictured');
  const read = w.fn('read', {}, () => takes(4, 3));
  const route = w.switch('route', read.out.value, { many: (n) => n > 2, few: otherwise });
  const risky = defineNode({
    name: 'ask',
    inputs: { n: type<number>() },
    outputs: { answer: type<number>() },
    run: async ({ n }) => ({ answer: await takes(2, n) }),
  });
  const tried = w.try('tried', risky({ n: route.out.many }));
  const step = w.fn('step', { n: route.out.many }, ({ n }) => takes(1, n + 1));
  const turns = w.cycle('turns', { feedback: [step.out.value.to(step.in.n)], maxIterations: 2 });
  const small = w.fn('small', { n: route.out.few }, ({ n }) => n);
  const joined = w.fn(
    'joined',
    {
      one: route.join({ many: step.out.value, few: small.out.value }),
      all: collect(step.out.value, small.out.value),
      count: turns.out.iterations,
    },
    ({ one }) => one,
  );
  w.fn('last', { n: joined.out.value }, ({ n }) => n, { after: [tried] });
  return w.build() as never;
}
