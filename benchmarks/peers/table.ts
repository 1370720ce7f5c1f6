import { CAP_SECONDS, type Cell, type Outcome } from './cell.js';

/** One line of the table. */
export interface Row {
  readonly cell: Cell;
  /** How the engine is called in the table. */
  readonly title: string;
  readonly outcome: Outcome;
  /** How the bare loop of the same graph, size and form ended. */
  readonly bare: Outcome;
}

const HEADINGS = ['graph', 'size', 'engine', 'functions', 'build', 'run', 'ratio', 'wall', 'note'];
const NUMBERS = new Set(['size', 'build', 'run', 'ratio', 'wall']);

/**
 * Rows as lines of a table, headings first. Times are nanoseconds a node (of a loop, an iteration, but its one node to build):
 * processor time to build and to run, wall time to run. The ratio is the processor time of the run over that of the bare loop.
 */
export function tableOf(rows: readonly Row[]): readonly string[] {
  const lines = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const padded = (text: string, column: number): string => {
    const width = widths[column] as number;
    return NUMBERS.has(HEADINGS[column] as string) ? text.padStart(width) : text.padEnd(width);
  };
  return lines.map((line) => line.map(padded).join('  ').trimEnd());
}

function cellsOf({ cell, title, outcome, bare }: Row): readonly string[] {
  const { shape, size, form } = cell;
  const names = [shape, grouped(size), title, form];
  if (outcome.kind !== 'measured') return [...names, '-', '-', '-', '-', noteOf(outcome)];
  const { build, run } = outcome;
  const ratio = bare.kind === 'measured' ? `${significant(run.processor / bare.run.processor)}x` : '';
  const built = perNode(build.processor, shape === 'loop' ? 1 : size);
  return [...names, built, perNode(run.processor, size), ratio, perNode(run.wall, size), ''];
}

/** Why a cell has no numbers. */
export function noteOf(outcome: Exclude<Outcome, { readonly kind: 'measured' }>): string {
  switch (outcome.kind) {
    case 'cut':
      return `cut at ${CAP_SECONDS} s (${outcome.during})`;
    case 'failed':
      return `failed (${outcome.during}): ${outcome.message}`;
    case 'absent':
      return 'has none';
    case 'differs':
      return `gives ${String(outcome.actual)} instead of ${String(outcome.expected)}`;
  }
}

function perNode(ns: number, size: number): string {
  return `${significant(ns / size)} ns`;
}

/** Two decimals below 10, one below 100, none above. */
function significant(value: number): string {
  return value < 100 ? value.toFixed(value < 10 ? 2 : 1) : grouped(Math.round(value));
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
