import type { Attempt } from '../../base/attempt.js';
import type { ExecutionState } from '../../base/execution-state.js';
import { works } from '../../base/facts.js';
import type { PlanNode } from '../../base/plan.js';
import type { Settlement } from '../../base/run-view.js';
import { BLOCKED, CANCELLED, SKIPPED } from '../../base/status.js';
import type { AttemptCounts, PlanCacheCounts, RunCounts, UnfinishedCounts, WorkTime } from './analytics-types.js';
import { Distribution } from './distribution.js';

/** How an attempt ended. */
export type AttemptEnd = Settlement['status'];

/** A part of a whole, 0 to 1; `null` of nothing. */
function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** How many attempts ended how. */
export class AttemptEnds {
  completed = 0;
  failed = 0;
  lost = 0;
  cancelled = 0;
  cached = 0;
  retries = 0;
  visits = 0;

  /** @param number of the attempt in its visit, from 1 */
  end(status: AttemptEnd, number: number): void {
    this[status]++;
    if (number === 1) this.visits++;
    else this.retries++;
  }

  merge(other: AttemptEnds): void {
    this.completed += other.completed;
    this.failed += other.failed;
    this.lost += other.lost;
    this.cancelled += other.cancelled;
    this.cached += other.cached;
    this.retries += other.retries;
    this.visits += other.visits;
  }

  counts(): AttemptCounts {
    const { completed, failed, lost, cancelled, cached, retries } = this;
    return { total: completed + failed + lost + cancelled, completed, failed, lost, cancelled, cached, retries };
  }
}

/** Attempts, and how long they took. */
export class AttemptTally {
  readonly ends = new AttemptEnds();
  readonly durationMs = new Distribution();
  #workMs = 0;
  #wastedMs = 0;

  get wastedMs(): number {
    return this.#wastedMs;
  }

  /** An attempt settled. */
  settle({ node, number, startedAt, cached }: Attempt, { status, at }: Settlement): void {
    this.ends.end(status, number);
    if (cached) this.ends.cached++;
    else this.take(status, Math.max(0, at - startedAt), works(node));
  }

  /** An attempt took so long. @param worked as `works` says of its node */
  take(status: AttemptEnd, durationMs: number, worked: boolean): void {
    if (status === 'lost') return;
    this.durationMs.add(durationMs);
    if (!worked) return;
    this.#workMs += durationMs;
    if (status !== 'completed') this.#wastedMs += durationMs;
  }

  merge(other: AttemptTally): void {
    this.ends.merge(other.ends);
    this.durationMs.merge(other.durationMs);
    this.#workMs += other.#workMs;
    this.#wastedMs += other.#wastedMs;
  }

  work(): WorkTime {
    return { totalMs: this.#workMs, wastedMs: this.#wastedMs, wastedShare: shareOf(this.#wastedMs, this.#workMs) };
  }
}

/** Runs, and what their graphs came to. */
export class RunTally {
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #hits = 0;
  #misses = 0;
  #skipped = 0;
  #blocked = 0;
  #cut = 0;
  iterations = 0;
  readonly durationMs = new Distribution();

  /** A run ended. */
  end(status: 'completed' | 'failed' | 'cancelled', durationMs: number): void {
    if (status === 'completed') this.#completed++;
    else if (status === 'failed') this.#failed++;
    else this.#cancelled++;
    this.durationMs.add(Math.max(0, durationMs));
  }

  /** A plan was looked up. */
  lookUp(known: boolean): void {
    if (known) this.#hits++;
    else this.#misses++;
  }

  /** What became of a node, in the end, as a number of `status.ts`. @param times of so many */
  leave(status: number, times = 1): void {
    if (status === SKIPPED) this.#skipped += times;
    else if (status === BLOCKED) this.#blocked += times;
    else if (status === CANCELLED) this.#cut += times;
  }

  /** All that became of a graph. @param measured whether a node counts */
  leaveGraph({ plan, status, regions }: ExecutionState, measured: (node: PlanNode) => boolean): void {
    for (let index = 0; index < status.length; index++) {
      const left = status[index] as number;
      if (left >= SKIPPED && measured(plan.nodes[index] as PlanNode)) this.leave(left);
    }
    for (const { totalIterations } of regions) this.iterations += totalIterations;
  }

  merge(other: RunTally): void {
    this.#completed += other.#completed;
    this.#failed += other.#failed;
    this.#cancelled += other.#cancelled;
    this.#hits += other.#hits;
    this.#misses += other.#misses;
    this.#skipped += other.#skipped;
    this.#blocked += other.#blocked;
    this.#cut += other.#cut;
    this.iterations += other.iterations;
    this.durationMs.merge(other.durationMs);
  }

  counts(): RunCounts {
    const [completed, failed, cancelled] = [this.#completed, this.#failed, this.#cancelled];
    return { total: completed + failed + cancelled, completed, failed, cancelled };
  }

  unfinished(): UnfinishedCounts {
    return { skipped: this.#skipped, blocked: this.#blocked, cancelled: this.#cut };
  }

  planCache(): PlanCacheCounts {
    return { hits: this.#hits, misses: this.#misses, hitRate: shareOf(this.#hits, this.#hits + this.#misses) };
  }
}
