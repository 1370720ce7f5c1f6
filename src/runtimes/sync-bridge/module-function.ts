import { AttemptError } from '../../base/errors.js';
import type { NodeFunction } from '../../base/node.js';
import type { BridgeCall, ModuleReference } from '../../base/ports.js';
import { ModuleContext, type Tell } from './module-context.js';

const LONG = 2 ** 30;

/** Functions that were found, by URL and then by export. */
const known = new Map<string, Map<string, NodeFunction>>();

function functionIn(module: Readonly<Record<string, unknown>>, { url, export: name }: ModuleReference, node: string) {
  const found = module[name];
  if (typeof found === 'function') return found as NodeFunction;
  const exported = Object.keys(module).join(', ') || 'nothing';
  throw found === undefined
    ? new AttemptError('EXPORT_MISSING', `Node "${node}": ${url} has no export "${name}"; it exports ${exported}.`, {
        at: node,
      })
    : new AttemptError('EXPORT_NOT_FUNCTION', `Node "${node}": export "${name}" of ${url} is a ${typeof found}.`, {
        at: node,
      });
}

async function load(url: string, node: string): Promise<Readonly<Record<string, unknown>>> {
  // Loading is work in progress, also where a loader of the user's does it in a thread that nothing waits for.
  const busy = setInterval(() => undefined, LONG);
  try {
    return await import(url);
  } catch (cause) {
    throw new AttemptError('MODULE_FAILED', `Node "${node}": ${url} could not be loaded.`, { at: node, cause });
  } finally {
    clearInterval(busy);
  }
}

/**
 * The function that a node refers to. Its module is imported once in a thread.
 *
 * @param node used in messages
 * @throws AttemptError MODULE_FAILED, EXPORT_MISSING, EXPORT_NOT_FUNCTION
 */
export async function loadFunction(reference: ModuleReference, node: string): Promise<NodeFunction> {
  const { url, export: name } = reference;
  const ready = known.get(url)?.get(name);
  if (ready !== undefined) return ready;
  const module = await load(url, node);
  const found = functionIn(module, reference, node);
  const exports = known.get(url) ?? new Map<string, NodeFunction>();
  known.set(url, exports.set(name, found));
  return found;
}

/** What a node returned, and what it gave to `setState`. */
export interface Performed {
  readonly output: unknown;
  readonly change: { readonly state: unknown } | undefined;
  /** What is given away with the output. Default: nothing. */
  readonly memory?: readonly ArrayBuffer[] | undefined;
}

/** Performs a call in this thread. What its function throws is thrown. */
export async function performCall(call: BridgeCall, signal: () => AbortSignal, tell: Tell): Promise<Performed> {
  const { module, nodeId } = call;
  let run = known.get(module.url)?.get(module.export);
  if (run === undefined) {
    run = await loadFunction(module, nodeId);
    signal().throwIfAborted(); // given up while its module was loaded: it never begins
  }
  const context = new ModuleContext(call, signal, tell);
  const output = await run(call.inputs, context);
  return { output, change: context.change };
}
