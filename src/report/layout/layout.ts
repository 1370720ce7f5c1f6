import type { WorkflowGraph } from '../workflow-graph.js';
import { DrawnLevel, LANE } from './drawn-level.js';
import { downwardPath, type Point, type Rect, roundedPath, type Stretch } from './geometry.js';
import { type Leg, type Level, Levels, type Route, type SizeOf } from './levels.js';
import type { Item } from './ranks.js';

/** Where everything stands. Lengths are CSS pixels at scale 1. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** By node id. */
  readonly nodes: ReadonlyMap<string, Rect>;
  /** By cycle id. A box encloses its body and nothing else. */
  readonly cycles: ReadonlyMap<string, Rect>;
  /** One for each edge of the graph, in its order. */
  readonly edges: readonly EdgeLayout[];
}

/** How an edge runs. */
export interface EdgeLayout {
  /** The `d` of an SVG path. */
  readonly path: string;
  /** The middle of a caption: on the edge, where those of the same source have parted. */
  readonly caption: Point;
}

const MARGIN = 16;
/** Feedback leaves and enters a node beside the middle, where data does. */
const ASIDE = 14;
/** How far above the first thing that an edge comes to its caption stands. */
const CAPTION = 14;

/**
 * Lays out a workflow from top to bottom: layers by longest path, few crossings, cycles as boxes around their bodies, feedback at
 * the side of its box. Nodes and boxes never overlap, and edges run between them.
 */
export function layoutOf(graph: WorkflowGraph, sizeOf: SizeOf): Layout {
  const levels = new Levels(graph, sizeOf);
  const drawn = new Map<string, DrawnLevel>();
  const top = drawInside('', levels, drawn);
  const placed = new Placed();
  placed.level(top, { x: MARGIN, y: MARGIN }, drawn);
  return {
    width: top.width + 2 * MARGIN,
    height: top.height + 2 * MARGIN,
    nodes: new Map(graph.nodes.map(({ id }) => [id, placed.rects.get(id) as Rect])),
    cycles: new Map(graph.cycles.map(({ id }) => [id, placed.rects.get(id) as Rect])),
    edges: levels.routes.map((route) => placed.edge(route)),
  };
}

/** Draws a level from the inside out: the size of a box is known once its body is placed. */
function drawInside(id: string, levels: Levels, drawn: Map<string, DrawnLevel>): DrawnLevel {
  const level = levels.all.get(id) as Level;
  for (const [index, item] of level.items.entries()) {
    if (item.role !== 'body' || !levels.all.has(item.key)) continue;
    const { width, height } = drawInside(item.key, levels, drawn);
    level.items[index] = { ...item, width, height };
  }
  const lanes = levels.routes.filter(({ back }) => back?.level === id).length;
  const made = new DrawnLevel(level, lanes, drawn);
  drawn.set(id, made);
  return made;
}

/** Everything with its place on the whole picture. */
class Placed {
  readonly rects = new Map<string, Rect>();
  readonly #levels = new Map<string, { readonly level: DrawnLevel; readonly at: Point }>();
  readonly #lanes = new Map<string, number>();

  level(level: DrawnLevel, at: Point, drawn: ReadonlyMap<string, DrawnLevel>): void {
    this.#levels.set(level.id, { level, at });
    for (const [key, item] of level.index) {
      if (level.rows.items[item]?.role !== 'body') continue;
      const rect = level.rectOf(item);
      const moved = { ...rect, x: rect.x + at.x, y: rect.y + at.y };
      this.rects.set(key, moved);
      const inner = drawn.get(key);
      if (inner !== undefined) this.level(inner, moved, drawn);
    }
  }

  edge(route: Route): EdgeLayout {
    if (route.back !== undefined) return this.#backwards(route, route.back);
    const stretches = this.#stretches(route, route.legs);
    const { x, top } = stretches[1] as Stretch;
    return { path: downwardPath(stretches), caption: { x, y: top - CAPTION } };
  }

  /** The stretches along some legs. A box on the way has none: the ports inside it say where the edge passes its border. */
  #stretches({ from, to }: Route, legs: readonly Leg[]): Stretch[] {
    const stretches: Stretch[] = [];
    let entering: number | undefined;
    for (const leg of legs) {
      const { level, at } = this.#levels.get(leg.level) as { level: DrawnLevel; at: Point };
      for (const [index, item] of (level.rows.routes[leg.link] as readonly number[]).entries()) {
        const { key, role } = level.rows.items[item] as Item;
        const end = key === from ? 'below' : key === to ? 'above' : 'through';
        const own = level.stretch(item, role === 'body' ? end : 'through');
        const stretch = { x: own.x + at.x, top: own.top + at.y, bottom: own.bottom + at.y };
        if (role === 'body' && end === 'through') {
          if (index > 0) entering = stretch.top;
          else if (stretches.length > 0) stretches.push({ ...(stretches.pop() as Stretch), bottom: stretch.bottom });
          continue;
        }
        stretches.push({ ...stretch, top: entering ?? stretch.top });
        entering = undefined;
      }
    }
    return stretches;
  }

  /** Down out of the source, up along a lane at the right of the box, and from above into the target. */
  #backwards(route: Route, { level: id, from, to, before }: NonNullable<Route['back']>): EdgeLayout {
    const { level, at } = this.#levels.get(id) as { level: DrawnLevel; at: Point };
    const lane = this.#lanes.get(id) ?? 0;
    this.#lanes.set(id, lane + 1);
    const inner = this.#stretches(route, route.legs.slice(0, before));
    const outer = this.#stretches(route, route.legs.slice(before));
    const [leave, enter] = [level.stretch(from, 'below'), level.stretch(to, 'above')];
    const shift = 9 + 5 * (lane % 3);
    const side = at.x + level.right + (lane + 0.7) * LANE;
    const low = leave.bottom + at.y + shift;
    const high = enter.top + at.y - shift;
    const startX = inner.at(-1)?.x ?? leave.x + at.x + ASIDE;
    const endX = outer[0]?.x ?? enter.x + at.x + ASIDE;
    const corners = [
      { x: startX, y: inner.at(-1)?.bottom ?? leave.top + at.y },
      { x: startX, y: low },
      { x: side, y: low },
      { x: side, y: high },
      { x: endX, y: high },
      { x: endX, y: outer[0]?.top ?? enter.bottom + at.y },
    ];
    const path = [
      inner.length > 1 ? downwardPath(inner) : '',
      roundedPath(corners),
      outer.length > 1 ? downwardPath(outer) : '',
    ];
    return { path: path.join(''), caption: { x: side, y: (low + high) / 2 } };
  }
}
