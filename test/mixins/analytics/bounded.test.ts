import { expect } from 'chai';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AnalyticsMixin } from '../../../src/mixins/analytics/index.js';
import { MOST } from '../../../src/mixins/analytics/ledger.js';
import { type Kept, Recent } from '../../../src/mixins/analytics/recent.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { alone } from '../../support/alone.js';
import { settledHeap } from '../../support/settled-heap.js';

class Thing implements Kept {
  used = 0;
  forgotten = false;
}

describe('Recent', () => {
  const keep = (most: number) => {
    const gone: string[] = [];
    const recent = new Recent<Thing>(most, (name) => gone.push(name));
    return {
      recent,
      gone,
      use: (...names: readonly string[]) => names.map((name) => recent.use(name, () => new Thing())),
    };
  };

  it('keeps what it is given, once each', () => {
    const { recent, gone, use } = keep(3);
    const [a, b, again] = use('a', 'b', 'a');
    expect(again).to.equal(a);
    expect([...recent.values()]).to.deep.equal([a, b]);
    expect(recent.peek('b')).to.equal(b);
    expect(recent.peek('c')).to.equal(undefined);
    expect(gone).to.deep.equal([]);
    expect(recent.forgotten).to.equal(0);
  });

  it('forgets what was used longest ago, and says so', () => {
    const { recent, gone, use } = keep(3);
    const [a, , c] = use('a', 'b', 'c', 'a') as [Thing, Thing, Thing];
    recent.touch(c);
    recent.touch(a);
    use('d');
    expect(gone).to.deep.equal(['b']);
    use('e');
    expect(gone).to.deep.equal(['b', 'c']);
    expect([a.forgotten, c.forgotten]).to.deep.equal([false, true]);
    expect(recent.forgotten).to.equal(2);
    expect(recent.peek('b')).to.equal(undefined);
  });

  it('makes room for a tenth of what it may keep', () => {
    const { recent, gone, use } = keep(20);
    use(...Array.from({ length: 20 }, (_, index) => `${index}`));
    use('new');
    expect(gone).to.deep.equal(['0', '1']);
    use('newer');
    expect(gone).to.have.length(2);
    recent.drop('nobody');
    recent.drop('5');
    expect(gone).to.deep.equal(['0', '1', '5']);
    expect(recent.forgotten).to.equal(3);
  });
});

const monitored = { performanceMonitoring: true };

describe('what analytics keep is bounded:', () => {
  it('of more workflows than there may be, the oldest are forgotten, and the totals keep what they had counted', () => {
    const runtime = new (alone(AnalyticsMixin))(monitored);
    const built = Array.from({ length: 250 }, (_, index) => {
      const w = workflow(`w${String(index).padStart(3, '0')}`);
      w.fn('a', {}, () => 1);
      w.fn('b', {}, () => 1);
      return w.build();
    });
    for (const each of built) {
      runtime.settle(each);
      runtime.settle(built[0] as (typeof built)[0]); // used all the time, and so never forgotten
    }
    const analytics = runtime.getExecutionAnalytics();
    const { workflows, forgotten, runs, attempts, planCache } = analytics;
    expect(workflows.length).to.be.within(MOST.workflows * 0.9, MOST.workflows);
    expect(workflows[0]).to.deep.include({ workflow: 'w000' });
    expect(workflows[0]?.runs.total).to.equal(251);
    expect(workflows[1]?.workflow).to.equal(`w${251 - workflows.length}`);
    expect(forgotten).to.deep.equal({
      workflows: 250 - workflows.length,
      nodes: 2 * (250 - workflows.length),
      measurements: 0,
    });
    expect(runs.completed).to.equal(500);
    expect(attempts.completed).to.equal(1_000);
    expect(analytics.attemptDurationMs.count).to.equal(1_000);
    expect(analytics.runDurationMs.count).to.equal(500);
    expect(planCache).to.deep.include({ hits: 250, misses: 250 });
    expect(runtime.getExecutionAnalytics('w001').runs.total).to.equal(0);
    expect(runtime.getExecutionAnalytics('w249').nodes).to.have.length(2);
  });

  it('of more nodes than there may be, the oldest are forgotten, and their workflow keeps what they had counted', () => {
    const runtime = new (alone(AnalyticsMixin))(monitored);
    const w = workflow('wide');
    for (let node = 0; node < MOST.nodes + 500; node++) w.fn(`n${node}`, {}, () => 1);
    const built = w.build();
    runtime.settle(built);
    const first = runtime.getExecutionAnalytics('wide');
    expect(first.nodes.length).to.be.within(MOST.nodes * 0.9, MOST.nodes);
    expect(first.forgotten.nodes).to.equal(MOST.nodes + 500 - first.nodes.length);
    expect(first.attempts.total).to.equal(MOST.nodes + 500);
    expect(first.nodes.some(({ node }) => node === `n${MOST.nodes + 499}`)).to.equal(true);
    expect(first.nodes.some(({ node }) => node === 'n0')).to.equal(false);
    runtime.settle(built);
    const { attempts, nodes } = runtime.getExecutionAnalytics('wide');
    expect(attempts.total).to.equal(2 * (MOST.nodes + 500));
    expect(nodes.length).to.be.at.most(MOST.nodes);
  });

  it('of more measurements than there may be, the oldest are forgotten', () => {
    const runtime = new (alone(AnalyticsMixin))();
    for (let index = 0; index <= MOST.measurements; index++)
      runtime.recordExecutionMetrics(`m${1_000 + index}`, 1, 'rows');
    const { measurements, forgotten } = runtime.getExecutionAnalytics();
    expect(measurements).to.have.length(MOST.measurements - 19);
    expect(measurements[0]?.name).to.equal('m1020');
    expect(forgotten.measurements).to.equal(20);
    runtime.recordExecutionMetrics('m1000', 1, 'ms'); // forgotten, and so is its unit
  });

  it('lists of the slowest hold ten nodes, by all their time and by their slow attempts', () => {
    const runtime = new (alone(AnalyticsMixin))();
    const track = (node: string, durationMs: number): void =>
      runtime.trackNodeExecution({ workflow: 'w', node, durationMs, status: 'completed' });
    for (let node = 10; node < 30; node++) for (let time = 0; time < 40 - node; time++) track(`n${node}`, node);
    for (let time = 0; time < 5; time++) track('a', 10);
    runtime.trackNodeExecution({ workflow: 'v', node: 'z', durationMs: 10, status: 'completed' });
    const { byTotal, byP95 } = runtime.getExecutionAnalytics().slowest;
    expect(byTotal.map(({ node }) => node)).to.deep.equal([
      'n20',
      'n19',
      'n21',
      'n18',
      'n22',
      'n17',
      'n23',
      'n16',
      'n24',
      'n15',
    ]);
    expect(byP95.map(({ node }) => node)).to.deep.equal([
      'n29',
      'n28',
      'n27',
      'n26',
      'n25',
      'n24',
      'n23',
      'n22',
      'n21',
      'n20',
    ]);
    expect(byTotal[0]?.durationMs.sum).to.equal(400);
  });

  it('memory after many monitored runs is that after few', async function () {
    this.timeout(30_000);
    const runtime = new LocalRuntime(monitored);
    const w = workflow('one');
    w.fn('only', {}, () => 1);
    const built = w.build();
    const heapAfter = async (runs: number): Promise<number> => {
      for (let run = 0; run < runs; run++) runtime.settle(built);
      return settledHeap();
    };
    let before = await heapAfter(10_000);
    let growth = Number.POSITIVE_INFINITY;
    // A leak grows every time; what the engine learns of the code comes and goes.
    for (let turn = 0; turn < 5 && growth > 50_000; turn++) {
      const after = await heapAfter(20_000);
      growth = after - before;
      before = after;
    }
    expect(growth).to.be.below(50_000); // less than three bytes a run
    expect(runtime.getExecutionAnalytics().runs.total).to.be.at.least(30_000);
  });
});
