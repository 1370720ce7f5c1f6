import type { AttemptEnded } from '../../src/base/notifications.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';

/** A runtime that can be made to tell what no workflow of today makes it tell. */
export class Telling extends LocalRuntime {
  say = this.tell.bind(this);
}

/** An attempt that a cache answered. */
export const CACHED: AttemptEnded = {
  runId: 'r',
  workflow: 'caching',
  scope: '',
  node: 'n',
  kind: 'function',
  executor: 'function.costly',
  visit: 1,
  attempt: 1,
  status: 'completed',
  startedAt: 0,
  endedAt: 0,
  error: undefined,
  retryAt: undefined,
  cached: true,
};
