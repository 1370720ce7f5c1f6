import { stripVTControlCharacters } from 'node:util';
import type { Paint } from './paint.js';

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** Rows below a head, in columns; the last column is not filled up. Cells may be coloured. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => widthOf(row[column] ?? ''))));
  const line = (cells: readonly string[]): string => {
    const filled = cells.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))));
    return filled.join('  ').trimEnd();
  };
  return [paint('dim', line(head)), ...rows.map(line)].join('\n');
}

/** A time for people, in UTC: `2026-11-22 07:15:02Z`. */
export function timeText(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

/** A size for people: `812 B`, `3.4 KiB`, `2.1 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** How many of something there are: `1 run`, `2 runs`. */
export function countText(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
