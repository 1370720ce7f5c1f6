import { subjectsOf } from '../cycle-regions.js';
import type { Plan, PlanNode, PlanRegion } from '../plan.js';
import { watchedSources } from '../workflow-data.js';
import type { WorkflowChanges } from './workflow-changes.js';

/** Which of a plan's nodes have to run again. */
class DirtyNodes {
  readonly #plan: Plan;
  readonly #kept: ReadonlySet<string>;
  readonly #dirty: Uint8Array;
  readonly #open: number[] = [];
  /** Outermost regions by what they look at from outside: feedback and conditions wait for nobody. */
  readonly #watchers = new Map<string, PlanRegion[]>();

  constructor(plan: Plan, kept: ReadonlySet<string>) {
    this.#plan = plan;
    this.#kept = kept;
    this.#dirty = new Uint8Array(plan.nodes.length);
    for (const region of plan.regions) {
      const { feedback, until } = region.data;
      const sources = [...feedback.map(({ from }) => from), ...(until === undefined ? [] : watchedSources(until))];
      for (const subject of new Set(sources.flatMap(subjectsOf))) {
        const known = this.#watchers.get(subject);
        if (known === undefined) this.#watchers.set(subject, [region]);
        else known.push(region);
      }
    }
  }

  add(id: string): void {
    const { nodeIndex, regionIndex, regions, nodes } = this.#plan;
    const node = nodeIndex.get(id);
    const region = regionIndex.get(id);
    if (node !== undefined) this.#reach(nodes[node] as PlanNode);
    else if (region !== undefined) this.#enter(regions[region] as PlanRegion);
  }

  /** What depends on a node, and not the node itself. */
  addDependents({ id, dependents }: PlanNode): void {
    for (const index of dependents) this.#reach(this.#plan.nodes[index] as PlanNode);
    for (const region of this.#watchers.get(id) ?? []) this.#enter(region);
  }

  /** A node in a cycle runs again with the whole of the outermost cycle around it. */
  #reach({ index, region }: PlanNode): void {
    if (region === -1) this.#mark(index);
    else this.#enter(this.#plan.regions[region] as PlanRegion);
  }

  #enter(region: PlanRegion): void {
    let outermost = region;
    while (outermost.parent !== -1) outermost = this.#plan.regions[outermost.parent] as PlanRegion;
    for (let index = outermost.start; index < outermost.end; index++) this.#mark(index);
  }

  #mark(index: number): void {
    if (this.#dirty[index] === 1 || this.#kept.has((this.#plan.nodes[index] as PlanNode).id)) return;
    this.#dirty[index] = 1;
    this.#open.push(index);
  }

  ids(): ReadonlySet<string> {
    const { nodes, regions } = this.#plan;
    for (let index = this.#open.pop(); index !== undefined; index = this.#open.pop()) {
      const node = nodes[index] as PlanNode;
      this.addDependents(node);
      for (const number of node.around) {
        const { id, dependents } = regions[number] as PlanRegion;
        for (const reader of dependents) this.#reach(nodes[reader] as PlanNode);
        for (const watcher of this.#watchers.get(id) ?? []) this.#enter(watcher);
      }
    }
    return new Set(nodes.filter((node) => this.#dirty[node.index] === 1).map(({ id }) => id));
  }
}

/**
 * The nodes at the top that have to run again when these do: they themselves, what takes data from them or waits for them, and so
 * on. A cycle runs again as a whole, and what reads its exits. Ids that the plan does not have count for nothing.
 *
 * @param ids nodes and cycles
 * @param replaced nodes whose outputs are given instead: they do not run again, what depends on them does
 */
export function dependentsOf(plan: Plan, ids: Iterable<string>, replaced: Iterable<string> = []): ReadonlySet<string> {
  const kept = new Set(replaced);
  const dirty = new DirtyNodes(plan, kept);
  for (const id of ids) dirty.add(id);
  for (const id of kept) {
    const index = plan.nodeIndex.get(id);
    if (index !== undefined) dirty.addDependents(plan.nodes[index] as PlanNode);
  }
  return dirty.ids();
}

/**
 * The nodes that have to run again where a run that was recorded with one plan goes on with another: what changed, what was
 * added, what stood in a cycle that changed or is gone, and what depends on any of them.
 *
 * @param recorded as compiled from the workflow that the run was recorded with, or from its description
 * @param current as compiled from the workflow with which it goes on
 */
export function nodesToRunAgain(changes: WorkflowChanges, recorded: Plan, current: Plan): ReadonlySet<string> {
  const former = changes.cycles.flatMap(({ id }) => {
    const region = recorded.regions[recorded.regionIndex.get(id) ?? -1];
    return region === undefined ? [] : recorded.nodes.slice(region.start, region.end).map((node) => node.id);
  });
  return dependentsOf(current, [...[...changes.nodes, ...changes.cycles].map(({ id }) => id), ...former]);
}
