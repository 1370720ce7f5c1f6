import { checkExported, exportFrom, importInto } from '../../base/history/exported-run.js';
import { environmentOf, nodeHash } from '../../runtimes/node-ports.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { jsonText, parseJson } from '../json-text.js';
import { readText, requireWritable, writeText } from '../load/files.js';
import type { Screen } from '../screen.js';
import { makeStore, readStore } from '../store.js';
import { countText } from '../table.js';

/** Options of `lockstep export`. */
export interface ExportVerbOptions {
  readonly store: string;
  /** A file instead of stdout. */
  readonly output?: string;
}

/** `lockstep export RUN`. */
export function exportVerb(text: string, { store: file, output }: ExportVerbOptions, screen: Screen): ExitCode {
  if (output !== undefined) requireWritable(output);
  const exported = readStore(file, (store) =>
    exportFrom(store, findRun(store, text), environmentOf(Date.now()), nodeHash),
  );
  const whole = jsonText(exported);
  if (output === undefined) {
    screen.print(whole);
    return EXIT.completed;
  }
  writeText(output, `${whole}\n`);
  const { runId } = exported.run;
  if (screen.json) screen.print(jsonText({ runId, events: exported.events.length, file: output }));
  else screen.note(`run ${runId}, ${countText(exported.events.length, 'event')}: ${output}`);
  return EXIT.completed;
}

/** Options of `lockstep import`. */
export interface ImportVerbOptions {
  readonly store: string;
}

/** `lockstep import FILE`. */
export function importVerb(source: string, { store: file }: ImportVerbOptions, screen: Screen): ExitCode {
  const exported = checkExported(parseJson(readText(source), source), nodeHash); // before a store is made for it
  const run = makeStore(file, (store) => importInto(store, exported, nodeHash));
  if (screen.json) screen.print(jsonText({ run }));
  else screen.note(`run ${run.runId}, ${countText(run.events, 'event')}: added to ${file}`);
  return EXIT.completed;
}
