import type { Attempt } from '../../base/attempt.js';
import type { BaseRuntime } from '../../base/base-runtime.js';
import type { ValidationLevel } from '../../base/capability-options.js';
import { compile } from '../../base/compile.js';
import type { ErrorCode } from '../../base/error-catalog.js';
import { type AttemptError, errorData, LockstepError } from '../../base/errors.js';
import type { PlanNode } from '../../base/plan.js';
import type { RunFindings, RunRequest } from '../../base/run-request.js';
import type { RunView } from '../../base/run-view.js';
import { isThenable } from '../../base/schema.js';
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
  /** Checks values against the contracts of the connections into a node. Empty when all hold. @throws LockstepError UNKNOWN_NODE */
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
  /** Everything that leads into a node. @throws LockstepError UNKNOWN_NODE */
  buildConnectionContext(workflow: Workflow, node: string): ConnectionContext;
  getValidationMetrics(): ValidationMetrics;
  /** Sets every count to 0. */
  resetValidationMetrics(): void;
  /** Asks the access policy. No policy bound allows; one that throws denies. */
  checkWorkflowAccess(workflow: Workflow, runId: string, context: Readonly<Record<string, unknown>>): AccessDecision;
  /** Whether the failure of a node stops the run: it fails fast, and the node is not allowed to fail. @throws LockstepError UNKNOWN_NODE */
  shouldStopOnError(workflow: Workflow, node: string): boolean;
}

const ALLOWED: AccessDecision = Object.freeze({ allowed: true, reason: '' });

/** Adds validation, contracts and the access check. Owns `checkInputs`; adds to `checkRun` and `performanceSections`. */
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
      return checkContracts(workflow, planNode(compile(workflow), node).id, inputs);
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
        const answer: unknown = access.allows({ workflow: workflow.name, runId, context });
        if (answer === true) return ALLOWED;
        if (!isThenable(answer))
          return {
            allowed: false,
            reason: typeof answer === 'string' && answer !== '' ? answer : 'the policy says no',
          };
        answer.then(undefined, () => undefined);
        return { allowed: false, reason: 'the policy answered with a promise' };
      } catch (error) {
        log.log('error', 'The access policy threw; the run is refused.', { runId, error: errorData(error).message });
        return { allowed: false, reason: 'the policy threw' };
      }
    }

    shouldStopOnError(workflow: Workflow, node: string): boolean {
      const { allowFailure } = planNode(compile(workflow), node).data;
      return this.options.onError === 'fail-fast' && !allowFailure;
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
      const { contracts } = run.plan.workflow.bindings;
      const delivered = contracts.size === 0 || this.#levelOf(attempt.node) === 'off' ? undefined : { ...inputs };
      try {
        applySchemas(run, attempt, inputs);
      } catch (error) {
        this.#inputFailures++;
        throw error;
      }
      if (delivered !== undefined) this.#applyContracts(run, attempt, delivered);
      return inputs;
    }

    protected override performanceSections(): Readonly<Record<string, object>> {
      return { ...super.performanceSections(), validation: this.getValidationMetrics() };
    }

    /** How strictly the contracts of a node are treated. */
    #levelOf(node: PlanNode): ValidationLevel {
      return this.capabilities.of(node).validation ?? this.options.validation;
    }

    /** Contracts see values as they were delivered, before any schema replaced them. */
    #applyContracts(run: RunView, { node }: Attempt, delivered: Readonly<Record<string, unknown>>): void {
      const { workflow } = run.plan;
      const broken = checkContracts(workflow, node.id, delivered);
      this.#contractViolations += broken.length;
      for (const port of new Set(broken.map((violation) => violation.port))) {
        const messages = broken.flatMap((violation) => (violation.port === port ? [violation.message] : []));
        const message = messages.join('; ');
        if (this.#levelOf(node) === 'strict')
          throw enhancedError(workflow, 'CONTRACT_VIOLATED', node.id, port, message);
        run.warn({ code: 'contract', message: `${node.id}.${port}: ${message}`, at: `${node.id}.${port}` });
      }
    }
  }
  return Validation;
}
