import type { Attempt } from '../../base/attempt.js';
import type { BaseRuntime } from '../../base/base-runtime.js';
import { compile } from '../../base/compile.js';
import { plansOf } from '../../base/plan.js';
import type { BoundParameters, RunRequest } from '../../base/run-request.js';
import type { RunView } from '../../base/run-view.js';
import type { RunOptions } from '../../base/runtime-options.js';
import { expandTemplates } from '../../base/templates.js';
import type { Workflow } from '../../base/workflow.js';
import type { AbstractConstructor } from '../constructor.js';
import { addressesNode, matchParameters, type ParameterFormats, separate } from './parameters.js';
import { resolve } from './resolve.js';
import { serializeContext } from './serialize-context.js';

/** A secret that a workflow needs, and the nodes that declare it. */
export interface SecretRequirement {
  readonly name: string;
  /** By id; those of a map or subworkflow as `sub/node`. */
  readonly nodes: readonly string[];
}

/** What the parameters mixin adds to a runtime. */
export interface ParameterFeatures {
  /** Matches parameters with what a workflow declares: the bound values, node-addressed values, problems and warnings. Runs nothing. */
  processWorkflowParameters(
    workflow: Workflow,
    parameters: Readonly<Record<string, unknown>>,
    options?: RunOptions,
  ): BoundParameters;
  /** Takes parameters for the workflow and parameters for single nodes apart. */
  separateParameterFormats(workflow: Workflow, parameters: Readonly<Record<string, unknown>>): ParameterFormats;
  /** Whether a parameter addresses a node: its name is a node id and its value an object of inputs. */
  isNodeSpecificFormat(workflow: Workflow, name: string, value: unknown): boolean;
  /** The caller's context as plain JSON data: what JSON cannot hold is replaced by its name, cycles by `[circular]`. */
  serializeUserContext(context: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** Every secret that nodes of the workflow declare, in order of first declaration. */
  extractSecretRequirements(workflow: Workflow): readonly SecretRequirement[];
  /** Expands `${name}` templates of a data form. See `expandTemplates`. */
  expandTemplates(config: unknown, values: Readonly<Record<string, unknown>>): unknown;
}

/** Adds parameters, precedence and templates. Owns `bindParameters` and `resolveInputs`. */
export function ParametersMixin<Base extends AbstractConstructor<BaseRuntime>>(
  Parent: Base,
): AbstractConstructor<ParameterFeatures> & Base {
  abstract class Parameters extends Parent implements ParameterFeatures {
    processWorkflowParameters(
      workflow: Workflow,
      parameters: Readonly<Record<string, unknown>>,
      options: RunOptions = {},
    ): BoundParameters {
      return matchParameters({ runId: '', plan: compile(workflow), parameters, options }, this.options.validation);
    }

    separateParameterFormats(workflow: Workflow, parameters: Readonly<Record<string, unknown>>): ParameterFormats {
      return separate(compile(workflow), parameters);
    }

    isNodeSpecificFormat(workflow: Workflow, name: string, value: unknown): boolean {
      return addressesNode(compile(workflow), name, value);
    }

    serializeUserContext(context: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
      return serializeContext(context);
    }

    extractSecretRequirements(workflow: Workflow): readonly SecretRequirement[] {
      const top = compile(workflow);
      const nodes = plansOf(top).flatMap(({ plan, owners }) =>
        plan.nodes.map(({ id, implementation }) => ({ path: `${owners}${id}`, secrets: implementation.secrets })),
      );
      return top.secrets.map((name) => ({
        name,
        nodes: nodes.filter((node) => node.secrets.includes(name)).map((node) => node.path),
      }));
    }

    expandTemplates(config: unknown, values: Readonly<Record<string, unknown>>): unknown {
      return expandTemplates(config, values);
    }

    protected override bindParameters(request: RunRequest): BoundParameters {
      return matchParameters(request, this.options.validation);
    }

    protected override resolveInputs(run: RunView, attempt: Attempt): Record<string, unknown> {
      return resolve(run, attempt);
    }
  }
  return Parameters;
}
