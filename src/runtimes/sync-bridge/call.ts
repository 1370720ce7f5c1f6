import type { ExecutorCall, RemoteExecutor } from '../../base/executor-port.js';
import type { NodeImplementation } from '../../base/node.js';
import type { NodeContext } from '../../base/node-context.js';
import type { BridgeCall, BridgeSpeech, ModuleReference } from '../../base/ports.js';
import { copyOf } from './values.js';

/** A node that can be performed elsewhere. */
export type ModuleImplementation = NodeImplementation & { readonly module: ModuleReference };

/** The call that lets a service perform an attempt: what it needs of inputs, state and context is packed. */
export function serviceCallOf(
  { service, pack }: RemoteExecutor,
  { secrets }: NodeImplementation,
  call: Pick<ExecutorCall, 'target' | 'inputs' | 'context' | 'timeLeftMs'>,
): BridgeCall {
  const { url, export: name } = service;
  const inputs = { packed: pack(call) };
  const told = callOf({ module: { url, export: name }, secrets }, inputs, call.context, call.timeLeftMs);
  return { ...told, service, state: undefined, context: NOTHING };
}

/** The call that performs an attempt of a module node. */
export function callOf(
  { module, secrets }: Pick<ModuleImplementation, 'module' | 'secrets'>,
  inputs: Readonly<Record<string, unknown>>,
  context: NodeContext,
  timeLeftMs: number | undefined,
): BridgeCall {
  const { runId, nodeId, scope, attempt, failures, visit, iterations, maxIterations, deadline, idempotencyKey, state } =
    context;
  return {
    module,
    inputs,
    runId,
    nodeId,
    scope,
    attempt,
    failures,
    visit,
    iterations,
    maxIterations,
    deadline,
    timeLeftMs,
    idempotencyKey,
    state,
    context: context.context,
    secrets:
      secrets.length === 0 ? NO_SECRETS : Object.fromEntries(secrets.map((name) => [name, context.secret(name)])),
  };
}

const NO_SECRETS: Readonly<Record<string, string>> = Object.freeze({});
const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** A copy of a call, as another thread would see it. @throws AttemptError VALUE_NOT_CLONEABLE naming the input */
export function copyCall(call: BridgeCall): BridgeCall {
  const { inputs, context, state, nodeId } = call;
  return {
    ...call,
    inputs: copyOf('Input', inputs, nodeId),
    context: copyOf('Part', context, 'context'),
    state: copyOf('State', state, `${nodeId}.state`),
  };
}

/** Says in a run what a node said elsewhere. */
export function repeat(speech: BridgeSpeech, context: NodeContext): void {
  if (speech.kind === 'log') context.log.log(speech.level, speech.message, speech.fields);
  else if (speech.kind === 'progress') context.progress(speech.current, speech.total, speech.message);
  else context.emit(speech.data);
}
