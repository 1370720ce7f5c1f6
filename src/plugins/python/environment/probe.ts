import { runGuarded } from '../process/guarded-command.js';
import type { ProbeAnswer } from './interpreter.js';
import { PROBE_SCRIPT } from './probe-script.js';

/** What came of asking an interpreter: what it says, or why it says nothing. */
export type Probe = { readonly answer: ProbeAnswer } | { readonly silent: string };

/** How an interpreter is asked. */
export interface ProbeOptions {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly timeoutMs: number;
  /** Which packages it is asked about. */
  readonly requirements: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks an interpreter who it is and what it has. It is started isolated (`-I`): what PYTHONPATH, the working directory and the
 * packages in the home of the user add is not seen.
 *
 * @throws the reason of the signal
 */
export async function probe(path: string, options: ProbeOptions): Promise<Probe> {
  const { requirements, ...how } = options;
  const end = await runGuarded(path, ['-I', '-c', PROBE_SCRIPT, ...requirements], how);
  if (end.isLate) return { silent: `it did not say what it is within ${how.timeoutMs} ms` };
  if (end.code !== 0) return { silent: `it ended with ${end.signal ?? `code ${end.code}`}${lastLine(end.output)}` };
  try {
    return { answer: JSON.parse(end.answer) as ProbeAnswer };
  } catch {
    return { silent: `it is no Python interpreter${lastLine(end.output)}` };
  }
}

/** The last line that a program wrote, behind a colon. */
export function lastLine(output: string): string {
  const line = output.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, 300)}`;
}
