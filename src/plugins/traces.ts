import type { AttemptKey } from '../base/events.js';

/** An attempt of a run. */
export interface TracedAttempt extends AttemptKey {
  readonly runId: string;
}

/** A part of an attempt that was measured where the attempt is performed. */
export interface MeasuredPart {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What went wrong; `null` where nothing did. */
  readonly error: string | null;
}

/** The spans of runs, for plugins that perform nodes elsewhere. `tracingPlugin` provides them as `TRACES`. */
export interface Traces {
  /** The span of an attempt that is in flight, as W3C Trace Context writes it; `undefined` where its run is not traced. */
  traceparentOf(attempt: TracedAttempt): string | undefined;
  /** Makes a span of a part of an attempt, below that of the attempt. To be told before the attempt settles. */
  add(attempt: TracedAttempt, part: MeasuredPart): void;
}
