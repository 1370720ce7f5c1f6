import { expect } from 'chai';
import { KINDS, type Kind, Watched } from '../support/watched.js';
import * as workflows from '../support/watched-workflows.js';

const { approval, gates: _, ...others } = workflows;
/** Where a node of AsyncLocalRuntime is in flight when its run is cancelled: in LocalRuntime it has settled by then. */
const { cancelled, ...same } = others;

/** Runs every workflow, some of them twice, and gates until they are answered. */
async function performed(
  kind: Kind,
  makers: readonly ((watched: Watched) => workflows.Timed)[],
  onError: 'continue' | 'fail-fast',
) {
  const watched = new Watched(kind, { onError });
  const { runtime } = watched;
  for (const make of makers) {
    const { built, params, run } = make(watched);
    await watched.settle(built, params, run);
    await watched.settle(built, params, run);
  }
  const { built } = approval(watched);
  const { runId } = await watched.settle(built);
  watched.clock.advance(100);
  runtime.approve(runId, 'ok');
  await watched.resume(built, runId);
  await watched.settle(built, { nobody: 1 }, { set: { nobody: { n: 1 } } });
  runtime.recordExecutionMetrics('loss', 1);
  runtime.trackNodeExecution({ workflow: 'by-hand', node: 'one', durationMs: 3, status: 'failed' });
  const report = runtime.getPerformanceReport();
  const nodes = report.analytics.workflows.map(({ workflow }) => runtime.getExecutionAnalytics(workflow));
  return { report, nodes };
}

describe('under a virtual clock, both runtimes report the same', () => {
  for (const onError of ['continue', 'fail-fast'] as const)
    it(`of straight, branching, cyclic and failing runs, maps, subworkflows and gates: every count and every time (${onError})`, async () => {
      const makers = Object.values(same).filter((make) => typeof make === 'function');
      const [local, ...rest] = (await Promise.all(KINDS.map((kind) => performed(kind, makers, onError)))) as [
        Awaited<ReturnType<typeof performed>>,
        ...Awaited<ReturnType<typeof performed>>[],
      ];
      for (const other of rest) expect(other).to.deep.equal(local);
      const { analytics, runtime } = local.report;
      expect(analytics.runs.total).to.equal(2 * makers.length + 1);
      expect(runtime.runs).to.deep.include({ rejected: 1, resumed: 1, waited: 1, inFlight: 0 });
      expect(analytics.workflows.map(({ workflow }) => workflow)).to.include.members([
        'line',
        'turns',
        'failing',
        'families',
        'nested',
      ]);
    });

  it('of runs that are cancelled, where nodes hold the thread', async () => {
    const sync = KINDS.slice(0, 2);
    const [local, async] = await Promise.all(sync.map((kind) => performed(kind, [cancelled], 'continue')));
    expect(async).to.deep.equal(local);
    expect(local?.report.analytics.runs.cancelled).to.be.above(0);
  });
});
