import type { RunResult } from '../base/run-result.js';
import type { NodeStatus } from '../base/status.js';
import { formatRun } from '../runtimes/format-run.js';
import { jsonText } from './json-text.js';
import type { Paint } from './paint.js';
import { colourOf } from './progress/node-line.js';

/** How much of an output a terminal is shown. */
const MOST_LINES = 60;
const MOST_CHARACTERS = 8_000;

/** The table of a run, without its warnings, its statuses in colour; `untitled` below something that says which run it is. */
export function runTable(run: RunResult, paint: Paint, title: 'titled' | 'untitled' = 'titled'): string {
  const warnings = run.warnings.map(({ code, message }) => `warning ${code}: ${message}`).join('\n');
  const text = formatRun(run);
  const [said = '', empty = '', head = '', ...lines] = text
    .slice(0, text.length - warnings.length)
    .trimEnd()
    .split('\n');
  const at = head.indexOf('status');
  const painted = lines.map((line) => paintStatus(line, at, paint));
  const above = title === 'titled' ? [paint('bold', said), empty] : [];
  return [...above, paint('dim', head), ...painted].join('\n');
}

/** Colours the word that begins at a column, where it is a status. */
function paintStatus(line: string, at: number, paint: Paint): string {
  const status = /^[a-z]+(?= )/.exec(line.slice(at))?.[0];
  if (status === undefined || line[at - 1] !== ' ') return line;
  return line.slice(0, at) + paint(colourOf(status as NodeStatus), status) + line.slice(at + status.length);
}

/** A value as JSON for people; on a terminal, what is too long for it is left out, and it says so. */
export function valueText(value: unknown, isTerminal: boolean): string {
  const text = jsonText(value);
  if (!isTerminal) return text;
  const lines = text.slice(0, MOST_CHARACTERS).split('\n');
  const shown = lines.slice(0, MOST_LINES).join('\n');
  const left = text.length - shown.length;
  return left === 0 ? text : `${shown}\n… ${left} more characters; --json and --quiet show everything`;
}
