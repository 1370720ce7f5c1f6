/**
 * How a worker process ended: `stopped` as it was asked, `recycled` for a fresh one in its place, `condemned` because it did not do what it
 * was asked; by itself: `exited` with a code, `killed` by a signal, or `out_of_memory`.
 */
export type WorkerEnd = 'stopped' | 'recycled' | 'condemned' | 'exited' | 'killed' | 'out_of_memory';

/** What became of a worker process. Plain data. */
export type WorkerChange =
  /** It takes calls. */
  | { readonly kind: 'started'; readonly ms: number }
  /** It never took a call. */
  | { readonly kind: 'start failed' }
  | { readonly kind: 'ended'; readonly end: WorkerEnd; readonly lostCalls: number }
  /** An answer to a heartbeat has not come. */
  | { readonly kind: 'heartbeat missed' };

/** Measures the workers of plugins that perform nodes in other processes. `metricsPlugin` provides it as `WORKER_METER`. */
export interface WorkerMeter {
  /** @param workers the name of the workers: that of `pythonWorkers({ name })` */
  changed(workers: string, change: WorkerChange): void;
  /** Nobody will tell how so many processes ended. */
  forget(workers: string, processes: number): void;
}
