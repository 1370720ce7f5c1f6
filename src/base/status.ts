/** The states of a run. `ARCHITECTURE.md` holds the transitions. */
export type RunStatus = 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled';

/** The states of a node in a run. */
export type NodeStatus =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'completed'
  | 'failed'
  | 'skipped'
  | 'blocked'
  | 'cancelled';

/** The states of an attempt. */
export type AttemptStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'lost' | 'cancelled';

/** Node states as small numbers, for arrays. Those from `COMPLETED` on are settled. */
export const PENDING = 0;
export const RUNNING = 1;
export const WAITING = 2;
export const COMPLETED = 3;
export const FAILED = 4;
export const SKIPPED = 5;
export const BLOCKED = 6;
export const CANCELLED = 7;

/** The names of the numbers above, in order. */
export const NODE_STATUSES: readonly NodeStatus[] = [
  'pending',
  'running',
  'waiting',
  'completed',
  'failed',
  'skipped',
  'blocked',
  'cancelled',
];

/** Which run states may follow which. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running'],
  running: ['waiting', 'completed', 'failed', 'cancelled'],
  waiting: ['running'],
  completed: [],
  failed: [],
  cancelled: [],
};

/** Which node states may follow which. A settled node returns to `pending` only when its cycle starts another iteration. */
export const NODE_TRANSITIONS: Readonly<Record<NodeStatus, readonly NodeStatus[]>> = {
  pending: ['running', 'skipped', 'blocked', 'cancelled'],
  running: ['waiting', 'completed', 'failed', 'pending', 'cancelled'],
  waiting: ['completed', 'cancelled'],
  completed: ['pending'],
  failed: ['pending'],
  skipped: ['pending'],
  blocked: [],
  cancelled: [],
};

/** Which attempt states may follow which. */
export const ATTEMPT_TRANSITIONS: Readonly<Record<AttemptStatus, readonly AttemptStatus[]>> = {
  running: ['waiting', 'completed', 'failed', 'lost', 'cancelled'],
  waiting: ['completed', 'cancelled'],
  completed: [],
  failed: [],
  lost: [],
  cancelled: [],
};
