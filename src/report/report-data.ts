import { criticalPathThrough, type ScopedWork } from '../base/critical-path.js';
import type { Plan } from '../base/plan.js';
import type { RunGraph } from '../base/run-graph.js';
import type { RunResult } from '../base/run-result.js';
import { ownEvents, type RunSpans, spansOf } from './attempts.js';
import type { RecordedEvents } from './chrome-trace.js';
import { graphsOf } from './graphs.js';
import { metaOf } from './page/meta.js';
import type { ChildData, PageAttempt, PageData, PageGate, PlanData, ScopeData } from './page-data.js';
import { planData } from './plan-data.js';
import { primaryFailure } from './primary-failure.js';
import { scopeData } from './scope-data.js';
import { graphOfPlan, type WorkflowGraph } from './workflow-graph.js';

/** What the page of a report says of a run. */
export function reportData(run: RunResult, title: string, options: RecordedEvents): PageData {
  const events = ownEvents(run, options.events);
  const graphs = graphsOf(run, events);
  const spans = spansOf(run, events, graphs);
  const path = criticalPathThrough(graphs, spans.attempts);
  const numbered = new Numbered(run, graphs, spans, path);
  return {
    title,
    workflow: run.workflow,
    runId: run.runId,
    status: run.status,
    startedAt: run.startedAt,
    durationMs: run.durationMs,
    complete: spans.complete,
    primary: primaryFailure(run, graphs),
    ...numbered.plansAndScopes(),
    attempts: numbered.attempts(),
    iterations: spans.iterations.map(({ scope, cycle, iteration, startedAt, endedAt }) => ({
      cycle: numbered.cycle(scope, cycle),
      iteration: iteration + 1,
      start: startedAt - run.startedAt,
      end: endedAt - run.startedAt,
    })),
    gates: numbered.gates(),
    waits: spans.waits.map(({ from, to }) => ({
      from: from - run.startedAt,
      to: to === undefined ? null : to - run.startedAt,
    })),
    wakeAt: run.wakeAt === undefined ? null : run.wakeAt - run.startedAt,
    warnings: run.warnings,
    critical: [...new Set(path.map(({ scope, node }) => numbered.node(scope, node)))],
  };
}

/** Numbers nodes and cycles through all scopes, and says everything by number. */
class Numbered {
  readonly #run: RunResult;
  readonly #graphs: readonly RunGraph[];
  readonly #spans: RunSpans;
  readonly #path: readonly ScopedWork[];
  readonly #bases = new Map<string, { readonly plan: Plan; readonly nodes: number; readonly cycles: number }>();
  readonly #drawn = new Map<Plan, WorkflowGraph>();

  constructor(run: RunResult, graphs: readonly RunGraph[], spans: RunSpans, path: readonly ScopedWork[]) {
    this.#run = run;
    this.#graphs = graphs;
    this.#spans = spans;
    this.#path = path;
    let [nodes, cycles] = [0, 0];
    for (const { scope, plan } of graphs) {
      this.#bases.set(scope, { plan, nodes, cycles });
      if (!this.#drawn.has(plan)) this.#drawn.set(plan, graphOfPlan(plan));
      nodes += plan.nodes.length;
      cycles += plan.regions.length;
    }
  }

  node(scope: string, id: string): number {
    const { plan, nodes } = this.#bases.get(scope) as { plan: Plan; nodes: number };
    return nodes + (plan.nodeIndex.get(id) as number);
  }

  cycle(scope: string, id: string): number {
    const { plan, cycles } = this.#bases.get(scope) as { plan: Plan; cycles: number };
    return cycles + (plan.regionIndex.get(id) as number);
  }

  plansAndScopes(): { readonly plans: readonly PlanData[]; readonly scopes: readonly ScopeData[] } {
    const plans = [...this.#drawn.keys()];
    const metas = this.#longestMetas();
    const steps = this.#steps();
    return {
      plans: plans.map((plan) => planData(plan, (id) => metas.get(plan)?.get(id) ?? 0)),
      scopes: this.#graphs.map((graph) =>
        scopeData(graph, this.#drawn.get(graph.plan) as WorkflowGraph, {
          plan: plans.indexOf(graph.plan),
          child: this.#childOf(graph),
          runStartedAt: this.#run.startedAt,
          steps: steps.get(graph.scope) ?? NO_STEPS,
        }),
      ),
    };
  }

  #childOf({ place }: RunGraph): ChildData | null {
    if (place === undefined) return null;
    const { owner, visit, attempt, number } = place;
    return { owner: this.node(owner.scope, owner.node), visit, attempt, number: number ?? null };
  }

  /** How long the second line of each node gets, in whatever scope. */
  #longestMetas(): ReadonlyMap<Plan, ReadonlyMap<string, number>> {
    const items = new Map<number, number>();
    const failed = new Map<number, number>();
    for (const { place, status } of this.#graphs) {
      if (place?.number === undefined) continue;
      const owner = this.node(place.owner.scope, place.owner.node);
      items.set(owner, Math.max(items.get(owner) ?? 0, place.number + 1));
      if (status === 'failed') failed.set(owner, (failed.get(owner) ?? 0) + 1);
    }
    const longest = new Map<Plan, Map<string, number>>();
    for (const graph of this.#graphs) {
      const known = longest.get(graph.plan) ?? new Map<string, number>();
      longest.set(graph.plan, known);
      for (const { id, shape } of this.#drawn.get(graph.plan)?.nodes ?? []) {
        const { status, visits, attempts, durationMs, startedAt } = graph.node(id);
        const index = this.node(graph.scope, id);
        const facts = { shape, status, visits, attempts, durationMs, started: startedAt !== undefined };
        // The longest way a gate can go: one drawing serves all scopes.
        const outcome = shape === 'gate' ? 'timedOut' : undefined;
        const counts = { items: items.get(index) ?? 0, failedItems: failed.get(index) ?? 0 };
        const meta = metaOf({ ...facts, ...counts, outcome });
        known.set(id, Math.max(known.get(id) ?? 0, meta.length));
      }
    }
    return longest;
  }

  #steps(): ReadonlyMap<string, ReadonlySet<string>> {
    const last = new Map<string, string>();
    const steps = new Map<string, Set<string>>();
    for (const { scope, node } of this.#path) {
      const before = last.get(scope);
      const known = steps.get(scope) ?? new Set<string>();
      if (before !== undefined) known.add(`${before} ${node}`);
      steps.set(scope, known);
      last.set(scope, node);
    }
    return steps;
  }

  attempts(): PageAttempt[] {
    const critical = new Set(this.#path.map(({ scope, node, visit }) => JSON.stringify([scope, node, visit])));
    return this.#spans.attempts.map((span) => ({
      node: this.node(span.scope, span.node),
      visit: span.visit,
      attempt: span.attempt,
      status: span.status,
      start: span.startedAt - this.#run.startedAt,
      end: span.endedAt - this.#run.startedAt,
      retryAt: this.#since(span.retryAt),
      error: span.error ?? null,
      critical: critical.has(JSON.stringify([span.scope, span.node, span.visit])),
    }));
  }

  gates(): PageGate[] {
    return this.#spans.gates.map(({ scope, node, visit, outcome, openedAt, closedAt, expiresAt, by }) => ({
      node: this.node(scope, node),
      visit,
      outcome,
      openedAt: openedAt - this.#run.startedAt,
      closedAt: this.#since(closedAt),
      expiresAt: this.#since(expiresAt),
      by: by ?? null,
    }));
  }

  #since(time: number | undefined): number | null {
    return time === undefined ? null : time - this.#run.startedAt;
  }
}

const NO_STEPS: ReadonlySet<string> = new Set();
