import { ConfigurationError } from '../base/errors.js';
import {
  definitionOf,
  type InputValues,
  type NodeDefinition,
  type NodeFunction,
  type NodeImplementation,
  type PortSchemas,
  type PortValues,
} from '../base/node.js';
import { implementationElsewhere, type NodeElsewhereConfig } from '../base/node-elsewhere.js';
import type { ModuleReference } from '../base/ports.js';
import type { StandardSchema } from '../base/standard-schema.js';
import { callOf, copyCall, repeat } from './sync-bridge/call.js';
import { performCall } from './sync-bridge/module-function.js';
import { revive, thrownData } from './sync-bridge/thrown.js';
import { copyOf } from './sync-bridge/values.js';

const FIELDS = ['module', 'export'];

/** What the definition of a module node says. */
export interface ModuleNodeConfig<I extends PortSchemas, O extends PortSchemas, S extends StandardSchema>
  extends NodeElsewhereConfig<I, O, S> {
  /** The module that holds the function: `new URL('./score.js', import.meta.url)`, or an absolute URL as text. */
  readonly module: URL | string;
  /** The name under which the module exports it. Default: the name of the node. */
  readonly export?: string;
}

function referenceOf(node: string, module: unknown, name: unknown): ModuleReference {
  const url = module instanceof URL ? module.href : module;
  const at = `node "${node}"`;
  if (typeof url !== 'string' || !URL.canParse(url))
    throw new ConfigurationError('INVALID_DEFINITION', `${at}.module is no absolute URL.`, { at: node, value: module });
  if (typeof name !== 'string' || name === '')
    throw new ConfigurationError('INVALID_DEFINITION', `${at}.export is no name.`, { at: node, value: name });
  return Object.freeze({ url, export: name });
}

/** The text that identifies an unversioned module node: the same in every folder that the module is installed in. */
function identityOf({ url, export: name }: ModuleReference): string {
  const { protocol, pathname } = new URL(url);
  return `module ${protocol === 'file:' ? pathname.slice(pathname.lastIndexOf('/') + 1) : url}#${name}`;
}

/** Performs a module node in this thread, on copies, as a thread of its own would. */
function runHere(module: ModuleReference, implementation: NodeImplementation): NodeFunction {
  return async (inputs, context) => {
    const { nodeId } = context;
    try {
      const call = copyCall(callOf({ ...implementation, module }, inputs, context, undefined));
      const tell: Parameters<typeof performCall>[2] = (speech) => repeat(copyOf('Speech', speech, nodeId), context);
      const { output, change } = await performCall(call, () => context.signal, tell);
      const copied = copyOf('Output', output, nodeId);
      if (change !== undefined) context.setState(copyOf('State', change.state, `${nodeId}.state`));
      return copied;
    } catch (error) {
      throw revive(thrownData(error));
    }
  };
}

/**
 * Defines a node whose function stands in a module: `export async function score(inputs, context)`. Both runtimes run it:
 * AsyncLocalRuntime imports the module and calls the function; LocalRuntime calls it in a thread of its SyncBridge and
 * sleeps meanwhile. In both, what the node is given, returns, throws and streams is copied by the structured clone algorithm, so
 * that they behave the same: instances of classes arrive as plain objects, functions not at all.
 *
 * What ends its thread (`process.exit`, an error that nobody catches, too little memory) fails every call that runs in it with
 * BRIDGE_LOST, those of other nodes included; in AsyncLocalRuntime there is no such thread, and it ends the process.
 *
 * Identity is the name and the version; without one, the names of file and export, marked as unversioned: the text of the module
 * is not looked at.
 *
 * @throws ConfigurationError INVALID_DEFINITION, and what `defineNode` throws
 */
export function moduleNode<
  // biome-ignore lint/complexity/noBannedTypes: no ports is the default
  const I extends PortSchemas = {},
  const O extends PortSchemas = PortSchemas,
  S extends StandardSchema = StandardSchema<undefined>,
>(config: ModuleNodeConfig<I, O, S>): NodeDefinition<InputValues<I>, PortValues<O>> {
  const { module, export: name = config?.name } = config ?? {};
  const implementation = implementationElsewhere('Module node', config as never, FIELDS);
  const reference = referenceOf(implementation.identity.name, module, name);
  const run = runHere(reference, implementation);
  return definitionOf(Object.freeze({ ...implementation, run, module: reference, sourceText: identityOf(reference) }));
}
