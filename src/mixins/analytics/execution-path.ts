import { criticalPathThrough, predecessorsOf, type ScopedWork, visitsOf } from '../../base/critical-path.js';
import type { CycleReport, NodeReport } from '../../base/graph-result.js';
import { describeReason } from '../../base/reason.js';
import { type AttemptSpan, rememberedAttempts } from '../../base/remembered-attempts.js';
import { graphsOfResult } from '../../base/result-graphs.js';
import type { RunGraph } from '../../base/run-graph.js';
import type { RunResult } from '../../base/run-result.js';
import type {
  CriticalPath,
  CriticalVisit,
  ExecutionPath,
  PathAttempt,
  PathCycle,
  PathNode,
  PathStep,
} from './path-types.js';

/** Says how a run went, as far as its result remembers it. */
export function executionPath(run: RunResult): ExecutionPath {
  const { runId, workflow, status, startedAt, durationMs } = run;
  const graphs = graphsOfResult(run);
  const { attempts, complete } = rememberedAttempts(run, graphs);
  const course = new Course(graphs, attempts, startedAt);
  return {
    runId,
    workflow,
    status,
    startedAt,
    durationMs,
    steps: course.stepsIn('').toSorted((a, b) => a.atMs - b.atMs),
    nodes: graphs.flatMap((graph) => course.nodesOf(graph)),
    cycles: graphs.flatMap(({ scope, plan, cycle }) => plan.regions.map(({ id }) => cycleOf(scope, cycle(id)))),
    critical: criticalOf(criticalPathThrough(graphs, attempts), startedAt, durationMs),
    complete,
  };
}

/** The attempts of a run, by where they belong. */
class Course {
  readonly #startedAt: number;
  readonly #byScope: ReadonlyMap<string, readonly AttemptSpan[]>;
  /** By scope and id. */
  readonly #byNode: ReadonlyMap<string, readonly AttemptSpan[]>;
  /** The scopes of children, by the visit that opened them. */
  readonly #families: ReadonlyMap<string, readonly RunGraph[]>;

  constructor(graphs: readonly RunGraph[], attempts: readonly AttemptSpan[], startedAt: number) {
    this.#startedAt = startedAt;
    this.#byScope = grouped(attempts, ({ scope }) => scope);
    this.#byNode = grouped(attempts, ({ scope, node }) => `${scope}${node}`);
    this.#families = grouped(graphs, ({ place }) =>
      place === undefined ? '' : `${place.owner.scope}${place.owner.node} ${place.visit}`,
    );
  }

  /** Starts and ends in a graph, what goes on inside a visit between its own. */
  stepsIn(scope: string): readonly PathStep[] {
    return visitsOf(this.#byScope.get(scope) ?? []).flatMap(({ node: id, visit, startedAt, endedAt }) => {
      const node = `${scope}${id}`;
      const inside = (this.#families.get(`${node} ${visit}`) ?? []).flatMap((graph) => this.stepsIn(graph.scope));
      const started: PathStep = { atMs: startedAt - this.#startedAt, what: 'started', node, visit };
      if (this.#goesOn(node)) return [started, ...inside];
      return [started, ...inside, { atMs: endedAt - this.#startedAt, what: 'ended', node, visit }];
    });
  }

  nodesOf(graph: RunGraph): readonly PathNode[] {
    const before = predecessorsOf(graph.plan);
    return graph.plan.nodes.map(({ id }) => {
      const node = `${graph.scope}${id}`;
      const report = graph.node(id);
      const attempts = this.#byNode.get(node) ?? [];
      return {
        node,
        status: report.status,
        why: whyOf(
          report,
          (before.get(id) ?? []).map((source) => graph.node(source)),
        ),
        visits: report.visits,
        attempts: attempts.map((attempt, index) => this.#attemptOf(attempt, attempts[index - 1])),
      };
    });
  }

  /** Only the last attempt of a node can go on. */
  #goesOn(node: string): boolean {
    const status = this.#byNode.get(node)?.at(-1)?.status;
    return status === 'waiting' || status === 'running';
  }

  #attemptOf(span: AttemptSpan, before: AttemptSpan | undefined): PathAttempt {
    const { visit, attempt, status, startedAt, endedAt, error } = span;
    return {
      visit,
      attempt,
      status,
      startedAtMs: startedAt - this.#startedAt,
      durationMs: endedAt - startedAt,
      waitedMs: before?.visit === visit ? startedAt - before.endedAt : 0,
      errorCode: error?.code ?? null,
    };
  }
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

/** @param before what the node depends on */
function whyOf({ reason, startedAt }: NodeReport, before: readonly NodeReport[]): string {
  if (reason !== undefined) return describeReason(reason);
  if (startedAt === undefined) return 'it has not started';
  const settled = before.filter(({ endedAt, status }) => status !== 'pending' && (endedAt ?? startedAt) <= startedAt);
  if (settled.length === 0) return 'it depends on nothing that had to settle first';
  return `${settled.map(({ id }) => id).join(', ')} had settled`;
}

function cycleOf(
  scope: string,
  { id, iterations, totalIterations, reason, failed, elapsedMs }: CycleReport,
): PathCycle {
  return { cycle: `${scope}${id}`, iterations, totalIterations, reason: reason ?? null, failed, elapsedMs };
}

/** @param path visits of maps and subworkflows right before those inside them */
function criticalOf(path: readonly ScopedWork[], startedAt: number, durationMs: number): CriticalPath {
  const visits: CriticalVisit[] = [];
  let until = startedAt;
  let busyMs = 0;
  for (const [index, { scope, node, visit, ...span }] of path.entries()) {
    const next = path[index + 1]?.scope ?? scope;
    const around = next !== scope && next.startsWith(scope);
    const took = span.endedAt - span.startedAt;
    visits.push({
      node: `${scope}${node}`,
      visit,
      startedAtMs: span.startedAt - startedAt,
      durationMs: took,
      share: durationMs > 0 ? took / durationMs : 0,
      idleBeforeMs: Math.max(0, span.startedAt - until),
      around,
    });
    if (!around) busyMs += took;
    until = around ? Math.max(until, span.startedAt) : Math.max(until, span.endedAt);
  }
  return { visits, busyMs, idleMs: Math.max(0, durationMs - busyMs) };
}
