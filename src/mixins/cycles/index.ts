import type { BaseRuntime } from '../../base/base-runtime.js';
import { compile } from '../../base/compile.js';
import { LockstepError, WorkflowBuildError } from '../../base/errors.js';
import type { RegionState } from '../../base/execution-state.js';
import type { CycleReport } from '../../base/graph-result.js';
import { type Plan, type PlanRegion, plansOf } from '../../base/plan.js';
import type { RunFindings, RunRequest } from '../../base/run-request.js';
import type { RunResult } from '../../base/run-result.js';
import type { CycleDecision, RunView } from '../../base/run-view.js';
import type { Workflow } from '../../base/workflow.js';
import type { AbstractConstructor } from '../constructor.js';
import { askConvergence, type Convergence } from './convergence.js';
import { decideStep } from './cycles.js';

/** Iterations on this runtime, over all runs since it was created. */
export interface CycleTotals {
  readonly iterations: number;
  /** Entries of cycles that have stopped. */
  readonly stopped: number;
}

/** What the cycles mixin adds to a runtime. */
export interface CycleFeatures {
  /** Whether a workflow, or one that it runs as a child, has a cycle. */
  workflowHasCycles(workflow: Workflow): boolean;
  /** What is wrong with, or doubtful about, the cycles of a workflow; empty when nothing is. */
  validateCycleConfiguration(workflow: Workflow): readonly LockstepError[];
  /** Asks the test of a cycle about the iteration that has just ended in a run. */
  checkCycleConvergence(run: RunView, cycleId: string, now: number): Convergence;
  /** Counts of iterations on this runtime. */
  trackCycleIteration(): CycleTotals;
  /** Logs how each cycle of a run went, at level debug, or warn where it failed; returns the reports. */
  logCycleDiagnostics(result: RunResult): readonly CycleReport[];
}

/** Adds the rules of cycles. Owns `decideCycle`; adds to `checkRun` and `performanceSections`. */
export function CyclesMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<CycleFeatures> & Base {
  abstract class Cycles extends Parent implements CycleFeatures {
    #iterations = 0;
    #stopped = 0;

    workflowHasCycles(workflow: Workflow): boolean {
      return plansOf(compile(workflow)).some(({ plan }) => plan.regions.length > 0);
    }

    validateCycleConfiguration(workflow: Workflow): readonly LockstepError[] {
      return this.options.enableCycles ? [] : cyclesIn(compile(workflow));
    }

    checkCycleConvergence(run: RunView, cycleId: string, now: number): Convergence {
      const region = run.plan.regions[run.plan.regionIndex.get(cycleId) ?? -1];
      if (region === undefined)
        throw new WorkflowBuildError('UNKNOWN_NODE', `The workflow has no cycle "${cycleId}".`, { at: cycleId });
      const { enteredAt } = run.state.regions[region.index] as RegionState;
      return askConvergence(run.state, region, Number.isNaN(enteredAt) ? 0 : now - enteredAt);
    }

    trackCycleIteration(): CycleTotals {
      return { iterations: this.#iterations, stopped: this.#stopped };
    }

    logCycleDiagnostics(result: RunResult): readonly CycleReport[] {
      const reports = [...result.cycles.values()];
      for (const { id, iterations, reason, failed, metric, elapsedMs } of reports) {
        const fields = { runId: result.runId, cycle: id, iterations, reason, metric, elapsedMs };
        this.ports.log.log(failed ? 'warn' : 'debug', failed ? 'A cycle failed.' : 'A cycle stopped.', fields);
      }
      return reports;
    }

    protected override checkRun(request: RunRequest, findings: RunFindings): void {
      super.checkRun(request, findings);
      if (!this.options.enableCycles) findings.problems.push(...cyclesIn(request.plan));
    }

    protected override decideCycle(run: RunView, region: PlanRegion, now: number): CycleDecision {
      const decision = decideStep(run.state, region, now);
      if ((run.state.regions[region.index] as RegionState).iterations > 0) this.#iterations++;
      if (decision.kind === 'stop') {
        this.#stopped++;
        if (decision.reason === 'max_iterations' && !decision.failed && region.until !== undefined) {
          const message = `Cycle "${region.id}" reached maxIterations (${region.data.maxIterations}) before its condition was met.`;
          run.warn({ code: 'not-converged', message, at: region.id });
        }
      }
      return decision;
    }

    protected override performanceSections(): Readonly<Record<string, object>> {
      return { ...super.performanceSections(), cycles: this.trackCycleIteration() };
    }
  }
  return Cycles;
}

/** The cycles of a plan and of its children, each as a problem where cycles are disabled. */
function cyclesIn(top: Plan): LockstepError[] {
  return plansOf(top).flatMap(({ plan, owners }) =>
    plan.regions.map(({ id }) => {
      const at = `${owners}${id}`;
      return new LockstepError('CYCLES_DISABLED', `The workflow has the cycle "${at}".`, { at });
    }),
  );
}
