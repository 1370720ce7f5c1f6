import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { LockstepError } from '../../base/errors.js';
import type { StoreHealth } from '../../base/history/event-store.js';
import { fsyncFloor } from '../../plugins/event-store/index.js';
import { loadSqlite, sqliteVersion } from '../../plugins/event-store/load-sqlite.js';
import { findPython, type PythonEnvironment } from '../../plugins/python/environment/python-environment.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { type Explained, explain } from '../explain.js';
import { jsonText } from '../json-text.js';
import type { Screen } from '../screen.js';
import { readStore } from '../store.js';
import { sizeText } from '../table.js';
import { packageVersion } from '../version.js';
import { environmentText } from './python.js';

/** Options of `lockstep doctor`. */
export interface DoctorVerbOptions {
  readonly store: string;
}

/** What could be found out, or why not. */
type Finding<T> = { readonly value: T } | { readonly error: Explained };

function find<T>(look: () => T): Finding<T> {
  try {
    return { value: look() };
  } catch (thrown) {
    return { error: explained(thrown) };
  }
}

function explained(thrown: unknown): Explained {
  const [error] = explain(thrown);
  return error as Explained;
}

function sqlite(): { readonly package: string; readonly sqlite: string } {
  const Database = loadSqlite();
  const { version } = createRequire(import.meta.url)(['better-sqlite3', 'package.json'].join('/')) as {
    readonly version: string;
  };
  const db = new Database(':memory:', { readonly: false, fileMustExist: false, timeout: 0 });
  try {
    return { package: version, sqlite: sqliteVersion(db) };
  } finally {
    db.close();
  }
}

/** The nearest folder that exists: that of a store which is not there yet. */
function folderOf(file: string): string {
  let folder = dirname(resolve(file));
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

function floor(folder: string): { readonly folder: string; readonly medianMs: number; readonly samples: number } {
  try {
    return { folder, ...fsyncFloor(folder) };
  } catch (cause) {
    throw new LockstepError('FILE_UNWRITABLE', `${folder} cannot be written: ${(cause as Error).message}.`, {
      at: folder,
      cause,
    });
  }
}

/** What a store lacks, by its health; `undefined` where it lacks nothing. */
function ailment({ status, details }: StoreHealth): string | undefined {
  if (status === 'poisoned') return 'it is poisoned';
  const missing = Number(details.missingEvents ?? 0);
  return missing > 0 ? `${missing} events are missing at its end` : undefined;
}

function storeText(health: StoreHealth | null, file: string): string {
  if (health === null) return `none at ${file}`;
  const { location, runs, events, bytes, details } = health;
  const wal = `WAL ${sizeText(Number(details.walBytes ?? 0))}${details.walIsHeldUp === true ? ', held up by a reader' : ''}`;
  const holder = details.holder === null ? 'nobody writes' : `written by ${details.holder}`;
  const ill = ailment(health);
  const parts = [`${runs} runs`, `${events} events`, sizeText(bytes), wal, holder, ...(ill === undefined ? [] : [ill])];
  return `${location}: ${parts.join(', ')}`;
}

/** `lockstep doctor`. */
export async function doctorVerb({ store: file }: DoctorVerbOptions, screen: Screen): Promise<ExitCode> {
  const driver = find(sqlite);
  const disk = find(() => floor(folderOf(file)));
  const store = find(() => (existsSync(file) ? readStore(file, (opened) => opened.health()) : null));
  const python = await findPython().then<Finding<PythonEnvironment>, Finding<PythonEnvironment>>(
    (value) => ({ value }),
    (thrown: unknown) => ({ error: explained(thrown) }),
  );
  const { version: node, platform, arch } = process;
  const isIll = 'error' in store || (store.value !== null && ailment(store.value) !== undefined);
  if (screen.json)
    screen.print(jsonText({ lockstep: packageVersion(), node, platform, arch, driver, disk, store, python }));
  else {
    const lines: readonly (readonly [string, Finding<string>])[] = [
      ['lockstep', { value: packageVersion() }],
      ['node', { value: `${node} on ${platform} ${arch}` }],
      [
        'better-sqlite3',
        'error' in driver ? driver : { value: `${driver.value.package}, SQLite ${driver.value.sqlite}` },
      ],
      ['fsync', 'error' in disk ? disk : { value: `${disk.value.medianMs.toFixed(2)} ms in ${disk.value.folder}` }],
      ['store', 'error' in store ? store : { value: storeText(store.value, file) }],
      ['python', 'error' in python ? python : { value: environmentText(python.value) }],
    ];
    for (const [name, finding] of lines) screen.print(lineText(name, finding, screen));
  }
  return isIll ? EXIT.store : EXIT.completed;
}

function lineText(name: string, finding: Finding<string>, { out }: Screen): string {
  const said =
    'value' in finding
      ? finding.value
      : `${out('red', finding.error.code)}: ${finding.error.message} ${finding.error.remedy}`;
  return `${out('dim', name.padEnd(14))}  ${said}`;
}
