import type { Plan, SubjectIndex } from './plan.js';
import type { RunGraph } from './run-graph.js';

/** A piece of work in time: a visit of a node. Times are in any unit, as long as it is the same one. */
export interface Work {
  readonly node: string;
  readonly visit: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The chain of work that made a run as long as it was: from the work that ended last back to whatever it waited for last, and so
 * on. Of what a piece of work depends on, the one that ended last before it started counts; ties go to the one named last.
 *
 * Source: the critical path of J. E. Kelley and M. R. Walker, "Critical-Path Planning and Scheduling" (1959), read backwards
 * from what happened instead of forwards from estimates.
 *
 * @param work every visit that ran, of every node
 * @param predecessors node to what it depends on, feedback included: a piece of work cannot have waited for a later one
 * @returns the chain, first work first; empty without work
 */
export function criticalPath<W extends Work>(
  work: readonly W[],
  predecessors: ReadonlyMap<string, readonly string[]>,
): readonly W[] {
  const visits = new Map<string, W[]>();
  for (const one of work) {
    const others = visits.get(one.node);
    if (others === undefined) visits.set(one.node, [one]);
    else others.push(one);
  }
  const used = new Set<W>();
  const path: W[] = [];
  for (let current = latest(work); current !== undefined; ) {
    used.add(current);
    path.push(current);
    const { node, startedAt } = current;
    const candidates = (predecessors.get(node) ?? []).flatMap((before) => {
      const possible = (visits.get(before) ?? []).filter((one) => one.endedAt <= startedAt && !used.has(one));
      return latest(possible) ?? [];
    });
    current = latest(candidates);
  }
  return path.reverse();
}

function latest<W extends Work>(work: readonly W[]): W | undefined {
  let found: W | undefined;
  for (const one of work) if (found === undefined || one.endedAt >= found.endedAt) found = one;
  return found;
}

/** Attempts as visits, in order of their start: from the start of the first attempt of a visit to the end of its last. */
export function visitsOf<W extends Work>(attempts: readonly W[]): readonly W[] {
  const visits = new Map<string, W>();
  for (const attempt of attempts) {
    const key = `${attempt.visit} ${attempt.node}`;
    const known = visits.get(key) ?? attempt;
    visits.set(key, {
      ...known,
      startedAt: Math.min(attempt.startedAt, known.startedAt),
      endedAt: Math.max(attempt.endedAt, known.endedAt),
    });
  }
  return [...visits.values()];
}

/** A piece of work in a graph of a run. */
export interface ScopedWork extends Work {
  /** Where its graph lives; empty at the top. */
  readonly scope: string;
}

/**
 * The critical path of a run, children included: a visit of a map or subworkflow is followed by what made it as long as it was.
 * That is the path through its child; of a map, through the item that ended last. Where a map lets only some items run at once,
 * an item that began later waited for the sibling that ended last before it, and so on back to the first.
 *
 * @param graphs each after that of its owner
 * @param attempts of all graphs
 */
export function criticalPathThrough(
  graphs: readonly RunGraph[],
  attempts: readonly ScopedWork[],
): readonly ScopedWork[] {
  return new Paths(graphs, attempts).through('');
}

/** All that one child of a map or subworkflow did. */
export interface ChildWork {
  readonly scope: string;
  /** Of its owner: the children of a later one waited for those of an earlier one. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The children that made a visit of their owner as long as it was, first one first: the child that ended last, the longest of
 * those that ended together, and back to whatever it waited for.
 */
export function chainOf(children: readonly ChildWork[], begun: 'all at once' | 'some at once'): readonly ChildWork[] {
  const byEnd = children.toSorted((a, b) => a.endedAt - b.endedAt || b.startedAt - a.startedAt);
  const chain: ChildWork[] = [];
  for (let current = byEnd.pop(); current !== undefined; ) {
    chain.push(current);
    const { attempt, startedAt } = current;
    let before = byEnd.pop();
    while (
      before !== undefined &&
      (before.endedAt > startedAt || (begun === 'all at once' && before.attempt >= attempt))
    )
      before = byEnd.pop();
    current = before;
  }
  return chain.reverse();
}

class Paths {
  readonly #graphs: ReadonlyMap<string, RunGraph>;
  readonly #attempts: ReadonlyMap<string, readonly ScopedWork[]>;
  /** Scopes by the visit that opened them. */
  readonly #families = new Map<string, string[]>();
  readonly #predecessors = new Map<RunGraph['plan'], ReadonlyMap<string, readonly string[]>>();

  constructor(graphs: readonly RunGraph[], attempts: readonly ScopedWork[]) {
    this.#graphs = new Map(graphs.map((graph) => [graph.scope, graph]));
    this.#attempts = byScope(attempts);
    for (const { scope, place } of graphs) {
      if (place === undefined) continue;
      const key = JSON.stringify([place.owner.scope, place.owner.node, place.visit]);
      const family = this.#families.get(key);
      if (family === undefined) this.#families.set(key, [scope]);
      else family.push(scope);
    }
  }

  through(scope: string): readonly ScopedWork[] {
    const graph = this.#graphs.get(scope) as RunGraph;
    const path = criticalPath(visitsOf(this.#attempts.get(scope) ?? []), this.#predecessorsOf(graph));
    return path.flatMap((work) => [work, ...this.#inside(graph, work)]);
  }

  #inside({ plan }: RunGraph, { scope, node, visit }: ScopedWork): readonly ScopedWork[] {
    const family = this.#families.get(JSON.stringify([scope, node, visit])) ?? [];
    const limit = plan.nodes[plan.nodeIndex.get(node) as number]?.data.map?.maxConcurrency ?? null;
    const children = family.flatMap((child): ChildWork[] => {
      const attempts = this.#attempts.get(child) ?? [];
      if (attempts.length === 0) return [];
      const startedAt = attempts.reduce((least, one) => Math.min(least, one.startedAt), Number.POSITIVE_INFINITY);
      const endedAt = attempts.reduce((most, one) => Math.max(most, one.endedAt), startedAt);
      const attempt = this.#graphs.get(child)?.place?.attempt ?? 1;
      return [{ scope: child, attempt, startedAt, endedAt }];
    });
    return chainOf(children, limit === null ? 'all at once' : 'some at once').flatMap(({ scope: child }) =>
      this.through(child),
    );
  }

  #predecessorsOf({ plan }: RunGraph): ReadonlyMap<string, readonly string[]> {
    let known = this.#predecessors.get(plan);
    if (known === undefined) {
      known = predecessorsOf(plan);
      this.#predecessors.set(plan, known);
    }
    return known;
  }
}

/**
 * What each node waited for, as `criticalPath` reads it. What waits for a cycle waits for every node of its body, and so does what the
 * cycle feeds, from its second iteration on: an iteration ends with the node that ends last.
 */
export function predecessorsOf({ nodes, regions }: Plan): ReadonlyMap<string, readonly string[]> {
  const idsOf = (subject: SubjectIndex): readonly string[] => {
    const { start, end } =
      subject >= 0 ? { start: subject, end: subject + 1 } : (regions[~subject] as (typeof regions)[0]);
    return nodes.slice(start, end).map(({ id }) => id);
  };
  const predecessors = new Map(nodes.map(({ id, dependencies }) => [id, new Set(dependencies.flatMap(idsOf))]));
  for (const { data, index } of regions)
    for (const { to } of data.feedback) for (const id of idsOf(~index)) predecessors.get(to.node)?.add(id);
  return new Map([...predecessors].map(([id, before]) => [id, [...before]]));
}

function byScope(attempts: readonly ScopedWork[]): ReadonlyMap<string, readonly ScopedWork[]> {
  const scopes = new Map<string, ScopedWork[]>();
  for (const attempt of attempts) {
    const known = scopes.get(attempt.scope);
    if (known === undefined) scopes.set(attempt.scope, [attempt]);
    else known.push(attempt);
  }
  return scopes;
}
