import type { RunEvent } from './events.js';
import type { Warning } from './warning.js';

/** How far an attempt is. */
export interface ProgressUpdate {
  readonly runId: string;
  /** Where in the run the node lives; empty at the top. */
  readonly scope: string;
  readonly node: string;
  readonly visit: number;
  readonly attempt: number;
  readonly current: number;
  readonly total: number | undefined;
  readonly message: string | undefined;
}

/** Data that a node streams while it runs. */
export interface EmittedData {
  readonly runId: string;
  /** Where in the run the node lives; empty at the top. */
  readonly scope: string;
  readonly node: string;
  readonly visit: number;
  readonly attempt: number;
  readonly data: unknown;
}

/** What a runtime tells its listeners. None of it changes a run, and a listener that throws never touches one. */
export interface RuntimeNotifications {
  /** Every recorded event of every run. Costs nothing while nobody listens. */
  event: (event: RunEvent) => void;
  progress: (update: ProgressUpdate) => void;
  data: (emitted: EmittedData) => void;
  warning: (warning: Warning & { readonly runId: string }) => void;
}
