import type { LogLevel } from '../../../base/ports.js';
import { unreadable } from './unreadable.js';

/** A line that a tool, or a module that it uses, has logged. */
export interface WorkerLog {
  readonly kind: 'log';
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** How far a tool is. */
export interface WorkerProgress {
  readonly kind: 'progress';
  readonly current: number;
  readonly total: number | null;
  readonly message: string | null;
}

/** A span of a trace that ended in a worker. */
export interface WorkerSpan {
  readonly kind: 'span';
  readonly name: string;
  /** W3C Trace Context: the trace, and the span above it. */
  readonly traceparent: string;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What went wrong; `null` where nothing did. */
  readonly error: string | null;
}

/** What a worker tells by the way. */
export type Said = WorkerLog | WorkerProgress | WorkerSpan;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** What a SAID frame holds; `undefined` for what this version does not know. */
export function saidOf(list: readonly unknown[]): Said | undefined {
  const [kind, ...rest] = list;
  switch (kind) {
    case 'log': {
      const [level, logger, message, fields] = rest;
      const known = LEVELS.find((one) => one === level) ?? 'info';
      return { kind, level: known, logger, message, fields } as WorkerLog;
    }
    case 'progress': {
      const [current, total, message] = rest;
      return { kind, current, total, message } as WorkerProgress;
    }
    case 'span': {
      const [name, traceparent, startMs, endMs, attributes, error] = rest;
      return { kind, name, traceparent, startMs, endMs, attributes, error } as WorkerSpan;
    }
    default:
      if (typeof kind === 'string') return undefined;
      throw unreadable('nothing that could be said', list);
  }
}
