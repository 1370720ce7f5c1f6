import type { Readable } from 'node:stream';

/** Where a line was written. */
export type OutputStream = 'stdout' | 'stderr';

/** A line that a worker wrote. */
export interface OutputLine {
  readonly stream: OutputStream;
  readonly text: string;
  /** Whether the line goes on in the next one of this stream: a line that is too long comes in pieces. */
  readonly continues: boolean;
}

/** Of how many characters a line may be, or a piece of one. */
export const LONGEST_LINE = 8 * 1024;
/** How many lines an `OutputTail` keeps. */
const KEPT_LINES = 50;

/**
 * Reads a stream of a worker to its end, line by line. Nothing is lost and nothing is kept: a megabyte without a line feed comes
 * in pieces. Bytes that are no UTF-8 become U+FFFD.
 */
export function readLines(source: Readable, stream: OutputStream, onLine: (line: OutputLine) => void): void {
  let rest = '';
  source.setEncoding('utf8');
  source.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = tellPieces(parts.pop() ?? '', (text) => onLine({ stream, text, continues: true }));
    for (const line of parts) {
      const text = tellPieces(line, (piece) => onLine({ stream, text: piece, continues: true }));
      onLine({ stream, text: text.replace(/\r$/, ''), continues: false });
    }
  });
  source.on('close', () => {
    if (rest !== '') onLine({ stream, text: rest, continues: false });
    rest = '';
  });
}

/** Tells all of a text but its last piece, which is at most LONGEST_LINE long. */
function tellPieces(text: string, tell: (piece: string) => void): string {
  let from = 0;
  for (; text.length - from > LONGEST_LINE; from += LONGEST_LINE) tell(text.slice(from, from + LONGEST_LINE));
  return text.slice(from);
}

/** The last lines that were written: what a worker said before it ended. */
export class OutputTail {
  readonly #lines: OutputLine[] = [];

  add(line: OutputLine): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }

  /** The last lines, the oldest first. */
  get lines(): readonly OutputLine[] {
    return [...this.#lines];
  }
}
