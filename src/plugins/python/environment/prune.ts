import { accessSync, constants, existsSync, lstatSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PythonEnvironmentOptions } from '../configuration.js';
import { inFolder } from '../data-folder.js';
import { areInUse } from '../process/process-table.js';
import { tryBuildLock } from './build-lock.js';
import { choose, type PythonEnvironment, type SearchContext, surveyOptions } from './python-environment.js';
import { environmentsFolder, survey } from './survey.js';

/** An environment that Lockstep has made, or a part of one that was not completed, and what became of it. */
export interface PrunedEnvironment {
  readonly folder: string;
  /** What its files hold together; `null` where it is being made. */
  readonly bytes: number | null;
  /** Why it stays: it is what was asked for, a process uses it, or a process makes it. `null`: it was removed, or would be. */
  readonly kept: 'needed' | 'in use' | 'being made' | null;
}

/** What a pruning came to. */
export interface PruneReport {
  /** The Python that is used; `null` where there is none. */
  readonly environment: PythonEnvironment | null;
  /** By name. */
  readonly environments: readonly PrunedEnvironment[];
}

/** How the folders are named that `makeManaged` makes: complete, or under way by a process. Others are none of ours. */
const NAME = /^(?<hash>[0-9a-f]{16})(?<unfinished>\.new-\d+)?$/;

/**
 * Removes the environments that Lockstep has made and that nothing needs any more: what the options ask for stays, and what a process
 * uses or makes. What other requirements need is made anew when they are asked for.
 *
 * @param how `look`: nothing is removed
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, FILE_UNWRITABLE; the reason of the signal
 */
export async function pruneEnvironments(
  options: PythonEnvironmentOptions,
  how: 'remove' | 'look',
  context: SearchContext = {},
): Promise<PruneReport> {
  const given = surveyOptions(options, context);
  const { candidates, managed } = await survey(given);
  const environment = choose(candidates) ?? null;
  const parent = environmentsFolder(given);
  const isNeeded = (folder: string): boolean =>
    folder === managed?.folder || environment?.interpreter.path.startsWith(`${folder}/`) === true;
  const environments: PrunedEnvironment[] = [];
  for (const name of namesIn(parent).toSorted()) {
    const { hash, unfinished } = NAME.exec(name)?.groups ?? {};
    if (hash === undefined) continue;
    const folder = join(parent, name);
    if (unfinished === undefined && isNeeded(folder)) {
      environments.push({ folder, bytes: sizeOf(folder), kept: 'needed' });
      continue;
    }
    inFolder(parent, () => accessSync(parent, constants.W_OK));
    const lock = await tryBuildLock(join(parent, `${hash}.lock`));
    if (lock === undefined) environments.push({ folder, bytes: null, kept: 'being made' });
    else
      try {
        // Where it is gone, somebody else has removed it or made it complete.
        if (existsSync(folder)) environments.push(prune(folder, join(parent, `${hash}.new-${process.pid}`), how));
      } finally {
        lock.release();
      }
  }
  return { environment, environments };
}

/**
 * Removes an environment that nobody makes, unless a process uses it.
 *
 * @param aside under which name it goes, so that nobody sees a half of it: that of a part, which whoever comes next removes
 */
function prune(folder: string, aside: string, how: 'remove' | 'look'): PrunedEnvironment {
  const bytes = sizeOf(folder);
  if (areInUse([folder, realpathSync(folder)])) return { folder, bytes, kept: 'in use' };
  if (how === 'remove')
    inFolder(dirname(folder), () => {
      if (folder !== aside) {
        rmSync(aside, { recursive: true, force: true });
        renameSync(folder, aside);
      }
      rmSync(aside, { recursive: true, force: true });
    });
  return { folder, bytes, kept: null };
}

/** What a folder holds, in bytes. What is removed meanwhile does not count. */
function sizeOf(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return namesIn(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
