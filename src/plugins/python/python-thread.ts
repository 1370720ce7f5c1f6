import type { Service, ServiceHost } from '../../base/executor-port.js';
import type { Log } from '../../base/ports.js';
import type { PoolSettings } from './configuration.js';
import { pythonService } from './python-executor.js';
import type { Told } from './told.js';
import { WorkerPool } from './worker-pool.js';

/** How many messages may wait for a runtime that is busy: what is printed meanwhile is left out. */
const MOST_UNHEARD = 1_000;

/** Starts what performs Python nodes for a LocalRuntime, in a thread of its own. @param given `PoolSettings` */
export async function startPythonThread(given: unknown, host: ServiceHost): Promise<Service> {
  const settings = given as PoolSettings;
  const tell = (told: Told): void => host.tell(told);
  const pool = new WorkerPool(settings, {
    log: new ToldLog(host),
    changed: (change) => tell({ kind: 'changed', change }),
  });
  if (settings.start === 'with the runtime') await pool.start();
  return { ...pythonService(pool), stop: () => pool.stop() };
}

/** The log of workers in a thread, which is that of the runtime. */
class ToldLog implements Log {
  readonly #host: ServiceHost;
  #leftOut = 0;

  constructor(host: ServiceHost) {
    this.#host = host;
  }

  log(...message: Parameters<Log['log']>): void {
    if (this.#host.unheard >= MOST_UNHEARD) {
      this.#leftOut++;
      return;
    }
    if (this.#leftOut > 0) this.#tell('warn', `${this.#leftOut} messages of Python workers were left out.`, {});
    this.#leftOut = 0;
    this.#tell(...message);
  }

  #tell(...[level, message, fields = {}]: Parameters<Log['log']>): void {
    this.#host.tell({ kind: 'log', level, message, fields } satisfies Told);
  }
}
