import { expect } from 'chai';
import type { RunEvent } from '../../src/base/events.js';
import type { AttemptEnded } from '../../src/base/notifications.js';
import { type MemoryMetrics, memoryMetrics, metricsPlugin } from '../../src/plugins/metrics/index.js';
import { MemoryLog } from '../../src/testing/index.js';
import type { Runner } from './every-way.js';
import { Session } from './session.js';

/** What a report says of attempts: how many settled how, how many of them a cache answered, how many were not the first of their visit. */
export interface Told {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly cached: number;
  readonly later: number;
  /** Milliseconds of all that no cache answered, those of maps, subworkflows and gates included. */
  readonly ms: number;
}

const NOTHING: Told = { completed: 0, failed: 0, cancelled: 0, cached: 0, later: 0, ms: 0 };

/** Those of an idle process: how busy this one is must decide nothing. */
const READINGS = {
  memory: () => ({ rssBytes: 3_000, heapUsedBytes: 1_000, heapLimitBytes: 2_000 }),
  eventLoopDelayMs: () => 0,
};

type Writable = { -readonly [K in keyof Told]: Told[K] };

/** A monitored runtime with the metrics plugin, to whose notifications somebody listens. */
export class Overseen {
  readonly session: Session;
  readonly sink: MemoryMetrics = memoryMetrics();
  readonly attempts: AttemptEnded[] = [];
  readonly #run: Runner;

  constructor(run: Runner, options: ConstructorParameters<typeof Session>[1] = {}) {
    this.#run = run;
    const plugins = [metricsPlugin({ sink: this.sink, nodes: true })];
    const own = { performanceMonitoring: true, plugins, log: new MemoryLog(), readings: READINGS };
    this.session = new Session(run, { ...own, ...options });
    this.session.runtime.on('attempt', (attempt) => this.attempts.push(attempt));
  }

  /** Adds to what must be the same in every way. */
  compare(value: unknown): void {
    this.#run.seen.push(structuredClone(value));
  }

  /** The event log, the notifications, the sink and every report of attempts must tell the same; answers what they tell. */
  agreed(): Told {
    const { runtime, events } = this.session;
    const log = fromLog(events);
    const { attempts: counted, attemptDurationMs, work } = runtime.getExecutionAnalytics();
    const { total: _, lost: __, retries, ...rest } = counted;
    const analytics = { ...rest, later: retries, ms: attemptDurationMs.sum };
    expect(fromNotifications(this.attempts), 'notifications').to.deep.equal(log);
    expect(analytics, 'getExecutionAnalytics').to.deep.equal(log);
    expect(runtime.getRuntimeMetrics().attempts, 'getRuntimeMetrics').to.deep.equal(counted);
    const report = runtime.getPerformanceReport();
    expect([report.analytics.attempts, report.runtime.attempts]).to.deep.equal([counted, counted]);
    expect(this.#fromSink(), 'the sink').to.deep.equal(log);
    const runIds = [...new Set(events.map(({ runId }) => runId))];
    const each = runIds.map((runId) => runtime.getExecutionMetrics(runId));
    const sum = (of: (one: (typeof each)[number]) => number) => each.reduce((all, one) => all + of(one), 0);
    expect(
      [
        sum(({ attempts }) => attempts.completed),
        sum(({ attempts }) => attempts.failed),
        sum(({ attempts }) => attempts.cancelled),
        sum(({ cached }) => cached),
        sum(({ retries: again }) => again),
        sum(({ busyMs }) => busyMs),
        sum(({ wastedMs }) => wastedMs),
      ],
      'getExecutionMetrics',
    ).to.deep.equal([
      log.completed,
      log.failed,
      log.cancelled,
      log.cached,
      events.filter(({ kind, data }) => kind === 'attempt.failed' && data.then.kind === 'retry').length,
      work.totalMs,
      work.wastedMs,
    ]);
    expect(report.sections.enterprise).to.deep.include({ retries: runtime.getRetryAnalytics() });
    return log;
  }

  #fromSink(): Told {
    const { sink } = this;
    const count = (status: 'completed' | 'failed' | 'cancelled') => sink.value('lockstep.attempts', { status });
    return {
      completed: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      cached: sink.value('lockstep.attempt.cache_hits'),
      later: sink.value('lockstep.attempt.retries'),
      ms: Math.round(sink.histogram('lockstep.attempt.duration').sum * 1e6) / 1e3,
    };
  }
}

/** What the event log tells. Where nodes run side by side, an attempt is known by all of its key. */
function fromLog(events: readonly RunEvent[]): Told {
  const told: Writable = { ...NOTHING };
  const began = new Map<string, number>();
  for (const { kind, data, ts, runId } of events) {
    if (!('attempt' in data)) continue;
    const key = `${runId} ${data.scope}${data.node} ${data.visit} ${data.attempt}`;
    if (kind === 'attempt.started') began.set(key, ts);
    if (kind !== 'attempt.completed' && kind !== 'attempt.failed' && kind !== 'attempt.cancelled') continue;
    if (kind === 'attempt.completed') told.completed++;
    else if (kind === 'attempt.failed') told.failed++;
    else told.cancelled++;
    if (data.attempt > 1) told.later++;
    if (kind === 'attempt.completed' && data.cached === true) told.cached++;
    else told.ms += ts - (began.get(key) as number);
  }
  return told;
}

function fromNotifications(attempts: readonly AttemptEnded[]): Told {
  const told: Writable = { ...NOTHING };
  for (const { status, attempt, cached, startedAt, endedAt } of attempts) {
    if (status !== 'lost') told[status]++;
    if (attempt > 1) told.later++;
    if (cached) told.cached++;
    else told.ms += endedAt - startedAt;
  }
  return told;
}
