import { checkLimit, type LimitOptions } from './capability-options.js';
import { checkCount, checkDuration, checkRange, checkWord, knownFields } from './option-checks.js';

/** What all runs of a runtime together may use. */
export interface ResourceOptions {
  /** Limits of all attempts together; one with `per` counts each value of that field of the context by itself. Default: none. */
  readonly limits?: LimitOptions | readonly LimitOptions[];
  /** No attempt starts while the process holds more memory than this, in bytes. Default: no limit. */
  readonly maxRssBytes?: number;
  /** No attempt starts while the event loop was later than this of late, in milliseconds. AsyncLocalRuntime only. Default: no limit. */
  readonly maxEventLoopDelayMs?: number;
  /**
   * What becomes of an attempt while there is too little memory or the event loop is late: it fails with RESOURCE_EXHAUSTED, or
   * waits and is looked at again. LocalRuntime always rejects: nothing gets better while its thread waits. Default `defer`.
   */
  readonly whenExhausted?: 'reject' | 'defer';
  /** How long such an attempt waits before it is looked at again, in milliseconds. Default 100. */
  readonly checkEveryMs?: number;
}

/** From which value on a reading is a worry, and from which a failure. `unhealthy` is not below `degraded`. */
export interface Threshold {
  readonly degraded?: number;
  readonly unhealthy?: number;
}

/** The thresholds of the health monitor. */
export interface HealthOptions {
  /** The share of the heap's limit that is used, 0 to 1. Default 0.8 and 0.95. */
  readonly heapShare?: Threshold;
  /** Memory that the process holds, in bytes. Default: none. */
  readonly rssBytes?: Threshold;
  /** How late the event loop was of late, in milliseconds. Default 100 and 1,000. */
  readonly eventLoopDelayMs?: Threshold;
  /** The share of failed runs among the last ones, 0 to 1. Default 0.1 and 0.5. */
  readonly failureShare?: Threshold;
  /** Breakers that are open. Default 1 and none. */
  readonly openBreakers?: Threshold;
  /** Attempts that wait for room. Default: none. */
  readonly waitingAttempts?: Threshold;
}

/** The defaults of the health monitor. */
export const HEALTH_DEFAULTS: Required<HealthOptions> = Object.freeze({
  heapShare: { degraded: 0.8, unhealthy: 0.95 },
  rssBytes: {},
  eventLoopDelayMs: { degraded: 100, unhealthy: 1_000 },
  failureShare: { degraded: 0.1, unhealthy: 0.5 },
  openBreakers: { degraded: 1 },
  waitingAttempts: {},
});

const RESOURCE_FIELDS = ['limits', 'maxRssBytes', 'maxEventLoopDelayMs', 'whenExhausted', 'checkEveryMs'];

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkResources(resources: ResourceOptions, at: string): void {
  knownFields(resources, RESOURCE_FIELDS, at);
  const { limits } = resources;
  if (Array.isArray(limits)) for (const [index, limit] of limits.entries()) checkLimit(limit, `${at}.limits[${index}]`);
  else if (limits !== undefined) checkLimit(limits as LimitOptions, `${at}.limits`);
  checkCount(resources.maxRssBytes, 1, `${at}.maxRssBytes`);
  checkDuration(resources.maxEventLoopDelayMs, `${at}.maxEventLoopDelayMs`);
  checkWord(resources.whenExhausted, ['reject', 'defer'], `${at}.whenExhausted`);
  checkDuration(resources.checkEveryMs, `${at}.checkEveryMs`);
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkHealth(health: HealthOptions, at: string): void {
  knownFields(health, Object.keys(HEALTH_DEFAULTS), at);
  for (const [name, threshold] of Object.entries(health) as [string, Threshold | undefined][]) {
    if (threshold === undefined) continue;
    const place = `${at}.${name}`;
    knownFields(threshold, ['degraded', 'unhealthy'], place);
    checkRange(threshold.degraded, 0, Number.MAX_VALUE, `${place}.degraded`);
    checkRange(threshold.unhealthy, threshold.degraded ?? 0, Number.MAX_VALUE, `${place}.unhealthy`);
  }
}
