import type { ActiveRun } from '../../base/active-run.js';
import type { Attempt } from '../../base/attempt.js';
import type { BaseRuntime } from '../../base/base-runtime.js';
import { compile } from '../../base/compile.js';
import { isName } from '../../base/names.js';
import { checkWord, knownFields, refuse } from '../../base/option-checks.js';
import type { RejectedRun, RunOutcome } from '../../base/outcome.js';
import { type Plan, type PlanNode, plansOf } from '../../base/plan.js';
import type { RunRequest } from '../../base/run-request.js';
import { type RunResult, requireRun } from '../../base/run-result.js';
import type { RunView, Settlement } from '../../base/run-view.js';
import { checkObject } from '../../base/runtime-options.js';
import { requireWorkflow, type Workflow } from '../../base/workflow.js';
import type { AbstractConstructor } from '../constructor.js';
import type {
  ExecutionAnalytics,
  NodeExecution,
  PerformanceReport,
  RuntimeCounts,
  RuntimeMetrics,
} from './analytics-types.js';
import { checkMeasurement, type ExecutionStatistics, statisticsOf } from './distribution.js';
import { executionPath } from './execution-path.js';
import { Ledger } from './ledger.js';
import type { ExecutionPath } from './path-types.js';
import { planKey } from './plan-key.js';
import { LifeCounts } from './runtime-counts.js';

/** A plan that was asked for. */
export interface PlanLookUp {
  /** The workflow as compiled: frozen in all that matters, never a copy. */
  readonly plan: Plan;
  /** This runtime had compiled it before, for a run of this workflow or of one that runs it as a child, or for an earlier question. */
  readonly cached: boolean;
}

/**
 * What the analytics mixin adds to a runtime. Nothing is collected unless monitoring is on; what is recorded by hand
 * (`recordExecutionPerformance`, `trackNodeExecution`, `recordExecutionMetrics`) counts either way. Memory is bounded, however much is
 * run: see `ForgottenCounts`.
 */
export interface AnalyticsFeatures {
  /**
   * Turns monitoring on or off, for runs that begin or go on afterwards; those in flight stay what they were. What was collected
   * stays until `clearAnalyticsData`. Default off (option `performanceMonitoring`), which costs nothing a node.
   *
   * @throws ConfigurationError INVALID_OPTION
   */
  setPerformanceMonitoring(on: boolean): void;
  /**
   * What monitored runs came to: runs, attempts, times, wasted work, the slowest nodes, look-ups of plans.
   *
   * @param workflow only of this one, or of all of this name. Default: all
   * @throws ConfigurationError NOT_A_WORKFLOW
   */
  getExecutionAnalytics(workflow?: Workflow | string): ExecutionAnalytics;
  /** Forgets what `getExecutionAnalytics` tells, and counts anew from now on. Monitoring stays as it is. */
  clearAnalyticsData(): void;
  /**
   * Counts a run that was not monitored here: of another runtime, or with monitoring off, as far as its result remembers it. Of a
   * node in a cycle that is the last visit, and what failed; of a map or subworkflow in one, the last children.
   *
   * @returns `false` where this very result was counted already: its run was monitored, or it was recorded before
   * @throws ConfigurationError NOT_A_RUN; INVALID_OPTION where the run waits: it has not ended
   */
  recordExecutionPerformance(result: RunResult): boolean;
  /** Counts work outside of any run as the only attempt of a visit of a node. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  trackNodeExecution(execution: NodeExecution): void;
  /**
   * Takes a measurement of the user's own, to be found among `measurements` of `getExecutionAnalytics`.
   *
   * @param name 1 to 200 characters
   * @param value a number from 0 to 1e140
   * @param unit the same for all values of a name, at most 20 characters: `ms`, `rows`. Default: the one given before; at first, a plain number
   * @throws ConfigurationError INVALID_OPTION
   */
  recordExecutionMetrics(name: string, value: number, unit?: string): void;
  /**
   * Statistics of any numbers from 0 to 1e140, in bounded memory however many they are: exact, but for quantiles of more than 32
   * numbers, which are within 1 %.
   *
   * @throws ConfigurationError INVALID_OPTION
   */
  computeExecutionStatistics(samples: Iterable<number>): ExecutionStatistics;
  /**
   * The plan of a workflow, compiled now unless it is known. Counts as a look-up while monitoring is on.
   *
   * @throws ConfigurationError NOT_A_WORKFLOW
   */
  getExecutionPlanCached(workflow: Workflow): PlanLookUp;
  /**
   * A digest of the structure of a workflow, as 64 lower-case hexadecimal digits: ids, kinds, joins, connections, cycles and
   * children. Workflows that differ only in literals, in the names of implementations or in retries have one key; see `hashOf` for
   * the identity of a workflow.
   *
   * @throws ConfigurationError NOT_A_WORKFLOW
   */
  createExecutionPlanCacheKey(workflow: Workflow): string;
  /**
   * How a run went: in which order nodes started and ended, why each ran or did not, its attempts and waits, the cycles, and the
   * critical path. Needs no monitoring: it is read from the result.
   *
   * @throws ConfigurationError NOT_A_RUN
   */
  getExecutionPathDebugInfo(run: RunResult): ExecutionPath;
  /** Counts over the life of the runtime, memory, and what each mixin counts. Runs are counted also while monitoring is off. */
  getRuntimeMetrics(): RuntimeMetrics;
  /** Everything the runtime can say about its performance, as plain data that JSON keeps. */
  getPerformanceReport(): PerformanceReport;
}

/** Adds what is counted and measured. Observes `afterAttempt` and `finishRun`. */
export function AnalyticsMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<AnalyticsFeatures> & Base {
  abstract class Analytics extends Parent implements AnalyticsFeatures {
    readonly #startedAt = this.ports.clock.now();
    readonly #life = new LifeCounts();
    readonly #measured = (node: PlanNode): boolean => this.capabilities.of(node).metrics !== false;
    #ledger = new Ledger(this.#startedAt, this.#measured);
    /** Results that have been counted. */
    readonly #counted = new WeakSet<RunResult>();
    /** Plans that this runtime has compiled. */
    readonly #plans = new WeakSet<Plan>();

    setPerformanceMonitoring(on: boolean): void {
      if (typeof on !== 'boolean') refuse('setPerformanceMonitoring', 'takes true or false', on);
      this.monitoring = on;
    }

    getExecutionAnalytics(workflow?: Workflow | string): ExecutionAnalytics {
      if (workflow === undefined) return this.#ledger.analytics(null);
      if (typeof workflow === 'string') return this.#ledger.analytics(workflow);
      requireWorkflow('getExecutionAnalytics', workflow);
      return this.#ledger.analytics(workflow.name);
    }

    clearAnalyticsData(): void {
      this.#ledger = new Ledger(this.ports.clock.now(), this.#measured);
    }

    recordExecutionPerformance(result: RunResult): boolean {
      requireRun('recordExecutionPerformance', result);
      if (result.status === 'waiting')
        refuse('recordExecutionPerformance', 'takes a run that has ended', result.status);
      if (this.#counted.has(result)) return false;
      this.#counted.add(result);
      this.#ledger.record(result);
      return true;
    }

    trackNodeExecution(execution: NodeExecution): void {
      const at = 'trackNodeExecution';
      checkObject(execution, 'What trackNodeExecution() is given', at);
      knownFields(execution, ['workflow', 'node', 'durationMs', 'status'], at);
      const { workflow, node, durationMs, status } = execution;
      if (!isName(workflow)) refuse(`${at}.workflow`, 'must be the name of a workflow', workflow);
      if (typeof node !== 'string' || !node.split('/').every(isName))
        refuse(`${at}.node`, 'must be the id of a node', node);
      checkMeasurement(durationMs, `${at}.durationMs`);
      if (status === undefined) refuse(`${at}.status`, 'is missing', status);
      checkWord(status, ['completed', 'failed', 'cancelled'], `${at}.status`);
      this.#ledger.track(execution);
    }

    recordExecutionMetrics(name: string, value: number, unit?: string): void {
      const at = 'recordExecutionMetrics';
      if (typeof name !== 'string' || name === '' || name.length > 200)
        refuse(`${at}.name`, 'must be a text of 1 to 200 characters', name);
      checkMeasurement(value, `${at}.value`);
      if (unit !== undefined && (typeof unit !== 'string' || unit.length > 20))
        refuse(`${at}.unit`, 'must be a text of at most 20 characters', unit);
      const known = this.#ledger.unitOf(name);
      if (unit !== undefined && known !== undefined && unit !== known)
        refuse(`${at}.unit`, `of "${name}" is "${known}" already`, unit);
      this.#ledger.measure(name, value, unit ?? '');
    }

    computeExecutionStatistics(samples: Iterable<number>): ExecutionStatistics {
      return statisticsOf(samples);
    }

    getExecutionPlanCached(workflow: Workflow): PlanLookUp {
      requireWorkflow('getExecutionPlanCached', workflow);
      const plan = compile(workflow);
      const cached = this.#lookUp(plan);
      if (this.monitoring) this.#ledger.lookUp(workflow.name, cached);
      return { plan, cached };
    }

    createExecutionPlanCacheKey(workflow: Workflow): string {
      requireWorkflow('createExecutionPlanCacheKey', workflow);
      return planKey(workflow.data, this.ports.hash);
    }

    getExecutionPathDebugInfo(run: RunResult): ExecutionPath {
      requireRun('getExecutionPathDebugInfo', run);
      return executionPath(run);
    }

    getRuntimeMetrics(): RuntimeMetrics {
      return { ...this.#counts(), sections: this.performanceSections() };
    }

    getPerformanceReport(): PerformanceReport {
      return {
        generatedAt: this.ports.clock.now(),
        monitoring: this.monitoring,
        analytics: this.getExecutionAnalytics(),
        runtime: this.#counts(),
        sections: this.performanceSections(),
      };
    }

    protected override beginRun(run: ActiveRun, secrets: ReadonlyMap<string, string>, since?: number): void {
      const { execution, history } = run;
      super.beginRun(run, secrets, since);
      const { plan } = execution;
      const known = this.#lookUp(plan);
      if (history !== undefined) this.#life.resumed++;
      else {
        this.#life.started++;
        if (execution.isMonitored) this.#ledger.lookUp(plan.workflow.name, known);
      }
    }

    protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
      super.afterAttempt(run, attempt, settlement);
      if (!run.isMonitored || !this.#ledger.settle(run, attempt, settlement)) return;
      this.#life.attempts.end(settlement.status, attempt.number);
      if (attempt.cached) this.#life.attempts.cached++;
    }

    protected override finishRun(run: RunView): void {
      super.finishRun(run);
      this.#life.end(run);
      if (run.isMonitored) this.#ledger.end(run);
    }

    protected override closeRun<Output>(run: ActiveRun): RunOutcome<Output> {
      const outcome = super.closeRun<Output>(run);
      this.#ledger.letGo();
      if (outcome.status === 'waiting') this.#life.waited++;
      else if (outcome.status !== 'rejected' && run.execution.isMonitored) this.#counted.add(outcome);
      return outcome;
    }

    protected override rejected(error: unknown, request: RunRequest | undefined, run?: ActiveRun): RejectedRun {
      const refused = super.rejected(error, request, run);
      this.#life.rejected++;
      return refused;
    }

    /** Whether this runtime has compiled a plan before; from now on it has. */
    #lookUp(plan: Plan): boolean {
      if (this.#plans.has(plan)) return true;
      for (const each of plansOf(plan)) this.#plans.add(each.plan);
      return false;
    }

    #counts(): RuntimeCounts {
      const { clock, readings } = this.ports;
      return {
        startedAt: this.#startedAt,
        uptimeMs: clock.now() - this.#startedAt,
        runs: this.#life.runs(),
        attempts: this.#life.attempts.counts(),
        warnings: this.#life.warnings,
        memory: readings.memory(),
        eventLoopDelayMs: readings.eventLoopDelayMs(),
      };
    }
  }
  return Analytics;
}
