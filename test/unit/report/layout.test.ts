import { expect } from 'chai';
import type { Rect } from '../../../src/report/layout/geometry.js';
import { type Layout, layoutOf } from '../../../src/report/layout/layout.js';
import { crossingsOf, neighboursOf, orderRows } from '../../../src/report/layout/order.js';
import { graphOfPlan, type WorkflowGraph } from '../../../src/report/workflow-graph.js';
import { diamond, eventful, large, pictured, recorded } from '../../support/report-runs.js';

const size = { width: 100, height: 40 };

async function laidOut(build: Parameters<typeof recorded>[0]): Promise<{ graph: WorkflowGraph; layout: Layout }> {
  const { run } = await recorded(build);
  const graph = graphOfPlan(run.plan);
  return { graph, layout: layoutOf(graph, () => size) };
}

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function encloses(outer: Rect, inner: Rect): boolean {
  return (
    outer.x < inner.x &&
    outer.y < inner.y &&
    outer.x + outer.width > inner.x + inner.width &&
    outer.y + outer.height > inner.y + inner.height
  );
}

/** Whether a node or cycle lies in a cycle, at any depth. */
function isInside(graph: WorkflowGraph, cycle: string | undefined, outer: string): boolean {
  if (cycle === undefined || cycle === outer) return cycle === outer;
  return isInside(graph, graph.cycles.find(({ id }) => id === cycle)?.parent, outer);
}

/** Numbers of a path in pairs, as far as they are corners: enough to see which way it goes. */
function endsOf(path: string): { readonly start: number; readonly end: number } {
  const heights = [...path.matchAll(/(?:[ML][-\d.]+ |V)([-\d.]+)|C(?:[-\d.]+ ){5}([-\d.]+)/g)];
  const y = heights.map(([, straight, curved]) => Number(straight ?? curved));
  return { start: y[0] as number, end: y.at(-1) as number };
}

describe('layoutOf', () => {
  for (const [name, build] of Object.entries({ diamond, pictured, eventful, large: large(400) })) {
    it(`lets nothing overlap, puts bodies into their boxes and nothing else: ${name}`, async () => {
      const { graph, layout } = await laidOut(build);
      const nodes = graph.nodes.map(({ id, cycle }) => ({ id, cycle, rect: layout.nodes.get(id) as Rect }));
      for (const [index, { rect }] of nodes.entries()) {
        expect(rect).to.include(size);
        for (const other of nodes.slice(index + 1)) expect(overlap(rect, other.rect)).to.equal(false);
        expect(encloses({ x: 0, y: 0, width: layout.width, height: layout.height }, rect)).to.equal(true);
      }
      for (const { id } of graph.cycles) {
        const box = layout.cycles.get(id) as Rect;
        for (const { cycle, rect } of nodes) {
          if (isInside(graph, cycle, id)) expect(encloses(box, rect)).to.equal(true);
          else expect(overlap(box, rect)).to.equal(false);
        }
      }
    });

    it(`leads every edge down, from the bottom of its source to the top of its target, and feedback back up: ${name}`, async () => {
      const { graph, layout } = await laidOut(build);
      for (const [index, { from, to, kind }] of graph.edges.entries()) {
        const source = (layout.nodes.get(from) ?? layout.cycles.get(from)) as Rect;
        const target = layout.nodes.get(to) as Rect;
        const { start, end } = endsOf(layout.edges[index]?.path as string);
        expect(start).to.be.closeTo(source.y + source.height, 0.2);
        expect(end).to.be.closeTo(target.y, 0.2);
        expect(kind === 'feedback' ? end < start : end > start).to.equal(true);
      }
    });
  }

  it('stands a diamond on its point', async () => {
    const { layout } = await laidOut(diamond);
    const middle = (id: string): number => (layout.nodes.get(id)?.x ?? 0) + 50;
    expect(middle('start')).to.be.closeTo(middle('end'), 0.5);
    expect(middle('start')).to.be.closeTo((middle('short') + middle('long')) / 2, 0.5);
    expect(layout.nodes.get('short')?.y).to.equal(layout.nodes.get('long')?.y);
    expect(layout.edges[0]?.path).to.match(/^M[\d.]+ 56C/);
  });

  it('gives the same layout every time', async () => {
    const [first, second] = [await laidOut(eventful), await laidOut(eventful)];
    expect(first.layout).to.deep.equal(second.layout);
  });
});

describe('orderRows', () => {
  const items = ['a', 'b', 'c', 'd'].map((key) => ({ key, role: 'body' as const, width: 10, height: 10 }));

  it('counts crossings, and undoes them', () => {
    const rows = [
      [0, 1],
      [2, 3],
    ];
    const crossed = neighboursOf({
      items,
      rows,
      routes: [
        [0, 3],
        [1, 2],
      ],
    });
    expect(crossingsOf(rows, crossed.below, 4)).to.equal(1);
    const ordered = orderRows(rows, crossed, 4);
    expect(crossingsOf(ordered, crossed.below, 4)).to.equal(0);
  });
});
