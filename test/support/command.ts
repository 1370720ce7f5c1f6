import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Files, type Finished, repository } from './packed-project.js';

const MAIN = join(repository, 'build/src/cli/main.js');
const EXPORTS = {
  '.': './src/index.js',
  './forms': './src/forms/index.js',
  './sqlite': './src/plugins/event-store/index.js',
};

/** A command that is going, and what it has said so far. */
export class Command {
  readonly #child: ChildProcess;
  readonly ended: Promise<Finished & { readonly signal: NodeJS.Signals | null }>;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) =>
        resolve({ code: code ?? -1, signal, stdout: this.#stdout, stderr: this.#stderr }),
      );
    });
  }

  /** Sends a signal as soon as stderr holds a text. */
  async kill(signal: NodeJS.Signals, text: string): Promise<void> {
    while (!this.#stderr.includes(text)) await new Promise((heard) => this.#child.stderr?.once('data', heard));
    this.#child.kill(signal);
  }
}

/** A folder outside the repository in which `lockstep` is the compiled sources, and the command is run. */
export class CommandFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'lockstep-cli-'));

  constructor(packages: readonly string[] = ['tsx', 'zod']) {
    const manifest = JSON.stringify({ name: 'lockstep', version: '0.0.0', type: 'module', exports: EXPORTS });
    this.write({ 'package.json': '{ "type": "module" }', 'node_modules/lockstep/package.json': manifest });
    symlinkSync(join(repository, 'build/src'), join(this.path, 'node_modules/lockstep/src'));
    for (const name of packages)
      symlinkSync(join(repository, 'node_modules', name), join(this.path, 'node_modules', name));
  }

  write(files: Files): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), text);
    }
  }

  start(words: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
    return this.startNode([MAIN, ...words], env);
  }

  /** Starts Node with the file and words that are given. */
  startNode(words: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
    const { FORCE_COLOR: _force, NO_COLOR: _no, LOCKSTEP_DEBUG: _debug, ...inherited } = process.env;
    const options = { cwd: this.path, env: { ...inherited, ...env } };
    return new Command(spawn(process.execPath, words, options));
  }

  run(...words: readonly string[]): Promise<Finished> {
    return this.start(words).ended;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** What the command printed, with every duration, time and run id the same, and columns two spaces apart. */
export function steady(text: string): string {
  return text
    .replace(/\b\d+(\.\d+)? (µs|ms|s)(?!\w)/g, 'N ms')
    .replace(/\b[0-9a-z]{9}\d{4}[0-9a-f]{13}\b/g, 'RUN')
    .replace(/(?<=\S) {2,}(?=\S)/g, '  ')
    .trimEnd();
}
