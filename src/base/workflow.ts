import type { ConditionTest } from './condition.js';
import type { NodeImplementation, PortSpec } from './node.js';
import type { RetryOptions } from './node-options.js';
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
  /** Cycle id to the test of its `until`. */
  readonly tests: ReadonlyMap<string, ConditionTest>;
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

/**
 * A built workflow: frozen data plus bindings. Made by `build()`; a runtime compiles it once and caches the plan by this object.
 */
export class Workflow<Params = unknown, Output = unknown> {
  declare readonly [workflowType]: { readonly params: Params; readonly output: Output };
  readonly data: WorkflowData;
  readonly bindings: WorkflowBindings;

  constructor(data: WorkflowData, bindings: WorkflowBindings) {
    this.data = data;
    this.bindings = bindings;
    Object.freeze(this);
  }

  get name(): string {
    return this.data.name;
  }
}
