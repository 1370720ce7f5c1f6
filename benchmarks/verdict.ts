import { OPEN } from './budgets.js';
import type { Row } from './scenario.js';

/** What comes of holding a row against its budget; `shown` where it has none, `open` where it is over one that is still worked on. */
export type Verdict = 'within' | 'over' | 'open' | 'shown';

/**
 * Holds a row against its budget, times a margin. A ratio is over when that of the least rounds and that of the medians both
 * are: what makes ours more expensive raises the two, while one lucky round of the limit (a pair of threads that happened to
 * share a core woke each other in half the time) moves only the first.
 */
export function verdictOf({ what, budget, ratio, medianRatio, ours }: Row, margin: number): Verdict {
  if (budget === undefined) return 'shown';
  const spent = budget.kind === 'ratio' ? Math.min(ratio ?? Infinity, medianRatio ?? Infinity) : ours;
  if (spent <= budget.most * margin) return 'within';
  return OPEN.some((start) => what.startsWith(start)) ? 'open' : 'over';
}

const HEADINGS = ['what', 'size', 'limit', 'ours', 'ratio', 'median', 'budget', 'verdict', 'note'];

/** Rows as lines of a table, headings first; columns are as wide as what stands in them. */
export function tableOf(rows: readonly Row[], margin: number): readonly string[] {
  const cells = [HEADINGS, ...rows.map((row) => cellsOf(row, margin))];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((line) => (line[column] as string).length)));
  return cells.map((line) =>
    line
      .map((text, column) => {
        const width = widths[column] as number;
        const isNumber = column > 0 && column < 7;
        return isNumber ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function cellsOf(row: Row, margin: number): readonly string[] {
  const { what, size, unit, limit, ours, ratio, medianRatio, budget, note } = row;
  const most =
    budget === undefined
      ? ''
      : budget.kind === 'ratio'
        ? `${Number(budget.most.toFixed(2))}x`
        : amount(budget.most, unit);
  const times = (value: number | undefined): string => (value === undefined ? '' : `${value.toFixed(2)}x`);
  const bare = limit === undefined ? '' : amount(limit, unit);
  return [
    what,
    grouped(size),
    bare,
    amount(ours, unit),
    times(ratio),
    times(medianRatio),
    most,
    verdictOf(row, margin),
    note ?? '',
  ];
}

/** A number with its unit; times in nanoseconds throughout, so that a column can be compared. */
function amount(value: number, unit: Row['unit']): string {
  return `${grouped(value < 10 ? Number(value.toFixed(1)) : Math.round(value))} ${unit}`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
