import type { AttemptError } from '../../base/errors.js';
import { ask, formatIssues } from '../../base/schema.js';
import type { Contract, Workflow } from '../../base/workflow.js';
import { jsonSchemaFaults } from './json-schema.js';
import { violations } from './policies.js';
import { schemaFault } from './schema-fault.js';

/** A value that breaks the contract of its connection. Never holds the value. */
export interface ContractViolation {
  readonly node: string;
  readonly port: string;
  readonly kind: 'schema' | 'json-schema' | 'policy';
  /** What is wrong, and where inside the value. */
  readonly message: string;
}

function checkOne(contract: Contract, node: string, port: string, value: unknown): ContractViolation[] {
  const found: ContractViolation[] = [];
  const add = (kind: ContractViolation['kind'], message: string): void => {
    found.push({ node, port, kind, message });
  };
  if (contract.schema !== undefined) {
    try {
      const answer = ask(contract.schema, value, `the contract of ${node}.${port}`);
      if (answer.issues !== undefined) add('schema', formatIssues(answer.issues));
    } catch (error) {
      add('schema', schemaFault(error as AttemptError));
    }
  }
  if (contract.jsonSchema !== undefined) {
    try {
      const faults = jsonSchemaFaults(contract.jsonSchema, value);
      if (faults.length > 0) add('json-schema', faults.join('; '));
    } catch {
      add('json-schema', 'the value or the schema cannot be compared');
    }
  }
  for (const policy of contract.policies ?? []) {
    for (const { rule, path } of violations(policy, value)) add('policy', `${policy}: ${rule} at ${path}`);
  }
  return found;
}

/** Checks the inputs of a node against the contracts of its connections. Inputs without a contract are not looked at. */
export function checkContracts(
  workflow: Workflow,
  node: string,
  inputs: Readonly<Record<string, unknown>>,
): readonly ContractViolation[] {
  const { contracts } = workflow.bindings;
  if (contracts.size === 0) return [];
  return Object.keys(inputs).flatMap((port) =>
    (contracts.get(`${node}.${port}`) ?? []).flatMap((contract) => checkOne(contract, node, port, inputs[port])),
  );
}
