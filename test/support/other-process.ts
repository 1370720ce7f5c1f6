import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./store-process.js', import.meta.url));

/** A real process that uses a store; see `store-process.ts`. */
export class OtherProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(file: string) {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    this.#child = spawn(process.execPath, [PROGRAM, file], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Tells it a word, and gives what it answers; `undefined` where it ends instead. */
  async tell(word: string): Promise<string | undefined> {
    this.#child.stdin?.write(`${word}\n`);
    const { value, done } = await this.#answers.next();
    return done === true ? undefined : value;
  }

  /** Says nothing more, and gives its exit code when it has ended by itself. */
  async end(): Promise<number | null> {
    const exit = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exit;
    return this.#child.exitCode;
  }

  /** As `kill -9`; kept when it has ended. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
