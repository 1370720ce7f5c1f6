import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a worker process ended. */
export type WorkerExit =
  /** It was asked to: `forced` where it did not end by itself in time, and was killed. */
  | { readonly how: 'stopped'; readonly forced: boolean }
  /** By itself, with an exit code. */
  | { readonly how: 'exited'; readonly code: number }
  /** Something else than this process sent it a signal, or it did itself: SIGSEGV, SIGABRT. */
  | { readonly how: 'killed'; readonly signal: NodeJS.Signals }
  /** The system killed it, for want of memory. */
  | { readonly how: 'out of memory' };

/** What is known when a process has ended. */
export interface ExitFacts {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What this process did to end it. */
  readonly asked: 'not' | 'to stop' | 'forced';
  /** How often the system had killed for want of memory when it was started, and when it had ended; `undefined` where it does not say. */
  readonly memoryKills: readonly [number | undefined, number | undefined];
}

/** Says how a process ended. A SIGKILL of nobody we know is the system's if it has killed for want of memory meanwhile. */
export function classifyExit({ code, signal, asked, memoryKills: [before, after] }: ExitFacts): WorkerExit {
  if (asked !== 'not') return { how: 'stopped', forced: asked === 'forced' };
  if (signal === null) return { how: 'exited', code: code ?? 0 };
  if (signal === 'SIGKILL' && before !== undefined && after !== undefined && after > before)
    return { how: 'out of memory' };
  return { how: 'killed', signal };
}

/** How a process ended, for a message. */
export function exitText(exit: WorkerExit): string {
  switch (exit.how) {
    case 'stopped':
      return exit.forced ? 'was stopped by force' : 'was stopped';
    case 'exited':
      return `ended with code ${exit.code}`;
    case 'killed':
      return `was ended by ${exit.signal}`;
    case 'out of memory':
      return 'was killed by the system, which had no memory left';
  }
}

/**
 * How often the system has killed a process of this control group for want of memory; `undefined` where it does not say. Workers
 * are in the group of this process. Linux only (cgroup v2 `memory.events`, v1 `memory.oom_control`, both with a line `oom_kill N`).
 *
 * @param root where the file system of the system begins
 */
export function countMemoryKills(root = '/'): number | undefined {
  try {
    const groups = readFileSync(join(root, 'proc/self/cgroup'), 'utf8');
    const own = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1];
    const file =
      own === undefined
        ? join(root, 'sys/fs/cgroup', /^0::(.*)$/m.exec(groups)?.[1] ?? '', 'memory.events')
        : join(root, 'sys/fs/cgroup/memory', own, 'memory.oom_control');
    const count = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
