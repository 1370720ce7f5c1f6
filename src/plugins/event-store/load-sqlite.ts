import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ConfigurationError } from '../../base/errors.js';
import type { SqliteDatabase, SqliteModule } from './sqlite-api.js';

const load = createRequire(import.meta.url);

const PACKAGE = 'better-sqlite3';
/** From the first version that brings SQLite 3.53. Version 13 ends the process with a segmentation fault under Node 20. */
const RANGE = { major: 12, minor: 9 } as const;
/** Before it, commits could be lost where several connections write ahead and reset the log at once (sqlite.org/wal.html). */
const LEAST_SQLITE = [3, 51, 3] as const;

/**
 * The module better-sqlite3. Its version is read before it is loaded: one that does not fit may end the process.
 *
 * @throws ConfigurationError STORE_UNAVAILABLE
 */
export function loadSqlite(): SqliteModule {
  let text: string;
  try {
    text = readFileSync(load.resolve(`${PACKAGE}/package.json`), 'utf8');
  } catch (cause) {
    throw unavailable(`The package ${PACKAGE} is not installed.`, cause);
  }
  checkPackage((JSON.parse(text) as { readonly version: string }).version);
  try {
    return load(PACKAGE) as SqliteModule;
  } catch (cause) {
    throw unavailable(`The package ${PACKAGE} is installed and cannot be loaded.`, cause);
  }
}

/** Refuses versions of the package that do not fit. @throws ConfigurationError STORE_UNAVAILABLE */
export function checkPackage(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === RANGE.major && minor >= RANGE.minor) return;
  throw unavailable(`${PACKAGE} ${version} is installed, which does not fit.`);
}

/** Refuses versions of SQLite that can lose commits. @throws ConfigurationError STORE_UNAVAILABLE */
export function checkSqlite(version: string): void {
  const parts = version.split('.').map(Number);
  const differing = LEAST_SQLITE.findIndex((least, place) => parts[place] !== least);
  if (differing === -1 || (parts[differing] ?? 0) > (LEAST_SQLITE[differing] ?? 0)) return;
  throw unavailable(`SQLite ${version} can lose commits; at least ${LEAST_SQLITE.join('.')} is needed.`);
}

/** The version of SQLite behind a connection. */
export function sqliteVersion(db: SqliteDatabase): string {
  return String(db.prepare('SELECT sqlite_version()').pluck().get());
}

function unavailable(what: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError('STORE_UNAVAILABLE', what, { at: PACKAGE, ...(cause === undefined ? {} : { cause }) });
}
