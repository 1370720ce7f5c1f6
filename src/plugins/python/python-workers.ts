import { LockstepError } from '../../base/errors.js';
import type { ServiceReference } from '../../base/ports.js';
import { definePlugin, type PluginScope, type SyncPlugin } from '../plugin.js';
import { executorToken } from '../token.js';
import { TRACES, WORKER_METER } from '../tokens.js';
import type { Traces } from '../traces.js';
import { checkPoolOptions } from './check-options.js';
import { PYTHON_DEFAULTS, type PythonWorkersOptions, type WorkerSettings } from './configuration.js';
import { HostTools } from './host-tools.js';
import { PythonExecutor } from './python-executor.js';
import { PYTHON } from './python-node.js';
import { threadModule } from './thread-module.js';
import { WorkerNews } from './told.js';
import { WorkerPool } from './worker-pool.js';

/** How much longer than its workers the thread may take that keeps them for LocalRuntime, in milliseconds. */
const THREAD_MS = 1_000;

/**
 * Performs Python nodes (`pythonNode`) in processes of Python, which start and end with the runtime: a plugin for both runtimes.
 * AsyncLocalRuntime keeps the workers itself, and several that have the same plugin share them. LocalRuntime has a thread keep
 * them, so that it can sleep while they work; a registry, and an adapter whose parts are functions, cannot cross to that, and need
 * AsyncLocalRuntime.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, TLS_REQUIRED
 */
export function pythonWorkers(options: PythonWorkersOptions = {}): SyncPlugin {
  const settings = checkPoolOptions(options);
  const tools = new HostTools(options.hostTools ?? PYTHON_DEFAULTS.hostTools);
  const { name, start, worker } = settings;
  const token = executorToken(PYTHON, name);
  let scopes: readonly PluginScope[] = [];
  /** Those of runtimes that have been closed find nothing any more. */
  const open = (): readonly PluginScope[] => scopes.filter((each) => each.find(token) !== undefined);
  /** The one that is told of the workers. */
  const newest = (): PluginScope => (open().at(-1) ?? scopes.at(-1)) as PluginScope;
  const listen = (): WorkerNews =>
    new WorkerNews(
      name,
      () => newest().log,
      () => newest().find(WORKER_METER),
    );
  const service: ServiceReference = {
    url: threadModule(),
    export: 'startPythonThread',
    settings,
    start,
    stopMs: worker.processes.gracefulShutdownTimeoutMs + THREAD_MS,
    listen,
  };
  let users = 0;
  let pool: WorkerPool | undefined;
  const started = (): WorkerPool => {
    if (pool === undefined)
      throw new LockstepError('WORKER_STOPPED', `The Python workers "${name}" have been stopped.`);
    return pool;
  };
  const remote = whyItStays(worker) ?? service;
  /** A runtime needs the workers no more: they end with the last one. */
  const leave = async (): Promise<void> => {
    users--;
    if (users > 0) return;
    const ended = pool;
    pool = undefined;
    await ended?.stop();
  };
  return definePlugin({
    name: `python-workers "${name}"`,
    provides: [token],
    setup: (own) => {
      const traces = (): Traces | undefined => own.find(TRACES);
      own.provide(token, new PythonExecutor({ workers: started, traces, tools, service: remote }));
      scopes = [...open(), own];
    },
    whenAsync: {
      start: async ({ signal }) => {
        users++;
        pool ??= new WorkerPool(settings, listen());
        try {
          if (start === 'with the runtime') await unlessAborted(pool.start(), signal);
        } catch (error) {
          await leave();
          throw error;
        }
      },
      stop: leave,
    },
  });
}

/** Waits for what others may wait for too. @throws the reason of the signal, as soon as that is aborted */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

/** Why a thread cannot be given these, as the end of a sentence; `undefined` where it can. Cloned, an object has lost its methods without a word. */
function whyItStays({ processes, adapter }: WorkerSettings): string | undefined {
  const { executablePath, commandTimeout } = adapter ?? {};
  if (processes.registry !== null) return 'its option "registry" consists of functions, which no thread can be given';
  if (typeof executablePath === 'function' || commandTimeout !== undefined)
    return 'its option "adapter" has functions, which no thread can be given';
  return undefined;
}
