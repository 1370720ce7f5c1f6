import type { BaseRuntime } from '../../base/base-runtime.js';
import { compile } from '../../base/compile.js';
import type { PlanNode } from '../../base/plan.js';
import type { RunFindings, RunRequest } from '../../base/run-request.js';
import type { RunResult } from '../../base/run-result.js';
import type { NodeDecision, RunView } from '../../base/run-view.js';
import { COMPLETED, FAILED, SKIPPED } from '../../base/status.js';
import type { Workflow } from '../../base/workflow.js';
import type { AbstractConstructor } from '../constructor.js';
import { decideByJoin, hasConditions } from './conditional.js';
import { type ConditionalProblem, checkPrerequisites, checkResults, checkSwitchOutput } from './conditional-checks.js';

/** How conditional execution went on this runtime. Counts, over all runs since it was created. */
export interface ConditionalPerformance {
  /** Runs of workflows that have something conditional. */
  readonly runs: number;
  /** Nodes of their graphs at the top that ran, failed ones included (last visit). */
  readonly executed: number;
  /** Nodes of their graphs at the top that were skipped (last visit). */
  readonly skipped: number;
  /** skipped / (executed + skipped), 0 to 1; 0 when there were none. */
  readonly skippedShare: number;
}

/** What the conditional mixin adds to a runtime. */
export interface ConditionalFeatures {
  /** Whether anything in the workflow can be left out at run time: a switch, or a node that may fail. */
  hasConditionalPatterns(workflow: Workflow): boolean;
  /** What the join rule says of a node in a run, given the state of its sources: run, skip or block, with the reason. */
  shouldSkipConditionalNode(run: RunView, nodeId: string): NodeDecision;
  /** What stands in the way of running the workflow conditionally; empty when nothing does. */
  validateConditionalExecutionPrerequisites(workflow: Workflow): readonly ConditionalProblem[];
  /** Checks what a switch delivered: its ports are cases, exactly one in mode `first`, at least one in mode `all`. */
  validateSwitchResults(
    workflow: Workflow,
    switchId: string,
    output: Readonly<Record<string, unknown>>,
  ): readonly ConditionalProblem[];
  /** Checks a result: every node has a final status, and every node that did not run a reason. */
  validateConditionalExecutionResults(result: RunResult): readonly ConditionalProblem[];
  /** Counts of conditional execution on this runtime. */
  trackConditionalExecutionPerformance(): ConditionalPerformance;
  /** Logs that a conditional run failed: run, node and error code, never a payload. */
  logConditionalExecutionFailure(result: RunResult): void;
}

/** Adds the join rules. Owns `decideNode`; observes `finishRun`; adds to `performanceSections`. */
export function ConditionalMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<ConditionalFeatures> & Base {
  abstract class Conditional extends Parent implements ConditionalFeatures {
    #runs = 0;
    #executed = 0;
    #skipped = 0;

    hasConditionalPatterns(workflow: Workflow): boolean {
      return hasConditions(compile(workflow));
    }

    shouldSkipConditionalNode(run: RunView, nodeId: string): NodeDecision {
      return decideByJoin(run.state, run.plan.nodes[run.plan.nodeIndex.get(nodeId) as number] as PlanNode);
    }

    validateConditionalExecutionPrerequisites(workflow: Workflow): readonly ConditionalProblem[] {
      return checkPrerequisites(compile(workflow));
    }

    validateSwitchResults(
      workflow: Workflow,
      switchId: string,
      output: Readonly<Record<string, unknown>>,
    ): readonly ConditionalProblem[] {
      return checkSwitchOutput(compile(workflow), switchId, output);
    }

    validateConditionalExecutionResults(result: RunResult): readonly ConditionalProblem[] {
      return checkResults(result);
    }

    trackConditionalExecutionPerformance(): ConditionalPerformance {
      const all = this.#executed + this.#skipped;
      return {
        runs: this.#runs,
        executed: this.#executed,
        skipped: this.#skipped,
        skippedShare: all === 0 ? 0 : this.#skipped / all,
      };
    }

    logConditionalExecutionFailure(result: RunResult): void {
      for (const { node, error, allowed } of result.failures) {
        this.ports.log.log(allowed ? 'info' : 'error', 'A node of a conditional run failed.', {
          runId: result.runId,
          node,
          code: error.code,
        });
      }
    }

    protected override checkRun(request: RunRequest, findings: RunFindings): void {
      super.checkRun(request, findings);
      for (const { message, at } of checkPrerequisites(request.plan))
        findings.warnings.push({ code: 'conditional', message, at });
    }

    protected override decideNode(run: RunView, node: PlanNode): NodeDecision {
      return decideByJoin(run.state, node);
    }

    protected override finishRun(run: RunView): void {
      super.finishRun(run);
      if (!hasConditions(run.plan)) return;
      this.#runs++;
      for (const status of run.state.status) {
        if (status === COMPLETED || status === FAILED) this.#executed++;
        else if (status === SKIPPED) this.#skipped++;
      }
    }

    protected override performanceSections(): Readonly<Record<string, object>> {
      return { ...super.performanceSections(), conditional: this.trackConditionalExecutionPerformance() };
    }
  }
  return Conditional;
}
