import { expect } from 'chai';
import fc from 'fast-check';
import { allNodes } from '../../src/testing/arbitrary/flow.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { runFlow, viewOf } from '../support/run-flow.js';

const seed = fc.integer({ min: 0, max: 1_000_000 });

const asynchronously = fc.record({
  spec: flows(),
  scheduler: seed,
  maxConcurrency: fc.constantFrom(undefined, undefined, 1, 2, 3),
});

describe('a random workflow with gates', () => {
  holds(
    'ends as if every answer had been known when its gate opened, in whatever order they are given',
    fc.record({ spec: flows(), scheduler: seed, order: seed }),
    async ({ spec, scheduler, order }) => {
      if (!allNodes(spec).some(({ kind }) => kind === 'gate')) return;
      const known = viewOf(await runFlow(spec, { answers: 'known' }));
      same(viewOf(await runFlow(spec)), known, 'answered at every wait');
      same(viewOf(await runFlow(spec, { answers: order })), known, 'answered one at a time');
      const async = await runFlow(spec, { answers: order, runtime: 'async', scheduler });
      same(viewOf(async), known, 'answered one at a time in AsyncLocalRuntime');
    },
    0.5,
  );
});

describe('the random workflows', () => {
  it('hold children, gates, and cycles around them, in a share that shows what they do, and few are refused', async () => {
    const runs = 300;
    const counts = { refused: 0, children: 0, nested: 0, again: 0, retried: 0, gates: 0, gatesInside: 0 };
    for (const spec of fc.sample(flows(), { numRuns: runs, seed: 1 })) {
      const { outcome, events } = await runFlow(spec);
      const opened = events.flatMap((event) => (event.kind === 'children.created' ? [event.data] : []));
      const gates = events.flatMap((event) => (event.kind === 'gate.opened' ? [event.data] : []));
      counts.refused += Number(outcome.status === 'rejected');
      counts.children += Number(opened.length > 0);
      counts.nested += Number(opened.some(({ scope }) => scope !== ''));
      counts.again += Number(opened.some(({ visit }) => visit > 1));
      counts.retried += Number(opened.some(({ attempt }) => attempt > 1));
      counts.gates += Number(gates.length > 0);
      counts.gatesInside += Number(gates.some(({ scope }) => scope !== ''));
    }
    const shares = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / runs]));
    console.log(
      `      ${Object.entries(counts)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')} of ${runs}`,
    );
    expect(shares.refused).to.be.below(0.05);
    expect(shares.children).to.be.above(0.35);
    expect(shares.nested).to.be.above(0.1);
    expect(shares.again).to.be.above(0.02);
    expect(shares.retried).to.be.above(0.02);
    expect(shares.gates).to.be.above(0.2);
    expect(shares.gatesInside).to.be.above(0.03);
  }).timeout(60_000);
});

describe('a random workflow', () => {
  holds(
    'does the same in both runtimes, whatever settles first',
    asynchronously,
    async ({ spec, scheduler, maxConcurrency }) => {
      const sync = await runFlow(spec);
      const inline = await runFlow(spec, { runtime: 'async' });
      same(viewOf(inline), viewOf(sync), 'synchronous nodes in AsyncLocalRuntime');
      const limit = maxConcurrency === undefined ? {} : { maxConcurrency };
      const async = await runFlow(spec, { runtime: 'async', scheduler, ...limit });
      same(viewOf(async), viewOf(sync), 'asynchronous nodes in AsyncLocalRuntime');
    },
    0.5,
  );
});
