import { expect } from 'chai';
import type { NodeContext } from '../../../src/base/node-context.js';
import { collect } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ExplorationError, type ExploreOptions, explore, scripted } from '../../../src/testing/index.js';
import { rejection } from '../../support/caught.js';

/** Nodes that answer at once, asynchronously, and note when others have seen it. */
function fan(names: readonly string[], after: (name: string) => void = () => undefined) {
  const w = workflow('fan');
  const outs = names.map((name) => {
    const first = w.fn(name, {}, async () => name);
    const then = w.fn(`${name}2`, { x: first.out.value }, ({ x }) => {
      after(x);
      return x;
    });
    return then.out.value;
  });
  return w.build({ outputs: { all: collect(...outs) } });
}

/** The orders that some seeds give. */
async function ordersOf(built: ReturnType<typeof fan>, options: ExploreOptions = {}): Promise<readonly string[]> {
  const orders: string[] = [];
  await explore(built, {}, (_, { order }) => void orders.push(order.join(' ')), options);
  return orders;
}

describe('explore', () => {
  it('settles asynchronous nodes in every order there is, one at a time', async () => {
    const seen: string[] = [];
    const built = fan(['a', 'b', 'c'], (name) => seen.push(name));
    const { runs, orders } = await explore(built, {}, (outcome, { order }) => {
      expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ all: ['a', 'b', 'c'] });
      // What depends on one has run before the next settles.
      expect(seen.splice(0)).to.deep.equal([...order]);
    });
    expect({ runs, orders }).to.deep.equal({ runs: 100, orders: 6 });
  });

  it('gives the same order for the same seed, always', async () => {
    const built = fan(['a', 'b', 'c', 'd', 'e']);
    const all = await ordersOf(built, { seeds: 20 });
    expect(await ordersOf(built, { seeds: 20 })).to.deep.equal(all);
    expect(await ordersOf(built, { seeds: [17, 3, 17] })).to.deep.equal([all[16], all[2], all[16]]);
    expect(all.slice(0, 3)).to.deep.equal(['e a c d b', 'd a e c b', 'c e d b a']);
  });

  it('names the first seed that fails, its order, and how to replay it', async () => {
    let first = '';
    const built = fan(['a', 'b', 'c'], (name) => {
      first ||= name;
    });
    const raced = () =>
      explore(built, {}, () => {
        const winner = first;
        first = '';
        if (winner === 'c') throw new Error('c was first');
      });
    const error = (await rejection(raced())) as ExplorationError;
    expect(error).to.be.instanceOf(ExplorationError);
    expect(error.code).to.equal('EXPLORATION_FAILED');
    expect(error.order[0]).to.equal('c');
    expect(error.message).to.match(
      /^"fan" fails with seed (\d+), which \{ seeds: \[\1\] \} replays: c was first\nAttempts settled in this order: c, /,
    );
    expect((error.cause as Error).message).to.equal('c was first');
    let replayed: readonly string[] = [];
    const again = explore(
      built,
      {},
      (_, { order }) => {
        replayed = order;
        throw new Error('again');
      },
      { seeds: [error.seed] },
    );
    expect(((await rejection(again)) as ExplorationError).seed).to.equal(error.seed);
    expect(replayed).to.deep.equal(error.order);
  });

  it('waits for a check that takes its time', async () => {
    const late = explore(fan(['a']), {}, async () => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      throw new Error('later');
    });
    const error = (await rejection(late)) as ExplorationError;
    expect([error.code, error.seed, (error.cause as Error).message]).to.deep.equal(['EXPLORATION_FAILED', 1, 'later']);
  });

  it('orders attempts in maps, subworkflows and cycles, and retries, by what they are', async () => {
    const fetch = scripted({
      name: 'fetch',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      async: true,
      script: [
        ({ inputs, visit }) =>
          visit === 1 && inputs.n === 2 ? { throws: new Error('busy') } : { gives: { n: inputs.n + 1 } },
        { gives: { n: 9 } },
      ],
    });
    const c = workflow('child', { params: { n: type<number>() } });
    const one = c.add('one', fetch({ n: c.params.n }), { retry: { attempts: 2, delayMs: 1_000 } });
    const child = c.build({ outputs: { n: one.out.n } });
    const w = workflow('deep');
    const list = w.fn('list', {}, () => [1, 2, 3]);
    const all = w.map('all', list.out.value, (item) => child({ n: item }));
    const sub = w.add('sub', child({ n: 5 }));
    const turn = w.add('turn', fetch({ n: 7 }));
    w.cycle('loop', { feedback: [turn.out.n.to(turn.in.n)], maxIterations: 2 });
    const built = w.build({ outputs: { all: all.out.n, sub: sub.out.n, turn: turn.out.n } });
    const names = new Set<string>();
    const { orders } = await explore(
      built,
      {},
      (outcome, { order }) => {
        expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ all: [2, 9, 4], sub: 6, turn: 9 });
        for (const name of order) names.add(name);
      },
      { seeds: 40 },
    );
    expect([...names].sort()).to.deep.equal([
      ...[
        'all[0]/child/one',
        'all[1]/child/one',
        'all[1]/child/one attempt 2',
        'all[2]/child/one',
        'sub/one',
        'turn',
        'turn visit 2',
      ],
    ]);
    expect(orders).to.be.above(20);
  });

  it('lets time go on only when nothing else can, unless attempts may be slow', async () => {
    const w = workflow('patient');
    const flaky = scripted({
      name: 'flaky',
      outputs: { n: type<number>() },
      async: true,
      script: [{ throws: new Error('busy') }, { gives: { n: 1 } }],
    });
    w.add('retried', flaky(), { retry: { attempts: 2, delayMs: 50 } });
    w.fn('other', {}, async () => 2);
    const built = w.build();
    const last = async (slowestMs: number): Promise<readonly (string | undefined)[]> => {
      const ends = new Set<string | undefined>();
      await explore(built, {}, (_, { order }) => void ends.add(order.at(-1)), { slowestMs });
      return [...ends].sort();
    };
    expect(await last(0)).to.deep.equal(['retried attempt 2']);
    expect(await last(200)).to.deep.equal(['other', 'retried attempt 2']);
  });

  it('fails an attempt that is slower than its limit, where attempts may be slow', async () => {
    const w = workflow('limited');
    w.fn('remote', {}, async () => 1, { timeoutMs: 100 });
    const built = w.build();
    const statuses = async (slowestMs: number): Promise<readonly string[]> => {
      const seen = new Set<string>();
      await explore(built, {}, ({ status }) => void seen.add(status), { slowestMs });
      return [...seen].sort();
    };
    expect([await statuses(0), await statuses(99), await statuses(300)]).to.deep.equal([
      ['completed'],
      ['completed'],
      ['completed', 'failed'],
    ]);
  });

  it('takes stand-ins, runtime and run options, and answers of gates', async () => {
    const w = workflow('all');
    const real = w.fn('real', {}, async (): Promise<number> => Promise.reject(new Error('not in a test')));
    const ok = w.gate('ok', { shows: { n: real.out.value } });
    const fails = w.fn('fails', { ok: ok.out.approved }, () => Promise.reject(new Error('after the gate')));
    const blocked = w.fn('blocked', { of: fails.out.value }, () => 1);
    const built = w.build({ outputs: { n: real.out.value, ok: ok.out.approved, blocked: blocked.out.value } });
    let contexts = 0;
    await explore(
      built,
      {},
      (outcome, { events, order }) => {
        expect(order, 'a stand-in takes its turn as what it stands for').to.deep.equal(['real', 'fails']);
        expect(outcome.status).to.equal('failed');
        if (outcome.status === 'rejected') throw outcome.error;
        expect(outcome.node('real').status).to.equal('completed');
        expect(outcome.results.get('ok')).to.deep.equal({ approved: 'yes' });
        expect(events.map(({ kind }) => kind)).to.include.members(['run.waiting', 'gate.approved', 'run.failed']);
        expect(events[0]?.kind === 'run.started' && events[0].data.options.onError).to.equal('fail-fast');
      },
      {
        seeds: 3,
        stubs: {
          real: (_: unknown, { context }: NodeContext) => {
            contexts += Number(context.tenant === 'a');
            return { value: 4 };
          },
        },
        answers: { ok: { approve: 'yes' } },
        runtime: { onError: 'fail-fast' },
        run: { context: { tenant: 'a' } },
      },
    );
    expect(contexts).to.equal(3);
  });

  it('puts its clock under scripted nodes', async () => {
    const slow = (name: string, afterMs: number) =>
      scripted({ name, outputs: { n: type<number>() }, async: true, script: [{ gives: { n: 1 }, afterMs }] });
    const w = workflow('timed');
    w.add('long', slow('long', 7_200_000)());
    w.add('short', slow('short', 3_600_000)());
    const times = new Set<number>();
    const { orders } = await explore(
      w.build(),
      {},
      (outcome, { order }) => {
        expect(order).to.deep.equal(['short', 'long']);
        times.add(outcome.status === 'completed' ? outcome.durationMs : 0);
      },
      { seeds: 5 },
    );
    expect([orders, ...times]).to.deep.equal([1, 7_200_000]);
  });

  it('draws jitter from the seed', async () => {
    const flaky = scripted({
      name: 'flaky',
      outputs: { n: type<number>() },
      retry: { attempts: 2, delayMs: 100, jitter: 0.5 },
      script: [{ throws: new Error('busy') }, { gives: { n: 1 } }],
    });
    const w = workflow('jitter');
    w.add('step', flaky());
    const built = w.build();
    const waits = async (): Promise<readonly number[]> => {
      const all: number[] = [];
      await explore(built, {}, (run) => void all.push(run.status === 'completed' ? run.durationMs : 0), { seeds: 3 });
      return all;
    };
    const first = await waits();
    expect(new Set(first).size).to.equal(3);
    expect(await waits()).to.deep.equal(first);
  });

  it('says of a promise that nothing settles which seed it was', async () => {
    const w = workflow('stuck');
    w.fn('waits', {}, () => new Promise<never>(() => undefined));
    const codes: unknown[] = [];
    await explore(
      w.build(),
      {},
      (outcome) => void codes.push(outcome.status === 'failed' && outcome.error.failure.code),
      {
        seeds: 2,
      },
    );
    expect(codes).to.deep.equal(['NEVER_SETTLED', 'NEVER_SETTLED']);
  });

  it('names a gate that nothing answers, which no seed changes', async () => {
    const w = workflow('asks');
    w.gate('ok', {});
    const error = await rejection(explore(w.build(), {}, () => undefined, { answers: {} }));
    expect([error.code, error.at]).to.deep.equal(['GATE_UNANSWERED', 'ok']);
  });

  it('fails an attempt whose promise cannot be followed', async () => {
    const w = workflow('broken');
    w.fn(
      'breaks',
      {},
      () =>
        ({
          then: () => {
            throw new Error('no promise');
          },
        }) as never,
    );
    const seen: unknown[] = [];
    await explore(w.build(), {}, (run) => void seen.push(run.status === 'failed' && run.error.failure.message), {
      seeds: 1,
    });
    expect(seen).to.deep.equal(['no promise']);
  });

  const built = fan(['a']);
  const refused: readonly (readonly [what: string, call: () => Promise<unknown>, message: string])[] = [
    ['something else than a workflow', () => explore({} as never, {}, () => undefined), 'explore'],
    ['a check that is none', () => explore(built, {}, undefined as never), 'a function that checks each run'],
    ['no seeds', () => explore(built, {}, () => undefined, { seeds: 0 }), 'seeds must be a whole number of at least 1'],
    [
      'an empty list of seeds',
      () => explore(built, {}, () => undefined, { seeds: [] }),
      'a number, or a list of at least one',
    ],
    [
      'a seed that is none',
      () => explore(built, {}, () => undefined, { seeds: [0.5] }),
      'a seed must be a whole number',
    ],
    ['a time that is none', () => explore(built, {}, () => undefined, { slowestMs: -1 }), 'slowestMs must be'],
    [
      'a stub of no node',
      () => explore(built, {}, () => undefined, { stubs: { aa: () => ({}) } }),
      'Did you mean "a"?',
    ],
    ['an answer of no gate', () => explore(built, {}, () => undefined, { answers: { a: 'expire' } }), 'is no gate of'],
    ['an unknown option', () => explore(built, {}, () => undefined, { seed: 1 } as never), 'Did you mean "seeds"?'],
  ];
  for (const [what, call, message] of refused) {
    it(`refuses ${what}`, async () => {
      expect((await rejection(call())).message).to.contain(message);
    });
  }
});
