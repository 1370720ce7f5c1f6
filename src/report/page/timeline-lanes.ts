import type { NodeStatus } from '../../base/status.js';
import type { PageAttempt, PageIteration } from '../page-data.js';
import type { Model, Part } from './model.js';

/** What stands in one lane: the attempts of a node or of an item, or the iterations of a cycle. */
export interface Lane {
  /** The same as long as the page is open. */
  readonly key: string;
  readonly name: string;
  /** `null` of a cycle. */
  readonly status: NodeStatus | null;
  /** What is selected with it. */
  readonly part: Part;
  /** The nodes whose attempts stand in it: one for each visit of its owner. */
  readonly nodes: readonly number[];
  readonly depth: number;
  readonly attempts: readonly PageAttempt[];
  readonly iterations: readonly PageIteration[];
  /** The lanes of its children; `null` where it has none. */
  readonly inside: (() => Lane[]) | null;
}

/** The lanes of a run as a tree, closed at first. */
export class LaneTree {
  readonly #model: Model;
  readonly #iterations = new Map<number, PageIteration[]>();
  readonly #open = new Set<string>();
  readonly #top: readonly Lane[];

  constructor(model: Model) {
    this.#model = model;
    for (const iteration of model.data.iterations)
      this.#iterations.set(iteration.cycle, [...(this.#iterations.get(iteration.cycle) ?? []), iteration]);
    this.#top = this.#graph([0], 0, '');
  }

  /** Nodes at the top that have a lane. */
  get topNodes(): number {
    return this.#top.filter(({ part }) => part >= 0).length;
  }

  isOpen({ key }: Lane): boolean {
    return this.#open.has(key);
  }

  toggle({ key }: Lane): void {
    if (!this.#open.delete(key)) this.#open.add(key);
  }

  /** Every lane to be seen, in order. */
  get shown(): Lane[] {
    const lanes: Lane[] = [];
    const add = (lane: Lane): void => {
      lanes.push(lane);
      if (lane.inside !== null && this.isOpen(lane)) for (const inner of lane.inside()) add(inner);
    };
    for (const lane of this.#top) add(lane);
    return lanes;
  }

  /** A graph that ran in several scopes, one after the other: a lane holds what a node did in all of them. */
  #graph(scopes: readonly number[], depth: number, key: string): Lane[] {
    const model = this.#model;
    const all = scopes.map((scope) => model.scope(scope));
    const last = all.at(-1);
    const plan = model.data.plans[last?.plan ?? -1];
    if (last === undefined || plan === undefined) return [];
    const lanes: Lane[] = [];
    const shown = new Set<number>();
    const around = (cycle: number | null): number[] =>
      cycle === null ? [] : [...around(plan.cycles[cycle]?.parent ?? null), cycle];
    for (const [local, { id, cycle }] of plan.nodes.entries()) {
      const nodes = all.map(({ firstNode }) => firstNode + local);
      if (nodes.every((node) => model.attemptsOf(node).length === 0)) continue;
      const cycles = around(cycle);
      for (const [level, outer] of cycles.entries()) {
        if (shown.has(outer)) continue;
        shown.add(outer);
        const iterations = all.flatMap(({ firstCycle }) => this.#iterations.get(firstCycle + outer) ?? []);
        const name = plan.cycles[outer]?.id ?? '';
        const own = { key: `${key}/${~outer}`, name, status: null, part: ~(last.firstCycle + outer), nodes: [] };
        lanes.push({ ...own, depth: depth + level, attempts: [], iterations, inside: null });
      }
      lanes.push(this.#node(id, nodes, depth + cycles.length, `${key}/${local}`));
    }
    return lanes;
  }

  #node(name: string, nodes: readonly number[], depth: number, key: string): Lane {
    const attempts = nodes.flatMap((node) => this.#model.attemptsOf(node));
    const part = nodes.findLast((node) => this.#model.attemptsOf(node).length > 0) as number;
    const { status } = this.#model.node(part);
    return {
      key,
      name,
      status,
      part,
      nodes,
      depth,
      attempts,
      iterations: [],
      inside: this.#children(nodes, depth + 1, key),
    };
  }

  /** What stands below a node: the graph of a subworkflow, or the items of a map by number. */
  #children(nodes: readonly number[], depth: number, key: string): (() => Lane[]) | null {
    const scopes = nodes.flatMap((node) => this.#model.node(node).families.flatMap((family) => family.scopes));
    const first = scopes[0];
    if (first === undefined) return null;
    if (this.#model.scope(first).child?.number === null) return () => this.#graph(scopes, depth, key);
    return () => this.#items(scopes, depth, key);
  }

  #items(scopes: readonly number[], depth: number, key: string): Lane[] {
    const items = new Map<number, number[]>();
    for (const scope of scopes) {
      const number = this.#model.scope(scope).child?.number ?? 0;
      items.set(number, [...(items.get(number) ?? []), scope]);
    }
    return [...items]
      .sort(([a], [b]) => a - b)
      .flatMap(([number, own]) => this.#item(number, own, depth, `${key}[${number}]`));
  }

  #item(number: number, scopes: readonly number[], depth: number, key: string): Lane[] {
    const nodes = scopes.flatMap((scope) => {
      const { firstNode, nodes: inside } = this.#model.scope(scope);
      return inside.map((_, local) => firstNode + local);
    });
    const attempts = nodes.flatMap((node) => this.#model.attemptsOf(node));
    if (attempts.length === 0) return [];
    const part = nodes.findLast((node) => this.#model.attemptsOf(node).length > 0) as number;
    const single = nodes.length === scopes.length;
    const inside = single ? this.#children(nodes, depth + 1, key) : () => this.#graph(scopes, depth + 1, key);
    const { status } = this.#model.scope(scopes.at(-1) as number);
    return [{ key, name: `[${number}]`, status, part, nodes, depth, attempts, iterations: [], inside }];
  }
}
