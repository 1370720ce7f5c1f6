/** One entry of a trace. Times are whole microseconds since the start of the run. */
export type TraceEvent =
  /** A name of the process or of a lane. */
  | { readonly ph: 'M'; readonly name: string; readonly pid: number; readonly tid: number; readonly args: TraceArgs }
  /** A slice. */
  | (TracePlace & {
      readonly ph: 'X';
      readonly dur: number;
      /** One of the colour names of chrome://tracing; Perfetto has its own colours. */
      readonly cname?: string;
      readonly args: TraceArgs;
    })
  /** An arrow: starts and finishes inside slices, `id` pairs the two. */
  | (TracePlace & { readonly ph: 's'; readonly id: number })
  | (TracePlace & { readonly ph: 'f'; readonly id: number; readonly bp: 'e' })
  /** A moment; `s: 'p'` draws it across the whole process. */
  | (TracePlace & { readonly ph: 'i'; readonly s: 'p' | 't'; readonly args: TraceArgs });

/** What every entry with a time has: its name, its group, when it began, and the lane it stands on. */
export interface TracePlace {
  readonly name: string;
  readonly cat: string;
  readonly ts: number;
  readonly pid: number;
  readonly tid: number;
}

/** What a slice or a moment says when it is selected. */
export type TraceArgs = Readonly<Record<string, string | number>>;

/** A trace in the JSON object form of the Trace Event Format. */
export interface ChromeTrace {
  /** Names first, then everything in order of time, an enclosing slice before what it encloses. */
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
  /** Workflow, run id, status, and when the run started, as ISO 8601. */
  readonly otherData: Readonly<Record<string, string>>;
}
