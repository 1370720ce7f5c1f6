import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Surroundings } from '../../src/plugins/python/environment/candidates.js';
import type { Interpreter } from '../../src/plugins/python/environment/interpreter.js';
import { setUp } from '../../src/plugins/python/environment/python-environment.js';
import { repository } from './packed-project.js';

/** The variables of this process, without an environment that somebody has activated. */
const { VIRTUAL_ENV: _active, ...inherited } = process.env;

export { inherited };

const made = new Map<string, Promise<Interpreter>>();

/**
 * An interpreter with grpcio and other packages, in an environment that Lockstep makes. It is kept between runs of the tests;
 * where it is made anew, a package index must be reachable.
 */
export function preparedPython(...requirements: readonly string[]): Promise<Interpreter> {
  const key = requirements.join();
  const known = made.get(key);
  if (known !== undefined) return known;
  const dataFolder = join(repository, '.cache/lockstep');
  const environment = setUp(
    { requirements, dataFolder, command: process.env.LOCKSTEP_PYTHON ?? 'python3' },
    (line) => console.log(`      ${line}`),
    {
      cwd: tmpdir(),
      env: inherited,
    },
  ).then(({ interpreter }) => interpreter);
  made.set(key, environment);
  return environment;
}

/** The folder of that environment, to be a program's VIRTUAL_ENV. */
export async function preparedEnvironment(...requirements: readonly string[]): Promise<string> {
  return dirname(dirname((await preparedPython(...requirements)).path));
}

/** A folder with a project in it, and what a search for Python finds around it: nothing, until something is added. */
export class PythonPlace {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-python-')));
  readonly #bin = join(this.path, 'bin');
  #env: NodeJS.ProcessEnv;

  constructor() {
    mkdirSync(this.#bin);
    this.write('project/package.json', '{}');
    // Programs such as sh are found behind those of the test.
    this.#env = { HOME: this.path, PATH: this.#bin };
  }

  get surroundings(): Surroundings {
    return { cwd: join(this.path, 'project'), env: this.#env };
  }

  set(variables: NodeJS.ProcessEnv): this {
    this.#env = { ...this.#env, ...variables };
    return this;
  }

  write(name: string, text: string, mode = 0o644): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Puts a program on PATH, before all others. */
  program(name: string, target: string): this {
    symlinkSync(target, join(this.#bin, name));
    return this;
  }

  /** Makes a virtual environment without packages, or with those of an interpreter. */
  environment(name: string, from: Interpreter, packagesOf?: Interpreter): string {
    const folder = join(this.path, name);
    execFileSync(from.path, ['-m', 'venv', '--without-pip', folder]);
    if (packagesOf !== undefined) {
      const ask = ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'];
      const [theirs, own] = [packagesOf.path, join(folder, 'bin/python')].map((path) =>
        execFileSync(path, ask, { encoding: 'utf8' }).trim(),
      );
      writeFileSync(join(own ?? '', 'theirs.pth'), `${theirs}\n`);
    }
    return folder;
  }

  /** Puts the programs of an environment on PATH, as if it were the Python of the system. */
  system(environment: string): this {
    return this.set({ PATH: `${join(environment, 'bin')}${delimiter}${this.#env.PATH}` });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The address of a package index at which nobody answers, as the variables with which pip and uv are told. */
export async function closedIndex(): Promise<NodeJS.ProcessEnv> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const url = `http://127.0.0.1:${port}/simple`;
  return {
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: url,
    PIP_NO_CACHE_DIR: '1',
    UV_INDEX_URL: url,
    UV_NO_CACHE: '1',
  };
}
