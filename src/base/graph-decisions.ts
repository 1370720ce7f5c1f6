import * as cycles from './cycle-transitions.js';
import type { ExecutionState, RegionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { RunCore } from './run-core.js';
import type { RunView } from './run-view.js';
import { maskError } from './secret-mask.js';
import { BLOCKED, SKIPPED } from './status.js';
import * as apply from './transitions.js';

/** A graph as far as decisions about its nodes and cycles need it. */
interface DecidingGraph extends RunView {
  readonly core: RunCore;
  readonly plan: Plan;
  readonly state: ExecutionState;
}

function elapsedIn({ enteredAt }: RegionState, now: number): number {
  return Number.isNaN(enteredAt) ? 0 : now - enteredAt;
}

/** Decides about a node with sources that may not be live. `true` when it runs. */
export function decideNode(graph: DecidingGraph, node: PlanNode, now: number): boolean {
  const { core, state, scope } = graph;
  const decision = core.decisions.decideNode(graph, node);
  if (decision.kind === 'run') return true;
  const skipped = decision.kind === 'skip';
  const data = { scope, node: node.id, visit: state.visit(node.index), reason: decision.reason };
  if (core.isRecorded) core.record(skipped ? 'node.skipped' : 'node.blocked', data, now);
  apply.setAside(state, node, skipped ? SKIPPED : BLOCKED, decision.reason, now);
  return false;
}

/** Decides about a cycle whose iteration has ended: it makes another one, or stops. */
export function decideRegion(graph: DecidingGraph, number: number, now: number): void {
  const { core, state, scope } = graph;
  const region = graph.plan.regions[number] as PlanRegion;
  const around = state.regions[number] as RegionState;
  const elapsedMs = elapsedIn(around, now);
  const decision = core.decisions.decideCycle(graph, region, now);
  const end = { elapsedMs, metric: decision.metric };
  const common = () => ({ scope, cycle: region.id, elapsedMs, metric: decision.metric ?? null });
  if (decision.kind === 'continue') {
    if (core.isRecorded) core.record('cycle.iterated', { ...common(), iteration: around.iteration }, now);
    cycles.iterate(state, region, end);
    return;
  }
  const { reason, failed, root } = decision;
  const error = decision.error === undefined ? undefined : maskError(decision.error, core.secrets);
  const stopped = { ...common(), iterations: around.iterations, reason, failed, root: root ?? null };
  if (core.isRecorded) core.record('cycle.stopped', { ...stopped, error: error ?? null }, now);
  cycles.stopRegion(state, region, end, { reason, failed, root, error });
}

/** Ends a cycle whose graph stops, inner ones first. */
export function cancelRegion(graph: DecidingGraph, region: PlanRegion, now: number): void {
  const { core, state, scope, plan } = graph;
  const around = state.regions[region.index] as RegionState;
  if (around.stopped) return;
  for (const child of region.children) cancelRegion(graph, plan.regions[child] as PlanRegion, now);
  const elapsedMs = elapsedIn(around, now);
  const how = { reason: 'cancelled' as const, failed: true };
  const common = { scope, cycle: region.id, iterations: around.iterations, elapsedMs, metric: null };
  if (core.isRecorded) core.record('cycle.stopped', { ...common, ...how, root: null, error: null }, now);
  cycles.stopRegion(state, region, { elapsedMs, metric: undefined }, { ...how, root: undefined, error: undefined });
}
