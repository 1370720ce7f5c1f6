/** The longest that a timer of Node waits: one that is told more fires at once. Almost 25 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A duration as a timer takes it. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER);
}
