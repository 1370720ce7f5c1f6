import type { Log, LogLevel } from '../base/ports.js';

/** One message of a log. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps what it is given. */
export class MemoryLog implements Log {
  readonly entries: LogEntry[] = [];

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.entries.push({ level, message, fields });
  }
}
