/**
 * What is used of `@opentelemetry/api`, declared here so that these declarations need no package that may not be installed.
 * `test/types/metrics.test.ts` holds it against the package itself. Functions are declared as methods: the types of the package
 * are narrower than ours where it hands out what it takes back.
 */

/** Seconds since the epoch, and nanoseconds. A number would be taken for a time since the process began where it is small. */
export type OtelTime = [number, number];

/** Attributes of a span, a link or a measurement. */
export type OtelAttributes = Record<string, string | number | boolean>;

/** Which span is the parent of what is made in it. */
export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
  deleteValue(key: symbol): OtelContext;
}

/** What names a span. */
export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** A span. */
export interface OtelSpan {
  spanContext(): OtelSpanContext;
  setAttributes(attributes: OtelAttributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(exception: { name: string; code: string; message: string }, time: OtelTime): void;
  end(time?: OtelTime): void;
}

/** How a span begins. */
export interface OtelSpanOptions {
  attributes: OtelAttributes;
  startTime: OtelTime;
  links?: { context: OtelSpanContext }[];
}

/** A tracer. */
export interface OtelTracer {
  startSpan(name: string, options: OtelSpanOptions, context: OtelContext): OtelSpan;
}

/** How an instrument is made. */
export interface OtelInstrumentOptions {
  description: string;
  unit: string;
  advice?: { explicitBucketBoundaries: number[] };
}

/** A counter or an up-down counter. */
export interface OtelCounter {
  add(value: number, attributes: OtelAttributes): void;
}

/** A gauge or a histogram. */
export interface OtelRecorder {
  record(value: number, attributes: OtelAttributes): void;
}

/** A meter. */
export interface OtelMeter {
  createCounter(name: string, options: OtelInstrumentOptions): OtelCounter;
  createUpDownCounter(name: string, options: OtelInstrumentOptions): OtelCounter;
  createGauge(name: string, options: OtelInstrumentOptions): OtelRecorder;
  createHistogram(name: string, options: OtelInstrumentOptions): OtelRecorder;
}

/** The module `@opentelemetry/api`. */
export interface OtelApi {
  readonly context: { active(): OtelContext };
  readonly trace: {
    getTracer(name: string): OtelTracer;
    setSpan(context: OtelContext, span: OtelSpan): OtelContext;
  };
  readonly metrics: { getMeter(name: string): OtelMeter };
}
