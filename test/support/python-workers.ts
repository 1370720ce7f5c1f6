import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDead } from '../../src/plugins/process-identity.js';
import { checkProcessOptions } from '../../src/plugins/python/check-options.js';
import type { WorkerProcessOptions } from '../../src/plugins/python/configuration.js';
import type { OutputLine } from '../../src/plugins/python/process/output-lines.js';
import { ProcessManager, type WorkerProgram } from '../../src/plugins/python/process/process-manager.js';
import { WORKER_FOLDER } from '../../src/plugins/python/process/sweep.js';
import { repository } from './packed-project.js';

const SCRIPT = join(repository, 'test/workers/tools/worker.py');

/** A worker that does what its words say: see test/workers/tools/worker.py. */
export function workerProgram(
  program: string,
  words: readonly string[],
  onLine: (line: OutputLine) => void = () => undefined,
): WorkerProgram {
  return { program, args: ({ readyFile }) => [SCRIPT, readyFile, ...words], onLine };
}

/** A host with a data folder of its own, and what its workers write. */
export class TestHost {
  readonly dataFolder = mkdtempSync(join(tmpdir(), 'lockstep-hosts-'));
  readonly lines: OutputLine[] = [];
  readonly manager: ProcessManager;
  readonly #python: string;

  constructor(python: string, options: WorkerProcessOptions = {}) {
    this.#python = python;
    this.manager = new ProcessManager(checkProcessOptions({ dataFolder: this.dataFolder, ...options }));
  }

  start(...words: readonly string[]): ReturnType<ProcessManager['start']> {
    return this.manager.start(this.program(...words));
  }

  program(...words: readonly string[]): WorkerProgram {
    return workerProgram(this.#python, words, (line) => this.lines.push(line));
  }

  /** What workers have said as JSON. */
  get said(): readonly Readonly<Record<string, unknown>>[] {
    return saidIn(this.lines.map(({ text }) => text));
  }

  /** The process of a child that a worker has started. */
  pidOf(name: string): number {
    return pidOf(this.said, name);
  }

  async remove(): Promise<void> {
    await this.manager.close();
    rmSync(this.dataFolder, { recursive: true });
  }
}

/** The lines that are JSON objects. */
export function saidIn(lines: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  return lines.flatMap((text) =>
    text.startsWith('{"') ? [JSON.parse(text) as Readonly<Record<string, unknown>>] : [],
  );
}

export function pidOf(said: readonly Readonly<Record<string, unknown>>[], name: string): number {
  const pid = said.find((each) => each.name === name)?.pid;
  if (typeof pid !== 'number') throw new Error(`No ${name} in ${JSON.stringify(said)}.`);
  return pid;
}

/** The host files of a data folder. */
export function hostFiles(dataFolder: string): readonly string[] {
  return readdirSync(join(dataFolder, 'python/hosts'));
}

/** A folder for temporary files, for this process and those that it starts, until it is removed: other tests may run beside this one. */
export class TemporaryFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-test-')));
  readonly #before = process.env.TMPDIR;

  constructor() {
    process.env.TMPDIR = this.path;
  }

  /** The folders of workers that are there now. */
  get workerFolders(): readonly string[] {
    return readdirSync(this.path).filter((name) => name.startsWith(WORKER_FOLDER));
  }

  remove(): void {
    if (this.#before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#before;
    rmSync(this.path, { recursive: true });
  }
}

export const isGone = (pid: number): boolean => isDead({ pid, started: null });

/** The processes of a group, by /proc. */
export function groupOf(leader: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => groupIdOf(pid) === leader && !isGone(pid));
}

function groupIdOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}
