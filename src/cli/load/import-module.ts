import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError, errorData, LockstepError } from '../../base/errors.js';
import { withoutRemedy } from '../explain.js';
import { requireFile } from './files.js';

/** What a module exports, by name. */
export type Exports = Readonly<Record<string, unknown>>;

/** The part of `tsx/esm/api` that is used. */
interface TypeScriptLoader {
  register(): unknown;
}

const TYPESCRIPT = /\.m?ts$/;

/** Whether Node reads a file as an ES module: as CommonJS, tsx would give it a copy of Lockstep of its own. */
function isModule(file: string): boolean {
  if (file.endsWith('.mts')) return true;
  for (let folder = dirname(resolve(file)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return /"type"\s*:\s*"module"/.test(readFileSync(manifest, 'utf8'));
    if (folder === dirname(folder)) return false;
  }
}

/** Has Node read TypeScript, by the tsx that the project of a file has. @throws ConfigurationError TSX_MISSING, NO_ES_MODULE */
async function registerTypeScript(file: string): Promise<void> {
  try {
    // What require() would load registers a path that does not exist; the module beside it is the one that works.
    const found = createRequire(resolve(file))
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs');
    const loader = (await import(pathToFileURL(found).href)) as TypeScriptLoader;
    loader.register();
  } catch (cause) {
    throw new ConfigurationError('TSX_MISSING', `${file} is TypeScript, and its project has no package tsx.`, {
      at: file,
      cause,
    });
  }
  if (!isModule(file))
    throw new ConfigurationError('NO_ES_MODULE', `${file} is CommonJS by its package.json.`, { at: file });
}

/** The line in which the syntax of a file is wrong, as `:3`: only Node itself says it, and not in the error. Empty where it is another file. */
function wrongSyntaxAt(path: string): string {
  const kind = path.endsWith('.cjs') ? 'commonjs' : 'module';
  const input = readFileSync(path, 'utf8');
  const { stderr } = spawnSync(process.execPath, ['--check', `--input-type=${kind}`, '-'], { input, encoding: 'utf8' });
  return /^\[stdin\](:\d+)/.exec(stderr)?.[1] ?? '';
}

/** Where in a module something was thrown, by its stack: `flow.js:3:7`, or `flow.js` where it does not say. */
function placeOf(error: unknown, file: string): string {
  const path = resolve(file);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const name of [pathToFileURL(path).href, path]) {
    const from = stack.indexOf(`${name}:`);
    const position = from < 0 ? null : /^:(\d+)(:\d+)?/.exec(stack.slice(from + name.length));
    if (position !== null) return `${file}${position[0]}`;
  }
  return error instanceof SyntaxError && !TYPESCRIPT.test(file) ? `${file}${wrongSyntaxAt(path)}` : file;
}

function moduleFailed(file: string, cause: unknown): ConfigurationError {
  const at = placeOf(cause, file);
  // What the builder refuses at the top of a module keeps its code: it says more than that the import failed.
  if (cause instanceof LockstepError) return new ConfigurationError(cause.code, withoutRemedy(cause), { at, cause });
  const { code, name, message } = errorData(cause);
  const what = `${file} threw while it was imported: ${code === 'NODE_THREW' ? name : code}: ${message}`;
  return new ConfigurationError('IMPORT_FAILED', /[.!?]$/.test(what) ? what : `${what}.`, { at, cause });
}

/**
 * Imports a module of the user: JavaScript, or TypeScript through tsx.
 *
 * @throws LockstepError FILE_UNREADABLE, TSX_MISSING, NO_ES_MODULE, IMPORT_FAILED, or the code of the error of ours that the module threw
 */
export async function importModule(file: string): Promise<Exports> {
  requireFile(file);
  if (TYPESCRIPT.test(file)) await registerTypeScript(file);
  try {
    const namespace = (await import(pathToFileURL(resolve(file)).href)) as Exports;
    return { ...namespace, ...commonJs(namespace) };
  } catch (cause) {
    throw moduleFailed(file, cause);
  }
}

/** The exports of a CommonJS module, of which Node knows only those by name that it can find without running it. */
function commonJs({ default: main }: Exports): Exports {
  return typeof main === 'object' && main !== null ? (main as Exports) : {};
}
