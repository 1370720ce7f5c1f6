import type { CycleStopReason } from '../base/cycle-stop-reason.js';
import type { ErrorData } from '../base/errors.js';
import type { ReplayStatus } from '../base/run-result.js';
import type { AttemptStatus, NodeStatus } from '../base/status.js';
import type { Warning } from '../base/warning.js';
import type { GateOutcome } from './gates.js';
import type { Point, Rect } from './layout/geometry.js';
import type { EdgeKind, NodeShape } from './workflow-graph.js';

/**
 * What the page of a report is drawn from: plain data, embedded as JSON. It holds no payload. Times are milliseconds since the
 * start of the run. Nodes and cycles are numbered through all scopes: those of a scope follow those of the scope before it.
 */
export interface PageData {
  readonly title: string;
  readonly workflow: string;
  readonly runId: string;
  readonly status: ReplayStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** Every attempt of every visit is among `attempts`. */
  readonly complete: boolean;
  /** Why the run failed or was cancelled. */
  readonly primary: PrimaryFailure | null;
  /** What the scopes are drawn like: those of a thousand items share one. */
  readonly plans: readonly PlanData[];
  /** The top first, each before those of its children. */
  readonly scopes: readonly ScopeData[];
  readonly attempts: readonly PageAttempt[];
  readonly iterations: readonly PageIteration[];
  readonly gates: readonly PageGate[];
  readonly waits: readonly PageWait[];
  /** When a waiting run has something to do although nobody answers. */
  readonly wakeAt: number | null;
  readonly warnings: readonly Warning[];
  /** Nodes along the critical path, each once. */
  readonly critical: readonly number[];
}

/** What the header of a run that did not complete says first. */
export interface PrimaryFailure {
  /** With its scope. */
  readonly part: string | null;
  readonly error: ErrorData;
}

/** How a graph is drawn, whatever became of it. */
export interface PlanData {
  readonly name: string;
  readonly nodes: readonly PlanNodeData[];
  readonly cycles: readonly PlanCycleData[];
  readonly edges: readonly PlanEdgeData[];
  readonly width: number;
  readonly height: number;
}

/** A node of a plan. */
export interface PlanNodeData {
  readonly id: string;
  readonly shape: NodeShape;
  readonly use: string | null;
  /** Index in the plan. */
  readonly cycle: number | null;
  readonly mayFail: boolean;
  /** A map that completes although items fail. */
  readonly collects: boolean;
  readonly rect: Rect;
}

/** A cycle of a plan. */
export interface PlanCycleData {
  readonly id: string;
  /** Index in the plan. */
  readonly parent: number | null;
  readonly maxIterations: number | null;
  readonly rect: Rect;
}

/** An edge of a plan. `from` is a node, or a cycle as the complement of its index. */
export interface PlanEdgeData {
  readonly from: number;
  readonly to: number;
  readonly kind: EdgeKind;
  readonly label: string;
  readonly path: string;
  readonly captionAt: Point;
  /** What stands beside it on the picture: the case of a switch, `error` of a node that may fail. Empty for most. */
  readonly caption: string;
}

/** What became of a graph. */
export interface ScopeData {
  /** Where it lives, empty at the top. */
  readonly scope: string;
  readonly plan: number;
  readonly child: ChildData | null;
  readonly status: NodeStatus;
  readonly error: ErrorData | null;
  /** One for each node of the plan. */
  readonly nodes: readonly Partial<NodeState>[];
  /** One for each cycle of the plan. */
  readonly cycles: readonly CycleState[];
  /** For each edge of the plan `1` where something went along it, else `0`. */
  readonly taken: string;
  /** Edges whose ends follow each other on the critical path. */
  readonly critical: readonly number[];
}

/** Whose child a scope is. */
export interface ChildData {
  /** The node that owns it. */
  readonly owner: number;
  readonly visit: number;
  readonly attempt: number;
  /** Of an item of a map: its number, from 0. */
  readonly number: number | null;
}

/** What became of a node. What is left out is as in `UNTOUCHED`. */
export interface NodeState {
  readonly status: NodeStatus;
  readonly attempts: number;
  readonly visits: number;
  readonly durationMs: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly reason: PageReason | null;
  readonly error: ErrorData | null;
}

/** What became of a cycle. */
export interface CycleState {
  readonly iterations: number;
  readonly totalIterations: number;
  readonly reason: CycleStopReason | null;
  readonly failed: boolean;
  readonly root: string | null;
  readonly error: ErrorData | null;
  readonly history: readonly number[];
  readonly elapsedMs: number;
}

/** Why a node did not run. */
export interface PageReason {
  readonly text: string;
  /** Where it all began: a node or cycle; empty where it concerns the whole run. */
  readonly root: string;
}

/** An attempt. */
export interface PageAttempt {
  readonly node: number;
  readonly visit: number;
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly start: number;
  readonly end: number;
  readonly retryAt: number | null;
  readonly error: ErrorData | null;
  readonly critical: boolean;
}

/** An iteration of a cycle. */
export interface PageIteration {
  readonly cycle: number;
  /** From 1. */
  readonly iteration: number;
  readonly start: number;
  readonly end: number;
}

/** One wait of a gate: never what it shows or was answered. */
export interface PageGate {
  readonly node: number;
  readonly visit: number;
  readonly outcome: GateOutcome;
  readonly openedAt: number;
  readonly closedAt: number | null;
  readonly expiresAt: number | null;
  readonly by: string | null;
}

/** A time in which the run could only wait. */
export interface PageWait {
  readonly from: number;
  /** `null` while it waits. */
  readonly to: number | null;
}
