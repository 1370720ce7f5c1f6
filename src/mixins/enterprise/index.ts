import type { Attempt } from '../../base/attempt.js';
import type { BaseRuntime } from '../../base/base-runtime.js';
import { type BreakerOptions, checkBreaker, frozenCopy } from '../../base/capability-options.js';
import { AttemptError, ConfigurationError, errorData } from '../../base/errors.js';
import { checkRetry, type ErrorMatcher, type RetryOptions } from '../../base/node-options.js';
import { refuse } from '../../base/option-checks.js';
import { type Plan, type PlanNode, plansOf } from '../../base/plan.js';
import { checkHealth, checkResources, type HealthOptions, type ResourceOptions } from '../../base/resource-options.js';
import type { RunFindings, RunRequest } from '../../base/run-request.js';
import type { Admission, FailureDecision, RunView, Settlement } from '../../base/run-view.js';
import { checkExecutorKey, frozenResources } from '../../base/runtime-options.js';
import type { AbstractConstructor } from '../constructor.js';
import { CircuitBreakers } from './circuit-breakers.js';
import { ExecutionBook, type ExecutionMetrics } from './execution-metrics.js';
import { decideAfterFailure } from './failure.js';
import type {
  EnterpriseFeatures,
  HealthDiagnostics,
  Memories,
  OptimizationReport,
  ResourceMetrics,
} from './features.js';
import { HealthMonitor, type HealthStatus } from './health-monitor.js';
import { ResourceCoordinator } from './resource-coordinator.js';
import { ResultCache } from './result-cache.js';
import { type RetryAnalytics, RetryBook } from './retry-analytics.js';
import { RetryPolicyEngine, type RetryStrategy } from './retry-policy-engine.js';

/** What is known of a plan without looking at its nodes again. */
interface PlanFacts {
  /** Some node has a policy that must see its attempts. */
  readonly governed: boolean;
  /** Retry strategies that its nodes name. */
  readonly strategies: readonly { readonly name: string; readonly at: string }[];
}

/** How many runs `optimizeRuntimePerformance` leaves. */
const RUNS_LEFT = 100;

/**
 * Adds what governs attempts: retries, breakers, limits, the result cache, health, and the judgement of outputs. Owns `admit`,
 * `decideFailure`, `judge` and `recall`; observes attempts and runs.
 */
export function EnterpriseMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<EnterpriseFeatures> & Base {
  abstract class Enterprise extends Parent implements EnterpriseFeatures {
    readonly #breakers = new CircuitBreakers(this.ports.clock, (change) => this.tell('breaker', change));
    readonly #retries = new RetryPolicyEngine();
    readonly #retryBook = new RetryBook();
    readonly #cache = new ResultCache(this.ports.hash, this.options.cacheEntries);
    readonly #cacheKeys = new WeakMap<Attempt, string>();
    readonly #executions = new ExecutionBook();
    #coordinator = this.#coordinatorOf(this.options.resources);
    #health = new HealthMonitor(this.options.health);
    #facts = new WeakMap<Plan, PlanFacts>();

    #coordinatorOf(resources: ResourceOptions): ResourceCoordinator {
      return new ResourceCoordinator(resources, this.ports.readings, () => this.waitingHelps);
    }

    // ── Methods that users call. ──

    initializeCircuitBreaker(options: BreakerOptions = {}, executor?: string): CircuitBreakers {
      checkBreaker(options, 'initializeCircuitBreaker');
      this.#give({ breaker: frozenCopy(options) }, executor, 'initializeCircuitBreaker');
      this.#breakers.replace(executor);
      return this.#breakers;
    }

    getCircuitBreakers(): CircuitBreakers {
      return this.#breakers;
    }

    initializeRetryPolicies(options: RetryOptions, executor?: string): RetryPolicyEngine {
      checkRetry(options, 'initializeRetryPolicies');
      this.#give({ retry: frozenCopy(options) }, executor, 'initializeRetryPolicies');
      return this.#retries;
    }

    #give(
      given: { readonly breaker: BreakerOptions } | { readonly retry: RetryOptions },
      executor: string | undefined,
      at: string,
    ) {
      if (executor !== undefined) checkExecutorKey(executor, at);
      this.capabilities.set(given, executor);
      this.#facts = new WeakMap();
    }

    initializeResourceCoordinator(options: ResourceOptions): ResourceCoordinator {
      checkResources(options, 'initializeResourceCoordinator');
      if (!this.#coordinator.isIdle)
        throw new ConfigurationError('LIMITS_IN_USE', 'Attempts hold room under the limits, or wait for it.', {
          at: 'initializeResourceCoordinator',
        });
      this.#coordinator = this.#coordinatorOf(frozenResources(options));
      this.#facts = new WeakMap();
      return this.#coordinator;
    }

    initializeHealthMonitor(options: HealthOptions = {}): HealthMonitor {
      checkHealth(options, 'initializeHealthMonitor');
      this.#health = new HealthMonitor(frozenCopy(options));
      return this.#health;
    }

    getResourceMetrics(): ResourceMetrics {
      const { limits, waiting, exhausted } = this.#coordinator;
      const { readings } = this.ports;
      return {
        limits,
        waiting,
        exhausted,
        memory: { ...readings.memory() },
        eventLoopDelayMs: readings.eventLoopDelayMs(),
        cache: this.#cache.report(),
      };
    }

    getExecutionMetrics(runId: string): ExecutionMetrics {
      if (typeof runId !== 'string') refuse('getExecutionMetrics', 'takes the id of a run, such as run.runId', runId);
      const found = this.#executions.of(runId, this.ports.clock.now());
      if (found !== undefined) return found;
      const what = this.monitoring
        ? `Nothing is known of run "${runId}": it is not among the last that were monitored.`
        : `Nothing is known of run "${runId}": the runtime is not monitored (performanceMonitoring).`;
      throw new ConfigurationError('RUN_UNKNOWN', what, { at: 'getExecutionMetrics', value: runId });
    }

    getHealthStatus(): HealthStatus {
      return this.#healthFrom(this.getResourceMetrics());
    }

    #healthFrom({ memory, eventLoopDelayMs, waiting }: ResourceMetrics): HealthStatus {
      const readings = {
        heapShare: memory.heapUsedBytes / memory.heapLimitBytes,
        rssBytes: memory.rssBytes,
        eventLoopDelayMs,
        failureShare: this.#health.failureShare,
        openBreakers: this.#breakers.list().filter(({ state }) => state === 'open').length,
        waitingAttempts: waiting,
      };
      return this.#health.check(readings, this.ports.clock.now());
    }

    getHealthDiagnostics(): HealthDiagnostics {
      const resources = this.getResourceMetrics();
      const status = this.#healthFrom(resources);
      const worries = status.checks.flatMap(({ name, level, value, unit, crossed }) =>
        crossed === null ? [] : [`${name} is ${value} (${unit}) and ${level} from ${crossed} on.`],
      );
      const { runs: seen, failureShare } = this.#health;
      return { ...status, worries, resources, breakers: this.#breakers.list(), runs: { seen, failureShare } };
    }

    optimizeRuntimePerformance(): OptimizationReport {
      const now = this.ports.clock.now();
      const before = this.#memories();
      this.#cache.trim(now);
      this.#coordinator.trim(now);
      this.#breakers.trim();
      this.#executions.trim(RUNS_LEFT);
      return { before, after: this.#memories() };
    }

    #memories(): Memories {
      return {
        cachedOutputs: this.#cache.report().entries,
        limitValues: this.#coordinator.values,
        breakers: this.#breakers.list().length,
        runs: this.#executions.size,
      };
    }

    getRetryPolicyEngine(): RetryPolicyEngine {
      return this.#retries;
    }

    getRetryAnalytics(): RetryAnalytics {
      return this.#retryBook.report();
    }

    registerRetryStrategy(name: string, strategy: RetryStrategy): void {
      this.#retries.register(name, strategy);
    }

    addRetriableException(matcher: ErrorMatcher): void {
      this.#retries.addRetriable(matcher);
    }

    resetRetryMetrics(): void {
      this.#retryBook.reset(this.ports.clock.now());
    }

    clearResultCache(): void {
      this.#cache.clear();
    }

    // ── Hooks. ──

    protected override checkRun(request: RunRequest, findings: RunFindings): void {
      super.checkRun(request, findings);
      for (const { name, at } of this.#factsOf(request.plan).strategies) {
        const unknown = this.#retries.unknown(name);
        if (unknown !== undefined)
          findings.problems.push(new ConfigurationError('UNKNOWN_STRATEGY', unknown, { at, value: name }));
      }
    }

    protected override observes(plan: Plan): boolean {
      return super.observes(plan) || this.#factsOf(plan).governed;
    }

    #factsOf(plan: Plan): PlanFacts {
      let facts = this.#facts.get(plan);
      if (facts === undefined) {
        facts = this.#findFacts(plan);
        this.#facts.set(plan, facts);
      }
      return facts;
    }

    #findFacts(top: Plan): PlanFacts {
      const strategies: { name: string; at: string }[] = [];
      let governed = this.#coordinator.limitsAll;
      for (const { plan, owners } of plansOf(top)) {
        for (const node of plan.nodes) {
          const { retry, limit, breaker, cache } = this.capabilities.of(node);
          if (retry !== undefined || limit !== undefined || breaker !== undefined || cache !== undefined)
            governed = true;
          if (typeof retry?.backoff === 'object')
            strategies.push({ name: retry.backoff.strategy, at: `${owners}${node.id}` });
        }
      }
      return { governed, strategies };
    }

    protected override admit(run: RunView, node: PlanNode, now: number): Admission {
      if (!run.isObserved) return 'start';
      if (run.isMonitored) this.#executions.begin(run);
      const capabilities = this.capabilities.of(node);
      if (capabilities.executor === undefined) return 'start';
      const admission = this.#coordinator.admit(run, node, capabilities, now);
      if (admission !== 'start') return admission;
      const error = this.#breakers.admit(run, node, capabilities, now);
      if (error === undefined) return 'start';
      this.#coordinator.release(run, node);
      return { kind: 'refuse', error };
    }

    protected override withdraw(run: RunView, node: PlanNode): void {
      super.withdraw(run, node);
      this.#coordinator.release(run, node);
    }

    protected override decideFailure(run: RunView, attempt: Attempt, error: unknown, now: number): FailureDecision {
      const { retry, metrics } = this.capabilities.of(attempt.node);
      const decision = decideAfterFailure(run, attempt, error, now, retry, this.#retries);
      if (retry !== undefined && metrics !== false && run.isObserved && decision.givenUp !== undefined)
        this.#retryBook.noteGivenUp(decision.givenUp);
      return decision;
    }

    protected override judge(
      run: RunView,
      attempt: Attempt,
      output: Readonly<Record<string, unknown>>,
    ): Error | undefined {
      if (!this.options.contentAwareSuccess) return super.judge(run, attempt, output);
      const { id } = attempt.node;
      try {
        if (output.success !== false) return super.judge(run, attempt, output);
      } catch (cause) {
        return new AttemptError('NODE_THREW', `The output of node "${id}" threw when it was read.`, { at: id, cause });
      }
      return new AttemptError('NOT_SUCCESSFUL', `Node "${id}" reported success: false.`, { at: id, value: output });
    }

    protected override recall(
      run: RunView,
      attempt: Attempt,
      inputs: Readonly<Record<string, unknown>>,
    ): Readonly<Record<string, unknown>> | undefined {
      const { node } = attempt;
      if (this.capabilities.of(node).cache === undefined) return super.recall(run, attempt, inputs);
      try {
        const key = this.#cache.keyOf(node.implementation, inputs);
        const known = this.#cache.find(key, this.ports.clock.now());
        if (known === undefined) this.#cacheKeys.set(attempt, key);
        return known;
      } catch (error) {
        const { message } = errorData(error);
        run.warn({
          code: 'not-cached',
          message: `The inputs of node "${node.id}" have no key: ${message}`,
          at: node.id,
        });
        return undefined;
      }
    }

    protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
      const { node } = attempt;
      const { executor, retry, cache, metrics } = this.capabilities.of(node);
      if (executor !== undefined) this.#coordinator.release(run, node); // first: who hears of the attempt may run another
      super.afterAttempt(run, attempt, settlement);
      if (executor !== undefined) this.#breakers.settle(run, attempt, settlement);
      if (metrics !== false) {
        if (retry !== undefined) this.#retryBook.note(attempt, executor ?? node.implementation.kind, settlement);
        if (run.isMonitored) this.#executions.note(run, attempt, settlement);
      }
      const key = cache === undefined ? undefined : this.#cacheKeys.get(attempt);
      if (key === undefined || settlement.status !== 'completed') return;
      this.#cache.keep(
        key,
        run.state.outputs[node.index] as Readonly<Record<string, unknown>>,
        cache ?? {},
        settlement.at,
      );
    }

    protected override finishRun(run: RunView): void {
      super.finishRun(run);
      this.#health.noteRun(run.top.runStatus === 'failed');
      if (run.isMonitored) this.#executions.end(run);
    }

    protected override performanceSections(): Readonly<Record<string, object>> {
      return {
        ...super.performanceSections(),
        enterprise: {
          retries: this.getRetryAnalytics(),
          resources: this.getResourceMetrics(),
          breakers: this.#breakers.list(),
          health: this.getHealthStatus(),
        },
      };
    }
  }
  return Enterprise;
}
