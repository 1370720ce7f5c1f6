import type { GraphEdge, WorkflowGraph } from '../workflow-graph.js';
import type { Item, Link } from './ranks.js';

/** A stretch of an edge inside one level: a link between two of its items. */
export interface Leg {
  readonly level: string;
  /** Index into the links of the level. */
  readonly link: number;
}

/** An edge, as the legs along it, from the inside of the cycles that it leaves to the inside of those that it enters. */
export interface Route {
  readonly from: string;
  readonly to: string;
  readonly legs: readonly Leg[];
  /** Of feedback: the level at whose side it runs back, what it leads from and to there, and how many legs come before. */
  readonly back?: { readonly level: string; readonly from: number; readonly to: number; readonly before: number };
}

/** What stands directly in a cycle, or at the top. */
export interface Level {
  /** Empty at the top. */
  readonly id: string;
  readonly items: Item[];
  readonly links: Link[];
  /** Index by key of the item. */
  readonly index: Map<string, number>;
}

/** How large a node is drawn. */
export type SizeOf = (id: string) => { readonly width: number; readonly height: number };

const PORT = { width: 10, height: 0 };

/** A level of its own for the top and for each cycle, and every edge cut where it crosses the border of a cycle. */
export class Levels {
  readonly all = new Map<string, Level>();
  /** One for each edge of the graph, in its order. */
  readonly routes: Route[] = [];
  /** Level around each node and cycle. */
  readonly #home = new Map<string, string>();

  constructor(graph: WorkflowGraph, sizeOf: SizeOf) {
    for (const id of ['', ...graph.cycles.map((cycle) => cycle.id)])
      this.all.set(id, { id, items: [], links: [], index: new Map() });
    for (const { id, parent } of graph.cycles) this.#home.set(id, parent ?? '');
    for (const { id, cycle } of graph.nodes) this.#home.set(id, cycle ?? '');
    this.#placeParts(graph, sizeOf);
    this.#cut(graph.edges);
  }

  /** The level around a node or cycle. */
  homeOf(part: string): string {
    return this.#home.get(part) as string;
  }

  /** Puts nodes and boxes into their levels, boxes where their first node is; their size is known later. */
  #placeParts({ nodes }: WorkflowGraph, sizeOf: SizeOf): void {
    for (const { id } of nodes) {
      let level = this.homeOf(id);
      this.#item(level, id, 'body', sizeOf(id));
      while (level !== '') {
        const outer = this.homeOf(level);
        if (this.all.get(outer)?.index.has(level) !== true) this.#item(outer, level, 'body', { width: 0, height: 0 });
        level = outer;
      }
    }
  }

  #item(
    level: string,
    key: string,
    role: Item['role'],
    size: { readonly width: number; readonly height: number },
  ): number {
    const { items, index } = this.all.get(level) as Level;
    const known = index.get(key);
    if (known !== undefined) return known;
    index.set(key, items.length);
    return items.push({ key, role, ...size }) - 1;
  }

  #levelsAround(part: string): string[] {
    const levels: string[] = [];
    for (let level = this.#home.get(part); level !== undefined; level = this.#home.get(level)) levels.push(level);
    return levels;
  }

  #cut(edges: readonly GraphEdge[]): void {
    for (const { from, to, kind } of edges) {
      const [around, aroundTarget] = [this.#levelsAround(from), this.#levelsAround(to)];
      const common = around.find((level) => aroundTarget.includes(level)) as string;
      const left = around.slice(0, around.indexOf(common));
      const entered = aroundTarget.slice(0, aroundTarget.indexOf(common)).reverse();
      const [leaving, entering] = [`out ${from}`, `in ${from}`];
      for (const level of left) this.#item(level, leaving, 'out', PORT);
      for (const level of entered) this.#item(level, entering, 'in', PORT);
      const legs: Leg[] = left.map((level, index) =>
        this.#leg(level, index === 0 ? from : (left[index - 1] as string), leaving, leaving, undefined),
      );
      const [source, target] = [left.at(-1) ?? from, entered[0] ?? to];
      const before = legs.length;
      if (kind !== 'feedback') legs.push(this.#leg(common, source, target, leaving, entering));
      for (const [index, level] of entered.entries())
        legs.push(this.#leg(level, entering, entered[index + 1] ?? to, undefined, entering));
      const { index } = this.all.get(common) as Level;
      const ends = { level: common, from: index.get(source) as number, to: index.get(target) as number, before };
      this.routes.push(kind === 'feedback' ? { from, to, legs, back: ends } : { from, to, legs });
    }
  }

  #leg(level: string, from: string, to: string, leaving: string | undefined, entering: string | undefined): Leg {
    const { links, index } = this.all.get(level) as Level;
    const leaves = leaving !== undefined && this.all.get(from)?.index.has(leaving) === true ? leaving : undefined;
    const enters = entering !== undefined && this.all.get(to)?.index.has(entering) === true ? entering : undefined;
    const link = { from: index.get(from) as number, to: index.get(to) as number, leaves, enters };
    return { level, link: links.push(link) - 1 };
  }
}
