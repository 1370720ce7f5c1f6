import type { ActiveRun } from '../base/active-run.js';
import { AttemptError, ConfigurationError } from '../base/errors.js';
import type { Executor } from '../base/executor-port.js';
import type { GraphAttempt } from '../base/graph-execution.js';
import type { Plan } from '../base/plan.js';
import { RunRejectedError } from '../base/run-errors.js';
import type { LazyBridge } from './sync-bridge/lazy-bridge.js';
import type { CallHost } from './sync-bridge/run-calls.js';

/** What refuses a plan with nodes that LocalRuntime cannot run, for whichever reason. */
export function refusals(
  host: Pick<CallHost, 'executorFor'>,
  bridge: LazyBridge,
): (plan: Plan) => ConfigurationError | undefined {
  return (plan) => refuseAsync(plan) ?? refuseExecutors(plan, host, bridge);
}

/** The refusal of a plan with nodes that no thread can perform for LocalRuntime. Executors that are missing are found elsewhere. */
function refuseExecutors(
  { executors }: Plan,
  host: Pick<CallHost, 'executorFor'>,
  { serves }: LazyBridge,
): ConfigurationError | undefined {
  for (const { node, reference } of executors) {
    const executor = host.executorFor(reference);
    if (executor === undefined || (serves && executor.remote !== undefined)) continue;
    const why = serves ? worksInNone(reference.kind, executor) : 'the SyncBridge that was passed has none';
    const what = `Node "${node}" needs a thread of its executor: ${why}.`;
    return new ConfigurationError('EXECUTOR_NEEDS_LANES', what, { at: node });
  }
  return undefined;
}

function worksInNone(kind: string, { whyNoRemote }: Executor): string {
  return `its ${kind} executor works in none${whyNoRemote === undefined ? '' : `, because ${whyNoRemote}`}`;
}

function refuseAsync({ asyncNodes }: Plan): ConfigurationError | undefined {
  const [first, ...more] = asyncNodes;
  if (first === undefined) return undefined;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  return new ConfigurationError('ASYNC_NODE', `Node "${first}"${others} is asynchronous.`, { at: first });
}

/** The failure of a node that returned a promise to LocalRuntime. What becomes of the promise is nobody's concern any more. */
export function refusedPromise({ node: { id } }: GraphAttempt, promise: PromiseLike<unknown>): AttemptError {
  promise.then(undefined, () => undefined);
  return new AttemptError('NODE_RETURNED_PROMISE', `Node "${id}" returned a promise.`, { at: id });
}

/** The refusal of a run whose secrets come later. What becomes of them is nobody's concern any more. */
export function refusedSecrets({ execution: { runId, plan } }: ActiveRun, loading: Promise<unknown>): RunRejectedError {
  loading.catch(() => undefined);
  const refused = new ConfigurationError('SECRETS_ASYNC', 'The secret provider answered with a promise.');
  return new RunRejectedError({ runId, workflow: plan.workflow.name }, [refused]);
}
