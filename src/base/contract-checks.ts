import { didYouMean } from './did-you-mean.js';
import { ConfigurationError, textOf } from './errors.js';
import { isRecord } from './record.js';
import { isSchema } from './schema.js';
import type { Contract, ContractPolicy } from './workflow.js';

const FIELDS = ['schema', 'jsonSchema', 'policies'];
const POLICIES: readonly ContractPolicy[] = ['no-credentials', 'no-pii', 'no-sql'];

function refuse(key: string, what: string, value: unknown): never {
  throw new ConfigurationError('INVALID_DEFINITION', `The contract of "${key}" ${what}`, { at: key, value });
}

/**
 * Checks a contract on its own; whether its input exists is seen at `build()`.
 *
 * @param key the input, as `node.port`
 * @throws ConfigurationError INVALID_DEFINITION naming the field or policy
 */
export function checkContract(key: string, contract: Contract): void {
  if (!isRecord(contract)) refuse(key, 'is not an object.', contract);
  const names = Object.keys(contract);
  const unknown = names.find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) refuse(key, `has no field "${unknown}". ${didYouMean(unknown, FIELDS)}`, unknown);
  const { schema, jsonSchema, policies } = contract;
  if (schema === undefined && jsonSchema === undefined && policies === undefined)
    refuse(key, 'says nothing.', contract);
  if (schema !== undefined && !isSchema(schema)) refuse(key, 'has a schema that is no Standard Schema.', schema);
  if (jsonSchema !== undefined && !isRecord(jsonSchema))
    refuse(key, 'has a JSON Schema that is not an object.', jsonSchema);
  if (policies === undefined) return;
  if (!Array.isArray(policies)) refuse(key, 'does not list its policies in an array.', policies);
  for (const policy of policies as readonly ContractPolicy[]) {
    if (POLICIES.includes(policy)) continue;
    refuse(key, `names the policy "${textOf(policy)}". ${didYouMean(textOf(policy), POLICIES)}`, policy);
  }
}
