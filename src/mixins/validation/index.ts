import type { Attempt } from '../../base/attempt.js';
import type { BaseRuntime, RunFindings, RunRequest } from '../../base/base-runtime.js';
import { compile } from '../../base/compile.js';
import type { ErrorCode } from '../../base/error-catalog.js';
import { type AttemptError, errorData, LockstepError } from '../../base/errors.js';
import type { RunView } from '../../base/run-view.js';
import type { Workflow } from '../../base/workflow.js';
import type { AbstractConstructor } from '../constructor.js';
import { type ConnectionContext, connectionContext, enhancedError, planNode } from './connections.js';
import { type ContractViolation, checkContracts } from './contracts.js';
import { applySchemas } from './inputs.js';
import { checkStatically, type ValidationReport } from './static-checks.js';

/** Validation on this runtime, over all runs since it was created or the counts were reset. */
export interface ValidationMetrics {
  /** Workflows that were checked before a run. */
  readonly workflows: number;
  /** Attempts whose inputs were asked about. */
  readonly inputs: number;
  /** Attempts whose inputs did not fit. */
  readonly inputFailures: number;
  readonly contractViolations: number;
  readonly accessDenied: number;
}

/** What an access check answered. */
export interface AccessDecision {
  readonly allowed: boolean;
  /** Why not; empty when allowed. */
  readonly reason: string;
}

/** What the validation mixin adds to a runtime. */
export interface ValidationFeatures {
  /** Checks a built workflow at the runtime's validation level, without running it. */
  validateWorkflow(workflow: Workflow): ValidationReport;
  /** Checks values against the contracts of the connections into a node. Empty when all hold. */
  validateConnectionContracts(
    workflow: Workflow,
    node: string,
    inputs: Readonly<Record<string, unknown>>,
  ): readonly ContractViolation[];
  /** A validation error that names the connection which brought the value. */
  generateEnhancedValidationError(
    workflow: Workflow,
    code: ErrorCode,
    node: string,
    port: string,
    what: string,
  ): AttemptError;
  /** Everything that leads into a node. */
  buildConnectionContext(workflow: Workflow, node: string): ConnectionContext;
  getValidationMetrics(): ValidationMetrics;
  /** Sets every count to 0. */
  resetValidationMetrics(): void;
  /** Asks the access policy. No policy bound allows; one that throws denies. */
  checkWorkflowAccess(workflow: Workflow, runId: string, context: Readonly<Record<string, unknown>>): AccessDecision;
  /** Whether the failure of a node stops the run: it fails fast, and the node is not allowed to fail. */
  shouldStopOnError(workflow: Workflow, node: string): boolean;
}

const ALLOWED: AccessDecision = Object.freeze({ allowed: true, reason: '' });

/** Adds validation, contracts and the access check. Owns `checkInputs`; adds to `checkRun`. */
export function ValidationMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<ValidationFeatures> & Base {
  abstract class Validation extends Parent implements ValidationFeatures {
    #workflows = 0;
    #inputs = 0;
    #inputFailures = 0;
    #contractViolations = 0;
    #accessDenied = 0;

    validateWorkflow(workflow: Workflow): ValidationReport {
      return checkStatically(compile(workflow), this.options.validation);
    }

    validateConnectionContracts(
      workflow: Workflow,
      node: string,
      inputs: Readonly<Record<string, unknown>>,
    ): readonly ContractViolation[] {
      return checkContracts(workflow, node, inputs);
    }

    generateEnhancedValidationError(
      workflow: Workflow,
      code: ErrorCode,
      node: string,
      port: string,
      what: string,
    ): AttemptError {
      return enhancedError(workflow, code, node, port, what);
    }

    buildConnectionContext(workflow: Workflow, node: string): ConnectionContext {
      return connectionContext(workflow, node);
    }

    getValidationMetrics(): ValidationMetrics {
      return {
        workflows: this.#workflows,
        inputs: this.#inputs,
        inputFailures: this.#inputFailures,
        contractViolations: this.#contractViolations,
        accessDenied: this.#accessDenied,
      };
    }

    resetValidationMetrics(): void {
      this.#workflows = 0;
      this.#inputs = 0;
      this.#inputFailures = 0;
      this.#contractViolations = 0;
      this.#accessDenied = 0;
    }

    checkWorkflowAccess(workflow: Workflow, runId: string, context: Readonly<Record<string, unknown>>): AccessDecision {
      const { access, log } = this.ports;
      if (access === undefined) return ALLOWED;
      try {
        const answer = access.allows({ workflow: workflow.name, runId, context });
        if (answer === true) return ALLOWED;
        return { allowed: false, reason: typeof answer === 'string' && answer !== '' ? answer : 'the policy says no' };
      } catch (error) {
        log.log('error', 'The access policy threw; the run is refused.', { runId, error: errorData(error).message });
        return { allowed: false, reason: 'the policy threw' };
      }
    }

    shouldStopOnError(workflow: Workflow, node: string): boolean {
      return this.options.onError === 'fail-fast' && planNode(compile(workflow), node)?.data.allowFailure === false;
    }

    protected override checkRun(request: RunRequest, findings: RunFindings): void {
      super.checkRun(request, findings);
      this.#workflows++;
      const { workflow } = request.plan;
      const report = checkStatically(request.plan, this.options.validation);
      if (report.problems.length > 0) findings.problems.push(...report.problems);
      if (report.warnings.length > 0) findings.warnings.push(...report.warnings);
      const access = this.checkWorkflowAccess(workflow, request.runId, request.options.context ?? {});
      if (access.allowed) return;
      this.#accessDenied++;
      findings.problems.push(
        new LockstepError('ACCESS_DENIED', `Workflow "${workflow.name}" may not run: ${access.reason}.`, {
          at: workflow.name,
        }),
      );
    }

    protected override checkInputs(
      run: RunView,
      attempt: Attempt,
      inputs: Record<string, unknown>,
    ): Record<string, unknown> {
      this.#inputs++;
      try {
        applySchemas(run, attempt, inputs);
      } catch (error) {
        this.#inputFailures++;
        throw error;
      }
      if (this.options.validation !== 'off') this.#applyContracts(run, attempt, inputs);
      return inputs;
    }

    #applyContracts(run: RunView, { node }: Attempt, inputs: Record<string, unknown>): void {
      const { workflow } = run.plan;
      const broken = checkContracts(workflow, node.id, inputs);
      this.#contractViolations += broken.length;
      for (const { port, message } of broken) {
        if (this.options.validation === 'strict')
          throw enhancedError(workflow, 'CONTRACT_VIOLATED', node.id, port, message);
        run.warn({ code: 'contract', message: `${node.id}.${port}: ${message}`, at: `${node.id}.${port}` });
      }
    }
  }
  return Validation;
}
