import { timeLeft } from '../../base/executor-call.js';
import type { RemoteExecutor } from '../../base/executor-port.js';
import type { Clock, ServiceStart, SyncBridge } from '../../base/ports.js';
import { checkPort, type RunOptions } from '../../base/runtime-options.js';
import { type PluginHost, type ProvidedExecutor, startFailed } from '../../plugins/host.js';
import { ThreadBridge } from './thread-bridge.js';

/** How the wait of a run for services went. */
interface Waited {
  /** `false`: the run must end before they have started. */
  readonly isOver: boolean;
  /** When it began, from which the time limit of the run counts. Epoch milliseconds. `undefined`: there was none. */
  readonly since: number | undefined;
}

const NO_WAIT: Waited = { isOver: true, since: undefined };

/** The SyncBridge of a runtime: the one that it was given, or one of its own, which is made when it is first needed. */
export class LazyBridge {
  readonly #given: SyncBridge | undefined;
  #own: ThreadBridge | undefined;
  /** The services that start with the runtime and were not waited for. */
  #starting: { readonly given: ProvidedExecutor; start: ServiceStart | undefined }[] = [];

  /** @throws ConfigurationError INVALID_OPTION */
  constructor(given: SyncBridge | undefined) {
    checkPort(given, ['submit', 'wait', 'close'], 'runtime.bridge');
    this.#given = given;
  }

  get(): SyncBridge {
    if (this.#given !== undefined) return this.#given;
    this.#own ??= new ThreadBridge();
    return this.#own;
  }

  /** Whether it takes calls of services. */
  get serves(): boolean {
    return this.#given === undefined || this.#given.serve !== undefined;
  }

  /** Starts the services of executors that start with the runtime; stops them, and the plugins, again where that fails. */
  begin(plugins: PluginHost): void {
    const early = plugins.executors.filter(({ executor }) => executor.remote?.service.start === 'with the runtime');
    try {
      if (this.serves) this.#starting = early.map((given) => ({ given, start: this.#serve(given) }));
    } catch (error) {
      this.close(); // some may have started
      plugins.stopSync();
      throw error;
    }
  }

  /**
   * Has a run wait for the services that start with the runtime, as AsyncLocalRuntime waits for its plugins: as long as its signal is not
   * aborted, and its time is not up. What had failed is started again.
   *
   * @throws ConfigurationError PLUGIN_FAILED
   */
  waitForStarts({ signal, timeoutMs }: RunOptions, byDefault: number | null, clock: Clock): Waited {
    if (this.#starting.length === 0) return NO_WAIT;
    const since = clock.now();
    const limit = timeoutMs === undefined ? byDefault : timeoutMs;
    const until = limit === null ? undefined : since + limit;
    for (let next = this.#starting[0]; next !== undefined; next = this.#starting[0]) {
      next.start ??= this.#serve(next.given);
      try {
        if (!next.start.wait(signal?.aborted === true ? 0 : timeLeft(clock, until))) return { isOver: false, since };
      } catch (cause) {
        next.start = undefined;
        throw startFailed(next.given.plugin, [cause]);
      }
      this.#starting.shift();
    }
    return { isOver: true, since };
  }

  #serve({ executor }: ProvidedExecutor): ServiceStart {
    const { service } = executor.remote as RemoteExecutor;
    return (this.get() as Required<SyncBridge>).serve(service);
  }

  /** Closes what was made here: whoever gave a bridge closes it. */
  close(): void {
    this.#own?.close();
  }
}
