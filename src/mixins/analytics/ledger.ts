import type { Attempt } from '../../base/attempt.js';
import { works } from '../../base/facts.js';
import type { Plan, PlanNode } from '../../base/plan.js';
import { rememberedAttempts } from '../../base/remembered-attempts.js';
import { graphsOfResult } from '../../base/result-graphs.js';
import type { RunResult } from '../../base/run-result.js';
import type { RunView, Settlement } from '../../base/run-view.js';
import { CANCELLED, NODE_STATUSES } from '../../base/status.js';
import type { ExecutionAnalytics, NodeExecution, NodeStatistics, WorkflowStatistics } from './analytics-types.js';
import { Distribution } from './distribution.js';
import { type Kept, Recent } from './recent.js';
import { type AttemptEnd, AttemptTally, RunTally } from './tallies.js';

/** How much is kept apart. What is beyond is forgotten: see `ForgottenCounts`. */
export const MOST = { workflows: 100, nodes: 2_000, measurements: 200 } as const;

/** How many nodes a list of the slowest holds. */
const SLOWEST = 10;

/** A workflow, by its name. */
class WorkflowEntry implements Kept {
  used = 0;
  forgotten = false;
  readonly runs = new RunTally();
  /** By their keys. */
  readonly nodes = new Map<string, NodeEntry>();
  /** Attempts of nodes that were forgotten. */
  readonly rest = new AttemptTally();

  constructor(readonly name: string) {}

  statistics(): WorkflowStatistics {
    return { workflow: this.name, runs: this.runs.counts(), durationMs: this.runs.durationMs.statistics() };
  }
}

/** A node of a workflow, by the ids of those that it lives in and its own. */
class NodeEntry implements Kept {
  used = 0;
  forgotten = false;
  readonly tally = new AttemptTally();

  constructor(
    readonly home: WorkflowEntry,
    readonly node: string,
  ) {}

  statistics(): NodeStatistics {
    const { ends, durationMs, wastedMs } = this.tally;
    const { visits } = ends;
    const counted = { attempts: ends.counts(), visits, durationMs: durationMs.statistics(), wastedMs };
    return { workflow: this.home.name, node: this.node, ...counted };
  }
}

/** A measurement of the user's own. */
class MeasurementEntry implements Kept {
  used = 0;
  forgotten = false;
  readonly values = new Distribution();

  constructor(
    readonly name: string,
    readonly unit: string,
  ) {}
}

/** The ids of the maps and subworkflows that a scope lies in: `all[3]/sub#2.1/` is `all/sub/`. */
function ownersIn(scope: string): string {
  return scope.replaceAll(/(?:#[\d.]+)?(?:\[\d+\])?\//g, '/');
}

function byName<T>(nameOf: (entry: T) => string): (a: T, b: T) => number {
  return (a, b) => (nameOf(a) < nameOf(b) ? -1 : 1);
}

/** All that is counted and measured from one time on, in bounded memory. */
export class Ledger {
  /** Epoch milliseconds. */
  readonly since: number;
  readonly #measured: (node: PlanNode) => boolean;
  /** What was forgotten of whole workflows. */
  readonly #rest = { runs: new RunTally(), attempts: new AttemptTally() };
  readonly #workflows = new Recent<WorkflowEntry>(MOST.workflows, (_, entry) => this.#forgetWorkflow(entry));
  readonly #nodes = new Recent<NodeEntry>(MOST.nodes, (key, entry) => {
    entry.home.nodes.delete(key);
    entry.home.rest.merge(entry.tally);
  });
  readonly #measurements = new Recent<MeasurementEntry>(MOST.measurements, () => undefined);
  /** Where the nodes of a graph at the top are counted, by plan index: looked up for every attempt. */
  readonly #atTop = new WeakMap<Plan, (NodeEntry | undefined)[]>();
  /** Of these, what was looked up last. */
  #last: { readonly plan: Plan; readonly entries: (NodeEntry | undefined)[] } | undefined;

  /** @param measured whether a node counts */
  constructor(since: number, measured: (node: PlanNode) => boolean) {
    this.since = since;
    this.#measured = measured;
  }

  /** An attempt of a monitored run settled. `false`: its node does not count. */
  settle(run: RunView, attempt: Attempt, settlement: Settlement): boolean {
    const { node } = attempt;
    if (node.child !== undefined) this.#leaveChildren(run, attempt);
    const entry = run.scope === '' ? this.#nodeAtTop(run.plan, node) : this.#nodeInside(run, node);
    entry?.tally.settle(attempt, settlement);
    return entry !== undefined;
  }

  /** Lets go of what was remembered for the sake of speed: nothing of a run is held once it is over. */
  letGo(): void {
    this.#last = undefined;
  }

  /** A monitored run began, or somebody asked for a plan. */
  lookUp(workflow: string, known: boolean): void {
    this.#workflowOf(workflow).runs.lookUp(known);
  }

  /** A monitored run ended. */
  end({ state, plan }: RunView): void {
    const { runs } = this.#workflowOf(plan.workflow.name);
    runs.end(state.runStatus as 'completed', state.runEndedAt - state.runStartedAt);
    runs.leaveGraph(state, this.#measured);
  }

  /** A run that was not monitored here, as far as its result remembers it. */
  record(result: RunResult): void {
    const { runs, name } = this.#workflowOf(result.workflow);
    runs.end(result.status as 'completed', result.durationMs);
    const graphs = graphsOfResult(result);
    for (const { plan, node, cycle } of graphs) {
      for (const each of plan.nodes) if (this.#measured(each)) runs.leave(NODE_STATUSES.indexOf(node(each.id).status));
      for (const { id } of plan.regions) runs.iterations += cycle(id).totalIterations;
    }
    const plans = new Map(graphs.map(({ scope, plan }) => [scope, plan]));
    for (const { scope, node: id, attempt, status, startedAt, endedAt } of rememberedAttempts(result, graphs)
      .attempts) {
      const plan = plans.get(scope);
      const node = plan?.nodes[plan.nodeIndex.get(id) as number] as PlanNode;
      if (!this.#measured(node)) continue;
      const { tally } = this.#nodeOf(name, scope, id);
      tally.ends.end(status as AttemptEnd, attempt);
      tally.take(status as AttemptEnd, endedAt - startedAt, works(node));
    }
  }

  /** Work outside of any run. */
  track({ workflow, node, durationMs, status }: NodeExecution): void {
    const { tally } = this.#nodeOf(workflow, '', node);
    tally.ends.end(status, 1);
    tally.take(status, durationMs, true);
  }

  /** The unit of a measurement of the user's own; `undefined` where there is none of that name. */
  unitOf(name: string): string | undefined {
    return this.#measurements.peek(name)?.unit;
  }

  /** A measurement of the user's own. */
  measure(name: string, value: number, unit: string): void {
    this.#measurements.use(name, () => new MeasurementEntry(name, unit)).values.add(value);
  }

  /** All of it, or what concerns one workflow. */
  analytics(workflow: string | null): ExecutionAnalytics {
    const one = workflow === null ? undefined : this.#workflows.peek(workflow);
    const entries = workflow === null ? [...this.#workflows.values()] : one === undefined ? [] : [one];
    const nodes = entries.flatMap((entry) => [...entry.nodes.values()]);
    const [runs, attempts] = [new RunTally(), new AttemptTally()];
    if (workflow === null) {
      runs.merge(this.#rest.runs);
      attempts.merge(this.#rest.attempts);
    }
    for (const entry of entries) {
      runs.merge(entry.runs);
      attempts.merge(entry.rest);
    }
    for (const { tally } of nodes) attempts.merge(tally);
    return {
      workflow,
      since: this.since,
      runs: runs.counts(),
      runDurationMs: runs.durationMs.statistics(),
      attempts: attempts.ends.counts(),
      attemptDurationMs: attempts.durationMs.statistics(),
      visits: attempts.ends.visits,
      iterations: runs.iterations,
      unfinished: runs.unfinished(),
      work: attempts.work(),
      planCache: runs.planCache(),
      slowest: {
        byTotal: slowestOf(nodes, ({ tally }) => tally.durationMs.sum),
        byP95: slowestOf(nodes, ({ tally }) => tally.durationMs.quantile(0.95)),
      },
      workflows: workflow === null ? entries.sort(byName(({ name }) => name)).map((entry) => entry.statistics()) : [],
      nodes: workflow === null ? [] : nodes.sort(byName(({ node }) => node)).map((entry) => entry.statistics()),
      measurements: workflow === null ? this.#ownMeasurements() : [],
      forgotten: {
        workflows: this.#workflows.forgotten,
        nodes: this.#nodes.forgotten,
        measurements: this.#measurements.forgotten,
      },
    };
  }

  #ownMeasurements() {
    return [...this.#measurements.values()]
      .sort(byName(({ name }) => name))
      .map(({ name, unit, values }) => ({ name, unit, values: values.statistics() }));
  }

  /** The graphs that an attempt of a map or subworkflow has opened have come to their end with it. */
  #leaveChildren({ state, top }: RunView, { node, visit, number }: Attempt): void {
    const children = state.children?.get(node.index);
    if (children === undefined || children.visit !== visit || children.attempt !== number) return;
    const { runs } = this.#workflowOf(top.plan.workflow.name);
    for (const graph of children.graphs) runs.leaveGraph(graph, this.#measured);
    const never = children.size - children.graphs.length;
    if (never === 0) return;
    const { nodes } = node.child as NonNullable<PlanNode['child']>;
    runs.leave(CANCELLED, never * nodes.filter(this.#measured).length);
  }

  #nodeInside({ top, scope }: RunView, node: PlanNode): NodeEntry | undefined {
    return this.#measured(node) ? this.#nodeOf(top.plan.workflow.name, scope, node.id) : undefined;
  }

  #nodeAtTop(plan: Plan, node: PlanNode): NodeEntry | undefined {
    const entries = this.#last?.plan === plan ? this.#last.entries : this.#entriesOf(plan);
    const known = entries[node.index];
    if (known !== undefined && !known.forgotten) {
      this.#nodes.touch(known);
      return known;
    }
    if (!this.#measured(node)) return undefined;
    const entry = this.#nodeOf(plan.workflow.name, '', node.id);
    entries[node.index] = entry;
    return entry;
  }

  #entriesOf(plan: Plan): (NodeEntry | undefined)[] {
    let entries = this.#atTop.get(plan);
    if (entries === undefined) {
      entries = new Array<NodeEntry | undefined>(plan.nodes.length).fill(undefined);
      this.#atTop.set(plan, entries);
    }
    this.#last = { plan, entries };
    return entries;
  }

  #nodeOf(workflow: string, scope: string, id: string): NodeEntry {
    const path = `${ownersIn(scope)}${id}`;
    const key = `${workflow}\n${path}`;
    return this.#nodes.use(key, () => {
      const home = this.#workflowOf(workflow);
      const entry = new NodeEntry(home, path);
      home.nodes.set(key, entry);
      return entry;
    });
  }

  #workflowOf(name: string): WorkflowEntry {
    return this.#workflows.use(name, () => new WorkflowEntry(name));
  }

  #forgetWorkflow(entry: WorkflowEntry): void {
    for (const key of [...entry.nodes.keys()]) this.#nodes.drop(key);
    this.#rest.runs.merge(entry.runs);
    this.#rest.attempts.merge(entry.rest);
  }
}

function slowestOf(nodes: readonly NodeEntry[], slowness: (entry: NodeEntry) => number): readonly NodeStatistics[] {
  return nodes
    .filter(({ tally }) => tally.durationMs.count > 0)
    .map((entry) => ({ entry, at: slowness(entry) }))
    .sort((a, b) => b.at - a.at || byName<NodeEntry>(({ home, node }) => `${home.name}\n${node}`)(a.entry, b.entry))
    .slice(0, SLOWEST)
    .map(({ entry }) => entry.statistics());
}
