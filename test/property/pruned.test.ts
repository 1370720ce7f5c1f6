import { expect } from 'chai';
import fc from 'fast-check';
import { compile } from '../../src/base/compile.js';
import type { RunEvent } from '../../src/base/events.js';
import { dependentsOf } from '../../src/base/history/dirty-nodes.js';
import { prefixOf, pruneHistory } from '../../src/base/history/pruned-history.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { replayed } from '../support/replayed.js';
import { comparableLog, type FlowRun, type FlowTrace, resultOf, runFlow, stored } from '../support/run-flow.js';

const picks = fc.array(fc.nat({ max: 30 }), { maxLength: 4 });
const scheduler = fc.option(fc.nat({ max: 1000 }), { nil: undefined });

/** In one of the runtimes. */
function how(seed: number | undefined): FlowRun {
  return seed === undefined ? {} : { runtime: 'async', scheduler: seed };
}

function picked({ workflow }: FlowTrace, numbers: readonly number[]): ReadonlySet<string> {
  const plan = compile(workflow);
  const parts = [...plan.nodes, ...plan.regions];
  return dependentsOf(
    plan,
    numbers.map((number) => (parts[number % parts.length] as { readonly id: string }).id),
  );
}

/** Nodes at the top of which something was started. */
function startedIn(events: readonly RunEvent[]): ReadonlySet<string> {
  return new Set(
    events.flatMap(({ kind, data }) => (kind === 'attempt.started' && data.scope === '' ? [data.node] : [])),
  );
}

/** Folds a history, which must be one, and continues it. */
async function continued(
  spec: Parameters<typeof runFlow>[0],
  trace: FlowTrace,
  history: readonly RunEvent[],
  way: FlowRun,
) {
  expect(history.map(({ seq }) => seq)).to.deep.equal(history.map((_, index) => index));
  replayed(trace.workflow, history);
  return runFlow(spec, { ...way, history: stored(history) });
}

describe('a run whose history was pruned', () => {
  holds(
    'comes to the same when it goes on, and only what was dirty ran again',
    fc.record({ spec: flows(), scheduler, again: scheduler, numbers: picks }),
    async ({ spec, scheduler: seed, again, numbers }) => {
      const original = await runFlow(spec, how(seed));
      if (original.outcome.status === 'rejected') return;
      const dirty = picked(original, numbers);
      const history = pruneHistory(compile(original.workflow), original.events, dirty);
      const next = await continued(spec, original, history, how(again));
      same(resultOf(next.outcome), resultOf(original.outcome), 'the result');
      same(comparableLog([...history, ...next.events]), comparableLog(original.events), 'the canonical log');
      const ran = startedIn(original.events);
      same([...startedIn(next.events)].sort(), [...ran].filter((id) => dirty.has(id)).sort(), 'what ran again');
    },
  );

  holds(
    'goes on from where it was cancelled or stopped, as if it had not been',
    fc.record({ spec: flows(), scheduler, at: fc.nat({ max: 60 }), numbers: picks }),
    async ({ spec, scheduler: seed, at, numbers }) => {
      const original = await runFlow(spec, how(seed));
      const cut = await runFlow(spec, { ...how(seed), cancelAt: at });
      if (original.outcome.status === 'rejected' || cut.outcome.status === 'rejected') return;
      const history = pruneHistory(compile(cut.workflow), cut.events, picked(cut, numbers));
      expect(history.filter(({ kind }) => /cancel/.test(kind))).to.have.length(
        history.filter(({ kind, data }) => /cancel/.test(kind) && (data as { scope?: string }).scope !== '').length,
      );
      const next = await continued(spec, cut, history, {});
      same(resultOf(next.outcome), resultOf(original.outcome), 'the result');
      same(comparableLog([...history, ...next.events]), comparableLog(original.events), 'the canonical log');
    },
  );

  holds(
    'stops as it did where it failed fast',
    flows({ gates: false }),
    async (spec) => {
      const original = await runFlow(spec, { onError: 'fail-fast' });
      if (original.outcome.status === 'rejected') return;
      const history = pruneHistory(compile(original.workflow), original.events, new Set());
      const next = await continued(spec, original, history, { onError: 'fail-fast' });
      same(resultOf(next.outcome), resultOf(original.outcome), 'the result');
    },
    0.5,
  );

  holds(
    'comes to the same from any prefix that is pruned as well',
    fc.record({ spec: flows(), at: fc.nat({ max: 200 }), numbers: picks }),
    async ({ spec, at, numbers }) => {
      const original = await runFlow(spec);
      if (original.outcome.status === 'rejected') return;
      const prefix = prefixOf(original.events, 1 + (at % original.events.length));
      const history = pruneHistory(compile(original.workflow), prefix, picked(original, numbers));
      const next = await continued(spec, original, history, {});
      expect(next.outcome.status).to.equal(original.outcome.status);
    },
  );

  holds(
    'takes the outputs that it is given, whatever had become of their nodes',
    fc.record({ spec: flows(), numbers: picks, at: fc.nat({ max: 200 }), others: picks }),
    async ({ spec, numbers, at, others }) => {
      const original = await runFlow(spec);
      if (original.outcome.status === 'rejected') return;
      const plan = compile(original.workflow);
      const straight = plan.nodes.filter(({ region }) => region === -1);
      if (straight.length === 0) return;
      const replaced = new Map(
        numbers.map((number) => {
          const { id, implementation } = straight[number % straight.length] as (typeof straight)[number];
          const ports = implementation.outputs.map(({ name }) => name);
          const live = implementation.delivers === 'one' ? ports.slice(0, 1) : ports;
          return [id, Object.fromEntries(live.map((port) => [port, 'given']))] as const;
        }),
      );
      const dirty = dependentsOf(plan, picked(original, others), replaced.keys());
      const prefix = prefixOf(original.events, 1 + (at % original.events.length));
      const history = pruneHistory(plan, prefix, dirty, { replacedOutputs: replaced });
      const next = await continued(spec, original, history, {});
      if (next.outcome.status === 'rejected') throw next.outcome.error;
      for (const [id, output] of replaced) {
        expect(next.outcome.node(id).status).to.equal('completed');
        expect(next.outcome.results.get(id)).to.deep.equal(output);
        expect(startedIn(next.events).has(id)).to.equal(false);
      }
    },
  );
});
