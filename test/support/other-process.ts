import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./store-process.js', import.meta.url));

/** A real process that uses a store; see `store-process.ts`. */
export class OtherProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  /** @param user the user id that it runs under; only root may choose */
  constructor(file: string, user?: number) {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const identity = user === undefined ? {} : { uid: user, gid: user };
    this.#child = spawn(process.execPath, [PROGRAM, file], { env, stdio: ['pipe', 'pipe', 'inherit'], ...identity });
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

  /** As `kill -9`; kept when it has ended. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
