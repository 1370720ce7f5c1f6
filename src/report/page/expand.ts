import type {
  CycleState,
  NodeState,
  PageData,
  PageGate,
  PlanCycleData,
  PlanData,
  PlanEdgeData,
  PlanNodeData,
  ScopeData,
} from '../page-data.js';
import { metaOf } from './meta.js';

/** The children that one attempt of a node opened: scopes by number. */
export interface Family {
  readonly visit: number;
  readonly attempt: number;
  readonly scopes: readonly number[];
}

/** A node in a scope. */
export interface PageNode extends PlanNodeData, NodeState {
  /** Its scope and id. */
  readonly path: string;
  readonly scope: number;
  /** It failed and was allowed to. */
  readonly allowed: boolean;
  /** The second line of its box: shape, outcome, time. */
  readonly meta: string;
  /** Children by the attempt that opened them, oldest first. */
  readonly families: readonly Family[];
  /** Of a gate: its waits, oldest first. */
  readonly gates: readonly PageGate[];
}

/** A cycle in a scope. */
export interface PageCycle extends PlanCycleData, CycleState {
  readonly path: string;
  readonly scope: number;
}

/** An edge in a scope. `from` is a node, or a cycle as the complement of its number. */
export interface PageEdge extends PlanEdgeData {
  /** Something went along it. */
  readonly taken: boolean;
  /** Both ends follow each other on the critical path. */
  readonly critical: boolean;
}

/** A scope with the numbers of its first node and cycle. */
export interface PageScope extends ScopeData {
  readonly firstNode: number;
  readonly firstCycle: number;
}

/** The data of the page with every node and cycle in its place. */
export interface Expanded {
  readonly nodes: readonly PageNode[];
  readonly cycles: readonly PageCycle[];
  readonly scopes: readonly PageScope[];
  edgesOf(scope: number): readonly PageEdge[];
}

const COMPLETED: NodeState = {
  status: 'completed',
  attempts: 1,
  visits: 0,
  durationMs: 0,
  startedAt: null,
  endedAt: null,
  reason: null,
  error: null,
};

/** Puts plans and scopes together: the page holds each plan once. */
export function expand(data: PageData): Expanded {
  const families = familiesOf(data.scopes);
  const gates = new Map<number, PageGate[]>();
  for (const gate of data.gates) gates.set(gate.node, [...(gates.get(gate.node) ?? []), gate]);
  const nodes: PageNode[] = [];
  const cycles: PageCycle[] = [];
  const scopes: PageScope[] = [];
  const statuses = data.scopes.map(({ status }) => status);
  for (const scope of waitingScopes(data)) if (statuses[scope] === 'running') statuses[scope] = 'waiting';
  for (const [number, scope] of data.scopes.entries()) {
    const plan = data.plans[scope.plan] as PlanData;
    const [firstNode, firstCycle] = [nodes.length, cycles.length];
    scopes.push({ ...scope, status: statuses[number] ?? scope.status, firstNode, firstCycle });
    for (const [index, node] of plan.nodes.entries()) {
      const state = { ...COMPLETED, ...scope.nodes[index] };
      const own = { families: families.get(firstNode + index) ?? [], gates: gates.get(firstNode + index) ?? [] };
      const items = node.shape === 'map' ? (own.families.at(-1)?.scopes ?? []) : [];
      nodes.push({
        ...node,
        ...state,
        ...own,
        cycle: node.cycle === null ? null : firstCycle + node.cycle,
        path: `${scope.scope}${node.id}`,
        scope: number,
        allowed: state.status === 'failed' && node.mayFail,
        meta: metaOf({
          ...state,
          shape: node.shape,
          started: state.startedAt !== null,
          items: items.length,
          failedItems: items.filter((item) => statuses[item] === 'failed').length,
          outcome: own.gates.at(-1)?.outcome,
        }),
      });
    }
    for (const [index, cycle] of plan.cycles.entries()) {
      const parent = cycle.parent === null ? null : firstCycle + cycle.parent;
      const state = scope.cycles[index] as CycleState;
      cycles.push({ ...cycle, ...state, parent, path: `${scope.scope}${cycle.id}`, scope: number });
    }
  }
  const edgesOf = (number: number): readonly PageEdge[] => {
    const { plan, taken, critical, firstNode, firstCycle } = scopes[number] as PageScope;
    return (data.plans[plan] as PlanData).edges.map((edge, index) => ({
      ...edge,
      from: edge.from < 0 ? edge.from - firstCycle : edge.from + firstNode,
      to: edge.to + firstNode,
      taken: taken[index] === '1',
      critical: critical.includes(index),
    }));
  };
  return { nodes, cycles, scopes, edgesOf };
}

/** The scopes in which a gate is open, at any depth. */
function waitingScopes({ scopes, plans, gates }: PageData): ReadonlySet<number> {
  const home: number[] = [];
  for (const [number, { plan }] of scopes.entries()) for (const _ of plans[plan]?.nodes ?? []) home.push(number);
  const waiting = new Set<number>();
  for (const { node, outcome } of gates) {
    if (outcome !== 'open') continue;
    for (let scope = home[node]; scope !== undefined; scope = home[scopes[scope]?.child?.owner ?? -1])
      waiting.add(scope);
  }
  return waiting;
}

function familiesOf(scopes: readonly ScopeData[]): ReadonlyMap<number, readonly Family[]> {
  const families = new Map<number, (Family & { scopes: number[] })[]>();
  for (const [number, { child }] of scopes.entries()) {
    if (child === null) continue;
    const known = families.get(child.owner) ?? [];
    families.set(child.owner, known);
    const last = known.at(-1);
    if (last !== undefined && last.visit === child.visit && last.attempt === child.attempt) last.scopes.push(number);
    else known.push({ visit: child.visit, attempt: child.attempt, scopes: [number] });
  }
  for (const known of families.values()) known.sort((a, b) => a.visit - b.visit || a.attempt - b.attempt);
  return families;
}
