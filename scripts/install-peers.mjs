/**
 * Installs what `npm run bench:peers` compares with, below benchmarks/peers, unless what its lock file names is there already;
 * and lets the programs there import `lockstep` by its name, as a project that installed it would.
 *
 * Usage: node scripts/install-peers.mjs (in the folder that holds benchmarks/)
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const folder = join('benchmarks', 'peers');
const lock = join(folder, 'package-lock.json');
/** The lock file of what is installed: a copy, in the folder that npm empties before it installs. */
const installed = join(folder, 'node_modules', '.installed-lock.json');

if (!isInstalled()) {
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ci in ${folder} ended with exit code ${status}.`);
  // A link and not a dependency: the lock file would repeat the dependencies of the project, and be wrong whenever they change.
  symlinkSync(join('..', '..', '..'), join(folder, 'node_modules', 'lockstep'));
  copyFileSync(lock, installed);
}

function isInstalled() {
  return existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(lock, 'utf8');
}
