import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerOptions } from '../../src/plugins/python/configuration.js';
import type { OutputLine } from '../../src/plugins/python/process/output-lines.js';
import type { WorkerExit } from '../../src/plugins/python/process/worker-exit.js';
import { hostsFolder, readHostFile } from '../../src/plugins/python/registry/file-registry.js';
import type { WorkerEntry } from '../../src/plugins/python/registry/worker-registry.js';
import type { Said } from '../../src/plugins/python/wire/said.js';
import { PythonWorker } from '../../src/plugins/python/worker.js';
import type { PythonWorkerState } from '../../src/plugins/python/worker-state.js';
import { repository } from './packed-project.js';
import { preparedPython } from './python-environment.js';
import { hostFiles } from './python-workers.js';
import { until } from './until.js';

/** Where the modules are whose tools the tests call. */
export const TOOLS = join(repository, 'test/workers/tools');

/** A Python worker with a data folder of its own, and all that was told of it. */
export class TestWorker {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockstep-tools-'));
  readonly states: PythonWorkerState[] = [];
  readonly said: Said[] = [];
  readonly lines: OutputLine[] = [];
  readonly exits: WorkerExit[] = [];
  readonly missed: number[] = [];
  readonly worker: PythonWorker;

  private constructor(options: WorkerOptions) {
    this.worker = new PythonWorker({ dataFolder: this.folder, paths: [TOOLS], ...options });
    this.worker.on('state', (state) => this.states.push(state));
    this.worker.on('said', (said) => this.said.push(said));
    this.worker.on('output', (line) => this.lines.push(line));
    this.worker.on('exit', (exit) => this.exits.push(exit));
    this.worker.on('heartbeat', (missed) => this.missed.push(missed));
  }

  /** One that has not been started. */
  static async make(options: WorkerOptions = {}, ...requirements: readonly string[]): Promise<TestWorker> {
    const { path: interpreter } = await preparedPython(...requirements);
    return new TestWorker({ environment: { interpreter }, ...options });
  }

  static async start(options: WorkerOptions = {}, ...requirements: readonly string[]): Promise<TestWorker> {
    const made = await TestWorker.make(options, ...requirements);
    await made.worker.start();
    return made;
  }

  /** Calls a tool of wire_tools. */
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.worker.execute(`wire_tools:${name}`, args);
  }

  /** How often a tool has said that it has begun. */
  get begun(): number {
    return this.said.filter((each) => each.kind === 'progress' && each.message === 'begun').length;
  }

  /** Waits until so many tools have said that they have begun. */
  untilBegun(count: number): Promise<void> {
    return until(() => this.begun >= count);
  }

  /** The path of a file that some tools wait for. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Lets tools go on that wait for a file. */
  open(name: string): void {
    writeFileSync(this.path(name), '');
  }

  get pid(): number {
    const { state } = this.worker;
    if (state.is !== 'ready') throw new Error(`The worker is ${state.is}.`);
    return state.pid;
  }

  /** What is written down of its process. */
  get entry(): WorkerEntry {
    const [entry] = workerEntries(this.folder);
    if (entry === undefined) throw new Error('It has no process.');
    return entry;
  }

  /** The files of long values that are there now. */
  get sharedFiles(): readonly string[] {
    return readdirSync(this.entry.sharedFolder);
  }

  async remove(): Promise<void> {
    await this.worker.stop();
    rmSync(this.folder, { recursive: true });
  }
}

/** What a process holds, by /proc. */
export function processUse(pid: number): {
  readonly rssBytes: number;
  readonly threads: number;
  readonly files: number;
} {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    rssBytes: number('VmRSS') * 1_024,
    threads: number('Threads'),
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** What the hosts of a data folder have written down of their workers. */
export function workerEntries(dataFolder: string): readonly WorkerEntry[] {
  return hostFiles(dataFolder).flatMap((name) => readHostFile(join(hostsFolder(dataFolder), name))?.workers ?? []);
}
