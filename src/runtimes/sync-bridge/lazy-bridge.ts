import type { SyncBridge } from '../../base/ports.js';
import { checkPort } from '../../base/runtime-options.js';
import type { PluginHost } from '../../plugins/host.js';
import { ThreadBridge } from './thread-bridge.js';

/** The SyncBridge of a runtime: the one that it was given, or one of its own, which is made when it is first needed. */
export class LazyBridge {
  readonly #given: SyncBridge | undefined;
  #own: ThreadBridge | undefined;

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

  /** Starts the services of executors that start with the runtime; stops the plugins again where that fails. */
  begin(plugins: PluginHost): void {
    try {
      for (const { remote } of plugins.executors)
        if (remote?.service.start === 'with the runtime') this.get().serve?.(remote.service);
    } catch (error) {
      plugins.stopSync();
      throw error;
    }
  }

  /** Closes what was made here: whoever gave a bridge closes it. */
  close(): void {
    this.#own?.close();
  }
}
