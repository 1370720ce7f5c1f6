/** Why a cycle stopped. */
export type CycleStopReason =
  | 'converged'
  | 'max_iterations'
  | 'timeout'
  | 'exited'
  | 'no_feedback'
  | 'failed'
  | 'skipped'
  | 'cancelled';
