import { expect } from 'chai';
import { graphsOf } from '../../../src/report/graphs.js';
import { RecordedGraph, scopesOf } from '../../../src/report/recorded-graph.js';
import { answered, busyItems, charges, failing, family, hostileChildren } from '../../support/report-children.js';
import { type Recorded, recorded } from '../../support/report-runs.js';

/** What events alone tell of every child that the result remembers too. */
function compare({ run, events }: Recorded): number {
  const scopes = scopesOf(events);
  const children = graphsOf(run, []).flatMap((graph) =>
    graph.place === undefined ? [] : [{ graph, place: graph.place }],
  );
  for (const { graph, place } of children) {
    const told = new RecordedGraph(graph.scope, graph.plan, place, scopes.get(graph.scope)?.events ?? []);
    expect([told.status, told.error]).to.deep.equal([graph.status, graph.error]);
    for (const { id } of graph.plan.nodes) {
      expect(told.node(id)).to.deep.equal(graph.node(id));
      expect(told.delivered(id)).to.deep.equal(graph.delivered(id));
    }
    for (const { id } of graph.plan.regions) expect(told.cycle(id)).to.deep.equal(graph.cycle(id));
  }
  return children.length;
}

describe('RecordedGraph', () => {
  it('tells of a child from its events what a result tells of it', async () => {
    expect(compare(await recorded(busyItems))).to.equal(4);
    expect(compare(await recorded(family))).to.equal(4);
    expect(compare(await recorded(failing))).to.equal(4);
    expect(compare(await recorded(charges(50)))).to.equal(100);
    expect(compare(await recorded(hostileChildren))).to.equal(5);
  });

  it('tells that a child waits', async () => {
    const { waiting } = await answered();
    const [, legal] = graphsOf(waiting.run, waiting.events);
    const events = scopesOf(waiting.events).get('legal/')?.events ?? [];
    const told = new RecordedGraph('legal/', legal?.plan as never, legal?.place as never, events);
    expect(told.status).to.equal('running');
    expect(told.node('sign').status).to.equal('waiting');
    expect(told.delivered('sign')).to.deep.equal([]);
  });
});

describe('graphsOf', () => {
  it('finds the children of every visit with events, and those of the last one without', async () => {
    const { run, events } = await recorded(family);
    const items = ['all[0]/', 'all[1]/', 'all[2]/'];
    const scopes = (all: Recorded['events']): string[] => graphsOf(run, all).map(({ scope }) => scope);
    expect(scopes(events)).to.deep.equal(['', 'settle/', 'settle#2/', ...items]);
    expect(scopes([])).to.deep.equal(['', 'settle#2/', ...items]);
    const [, first, second, item] = graphsOf(run, events);
    expect(first?.place).to.deep.equal({
      owner: { scope: '', node: 'settle' },
      visit: 1,
      attempt: 1,
      number: undefined,
    });
    expect(second?.place).to.deep.include({ visit: 2, attempt: 1 });
    expect(item?.place).to.deep.include({ owner: { scope: '', node: 'all' }, number: 0 });
  });
});
