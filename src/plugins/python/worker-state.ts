import type { LockstepError } from '../../base/errors.js';

/** What a `PythonWorker` does. */
export type PythonWorkerState =
  | { readonly is: 'new' }
  | { readonly is: 'starting' }
  /** It takes calls. */
  | { readonly is: 'ready'; readonly sessionId: string; readonly pid: number; readonly incarnation: number }
  /** Its process has ended, or is being ended, or could not be started; another one is started. Calls wait for that. */
  | { readonly is: 'restarting'; readonly reason: LockstepError; readonly failures: number }
  /** It could not be started again and again: calls are refused until that succeeds. */
  | { readonly is: 'unable'; readonly reason: LockstepError; readonly failures: number }
  | { readonly is: 'stopping' }
  | { readonly is: 'stopped' }
  /** It could not be started. */
  | { readonly is: 'failed'; readonly error: unknown };

/** What may follow what. */
const NEXT: Readonly<Record<PythonWorkerState['is'], readonly PythonWorkerState['is'][]>> = {
  new: ['starting', 'stopping'],
  starting: ['ready', 'failed', 'stopping'],
  ready: ['ready', 'restarting', 'stopping'],
  restarting: ['ready', 'restarting', 'unable', 'stopping'],
  unable: ['ready', 'unable', 'stopping'],
  stopping: ['stopped'],
  stopped: ['starting'],
  failed: ['starting', 'restarting', 'stopping'],
};

/** @throws TypeError where nothing of Lockstep should have asked for it */
export function checkTransition(from: PythonWorkerState['is'], to: PythonWorkerState['is']): void {
  if (!NEXT[from].includes(to)) throw new TypeError(`A worker that is ${from} cannot be ${to}.`);
}
