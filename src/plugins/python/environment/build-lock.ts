import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isDead, type ProcessIdentity, thisProcess } from '../../process-identity.js';

/** How often one that waits looks again. */
const LOOK_MS = 200;
/** How often the holder shows that it lives, to those who cannot see its process. */
const TOUCH_MS = 5_000;
/** After how long without such a sign the lock of a process on another machine, or in another container, is taken away. */
const SILENCE_MS = 30_000;

/** How a lock is waited for. */
export interface LockWait {
  /** Told of each holder that is waited for. */
  readonly waiting: (holder: ProcessIdentity) => void;
  readonly signal?: AbortSignal | undefined;
  /** Another silence than SILENCE_MS, in milliseconds. */
  readonly silenceMs?: number;
}

/** Whoever holds a lock. */
export interface BuildLock {
  release(): void;
}

/**
 * Takes a lock that is a file, or waits for it. The lock of a process that has ended is taken away. It saves work, no more: what is
 * made under it becomes visible by a rename.
 *
 * @throws the reason of the signal
 */
export async function takeBuildLock(file: string, wait: LockWait): Promise<BuildLock> {
  const { waiting, signal, silenceMs = SILENCE_MS } = wait;
  const mine = `${file}.${randomUUID()}`;
  writeFileSync(mine, JSON.stringify(thisProcess()));
  try {
    const silence = new Silence();
    while (!tryLink(mine, file)) {
      const holder = holderOf(file);
      if (holder === undefined) continue;
      if (silence.isOver(file, holder, silenceMs)) takeAway(file, holder);
      else {
        if (silence.isNew(holder)) waiting(holder);
        await rest(signal);
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
  const touching = setInterval(() => touch(file), TOUCH_MS).unref();
  return {
    release: () => {
      clearInterval(touching);
      rmSync(file, { force: true });
    },
  };
}

/** Takes a lock, unless somebody holds it. @returns `undefined` where somebody does */
export async function tryBuildLock(file: string): Promise<BuildLock | undefined> {
  const held = new AbortController();
  try {
    return await takeBuildLock(file, { waiting: () => held.abort(), signal: held.signal });
  } catch (error) {
    if (held.signal.aborted) return undefined;
    throw error;
  }
}

/** What one that waits has seen of those who hold the lock. */
class Silence {
  #holder = '';
  #touched = 0;
  #since = 0;

  isNew(holder: ProcessIdentity): boolean {
    const [before, now] = [this.#holder, JSON.stringify(holder)];
    this.#holder = now;
    return before !== now;
  }

  /** Whether the holder has ended, as far as can be seen from here. No clocks are compared: only whether its sign changes. */
  isOver(file: string, holder: ProcessIdentity, silenceMs: number): boolean {
    if (holder.machine === thisProcess().machine) return isDead(holder);
    const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (touched !== this.#touched) [this.#touched, this.#since] = [touched, performance.now()];
    return performance.now() - this.#since > silenceMs;
  }
}

async function rest(signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(LOOK_MS, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** A link appears with its content, or not at all. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch (error) {
    // It has been released since.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes the lock of a dead process away, unless somebody else has done so and holds it now. */
function takeAway(file: string, dead: ProcessIdentity): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const holder = holderOf(aside);
  if (holder !== undefined && (holder.pid !== dead.pid || holder.started !== dead.started)) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function touch(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // It was taken away.
  }
}
