import type { RunEvent } from '../base/events.js';
import { type RunResult, requireRun } from '../base/run-result.js';
import { checkReportOptions } from './arguments.js';
import { ownEvents, spansOf } from './attempts.js';
import { graphsOf } from './graphs.js';
import type { ChromeTrace, TraceEvent } from './trace-event.js';
import { PID, type TimedEvent, TraceLanes } from './trace-lanes.js';

/** What a trace or a report may be told beside the result of a run. */
export interface RecordedEvents {
  /**
   * What `onEvent` was given in this run. With it every attempt of every visit is shown exactly; without it, of a node in a
   * cycle only the last visit and what failed.
   */
  readonly events?: readonly RunEvent[];
}

/**
 * A run as a trace for Perfetto (ui.perfetto.dev) or chrome://tracing: write it to a file as JSON and open it there. Attempts and
 * retry waits are slices on as many lanes as were busy at once, what children did lies inside the slice of their owner or on
 * lanes named after its scope, cycles enclose their iterations on lanes of their own, arrows follow connections, limits and
 * warnings are moments, waits for gates have a colour of their own. It holds no payload.
 *
 * Source: "Trace Event Format", Google, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 *
 * @throws ConfigurationError NOT_A_RUN, INVALID_OPTION, UNKNOWN_OPTION
 */
export function toChromeTrace(run: RunResult, options: RecordedEvents = {}): ChromeTrace {
  requireRun('toChromeTrace', run);
  checkReportOptions(options, ['events'], 'trace');
  const events = ownEvents(run, options.events);
  const graphs = graphsOf(run, events);
  const spans = spansOf(run, events, graphs);
  const lanes = new TraceLanes(run, graphs);
  lanes.run(spans.waits);
  lanes.cycles(spans.iterations);
  lanes.attempts(spans);
  lanes.moments(events);
  const { name } = run.plan.workflow;
  const process: TraceEvent = { ph: 'M', name: 'process_name', pid: PID, tid: 0, args: { name } };
  return {
    traceEvents: [
      process,
      ...lanes.names,
      ...lanes.events.toSorted((a, b) => a.ts - b.ts || lengthOf(b) - lengthOf(a)),
    ],
    displayTimeUnit: 'ms',
    otherData: {
      workflow: run.workflow,
      runId: run.runId,
      status: run.status,
      startedAt: new Date(run.startedAt).toISOString(),
    },
  };
}

/** An enclosing slice stands before what it encloses; moments and arrows stand after the slice they begin with. */
function lengthOf(event: TimedEvent): number {
  return event.ph === 'X' ? event.dur : -1;
}
