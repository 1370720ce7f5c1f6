import type { ExecutionStatistics } from './distribution.js';

/** Runs that ended. */
export interface RunCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** Attempts that settled. */
export interface AttemptCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  /** They ran when their process ended. */
  readonly lost: number;
  readonly cancelled: number;
  /** Of those that completed: answered by the cache, the node was not called. */
  readonly cached: number;
  /** Of all: those that were not the first of their visit. */
  readonly retries: number;
}

/** Nodes that had not done their work when their graph ended, by what became of their last visit. */
export interface UnfinishedCounts {
  /** A branch was not taken. */
  readonly skipped: number;
  /** Something upstream failed. */
  readonly blocked: number;
  /** The run, or what it belonged to, was stopped before they had settled. Nodes of children that never began are among them. */
  readonly cancelled: number;
}

/** Time that nodes with a function and switches worked. Maps, subworkflows and gates wait for others: theirs does not count. */
export interface WorkTime {
  /** Milliseconds in attempts that settled, added up over all that ran at once. */
  readonly totalMs: number;
  /**
   * Of these, milliseconds in attempts that failed or were cancelled. How long an attempt had worked that was lost with its process
   * is not known: it counts nowhere here.
   */
  readonly wastedMs: number;
  /** `wastedMs / totalMs`, 0 to 1; `null` where no time was measured. */
  readonly wastedShare: number | null;
}

/** Look-ups of plans: one for each run that began, and for each `getExecutionPlanCached`. */
export interface PlanCacheCounts {
  /** The runtime had compiled the plan before. */
  readonly hits: number;
  readonly misses: number;
  /** `hits / (hits + misses)`, 0 to 1; `null` where nothing was looked up. */
  readonly hitRate: number | null;
}

/** What is known of one node of a workflow, over all runs and all items of maps. */
export interface NodeStatistics {
  /** Name of the workflow at the top. */
  readonly workflow: string;
  /** Its id, after those of the maps and subworkflows that it lives in: `all/enrich`. */
  readonly node: string;
  readonly attempts: AttemptCounts;
  /** Activations that were seen from their first attempt on. */
  readonly visits: number;
  /** Milliseconds of an attempt, from its start until it settled. Those that were lost, or answered by the cache, are left out. */
  readonly durationMs: ExecutionStatistics;
  /** Milliseconds in attempts that failed or were cancelled. */
  readonly wastedMs: number;
}

/** What is known of the runs of one workflow. */
export interface WorkflowStatistics {
  /** Its name. */
  readonly workflow: string;
  readonly runs: RunCounts;
  /** Milliseconds of a run from its start to its end, waits included. */
  readonly durationMs: ExecutionStatistics;
}

/** A measurement of the user's own. */
export interface Measurement {
  readonly name: string;
  /** As given first; empty for a plain number. */
  readonly unit: string;
  readonly values: ExecutionStatistics;
}

/** What had to be forgotten, so that memory is bounded: what was used longest ago goes first. What it had counted stays in the totals. */
export interface ForgottenCounts {
  /** Beyond 100 workflows. */
  readonly workflows: number;
  /** Beyond 2,000 nodes, those of forgotten workflows included. */
  readonly nodes: number;
  /** Beyond 200 measurements of the user's own: these are in no total. */
  readonly measurements: number;
}

/**
 * What was monitored, or recorded by hand, since `since`: plain data. Without anything, every count is 0, and whatever cannot be
 * known then is `null`.
 */
export interface ExecutionAnalytics {
  /** The name of the workflow that was asked about; `null`: all of them. */
  readonly workflow: string | null;
  /** Epoch milliseconds at which counting began: when the runtime was made, or its analytics were cleared. */
  readonly since: number;
  readonly runs: RunCounts;
  /** Milliseconds of a run from its start to its end, waits included. */
  readonly runDurationMs: ExecutionStatistics;
  readonly attempts: AttemptCounts;
  /** Milliseconds of an attempt of any node, as in `NodeStatistics`. */
  readonly attemptDurationMs: ExecutionStatistics;
  /** Activations of nodes that were seen from their first attempt on. */
  readonly visits: number;
  /** Iterations of cycles in runs that ended, and in children of maps and subworkflows that settled. */
  readonly iterations: number;
  readonly unfinished: UnfinishedCounts;
  readonly work: WorkTime;
  readonly planCache: PlanCacheCounts;
  /** Ten nodes each: those that took most time in all, and those with the slowest attempts (95th percentile). Slowest first. */
  readonly slowest: { readonly byTotal: readonly NodeStatistics[]; readonly byP95: readonly NodeStatistics[] };
  /** Every workflow, by name; empty where one was asked about. */
  readonly workflows: readonly WorkflowStatistics[];
  /** Every node of the workflow that was asked about, by name; empty where all were. */
  readonly nodes: readonly NodeStatistics[];
  /** What `recordExecutionMetrics` was given, by name; empty where one workflow was asked about. */
  readonly measurements: readonly Measurement[];
  readonly forgotten: ForgottenCounts;
}

/** Work outside of any run, to be counted as an attempt of a node. */
export interface NodeExecution {
  /** Name of the workflow. */
  readonly workflow: string;
  /** Id of the node; of one inside a map or subworkflow after the ids of those: `all/enrich`. */
  readonly node: string;
  /** Milliseconds. */
  readonly durationMs: number;
  readonly status: 'completed' | 'failed' | 'cancelled';
}

/** Runs over the life of a runtime, monitored or not. */
export interface RuntimeRunCounts {
  /** Began. */
  readonly started: number;
  /** Went on after they had waited. */
  readonly resumed: number;
  /** Returned because they could only wait. */
  readonly waited: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Refused before they began. */
  readonly rejected: number;
  /** Are being driven now. */
  readonly inFlight: number;
}

/** Counts over the life of a runtime; `clearAnalyticsData` leaves them as they are. */
export interface RuntimeCounts {
  /** Epoch milliseconds at which the runtime was made. */
  readonly startedAt: number;
  /** Milliseconds since then. */
  readonly uptimeMs: number;
  readonly runs: RuntimeRunCounts;
  /** Attempts of monitored runs. */
  readonly attempts: AttemptCounts;
  /** Warnings of runs that ended. */
  readonly warnings: number;
  /** Of the whole process, in bytes: what it holds, what its heap holds, and what that may hold at most. */
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly heapLimitBytes: number };
  /** How late the event loop was of late, in milliseconds; 0 while nothing was measured. */
  readonly eventLoopDelayMs: number;
}

/** What a runtime knows of itself. */
export interface RuntimeMetrics extends RuntimeCounts {
  /** What each mixin counts, under its own name: `validation`, `cycles`, and so on. */
  readonly sections: Readonly<Record<string, object>>;
}

/** Everything a runtime can say about its performance, as plain data that JSON keeps. */
export interface PerformanceReport {
  /** Epoch milliseconds. */
  readonly generatedAt: number;
  /** Whether runs that begin now are monitored. */
  readonly monitoring: boolean;
  readonly analytics: ExecutionAnalytics;
  readonly runtime: RuntimeCounts;
  /** What each mixin adds, under its own name. */
  readonly sections: Readonly<Record<string, object>>;
}
