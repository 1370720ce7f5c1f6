import { expect } from 'chai';
import fc from 'fast-check';
import type { BreakerOptions } from '../../src/base/capability-options.js';
import type { RetryOptions } from '../../src/base/node-options.js';
import { allNodes, type FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { flows } from '../support/flows.js';
import { continueFromEverywhere, foldAndCompare, lastingResult, observed, PHASES } from '../support/fold-runs.js';
import { holds, same } from '../support/property.js';
import { type FlowRun, type FlowTrace, runFlow, stored, viewOf } from '../support/run-flow.js';

type Governed = NonNullable<FlowRun['governed']>;

interface Policy {
  readonly retry?: RetryOptions;
  readonly breaker?: BreakerOptions;
}

/** What is drawn: the policies of executors, in turn, and what holds for those that have none. */
interface Drawn {
  readonly executors: readonly Policy[];
  readonly everyone: Policy;
  readonly retryBudget: number | null;
}

const retry: fc.Arbitrary<RetryOptions> = fc.record({
  attempts: fc.integer({ min: 1, max: 4 }),
  backoff: fc.constantFrom('fixed' as const, 'linear' as const, 'exponential' as const, { strategy: 'steps' }),
  delayMs: fc.constantFrom(0, 0, 1, 5),
  maxDelayMs: fc.constantFrom(3, 60_000),
  jitter: fc.constantFrom(0, 0.5),
  dontRetryOn: fc.constantFrom<readonly string[]>([], ['SCRIPTED']),
});

const breaker: fc.Arbitrary<BreakerOptions> = fc.oneof(
  fc.record({
    failures: fc.integer({ min: 1, max: 3 }),
    openMs: fc.constantFrom(0.5, 4.5, 60_000),
    successes: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({
    rate: fc.constantFrom(0.3, 0.5, 1),
    windowSize: fc.integer({ min: 1, max: 4 }),
    openMs: fc.constantFrom(0.5, 4.5, 60_000),
    successes: fc.integer({ min: 1, max: 2 }),
  }),
);

const retries: fc.Arbitrary<Policy> = fc.record({ retry }, { requiredKeys: [] });
const policies: fc.Arbitrary<Policy> = fc.record({ retry, breaker }, { requiredKeys: [] });

function drawn(policy: fc.Arbitrary<Policy>): fc.Arbitrary<Drawn> {
  return fc.record({
    executors: fc.array(policy, { minLength: 1, maxLength: 4 }),
    everyone: policy,
    retryBudget: fc.option(fc.nat({ max: 6 })),
  });
}

/** The options of a runtime: every other executor has a policy of its own. */
function governed(spec: FlowSpec, { executors, everyone, retryBudget }: Drawn): Governed {
  const own = allNodes(spec).flatMap(({ id }, index) =>
    index % 2 === 0 ? [[`function.${id}`, executors[(index / 2) % executors.length] as Policy] as const] : [],
  );
  return {
    capabilities: everyone,
    executors: Object.fromEntries(own),
    ...(retryBudget === null ? {} : { retryBudget }),
  };
}

/** What both runtimes must agree on. */
function known(trace: FlowTrace) {
  const { retries: analytics, breakers } = trace;
  return { ...viewOf(trace), analytics, breakers };
}

/** Continues a run from some of its prefixes: it must come to the same. */
async function sameFromPrefixes(spec: FlowSpec, trace: FlowTrace, how: FlowRun, phase: number): Promise<void> {
  const events = stored(trace.events);
  for (let length = 1 + phase; length <= events.length; length += Math.ceil(events.length / 6)) {
    const continued = await runFlow(spec, { ...how, history: events.slice(0, length) });
    same(lastingResult(continued), lastingResult(trace), `continued after ${length} of ${events.length} events`);
  }
}

const seed = fc.integer({ min: 0, max: 1_000_000 });
const phase = fc.nat({ max: PHASES - 1 });
const onError = fc.constantFrom('continue' as const, 'fail-fast' as const);

describe('a random workflow with random retry policies and breakers', () => {
  it('meets open breakers, spent budgets and policies of executors in a share that shows what they do', async () => {
    const runs = 400;
    const counts = { open: 0, budget: 0, retried: 0, recovered: 0 };
    const examples = fc.record({ spec: flows({ gates: false }), how: drawn(policies) });
    for (const { spec, how } of fc.sample(examples, { numRuns: runs, seed: 1 })) {
      const { retries: analytics, breakers } = await runFlow(spec, { governed: governed(spec, how) });
      counts.open += Number(breakers.some(({ refused }) => refused > 0));
      counts.budget += Number((analytics?.givenUp.budget ?? 0) > 0);
      counts.retried += Number((analytics?.retries ?? 0) > 0);
      counts.recovered += Number((analytics?.recovered ?? 0) > 0);
    }
    for (const [name, count] of Object.entries(counts)) expect(count / runs, name).to.be.above(0.005);
  }).timeout(60_000);

  holds(
    'does the same in both runtimes, one attempt at a time: results, attempts, log, analytics and breakers',
    fc.record({ spec: flows({ gates: false }), how: drawn(policies), scheduler: seed, onError }),
    async ({ spec, how, scheduler, onError: mode }) => {
      const options = { governed: governed(spec, how), onError: mode };
      const local = await runFlow(spec, options);
      const inline = await runFlow(spec, { ...options, runtime: 'async', maxConcurrency: 1 });
      same(known(inline), known(local), 'synchronous nodes in AsyncLocalRuntime');
      const paced = await runFlow(spec, { ...options, pace: scheduler });
      const async = await runFlow(spec, { ...options, scheduler, runtime: 'async', maxConcurrency: 1 });
      same(known(async), known(paced), 'asynchronous nodes in AsyncLocalRuntime, one at a time');
    },
    0.4,
  );

  holds(
    'has a log that gives its state back, in any order of completion',
    fc.record({ spec: flows(), how: drawn(policies), scheduler: seed, onError, phase }),
    async ({ spec, how, scheduler, onError: mode, phase: from }) => {
      const options = { governed: governed(spec, how), onError: mode };
      const local = await observed(spec, options, from);
      foldAndCompare(local.trace, local.steps);
      const async = await observed(spec, { ...options, runtime: 'async', scheduler }, from);
      foldAndCompare(async.trace, async.steps);
    },
    0.3,
  );

  holds(
    'ends as if it had never been interrupted, continued from any prefix of its log',
    fc.record({ spec: flows({ gates: false }), how: drawn(retries), phase }),
    async ({ spec, how, phase: from }) => {
      const options = { governed: governed(spec, how) };
      const original = await runFlow(spec, options);
      if (original.outcome.status === 'rejected') return;
      // What a lost attempt had warned of stands before the one that is made for it.
      if (how.retryBudget === null) await continueFromEverywhere(spec, original, options, from);
      else await sameFromPrefixes(spec, original, options, from);
    },
    0.1,
  );
});

describe('a random workflow of pure nodes with caches', () => {
  const cached = (spec: FlowSpec, how: Drawn, cacheEntries: number): Governed => {
    return { ...governed(spec, { ...how, retryBudget: null }), cacheEntries };
  };

  holds(
    'comes to what it comes to without them, in both runtimes',
    fc.record({ spec: flows(), how: drawn(retries), scheduler: seed, cacheEntries: fc.constantFrom(1, 2, 1_000) }),
    async ({ spec, how, scheduler, cacheEntries }) => {
      const pure = { isPure: true, answers: 'known' as const };
      const without = await runFlow(spec, { ...pure, governed: governed(spec, { ...how, retryBudget: null }) });
      const options = { ...pure, isCached: true, governed: cached(spec, how, cacheEntries) };
      const local = await runFlow(spec, options);
      same(lastingResult(local), lastingResult(without), 'with caches');
      const async = await runFlow(spec, { ...options, scheduler, runtime: 'async' });
      same(lastingResult(async), lastingResult(without), 'with caches in AsyncLocalRuntime');
      const single = await runFlow(spec, { ...options, runtime: 'async', maxConcurrency: 1 });
      same(known(single), known(local), 'one attempt at a time');
    },
    0.4,
  );

  holds(
    'has a log that gives its state back, and goes on from any prefix of it, without what was cached',
    fc.record({ spec: flows({ gates: false }), how: drawn(retries), phase }),
    async ({ spec, how, phase: from }) => {
      const options = { isPure: true, isCached: true, governed: cached(spec, how, 1_000) };
      const { trace, steps } = await observed(spec, options, from);
      foldAndCompare(trace, steps);
      if (trace.outcome.status === 'rejected') return;
      await sameFromPrefixes(spec, trace, options, from);
    },
    0.2,
  );

  it('knows outputs already in a share that shows what it does', async () => {
    let hits = 0;
    const examples = fc.record({ spec: flows(), how: drawn(retries) });
    for (const { spec, how } of fc.sample(examples, { numRuns: 200, seed: 1 })) {
      const { events } = await runFlow(spec, { isPure: true, isCached: true, governed: cached(spec, how, 1_000) });
      hits += Number(events.some(({ kind, data }) => kind === 'attempt.completed' && data.cached === true));
    }
    expect(hits / 200).to.be.above(0.05);
  }).timeout(60_000);
});
