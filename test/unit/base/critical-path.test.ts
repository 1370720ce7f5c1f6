import { expect } from 'chai';
import {
  type ChildWork,
  chainOf,
  criticalPath,
  criticalPathThrough,
  predecessorsOf,
  visitsOf,
  type Work,
} from '../../../src/base/critical-path.js';
import { spansOf } from '../../../src/report/attempts.js';
import { graphsOf } from '../../../src/report/graphs.js';
import { answered, charges, failing, family } from '../../support/report-children.js';
import { diamond, eventful, flaky, type Recorded, recorded, turning } from '../../support/report-runs.js';

const work = (node: string, startedAt: number, endedAt: number, visit = 1): Work => ({
  node,
  visit,
  startedAt,
  endedAt,
});

/** The path of a run as `node#visit`. */
function pathOf({ run, events }: Recorded): string[] {
  const visits = visitsOf(spansOf(run, events).attempts);
  return criticalPath(visits, predecessorsOf(run.plan)).map(({ node, visit }) => `${node}#${visit}`);
}

describe('criticalPath', () => {
  it('goes back from the work that ended last to what each waited for last', () => {
    const all = [work('a', 0, 10), work('b', 10, 30), work('c', 10, 40), work('d', 40, 45), work('e', 30, 44)];
    const before = new Map([
      ['b', ['a']],
      ['c', ['a']],
      ['d', ['b', 'c']],
      ['e', ['b']],
    ]);
    expect(criticalPath(all, before).map(({ node }) => node)).to.deep.equal(['a', 'c', 'd']);
  });

  it('never takes work that ended after the next one began, and ends where nothing was waited for', () => {
    const all = [work('a', 0, 10), work('b', 5, 20)];
    expect(criticalPath(all, new Map([['b', ['a']]])).map(({ node }) => node)).to.deep.equal(['b']);
    expect(criticalPath([], new Map())).to.deep.equal([]);
  });

  it('takes no work twice where all times are equal', () => {
    const all = [work('a', 0, 0), work('b', 0, 0)];
    const before = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]);
    expect(criticalPath(all, before).map(({ node }) => node)).to.deep.equal(['a', 'b']);
  });

  it('follows a run through branches, retries and every iteration of a cycle', async () => {
    expect(pathOf(await recorded(diamond))).to.deep.equal(['start#1', 'long#1', 'end#1']);
    expect(pathOf(await recorded(flaky))).to.deep.equal(['call#1', 'after#1']);
    const turns = ['halve#1', 'look#1', 'halve#2', 'look#2', 'halve#3', 'look#3'];
    expect(pathOf(await recorded(turning))).to.deep.equal(['seed#1', ...turns, 'done#1']);
  });

  it('knows only the last visit of a node where no events were kept', async () => {
    const { run } = await recorded(turning);
    expect(pathOf({ run, events: [] })).to.deep.equal(['seed#1', 'halve#3', 'look#3', 'done#1']);
  });

  it('goes through nested cycles in the order of time', async () => {
    const path = pathOf(await recorded(eventful));
    expect(path.slice(0, 4)).to.deep.equal(['fetch-rates#1', 'guess-price#1', 'open-books#1', 'balance#1']);
    expect(path.slice(-3)).to.deep.equal(['adjust-price#4', 'total#1', 'statistics#1']);
  });
});

/** The path of a run, children included, as `scope/node#visit`. */
function pathThrough({ run, events }: Recorded): string[] {
  const graphs = graphsOf(run, events);
  const path = criticalPathThrough(graphs, spansOf(run, events, graphs).attempts);
  return path.map(({ scope, node, visit }) => `${scope}${node}#${visit}`);
}

const child = (scope: string, startedAt: number, endedAt: number, attempt = 1): ChildWork => ({
  scope,
  attempt,
  startedAt,
  endedAt,
});
const scopes = (chain: readonly ChildWork[]): string[] => chain.map(({ scope }) => scope);

describe('chainOf', () => {
  it('takes the child that ended last, and of those that ended together the longest', () => {
    expect(scopes(chainOf([child('a', 0, 5), child('b', 0, 30), child('c', 0, 10)], 'all at once'))).to.deep.equal([
      'b',
    ]);
    expect(scopes(chainOf([child('a', 5, 9), child('b', 0, 9), child('c', 7, 9)], 'all at once'))).to.deep.equal(['b']);
    expect(chainOf([], 'some at once')).to.deep.equal([]);
  });

  it('goes back over the siblings that made room, where a map lets only some run at once', () => {
    const items = [child('a', 0, 10), child('b', 0, 4), child('c', 4, 9), child('d', 9, 30), child('e', 10, 20)];
    expect(scopes(chainOf(items, 'some at once'))).to.deep.equal(['b', 'c', 'd']);
    expect(scopes(chainOf(items, 'all at once'))).to.deep.equal(['d']);
  });

  it('goes back to the children of an earlier attempt', () => {
    const items = [child('a#1', 0, 8), child('b#1', 0, 10), child('a#2', 20, 25, 2)];
    expect(scopes(chainOf(items, 'all at once'))).to.deep.equal(['b#1', 'a#2']);
  });
});

describe('criticalPathThrough', () => {
  it('explains the time of a map by its slowest item, and goes through maps in subworkflows', async () => {
    expect(pathThrough(await recorded(family))).to.deep.equal(['list#1', 'all#1', 'all[1]/wait#1', 'done#1']);
    expect(pathThrough(await recorded(failing))).to.deep.equal(['list#1', 'sub#1', 'sub/each#1', 'sub/each[2]/step#1']);
  });

  it('goes through a gate in a subworkflow', async () => {
    const { resumed } = await answered();
    const inside = ['legal/draft#1', 'legal/sign#1', 'legal/file#1'];
    expect(pathThrough(resumed)).to.deep.equal(['amount#1', 'legal#1', ...inside, 'pay#1', 'close#1']);
  });

  it('leaves no time of a limited map unexplained', async () => {
    const recording = await recorded(charges(40));
    const graphs = graphsOf(recording.run, recording.events);
    const spans = spansOf(recording.run, recording.events, graphs).attempts;
    const path = criticalPathThrough(graphs, spans).filter(({ scope }) => /\/.*\//.test(scope));
    const charge = spans.find(({ node }) => node === 'charge');
    expect(path[0]?.startedAt).to.equal(charge?.startedAt);
    expect(path.at(-1)?.endedAt).to.equal(charge?.endedAt);
    for (const [index, { startedAt }] of path.entries())
      if (index > 0) expect(path[index - 1]?.endedAt).to.be.closeTo(startedAt, 1e-6);
  });
});
