import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository, seen from the compiled test. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** What a process left behind. */
export interface Finished {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Files by name. */
export type Files = Readonly<Record<string, string>>;

/** Runs a program to its end. Coverage is not measured in it. */
function execute(
  program: string,
  args: readonly string[],
  cwd: string,
  variables: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const { NODE_V8_COVERAGE: _, ...own } = process.env;
  const env = { ...own, ...variables };
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await execute('npm', args, cwd);
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}${stderr}`);
}

/** The TypeScript files of a folder of the repository, and the Python files in its folder `python`. */
export function sourcesOf(folder: string): Files {
  const names = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }).filter(
    (name) => /^[^/]+\.ts$/.test(name) || /^python\/\w+\.py$/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(repository, folder, name), 'utf8')]));
}

/** A project outside the repository, with the packed package installed. */
export class PackedProject {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Writes files into the project. */
  write(files: Files): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  /**
   * Adds a folder of TypeScript files that are compiled by themselves, with Node's types, into its own `build`, where Python files are put
   * as well.
   */
  add(name: string, files: Files): void {
    const compilerOptions = { types: ['node'], rootDir: '.', outDir: 'build' };
    const config = JSON.stringify({ extends: '../tsconfig.json', compilerOptions, include: ['*.ts'] });
    const all = { ...files, 'tsconfig.json': config };
    for (const [file, text] of Object.entries(all))
      this.write({ [join(name, file.endsWith('.py') ? 'build' : '.', file)]: text });
  }

  /** Makes a package of the repository available without downloading it. */
  link(name: string): void {
    const path = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { recursive: true, force: true });
    symlinkSync(join(repository, 'node_modules', name), path);
  }

  /** Compiles the project itself, or one of its folders. */
  compile(name = '.'): Promise<Finished> {
    return execute(process.execPath, ['node_modules/typescript/bin/tsc', '-p', name], this.folder);
  }

  /** Runs a compiled file of the project. */
  run(file: string, cwd = this.folder, variables: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return execute(process.execPath, [join(this.folder, file)], cwd, variables);
  }
}

interface LockEntry {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly version?: string;
}

/**
 * A lock file for the package's own dependencies, taken from the repository's. With it, npm takes from its cache what
 * `npm ci` put there, and asks no registry.
 */
function lockFile(manifest: object): string {
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  const kept: Record<string, object> = { '': manifest };
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '' || entry.dev === true || entry.devOptional === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const file = `${name.split('/').at(-1)}-${entry.version}.tgz`;
    kept[path] = { ...entry, resolved: `https://registry.npmjs.org/${name}/-/${file}` };
  }
  return JSON.stringify({ lockfileVersion: 3, requires: true, packages: kept });
}

async function packAndInstall(): Promise<PackedProject> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-packed-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const project = new PackedProject(folder);
  const manifest = readFileSync(join(repository, 'examples/packed/package.json'), 'utf8');
  const tsconfig = readFileSync(join(repository, 'examples/packed/tsconfig.json'), 'utf8');
  project.write({
    'package.json': manifest,
    'tsconfig.json': tsconfig,
    'package-lock.json': lockFile(JSON.parse(manifest)),
  });
  project.write(sourcesOf('examples/packed'));
  await npm(['pack', '--silent', '--pack-destination', folder], repository);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  renameSync(join(folder, tarball ?? ''), join(folder, 'lockstep.tgz'));
  await npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=dev', '--prefer-offline'], folder);
  for (const name of ['typescript', 'zod', '@types/node', 'vega-datasets']) project.link(name);
  project.link('better-sqlite3'); // scripts were not run: that of the repository is compiled
  return project;
}

let packed: Promise<PackedProject> | undefined;

/** The project of `examples/packed` with the tarball of this repository installed. Made once in a process. */
export function packedProject(): Promise<PackedProject> {
  packed ??= packAndInstall();
  return packed;
}
