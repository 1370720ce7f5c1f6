import type { ErrorData } from '../../base/errors.js';
import type { AttemptKey } from '../../base/events.js';
import type { AttemptEnded, RunEnded, RunStarted } from '../../base/notifications.js';
import type { MeasuredPart } from '../traces.js';
import { errorType, LABELS } from './labels.js';
import type {
  OtelApi,
  OtelAttributes,
  OtelContext,
  OtelSpan,
  OtelSpanContext,
  OtelSpanOptions,
  OtelTime,
  OtelTracer,
} from './open-telemetry-api.js';
import { ownerOf } from './scope-owner.js';

/** `SpanStatusCode.ERROR` of `@opentelemetry/api`. */
const ERROR = 2;
const ERROR_TYPE = LABELS.error_type.attribute;
const STATUS = LABELS.status.attribute;

/** A span that others may become children of. */
interface OpenSpan {
  readonly span: OtelSpan;
  readonly context: OtelContext;
}

type RunIds = Pick<RunStarted, 'workflow' | 'runId'>;

/** What spans are made with. */
export interface SpanParts {
  readonly api: Pick<OtelApi, 'trace' | 'context'>;
  readonly tracer: OtelTracer;
}

/**
 * The spans of one run, from its start until it ends or waits. A span of an attempt is made when the attempt has settled, with
 * the times it is told; only those are open meanwhile of which others become children: maps, subworkflows, and what is performed elsewhere.
 */
export class RunSpans {
  readonly #parts: SpanParts;
  readonly #run: RunStarted;
  readonly #own: OpenSpan;
  readonly #owners = new Map<string, OpenSpan>();
  /** Attempts that another one follows, by visit. */
  readonly #retried = new Map<string, OtelSpanContext>();
  /** When attempts in flight have started, in epoch milliseconds. */
  readonly #started = new Map<string, number>();

  /** The context that is active is the parent. */
  constructor(parts: SpanParts, run: RunStarted) {
    this.#parts = parts;
    this.#run = run;
    const attributes = { ...idsOf(run), 'lockstep.run.resumed': run.resumed };
    const parent = parts.api.context.active();
    this.#own = open(parts, `run ${run.workflow}`, { attributes, startTime: time(run.at) }, parent);
  }

  /** An attempt of a map or subworkflow opened its children. */
  opened(key: AttemptKey, at: number): OpenSpan {
    const open = this.#openAttempt(key, at);
    this.#owners.set(textOf(key), open);
    return open;
  }

  /** An attempt started. */
  started(key: AttemptKey, at: number): void {
    this.#started.set(textOf(key), at);
  }

  /** The span of an attempt in flight, as W3C Trace Context writes it (https://www.w3.org/TR/trace-context/). */
  traceparentOf(key: AttemptKey): string {
    const { traceId, spanId, traceFlags } = this.#inFlight(key).span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  /** A part of an attempt in flight was measured. */
  measured(key: AttemptKey, { name, startMs, endMs, attributes, error }: MeasuredPart): void {
    const options = { attributes: plainOf(attributes), startTime: time(startMs) };
    const { span } = open(this.#parts, name, options, this.#inFlight(key).context);
    if (error !== null) span.setStatus({ code: ERROR, message: error });
    span.end(time(endMs));
  }

  /** An attempt settled. */
  settled(attempt: AttemptEnded): void {
    const key = textOf(attempt);
    const { span } = this.#owners.get(key) ?? this.#openAttempt(attempt, attempt.startedAt);
    this.#owners.delete(key);
    this.#started.delete(key);
    const visit = visitOf(attempt);
    if (attempt.retryAt === undefined) this.#retried.delete(visit);
    else this.#retried.set(visit, span.spanContext());
    endAttempt(span, attempt);
  }

  /** The run ended, or can only wait. What is still open ends with it. */
  ended({ status, error, at }: RunEnded): void {
    for (const { span } of this.#owners.values()) end(span, status === 'waiting' ? status : undefined, undefined, at);
    end(this.#own.span, status, error, at);
  }

  /** Ends what is open, of a run whose end nobody will tell: now, by the clock of the SDK. */
  forget(): void {
    for (const { span } of this.#owners.values()) span.end();
    this.#own.span.end();
  }

  #inFlight(key: AttemptKey): OpenSpan {
    const text = textOf(key);
    return this.#owners.get(text) ?? this.opened(key, this.#started.get(text) ?? this.#run.at);
  }

  #openAttempt(key: AttemptKey, startedAt: number): OpenSpan {
    const before = this.#retried.get(visitOf(key));
    return openAttempt(this.#parts, this.#run, key, startedAt, before, this.#parentOf(key.scope));
  }

  /** Children of a map that was open when the run had waited are told without it: it goes on since the run does. */
  #parentOf(scope: string): OtelContext {
    const owner = ownerOf(scope);
    if (owner === undefined) return this.#own.context;
    return (this.#owners.get(textOf(owner)) ?? this.opened(owner, this.#run.at)).context;
  }
}

/**
 * Makes the span of an attempt that settled while its run was not in flight: of a gate that is answered while the run waits. The
 * context of whoever answers is the parent.
 */
export function settledBetween(parts: SpanParts, attempt: AttemptEnded): void {
  const parent = parts.api.context.active();
  endAttempt(openAttempt(parts, attempt, attempt, attempt.startedAt, undefined, parent).span, attempt);
}

function openAttempt(
  parts: SpanParts,
  run: RunIds,
  { scope, node, visit, attempt }: AttemptKey,
  startedAt: number,
  before: OtelSpanContext | undefined,
  parent: OtelContext,
): OpenSpan {
  const attributes = {
    ...idsOf(run),
    [LABELS.node.attribute]: node,
    'lockstep.node.scope': scope,
    'lockstep.node.visit': visit,
    'lockstep.attempt.number': attempt,
  };
  const links = before === undefined ? {} : { links: [{ context: before }] };
  return open(parts, `attempt ${node}`, { attributes, startTime: time(startedAt), ...links }, parent);
}

function endAttempt(span: OtelSpan, { kind, executor, cached, status, error, endedAt }: AttemptEnded): void {
  span.setAttributes({
    'lockstep.node.kind': kind,
    ...(executor === undefined ? {} : { [LABELS.executor.attribute]: executor }),
    ...(cached ? { 'lockstep.attempt.cached': true } : {}),
  });
  end(span, status, error, endedAt);
}

function open({ api, tracer }: SpanParts, name: string, options: OtelSpanOptions, parent: OtelContext): OpenSpan {
  const span = tracer.startSpan(name, options, parent);
  return { span, context: api.trace.setSpan(parent, span) };
}

/** What a span can have; other values as JSON. */
function plainOf(attributes: Readonly<Record<string, unknown>>): OtelAttributes {
  const plain = (value: unknown): string | number | boolean =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : textValue(value);
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, plain(value)]));
}

function textValue(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function idsOf({ workflow, runId }: RunIds): OtelAttributes {
  return { [LABELS.workflow.attribute]: workflow, 'lockstep.run.id': runId };
}

function end(span: OtelSpan, status: string | undefined, error: ErrorData | undefined, at: number): void {
  if (status !== undefined) span.setAttributes({ [STATUS]: status });
  if (error !== undefined) {
    const { name, code, message } = error;
    span.setAttributes({ [ERROR_TYPE]: errorType(code) });
    span.recordException({ name, code, message }, time(at));
    span.setStatus({ code: ERROR, message });
  }
  span.end(time(at));
}

/** Seconds and nanoseconds: a number of milliseconds would be taken for a time since the process began where it is small. */
function time(ms: number): OtelTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

function visitOf({ scope, node, visit }: Omit<AttemptKey, 'attempt'>): string {
  return `${scope}${node}#${visit}`;
}

function textOf(key: AttemptKey): string {
  return `${visitOf(key)}.${key.attempt}`;
}
