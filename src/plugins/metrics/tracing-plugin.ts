import type { RunStarted } from '../../base/notifications.js';
import { knownFields } from '../../base/option-checks.js';
import { definePlugin, type SyncPlugin } from '../plugin.js';
import { TRACES } from '../tokens.js';
import { checkMethods } from './check-methods.js';
import { loadOpenTelemetry, SCOPE } from './load-open-telemetry.js';
import type { OtelApi, OtelTracer } from './open-telemetry-api.js';
import { RunSpans, type SpanParts, settledBetween } from './run-spans.js';
import { Served } from './served.js';

/** What the tracing plugin is told. */
export interface TracingOptions {
  /** What makes spans: one of your SDK. Default: `trace.getTracer('lockstep')` of the API. */
  readonly tracer?: OtelTracer;
  /** The module `@opentelemetry/api`, where you have imported it already. Default: loaded from that package. */
  readonly api?: OtelApi;
}

/**
 * Makes OpenTelemetry spans: one for each run, or for each part of a run that waited, and in it one for each attempt; attempts in
 * maps and subworkflows are children of the attempt that opened them. The parent of a run is the context that is active where
 * `execute` is called. Plugins that perform nodes elsewhere hand the span of an attempt on, and add what was measured there (`TRACES`). Nodes with the capability `metrics: false` get none, but for maps and subworkflows, which the spans inside
 * need: theirs have no status and end with their run. One plugin may serve several runtimes.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, PACKAGE_MISSING
 */
export function tracingPlugin(options: TracingOptions = {}): SyncPlugin {
  knownFields(options, ['tracer', 'api'], 'tracingPlugin');
  const { api = loadOpenTelemetry('tracingPlugin', 'api') } = options;
  const what = 'the module @opentelemetry/api';
  checkMethods(api?.trace, ['getTracer', 'setSpan'], 'tracingPlugin.api', what);
  checkMethods(api?.context, ['active'], 'tracingPlugin.api', what);
  const { tracer = api.trace.getTracer(SCOPE) } = options;
  checkMethods(tracer, ['startSpan'], 'tracingPlugin.tracer', 'a Tracer of @opentelemetry/api');
  const parts: SpanParts = { api, tracer };
  const served = new Served<Map<string, RunSpans>>();
  return definePlugin({
    name: 'tracing',
    provides: [TRACES],
    setup: (scope) => {
      const runs = served.add(new Map<string, RunSpans>());
      scope.provide(TRACES, {
        traceparentOf: (attempt) => runs.get(attempt.runId)?.traceparentOf(attempt),
        add: (attempt, part) => runs.get(attempt.runId)?.measured(attempt, part),
      });
      scope.on('started', (run) => begin(runs, parts, run));
      scope.on('event', ({ kind, runId, ts, data }) => {
        if (kind === 'attempt.started') runs.get(runId)?.started(data, ts);
        if (kind === 'children.created') runs.get(runId)?.opened(data, ts);
      });
      scope.on('attempt', (attempt) => {
        const spans = runs.get(attempt.runId);
        if (spans === undefined) settledBetween(parts, attempt);
        else spans.settled(attempt);
      });
      scope.on('ended', (run) => {
        const spans = runs.get(run.runId);
        runs.delete(run.runId);
        spans?.ended(run);
      });
    },
    start: () => served.started(),
    stop: () => {
      for (const runs of served.stopped()) for (const spans of runs.values()) spans.forget();
    },
  });
}

/** Of two runs that share an id at one time, the later has the id. */
function begin(runs: Map<string, RunSpans>, parts: SpanParts, run: RunStarted): void {
  runs.get(run.runId)?.forget();
  runs.set(run.runId, new RunSpans(parts, run));
}
