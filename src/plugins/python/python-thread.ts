import type { Service } from '../../base/executor-port.js';
import type { NodeContext } from '../../base/node-context.js';
import type { Log } from '../../base/ports.js';
import type { PoolSettings } from './configuration.js';
import { pythonService } from './python-executor.js';
import { WorkerPool } from './worker-pool.js';

/** How many messages wait for a call that can bring them to the log. */
const KEPT_MESSAGES = 200;

/** The log of workers in a thread, which reaches that of the runtime with the calls it performs: what is told between them waits for the next. */
class CarriedLog implements Log {
  readonly #carriers = new Set<NodeContext>();
  #waiting: Parameters<Log['log']>[] = [];
  #lost = 0;

  log(...message: Parameters<Log['log']>): void {
    const carrier = this.#carrierOf(message[2] ?? {});
    if (carrier !== undefined) carrier.log.log(...message);
    else if (this.#waiting.length < KEPT_MESSAGES) this.#waiting.push(message);
    else this.#lost++;
  }

  /** The call that a message is about, which adds its place to it; otherwise any. */
  #carrierOf({ runId, scope = '', node, visit }: Readonly<Record<string, unknown>>): NodeContext | undefined {
    const all = [...this.#carriers];
    const own = all.find(
      (one) => one.runId === runId && one.scope === scope && one.nodeId === node && one.visit === visit,
    );
    return own ?? all[0];
  }

  /** Has a call carry messages until it has been performed. */
  async during<T>(context: NodeContext, work: () => Promise<T>): Promise<T> {
    this.#carriers.add(context);
    for (const message of this.#waiting.splice(0)) this.log(...message);
    if (this.#lost > 0) this.log('warn', `${this.#lost} messages of Python workers were left out.`, {});
    this.#lost = 0;
    try {
      return await work();
    } finally {
      this.#carriers.delete(context);
    }
  }
}

/** Starts what performs Python nodes for a LocalRuntime, in a thread of its own. @param given `PoolSettings` */
export function startPythonThread(given: unknown): Service {
  const settings = given as PoolSettings;
  const log = new CarriedLog();
  const pool = new WorkerPool(settings, log);
  // Why it failed, the first call is told, which tries again.
  if (settings.start === 'with the runtime') pool.start().catch(() => undefined);
  const service = pythonService(pool);
  return {
    perform: (call) => log.during(call.context, () => service.perform(call)),
    stop: () => pool.stop(),
  };
}
