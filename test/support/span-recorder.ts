import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** A span as plain data. Times are milliseconds since the epoch. */
export interface SpanView {
  readonly name: string;
  readonly parent: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly status: 'unset' | 'ok' | 'error';
  readonly message: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Attributes of exceptions, and when they were recorded. */
  readonly exceptions: readonly Readonly<Record<string, unknown>>[];
  /** Numbers of the attempts that are linked to. */
  readonly links: readonly unknown[];
}

/** The tracing SDK, recording into memory. */
export class SpanRecorder {
  readonly #exporter = new InMemorySpanExporter();
  #open = 0;
  readonly provider = new BasicTracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor(this.#exporter),
      {
        onStart: () => void this.#open++,
        onEnd: () => void this.#open--,
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  readonly tracer = this.provider.getTracer('test');

  /** How many spans have begun and not ended. */
  get open(): number {
    return this.#open;
  }

  /** Spans that have ended, in the order in which they began, with the paths of their parents: `run w/attempt all`. */
  get spans(): readonly SpanView[] {
    const finished = this.#exporter.getFinishedSpans();
    const byId = new Map(finished.map((span) => [span.spanContext().spanId, span]));
    const views = finished.map((span) => viewOf(span, byId));
    return views.sort((a, b) => a.from - b.from || (a.parent ?? '').length - (b.parent ?? '').length);
  }

  /** The only span of a name. */
  span(name: string): SpanView {
    const found = this.spans.filter((span) => span.name === name);
    if (found.length !== 1) throw new Error(`${found.length} spans are named "${name}".`);
    return found[0] as SpanView;
  }

  /** Trace ids of the spans that have ended, each once. */
  get traces(): readonly string[] {
    return [...new Set(this.#exporter.getFinishedSpans().map((span) => span.spanContext().traceId))];
  }

  /** Forgets what has ended. */
  reset(): void {
    this.#exporter.reset();
  }
}

function viewOf(span: ReadableSpan, byId: ReadonlyMap<string, ReadableSpan>): SpanView {
  const ms = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1_000 + nanoseconds / 1e6;
  return {
    name: span.name,
    parent: pathOf(span.parentSpanContext?.spanId, byId),
    from: ms(span.startTime),
    to: ms(span.endTime),
    status: (['unset', 'ok', 'error'] as const)[span.status.code],
    message: span.status.message,
    attributes: span.attributes,
    exceptions: span.events.map(({ attributes, time }) => ({ ...attributes, at: ms(time) })),
    links: span.links.map(({ context }) => byId.get(context.spanId)?.attributes['lockstep.attempt.number']),
  };
}

function pathOf(spanId: string | undefined, byId: ReadonlyMap<string, ReadableSpan>): string | undefined {
  if (spanId === undefined) return undefined;
  const parent = byId.get(spanId);
  if (parent === undefined) return 'unknown';
  const above = pathOf(parent.parentSpanContext?.spanId, byId);
  return above === undefined ? parent.name : `${above}/${parent.name}`;
}
