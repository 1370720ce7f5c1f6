import type { ReplayStatus } from '../../base/run-result.js';
import type { AttemptStatus, NodeStatus } from '../../base/status.js';

/** That a visit of a node began or ended. */
export interface PathStep {
  /** Milliseconds since the run began. */
  readonly atMs: number;
  readonly what: 'started' | 'ended';
  /** Its scope and id: `all[3]/enrich`. */
  readonly node: string;
  readonly visit: number;
}

/** An attempt of a node. */
export interface PathAttempt {
  readonly visit: number;
  readonly attempt: number;
  readonly status: AttemptStatus;
  /** Milliseconds since the run began. */
  readonly startedAtMs: number;
  /** Milliseconds that it took; so far, where it goes on. */
  readonly durationMs: number;
  /** Milliseconds between the end of the attempt before it in its visit and its start: backoff. 0 for the first. */
  readonly waitedMs: number;
  /** The code of its error; `null` unless it failed or was lost. */
  readonly errorCode: string | null;
}

/** A node of the run, or of a child in it. */
export interface PathNode {
  /** Its scope and id: `all[3]/enrich`. */
  readonly node: string;
  readonly status: NodeStatus;
  /** Why it ran, or why it did not. */
  readonly why: string;
  /** Activations; more than one only in a cycle. */
  readonly visits: number;
  /** As far as the result remembers them: of a node in a cycle those that failed, and the last one. */
  readonly attempts: readonly PathAttempt[];
}

/** A cycle of the run, or of a child in it. */
export interface PathCycle {
  /** Its scope and id. */
  readonly cycle: string;
  /** Of its last entry. */
  readonly iterations: number;
  /** Of all entries. */
  readonly totalIterations: number;
  /** Why it stopped; `null` where it has not. */
  readonly reason: string | null;
  readonly failed: boolean;
  /** Milliseconds of its last entry. */
  readonly elapsedMs: number;
}

/** A visit on the critical path. */
export interface CriticalVisit {
  /** Its scope and id. */
  readonly node: string;
  readonly visit: number;
  /** Milliseconds since the run began. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** `durationMs` as a part of the run's duration, 0 to 1; 0 of a run that took no time. */
  readonly share: number;
  /** Milliseconds in which nothing on the path went on before it started. */
  readonly idleBeforeMs: number;
  /** A map or subworkflow: what follows went on inside it, in the same time. */
  readonly around: boolean;
}

/** The chain of visits that made a run as long as it was. */
export interface CriticalPath {
  readonly visits: readonly CriticalVisit[];
  /** Milliseconds in which a visit of the path went on. */
  readonly busyMs: number;
  /** Milliseconds of the run in which none did. */
  readonly idleMs: number;
}

/** How a run went, for somebody who asks why. Plain data; no payload. */
export interface ExecutionPath {
  readonly runId: string;
  readonly workflow: string;
  readonly status: ReplayStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** In the order of time; at one time in plan order, ends before starts. */
  readonly steps: readonly PathStep[];
  /** In plan order, each graph after that of its owner. */
  readonly nodes: readonly PathNode[];
  readonly cycles: readonly PathCycle[];
  readonly critical: CriticalPath;
  /** `false`: the result does not remember every attempt, see `PathNode.attempts`; steps and critical path lack the others. */
  readonly complete: boolean;
}
