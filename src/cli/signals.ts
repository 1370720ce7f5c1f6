import { EXIT, type ExitCode } from './exit-codes.js';
import type { Screen } from './screen.js';

/** The signals that stop a run. */
const CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/** SIGINT and SIGTERM while a run is going: the first aborts `signal`, the second ends the process at once. */
export class Signals implements Disposable {
  readonly #controller = new AbortController();
  readonly #screen: Screen;
  readonly #listeners = Object.entries(CODES).map(([name, code]) => [name, () => this.#hear(name, code)] as const);
  #received: ExitCode | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  /** What a run takes as its signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of the signal that was received; `undefined` where there was none. */
  get received(): ExitCode | undefined {
    return this.#received;
  }

  #hear(name: string, code: ExitCode): void {
    if (this.#received !== undefined) process.exit(code);
    this.#received = code;
    this.#screen.note(`${name}: the run is being stopped; once more ends it at once`);
    this.#controller.abort(name);
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}
