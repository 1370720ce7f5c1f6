import type { RunResult } from '../base/run-result.js';
import { type Explained, errorText } from './explain.js';
import { jsonText } from './json-text.js';
import { runDocument } from './run-document.js';
import { runTable, valueText } from './run-text.js';
import type { Screen } from './screen.js';
import { countText } from './table.js';

/** What is shown of a run beside its result. */
export interface Shown {
  /** Why it failed or was cancelled. */
  readonly problem: Explained | undefined;
  /** The file that it was recorded in just now. */
  readonly store?: string | undefined;
  /** What to do next. */
  readonly note?: string | undefined;
  /** Spaces for each level of JSON; 0 for one line. Default 2. */
  readonly indent?: number;
}

/** What a record survives, in words. */
const SAFE_FROM = { memory: 'nothing', process: 'a killed process', power: 'the loss of power' } as const;

/** How a run was kept, where this process added to it: `recorded in runs.sqlite: 7 events in 4 commits, safe from a killed process`. */
function receiptText({ receipt }: RunResult, store: string | undefined): string | undefined {
  if (receipt === undefined || store === undefined) return undefined;
  const survives = SAFE_FROM[receipt.durability];
  const { events, commits } = receipt;
  return `recorded in ${store}: ${countText(events, 'event')} in ${countText(commits, 'commit')}, safe from ${survives}`;
}

/** What can be done with a run that waits. */
export function waitingNote({ runId, gates }: RunResult, store: string | undefined): string {
  if (store === undefined) return 'note: nothing keeps this run, it ends with this process; --store FILE would';
  const [gate] = gates;
  const answer =
    gate === undefined ? '' : `answer it: lockstep approve ${runId} '${gate.gate}' --store ${store}; then `;
  return `note: ${answer}go on with it: lockstep resume ${runId} FILE --store ${store}`;
}

/** Prints a run: its table and what it delivered, or one JSON document. Warnings, and why it failed, go to stderr. */
export function showRun(run: RunResult, { problem, store, note, indent = 2 }: Shown, screen: Screen): void {
  if (screen.json) return screen.print(jsonText(runDocument(run, problem ?? null, store), indent));
  const isTerminal = process.stdout.isTTY === true;
  if (!screen.quiet) screen.print(`${runTable(run, screen.out)}\n`);
  for (const { code, message } of run.warnings) screen.note(`warning ${code}: ${message}`);
  if (run.status === 'completed') {
    if (!screen.quiet) screen.print(screen.out('bold', 'output'));
    screen.print(valueText(run.output, isTerminal && !screen.quiet));
  }
  for (const { gate, shows } of run.gates) screen.print(`gate ${gate} shows ${valueText(shows, isTerminal)}`);
  const receipt = receiptText(run, store);
  if (receipt !== undefined) screen.note(receipt);
  if (note !== undefined) screen.note(note);
  if (problem !== undefined) screen.say(`${screen.err('red', 'error')} ${errorText(problem)}`);
}
