import type { BreakerOptions } from '../../base/capability-options.js';
import type { ErrorMatcher, RetryOptions } from '../../base/node-options.js';
import type { HealthOptions, ResourceOptions } from '../../base/resource-options.js';
import type { BreakerReport } from './breaker.js';
import type { CircuitBreakers } from './circuit-breakers.js';
import type { ExecutionMetrics } from './execution-metrics.js';
import type { HealthMonitor, HealthStatus } from './health-monitor.js';
import type { LimitReport, ResourceCoordinator } from './resource-coordinator.js';
import type { CacheReport } from './result-cache.js';
import type { RetryAnalytics } from './retry-analytics.js';
import type { RetryPolicyEngine, RetryStrategy } from './retry-policy-engine.js';

/** What a runtime uses at this moment. */
export interface ResourceMetrics {
  /** Every limit that an attempt has met and that was not forgotten. */
  readonly limits: readonly LimitReport[];
  /** Attempts that wait for room. */
  readonly waiting: number;
  /** Attempts that were refused for lack of memory, or because the event loop was late, since the runtime was created. */
  readonly exhausted: number;
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly heapLimitBytes: number };
  /** Milliseconds. */
  readonly eventLoopDelayMs: number;
  readonly cache: CacheReport;
}

/** How well a runtime is, with everything that this was concluded from. */
export interface HealthDiagnostics extends HealthStatus {
  /** What is wrong, a sentence each; empty when everything is healthy. */
  readonly worries: readonly string[];
  readonly resources: ResourceMetrics;
  readonly breakers: readonly BreakerReport[];
  /** The last runs, at most 100. */
  readonly runs: { readonly seen: number; readonly failureShare: number };
}

/** What a runtime remembers: how many of each. */
export interface Memories {
  /** Outputs of nodes with the capability `cache`. */
  readonly cachedOutputs: number;
  /** Values of limits, such as tenants. */
  readonly limitValues: number;
  readonly breakers: number;
  /** Runs that `getExecutionMetrics` knows. */
  readonly runs: number;
}

/** What `optimizeRuntimePerformance` forgot. */
export interface OptimizationReport {
  readonly before: Memories;
  readonly after: Memories;
}

/** What the enterprise mixin adds to a runtime. */
export interface EnterpriseFeatures {
  /**
   * Gives every executor a breaker, or one executor, for nodes that have none of their own: in runs that begin from now on. A run
   * that goes on takes it up with its next attempt where something governs its attempts already.
   *
   * @param options default: 5 consecutive failures open it for 60 s, 3 probes close it
   * @param executor its key, such as `function.clean`. Default: every executor, each a breaker of its own
   * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
   */
  initializeCircuitBreaker(options?: BreakerOptions, executor?: string): CircuitBreakers;
  /** The breakers that have been used: to look at, to trip and to reset. */
  getCircuitBreakers(): CircuitBreakers;
  /** As `initializeCircuitBreaker`, for retries. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  initializeRetryPolicies(options: RetryOptions, executor?: string): RetryPolicyEngine;
  /**
   * Replaces the limits of the runtime as a whole. Their counts start anew.
   *
   * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION; LIMITS_IN_USE while attempts hold room or wait for it
   */
  initializeResourceCoordinator(options: ResourceOptions): ResourceCoordinator;
  /** Replaces the thresholds of the health monitor, and forgets how the last runs ended. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  initializeHealthMonitor(options?: HealthOptions): HealthMonitor;
  getResourceMetrics(): ResourceMetrics;
  /**
   * What one run did: one of the last 1,000 that began while the runtime was monitored (`performanceMonitoring`).
   *
   * @throws ConfigurationError RUN_UNKNOWN, INVALID_OPTION
   */
  getExecutionMetrics(runId: string): ExecutionMetrics;
  /** How well the runtime is, from readings of this moment. */
  getHealthStatus(): HealthStatus;
  /** The same, with what it was concluded from, and what is wrong in words. */
  getHealthDiagnostics(): HealthDiagnostics;
  /**
   * Forgets what is no longer needed: outputs that are too old, limits, their values and breakers with nothing to remember, with
   * their counts, and of runs that have ended those that `getExecutionMetrics` knows longest, down to 100. Never changes what a run does.
   */
  optimizeRuntimePerformance(): OptimizationReport;
  /** Strategies and retriable errors of this runtime. */
  getRetryPolicyEngine(): RetryPolicyEngine;
  /** How retries went, successes included. */
  getRetryAnalytics(): RetryAnalytics;
  /**
   * Adds a way in which waits grow, for policies with `backoff: { strategy: name }`. One that is there is replaced; built-in ones
   * cannot be.
   *
   * @throws ConfigurationError INVALID_OPTION
   */
  registerRetryStrategy(name: string, strategy: RetryStrategy): void;
  /**
   * From now on, errors that match are retried also where the `retryOn` of a policy does not name them; a code also where only
   * those are retried that are named, as `OUTPUT_INVALID`. `dontRetryOn` and errors that are never retried stand.
   *
   * @param matcher a code, an error class, or a predicate on the original error
   * @throws ConfigurationError INVALID_OPTION
   */
  addRetriableException(matcher: ErrorMatcher): void;
  /** Sets every count of `getRetryAnalytics` to 0. */
  resetRetryMetrics(): void;
  /** Forgets every output of nodes with the capability `cache`. */
  clearResultCache(): void;
}
