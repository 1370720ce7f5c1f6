import { HEALTH_DEFAULTS, type HealthOptions, type Threshold } from '../../base/resource-options.js';

/** How well something is. */
export type HealthLevel = 'healthy' | 'degraded' | 'unhealthy';

/** One reading, held against its threshold. */
export interface HealthCheck {
  readonly name: keyof HealthOptions;
  readonly level: HealthLevel;
  readonly value: number;
  readonly unit: 'share' | 'bytes' | 'ms' | 'count';
  readonly threshold: Threshold;
  /** The limit that the value reached; `null` where it is healthy. */
  readonly crossed: number | null;
}

/** How well a runtime is: as well as the worst of its checks. */
export interface HealthStatus {
  readonly level: HealthLevel;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
  readonly checks: readonly HealthCheck[];
}

/** What is read. */
export type HealthReadings = Readonly<Record<keyof HealthOptions, number>>;

const UNITS: Readonly<Record<keyof HealthOptions, HealthCheck['unit']>> = {
  heapShare: 'share',
  rssBytes: 'bytes',
  eventLoopDelayMs: 'ms',
  failureShare: 'share',
  openBreakers: 'count',
  waitingAttempts: 'count',
};

const WORST_FIRST: readonly HealthLevel[] = ['unhealthy', 'degraded', 'healthy'];

/** How many of the last runs `failureShare` looks at. */
const RUNS = 100;

/** Holds readings against thresholds. */
export class HealthMonitor {
  readonly #thresholds: Required<HealthOptions>;
  /** Whether the last runs failed, as a ring. */
  readonly #failed: boolean[] = [];
  #next = 0;

  /** @internal */
  constructor(options: HealthOptions) {
    this.#thresholds = { ...HEALTH_DEFAULTS, ...options };
  }

  /** The thresholds that hold, defaults filled in. */
  get thresholds(): Required<HealthOptions> {
    return this.#thresholds;
  }

  /** @internal A run ended. */
  noteRun(failed: boolean): void {
    this.#failed[this.#next] = failed;
    this.#next = (this.#next + 1) % RUNS;
  }

  /** The share of failed runs among the last 100, 0 to 1; 0 before the first. Cancelled runs are not failed. */
  get failureShare(): number {
    const { length } = this.#failed;
    return length === 0 ? 0 : this.#failed.filter(Boolean).length / length;
  }

  /** Runs that `failureShare` looks at. */
  get runs(): number {
    return this.#failed.length;
  }

  /** Holds readings against the thresholds. */
  check(readings: HealthReadings, checkedAt: number): HealthStatus {
    const names = Object.keys(HEALTH_DEFAULTS) as (keyof HealthOptions)[];
    const checks = names.map((name) => checkOf(name, readings[name], this.#thresholds[name]));
    const level = WORST_FIRST.find((each) => checks.some((check) => check.level === each)) as HealthLevel;
    return { level, checkedAt, checks };
  }
}

function checkOf(name: keyof HealthOptions, value: number, threshold: Threshold): HealthCheck {
  const { degraded, unhealthy } = threshold;
  const [level, crossed] =
    unhealthy !== undefined && value >= unhealthy
      ? (['unhealthy', unhealthy] as const)
      : degraded !== undefined && value >= degraded
        ? (['degraded', degraded] as const)
        : (['healthy', null] as const);
  return { name, level, value, unit: UNITS[name], threshold, crossed };
}
