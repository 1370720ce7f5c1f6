import type { ConditionTest } from './condition.js';
import { ConfigurationError } from './errors.js';
import type { NodeImplementation, PortSpec } from './node.js';
import type { RetryOptions } from './node-options.js';
import { type BindWorkflow, bindWorkflow } from './nodes/subworkflow.js';
import type { StandardSchema } from './standard-schema.js';
import type { WorkflowData } from './workflow-data.js';

/** What a workflow's data refers to by name but cannot hold: functions and schemas. */
export interface WorkflowBindings {
  /** Node id to implementation. */
  readonly implementations: ReadonlyMap<string, NodeImplementation>;
  /** Node id to retry options, where there are any: they hold the predicates. */
  readonly retries: ReadonlyMap<string, RetryOptions>;
  /** Declared parameters, by name. */
  readonly parameters: ReadonlyMap<string, PortSpec>;
  /** Schemas of untyped paths, by the name the data uses. */
  readonly schemas: ReadonlyMap<string, StandardSchema>;
  /** Cycle id to the functions of its `until`, in the order in which the data names them. */
  readonly tests: ReadonlyMap<string, readonly ConditionTest[]>;
  /** Connection contracts, by `node.port`. */
  readonly contracts: ReadonlyMap<string, readonly Contract[]>;
}

/** A ready-made rule that no value on a connection may break. */
export type ContractPolicy = 'no-credentials' | 'no-pii' | 'no-sql';

/** What values on a connection must satisfy beyond the schema of the port. Governed by the validation level. */
export interface Contract {
  /** A Standard Schema that the value must satisfy. */
  readonly schema?: StandardSchema;
  /** A JSON Schema (draft 2020-12) that the value must satisfy. */
  readonly jsonSchema?: Readonly<Record<string, unknown>>;
  /** Ready-made rules. */
  readonly policies?: readonly ContractPolicy[];
}

declare const workflowType: unique symbol;

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * A built workflow: frozen data plus bindings. Made by `build()`; a runtime compiles it once and caches the plan by this object.
 */
export class Workflow<Params = unknown, Output = unknown> {
  declare readonly [workflowType]: { readonly params: Params; readonly output: Output };
  declare readonly data: WorkflowData;
  declare readonly bindings: WorkflowBindings;

  /** Makes an object that can be called, to bind its parameters: see `BuiltWorkflow`. */
  constructor(data: WorkflowData, bindings: WorkflowBindings) {
    const made = Object.setPrototypeOf((inputs: unknown) => bindWorkflow(made, inputs), new.target.prototype) as this;
    for (const own of ['name', 'length']) Reflect.deleteProperty(made, own);
    Object.defineProperties(made, {
      data: { value: data, enumerable: true },
      bindings: { value: bindings, enumerable: true },
    });
    // biome-ignore lint/correctness/noConstructorReturn: a class cannot make its instances callable in another way
    return Object.freeze(made);
  }

  get name(): string {
    return this.data.name;
  }

  [INSPECT](): string {
    return `Workflow { ${this.name}, ${this.data.nodes.length} nodes }`;
  }
}

/** What says that something is no workflow, where a caller in plain JavaScript passed it. */
export function notAWorkflow(caller: string, value: unknown): ConfigurationError {
  return new ConfigurationError('NOT_A_WORKFLOW', `${caller}() was given something that is not a workflow.`, { value });
}

/** @throws ConfigurationError NOT_A_WORKFLOW */
export function requireWorkflow(caller: string, value: unknown): void {
  if (!(value instanceof Workflow)) throw notAWorkflow(caller, value);
}

/** The workflow that a map or subworkflow runs. */
export function childOf({ child }: NodeImplementation): Workflow | undefined {
  return child instanceof Workflow ? child : undefined;
}

/** A workflow as `build()` makes it: call it to bind its parameters, and `add` what that returns as a subworkflow. */
export type BuiltWorkflow<Params, Output> = Workflow<Params, Output> & BindWorkflow<Params, Output>;
