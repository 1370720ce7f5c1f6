import { ConfigurationError } from '../../base/errors.js';
import { predicateIdentity } from '../../base/predicate.js';
import { Workflow } from '../../base/workflow.js';
import { NodeRegistry, type Registrable, registry } from '../../forms/index.js';
import { importModule } from './import-module.js';

function isRegistrable(value: unknown): value is Registrable {
  if (value instanceof Workflow || predicateIdentity(value) !== undefined) return true;
  return typeof value === 'function' && 'implementation' in value;
}

/**
 * What a document may refer to by name: the registry that a module exports, or one of all the definitions, predicates and
 * workflows that it exports.
 *
 * @throws LockstepError what importing a module throws, NO_REGISTRY, DUPLICATE_DEFINITION
 */
export async function loadRegistry(file: string): Promise<NodeRegistry> {
  const values = new Set(Object.values(await importModule(file)));
  const registries = [...values].filter((value) => value instanceof NodeRegistry);
  const [only, ...others] = registries;
  if (only !== undefined && others.length === 0) return only;
  const things = [...values].filter(isRegistrable);
  if (others.length === 0 && things.length > 0) return registry(...things);
  const what = others.length > 0 ? 'exports several registries' : 'exports neither a registry nor a node definition';
  throw new ConfigurationError('NO_REGISTRY', `${file} ${what}.`, { at: file });
}
