import type { SyncBridge } from '../../base/ports.js';
import { checkPort } from '../../base/runtime-options.js';
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

  /** Closes what was made here: whoever gave a bridge closes it. */
  close(): void {
    this.#own?.close();
  }
}
