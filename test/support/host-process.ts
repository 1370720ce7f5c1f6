import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SweepReport } from '../../src/plugins/python/process/sweep.js';
import { groupOf, isGone, pidOf, saidIn } from './python-workers.js';
import { until } from './until.js';

const PROGRAM = fileURLToPath(new URL('./python-host.js', import.meta.url));

interface Started {
  readonly host: number;
  readonly workers: readonly number[];
  readonly report: SweepReport;
}

/** A host of workers in another process: see python-host.ts. */
export class HostProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  #text = '';
  #errors = '';

  /**
   * @param workers the words of each worker
   * @param database where their registry is, if it is in none of files
   */
  constructor(dataFolder: string, python: string, workers: readonly (readonly string[])[], database = '') {
    const words = workers.map((each) => JSON.stringify(each));
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    this.#child = spawn(process.execPath, [PROGRAM, dataFolder, python, database, ...words], { env });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** What it and its workers have said. */
  get said(): readonly Readonly<Record<string, unknown>>[] {
    return saidIn(this.#text.split('\n').slice(0, -1));
  }

  pidOf(name: string): number {
    return pidOf(this.said, name);
  }

  /** Waits until all its workers are ready. */
  async ready(): Promise<Started> {
    const find = (): unknown => this.said.find(({ host }) => host !== undefined);
    await until(() => find() !== undefined || this.#child.exitCode !== null, 30_000);
    if (find() === undefined) throw new Error(this.#errors);
    return find() as Started;
  }

  /** Kills it, so that it can do nothing more. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#end();
  }

  /** Kills the guards of its workers, and then it: what is left, only a sweep can find. */
  async killWithGuards({ workers }: Started): Promise<void> {
    const children = this.said.flatMap(({ pid }) => (typeof pid === 'number' ? [pid] : []));
    const guards = workers.flatMap((worker) =>
      groupOf(worker).filter((pid) => pid !== worker && !children.includes(pid)),
    );
    for (const guard of guards) process.kill(guard, 'SIGKILL');
    await until(() => guards.every(isGone));
    await this.kill();
  }

  /** Lets it close, and waits for its end. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#end();
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}
