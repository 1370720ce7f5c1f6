import { ConfigurationError, textOf } from './errors.js';
import { executorMissing } from './executor.js';
import type { ExecutorReference } from './executor-port.js';
import {
  defineNode,
  definitionOf,
  type InputValues,
  NODE_FIELDS,
  type NodeConfig,
  type NodeDefinition,
  type NodeImplementation,
  type PortSchemas,
  type PortValues,
  type RunOutput,
} from './node.js';
import { knownFields } from './option-checks.js';
import type { StandardSchema } from './standard-schema.js';

/** Fields of `defineNode` that mean nothing where the function stands elsewhere and gets copies. */
type NotHere = 'run' | 'async' | 'inputMode';
const NOT_HERE: readonly NotHere[] = ['run', 'async', 'inputMode'];

/** What the definition of a node says whose function stands elsewhere. */
export type NodeElsewhereConfig<I extends PortSchemas, O extends PortSchemas, S extends StandardSchema> = Omit<
  NodeConfig<I, O, S, RunOutput<O>, string>,
  NotHere
>;

/** Stands where `defineNode` wants a function, until there is one. */
function nowhere(): void {}

/**
 * The implementation of a node whose function stands elsewhere, as far as it is like any other; it has no function yet.
 *
 * @param what in words, such as `Module node`
 * @param own fields of the definition that are not those of `defineNode`
 * @throws ConfigurationError INVALID_DEFINITION, UNKNOWN_OPTION, and what `defineNode` throws
 */
export function implementationElsewhere(
  what: string,
  config: NodeElsewhereConfig<PortSchemas, PortSchemas, StandardSchema>,
  own: readonly string[],
): NodeImplementation {
  const name = textOf(config?.name);
  const field = NOT_HERE.find((each) => each in (config ?? {}));
  if (field !== undefined)
    throw new ConfigurationError('INVALID_DEFINITION', `${what} "${name}" cannot have "${field}".`, { at: name });
  const fields = NODE_FIELDS.filter((each) => !(NOT_HERE as readonly string[]).includes(each));
  knownFields(config ?? {}, [...own, ...fields], `node "${name}"`);
  const rest = Object.fromEntries(Object.entries(config ?? {}).filter(([each]) => !own.includes(each)));
  return defineNode({ ...(rest as unknown as typeof config), async: true, run: nowhere as never }).implementation;
}

/** What a kind of executor adds to the definition of its nodes. */
export interface ExecutorNodeParts {
  /** What the nodes are called in messages, such as `Python node`. */
  readonly what: string;
  /** Fields of the definition that are not those of `defineNode`. Default: none. */
  readonly own?: readonly string[];
  readonly executor: ExecutorReference;
  /** What identifies the function where the node has no version: the same in every folder that it is installed in. */
  readonly sourceText: string;
}

/**
 * Defines a node that an executor performs: for kinds of executors, which check their own fields first. Identity is name and
 * version; without one, a digest of `sourceText`, marked as unversioned.
 *
 * @throws ConfigurationError INVALID_DEFINITION, UNKNOWN_OPTION, and what `defineNode` throws
 */
export function executorNode<I extends PortSchemas, O extends PortSchemas, S extends StandardSchema>(
  config: NodeElsewhereConfig<I, O, S>,
  { what, own = [], executor, sourceText }: ExecutorNodeParts,
): NodeDefinition<InputValues<I>, PortValues<O>> {
  const implementation = implementationElsewhere(what, config as never, own);
  const run = (): never => {
    throw executorMissing(implementation.identity.name, reference); // only called where its executor was taken from it
  };
  const reference = Object.freeze({ ...executor, target: Object.freeze({ ...executor.target }) });
  return definitionOf(Object.freeze({ ...implementation, run, executor: reference, sourceText }));
}
