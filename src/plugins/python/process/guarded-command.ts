import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { timerMs } from '../timer-ms.js';
import { guarded, signalGroup } from './guard.js';

/** How a command is run. */
export interface CommandOptions {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  /** Ends it, and all that it started. */
  readonly signal?: AbortSignal | undefined;
  /** When it is ended, in milliseconds. Default: never. */
  readonly timeoutMs?: number;
}

/** What became of a command. */
export interface CommandEnd {
  /** Its exit code; `null` where a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null;
  /** Whether it was ended because it took too long. */
  readonly isLate: boolean;
  /** The end of what it wrote to stdout and stderr. */
  readonly output: string;
  /** What it wrote to descriptor 4. */
  readonly answer: string;
}

/** How much is kept of each stream, in characters: its end. */
const KEPT = 64 * 1024;

/**
 * Runs a program to its end, in a process group of its own, which ends with this process. An answer of the program comes on
 * descriptor 4, where nothing that it imports can write by mistake.
 *
 * @throws the reason of the signal, once the program has ended
 */
export async function runGuarded(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  const { env, cwd, signal, timeoutMs } = options;
  signal?.throwIfAborted();
  const shell = guarded(program, args);
  const child = spawn(shell.file, shell.args, {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const { pid } = child;
  const endGroup = (): void => {
    if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  };
  let isLate = false;
  const endLate = (): void => {
    isLate = true;
    endGroup();
  };
  const late = timeoutMs === undefined ? undefined : setTimeout(endLate, timerMs(timeoutMs));
  signal?.addEventListener('abort', endGroup);
  const [output, answer] = [tailOf(child.stdout, child.stderr), tailOf(child.stdio[4] as Readable | null)];
  try {
    const end = await new Promise<Pick<CommandEnd, 'code' | 'signal'>>((resolve, reject) => {
      child.on('error', reject);
      // The watcher of the guard, and whatever else the program left behind.
      child.on('exit', endGroup);
      child.on('close', (code, by) => resolve({ code, signal: by }));
    });
    signal?.throwIfAborted();
    return { ...end, isLate, output: output(), answer: answer() };
  } finally {
    clearTimeout(late);
    signal?.removeEventListener('abort', endGroup);
  }
}

/** Reads streams to their ends; answers the end of what they held, in the order in which it came. */
function tailOf(...streams: readonly (Readable | null)[]): () => string {
  let text = '';
  for (const stream of streams)
    stream?.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-KEPT);
    });
  return () => text;
}
