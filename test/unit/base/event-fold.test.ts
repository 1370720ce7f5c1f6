import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import type { RunOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { caught } from '../../support/caught.js';

/** A runtime to which a history is given, as a store will give it. */
class Continuing extends LocalRuntime {
  readonly #history: readonly RunEvent[] | undefined;

  constructor(options: LocalRuntimeOptions, history: readonly RunEvent[] | undefined) {
    super(options);
    this.#history = history;
  }

  protected override loadHistory(): readonly RunEvent[] | undefined {
    return this.#history;
  }
}

const listing = defineNode({
  name: 'listing',
  inputs: { n: type<number>() },
  outputs: { list: type<readonly number[]>() },
  run: ({ n }) => ({ list: [n, n] }),
});

/** What the nodes of a run act on; each run has its own. */
interface World {
  readonly clock: VirtualClock;
  readonly canceller: AbortController;
}

interface Given {
  readonly build: (world: World) => unknown;
  readonly params?: object;
  readonly options?: RunOptions;
  /** Others, for a run that goes on: what its history says counts. */
  readonly later?: RunOptions;
}

/** Runs a workflow, or goes on with a history of it, at the time at which that ends. */
function go({ build, params = {}, options = {}, later = {} }: Given, history?: readonly RunEvent[]) {
  const world = { clock: new VirtualClock(history?.at(-1)?.ts ?? 0), canceller: new AbortController() };
  using runtime = new Continuing({ clock: world.clock }, history);
  const log = [...(history ?? [])];
  const outcome = runtime.settle(build(world) as Workflow<object>, params, {
    ...(history === undefined ? options : later),
    runId: 'r',
    signal: world.canceller.signal,
    onEvent: (event) => log.push(event),
  });
  if (outcome.status === 'rejected') throw outcome.error;
  return { outcome, log };
}

/** Everything that must not depend on an interruption. */
function facts(outcome: Exclude<RunOutcome<unknown>, { readonly status: 'rejected' }>) {
  const nodes = [...outcome.nodes.values()].map(({ id, status, reason, error }) => [
    id,
    status,
    reason?.code ?? error?.code,
  ]);
  return {
    status: outcome.status,
    output: outcome.status === 'completed' ? outcome.output : undefined,
    said: 'error' in outcome ? outcome.error.message : undefined,
    nodes,
    warnings: outcome.warnings.map(({ code, at }) => [code, at]),
  };
}

const orderOf = (log: readonly RunEvent[]): string[] =>
  log.map(({ seq, kind, data }) => `${seq} ${kind} ${where(data)}`);
const where = (data: object): string =>
  `${'scope' in data ? data.scope : ''}${'node' in data ? data.node : 'subject' in data ? data.subject : ''}`;

/** Whether a function was running when a log ends: it would be lost. */
function cutsAnAttempt(log: readonly RunEvent[]): boolean {
  const running = new Set<string>();
  for (const { kind, data } of log) {
    if (kind === 'attempt.started') running.add(where(data));
    else if (kind.startsWith('attempt.') || kind === 'children.created' || kind === 'gate.opened')
      running.delete(where(data));
  }
  return running.size > 0;
}

/** Goes on after every event, and expects what became of the run that was not interrupted. */
function expectSameFromEverywhere(given: Given): ReturnType<typeof facts> {
  const { outcome, log } = go(given);
  const expected = facts(outcome);
  for (let cut = 1; cut <= log.length; cut++) {
    const history = log.slice(0, cut);
    if (cutsAnAttempt(history) || log[cut]?.kind === 'run.cancel_requested') continue; // it was not told that yet
    const continued = go(given, history);
    const at = `after ${cut} of ${log.length}: ${orderOf(history).at(-1)}`;
    expect(facts(continued.outcome), at).to.deep.equal(expected);
    expect(orderOf(continued.log), at).to.deep.equal(orderOf(log));
  }
  return expected;
}

const waste = (clock: VirtualClock, ms: number) => (): number => {
  clock.advance(ms);
  return ms;
};

describe('A run that goes on after any event of its log ends as it would have', () => {
  it('with nodes that are skipped, failed and blocked, and soft limits of a node and of the run that passed', () => {
    const build = ({ clock }: World) => {
      const w = workflow('failing', { params: { n: type<number>() } });
      w.fn('slow', {}, waste(clock, 20), { softTimeoutMs: 10 });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      w.fn('big', { n: route.out.big }, ({ n }) => n);
      const bad = w.fn('bad', { n: route.out.small }, (): number => {
        throw new RangeError('bad');
      });
      w.fn('after', { n: bad.out.value }, ({ n }) => n);
      w.fn('slower', {}, waste(clock, 1_000));
      w.fn('last', {}, () => 1);
      return w.build();
    };
    expect(expectSameFromEverywhere({ build, params: { n: 1 }, options: { softTimeoutMs: 500 } })).to.deep.equal({
      status: 'failed',
      output: undefined,
      said: 'Run r of "failing" failed in "bad": NODE_THREW: bad',
      nodes: [
        ['slow', 'completed', undefined],
        ['route', 'completed', undefined],
        ['big', 'skipped', 'branch_not_taken'],
        ['bad', 'failed', 'NODE_THREW'],
        ['after', 'blocked', 'upstream_failed'],
        ['slower', 'completed', undefined],
        ['last', 'completed', undefined],
      ],
      warnings: [
        ['soft-timeout', 'slow'],
        ['soft-timeout', ''],
      ],
    });
  });

  it('cancelled inside the eleventh item of a map', () => {
    const build = ({ canceller }: World) => {
      const node = defineNode({
        name: 'node',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }) => {
          if (n === 10) canceller.abort('enough');
          return { n };
        },
      });
      const w = workflow('cancelled');
      const list = w.fn('list', {}, () => Array.from({ length: 12 }, (_, index) => index));
      const all = w.map('all', list.out.value, (n) => node({ n }), { maxConcurrency: 2 });
      w.fn('after', { list: all.out.n }, () => 1);
      return w.build();
    };
    const { said, nodes } = expectSameFromEverywhere({ build });
    expect(said).to.equal(
      'Run r of "cancelled" was cancelled while "all" ran: enough. Completed: "list". See what had completed and where it stopped.',
    );
    expect(nodes).to.deep.equal([
      ['list', 'completed', undefined],
      ['all', 'cancelled', 'run_cancelled'],
      ['after', 'cancelled', 'run_cancelled'],
    ]);
  });

  it('ended by its time limit', () => {
    const build = ({ clock }: World) => {
      const w = workflow('timed');
      w.fn('slow', {}, waste(clock, 150));
      w.fn('late', {}, () => 1);
      return w.build();
    };
    const { status, said, nodes } = expectSameFromEverywhere({ build, options: { timeoutMs: 100 } });
    expect([status, said?.split(':')[1]]).to.deep.equal(['failed', ' RUN_TIMEOUT']);
    expect(nodes).to.deep.equal([
      ['slow', 'completed', undefined],
      ['late', 'cancelled', 'run_timeout'],
    ]);
  });

  it('with a gate that timed out while another node ran', () => {
    const build = ({ clock }: World) => {
      const w = workflow('gated');
      const ok = w.gate('ok', { timeoutMs: 50 });
      w.fn('busy', {}, waste(clock, 60));
      return w.build({ outputs: { late: ok.out.timedOut.at('at') } });
    };
    expect(expectSameFromEverywhere({ build })).to.deep.include({ status: 'completed', output: { late: 60 } });
  });

  it('with the parameters that it was given for single inputs', () => {
    const build = () => {
      const sum = defineNode({
        name: 'sum',
        inputs: { a: type<number>(), b: type<number>() },
        outputs: { n: type<number>() },
        run: ({ a, b }) => ({ n: 10 * a + b }),
      });
      const w = workflow('addressed');
      const first = w.fn('first', {}, () => 1);
      const end = w.node('end', sum, {}, { after: first });
      const other = w.node('other', sum, { a: 0 }, { after: first });
      return w.build({ outputs: { end: end.out.n, other: other.out.n } });
    };
    const options = { set: { end: { a: 5, b: 6 }, other: { b: 7 } } };
    const later = { set: { end: { a: 1, b: 2 }, other: { b: 3 } } };
    expect(expectSameFromEverywhere({ build, options, later })).to.deep.include({
      status: 'completed',
      output: { end: 56, other: 7 },
    });
  });
});

describe('A run that goes on after an attempt of a map in a cycle had begun', () => {
  it('opens its children anew, and takes none of an earlier visit', () => {
    const build = () => {
      const node = defineNode({
        name: 'node',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }) => ({ n: 2 * n }),
      });
      const w = workflow('turning');
      const list = w.add('list', listing({ n: 1 }));
      const all = w.map('all', list.out.list, (n) => node({ n }));
      const sum = w.fn('sum', { items: all.out.n }, ({ items }) => items.reduce((total, each) => total + each, 0));
      w.cycle('fit', { feedback: [sum.out.value.to(list.in.n)], maxIterations: 2 });
      return w.build({ outputs: { sum: sum.out.value } });
    };
    const { log } = go({ build });
    const begun = log.findLastIndex(({ kind, data }) => kind === 'attempt.started' && where(data) === 'all');
    expect(log[begun]?.data).to.deep.include({ node: 'all', visit: 2, attempt: 1 });
    const { outcome, log: whole } = go({ build }, log.slice(0, begun + 1));
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ sum: 16 });
    expect(whole.slice(begun + 1, begun + 4).map(({ kind, data }) => [kind, where(data)])).to.deep.equal([
      ['attempt.lost', 'all'],
      ['attempt.started', 'all'],
      ['children.created', 'all'],
    ]);
  });
});

describe('A history that does not fit', () => {
  const given: Given = {
    build: () => {
      const w = workflow('two');
      w.fn('a', {}, () => 1);
      w.fn('b', {}, () => 1, { after: 'a' });
      return w.build();
    },
  };
  const { log } = go(given);
  const [started, begun, ended] = log as [RunEvent, RunEvent, RunEvent];
  const refused = (...history: readonly object[]) => caught(() => go(given, history as unknown as RunEvent[]));
  const key = { scope: '', node: 'a', visit: 1, attempt: 1 };
  const UNFIT = 'Use an unchanged history.';

  it('because an event is missing: says which place it should have', () => {
    const { code, at, value, message } = refused(started, ended);
    expect({ code, at, value, message }).to.deep.equal({
      code: 'CORRUPT_HISTORY',
      at: 'attempt.completed',
      value: 2,
      message: `Event 2 (attempt.completed) cannot be applied: its position should be 1. ${UNFIT}`,
    });
  });

  for (const [what, event, cause] of [
    ['starts twice', { ...started, seq: 1 }, 'A run cannot go from running to running'],
    ['ends what had not begun', { ...ended, seq: 1 }, 'Node "a" has no running attempt.'],
    [
      'is inside a scope that nothing has opened',
      { ...begun, data: { ...key, scope: 'a/' } },
      'Nothing has opened the scope "a/".',
    ],
    ['is inside a scope that is none', { ...begun, data: { ...key, scope: 'a' } }, 'Nothing has opened the scope "a".'],
    ['holds nothing', { ...begun, data: null }, 'Cannot read properties of null'],
  ] as const)
    it(`because an event ${what}: says which, and why`, () => {
      const error = refused(started, event);
      expect(error.message).to.equal(
        `Event 1 (${event.kind}) cannot be applied: it cannot follow the ones before it. ${UNFIT}`,
      );
      expect([error.code, error.at, error.value]).to.deep.equal(['CORRUPT_HISTORY', event.kind, 1]);
      expect((error.cause as Error).message.slice(0, cause.length)).to.equal(cause);
    });

  for (const [what, event] of [
    ['node', { ...begun, data: { ...key, node: 'c' } }],
    [
      'cycle',
      { ...begun, kind: 'cycle.iterated', data: { scope: '', cycle: 'c', iteration: 0, elapsedMs: 0, metric: null } },
    ],
  ] as const)
    it(`because it names a ${what} that the workflow does not have`, () => {
      const { code, at, message } = refused(started, event);
      expect({ code, at, message }).to.deep.equal({
        code: 'PLAN_MISMATCH',
        at: 'c',
        message: `The history names ${what} "c", which the plan does not have. Continue the run with the workflow it was started with.`,
      });
    });

  it('because it is that of another workflow', () => {
    const build = () => {
      const w = workflow('one');
      w.fn('a', {}, () => 1);
      return w.build();
    };
    expect(caught(() => go({ build }, log)).message).to.equal(
      'The history of "two" was recorded with another plan than that of "one". Continue the run with the workflow it was started with.',
    );
  });
});
