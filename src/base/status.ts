/** The states of a run. `ARCHITECTURE.md` holds the transitions. */
export type RunStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

/** The states of a node in a run. */
export type NodeStatus = 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'blocked' | 'cancelled';

/** The states of an attempt. */
export type AttemptStatus = 'running' | 'completed' | 'failed' | 'lost' | 'cancelled';

/** Node states as small numbers, for arrays. */
export const PENDING = 0;
export const RUNNING = 1;
export const COMPLETED = 2;
export const FAILED = 3;
export const SKIPPED = 4;
export const BLOCKED = 5;
export const CANCELLED = 6;

/** The names of the numbers above, in order. */
export const NODE_STATUSES: readonly NodeStatus[] = [
  'pending',
  'running',
  'completed',
  'failed',
  'skipped',
  'blocked',
  'cancelled',
];

/** Which run states may follow which. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running'],
  running: ['completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

/** Which node states may follow which. A settled node returns to `pending` only when its cycle starts another iteration. */
export const NODE_TRANSITIONS: Readonly<Record<NodeStatus, readonly NodeStatus[]>> = {
  pending: ['running', 'skipped', 'blocked', 'cancelled'],
  running: ['completed', 'failed', 'pending', 'cancelled'],
  completed: ['pending'],
  failed: ['pending'],
  skipped: ['pending'],
  blocked: [],
  cancelled: [],
};

/** Which attempt states may follow which. */
export const ATTEMPT_TRANSITIONS: Readonly<Record<AttemptStatus, readonly AttemptStatus[]>> = {
  running: ['completed', 'failed', 'lost', 'cancelled'],
  completed: [],
  failed: [],
  lost: [],
  cancelled: [],
};
