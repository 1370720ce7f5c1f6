import { LockstepError } from '../../base/errors.js';
import type { EventStore, IntegrityProblem } from '../../base/history/event-store.js';
import { importInto } from '../../base/history/exported-run.js';
import { MemoryEventStore } from '../../plugins/event-store/index.js';
import { nodeHash } from '../../runtimes/node-ports.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { parseJson } from '../json-text.js';
import { readText } from '../load/files.js';
import { replayRun } from '../recorded.js';
import type { Screen } from '../screen.js';
import { showRun } from '../show-run.js';
import { readStore } from '../store.js';

/** Options of `lockstep replay`. */
export interface ReplayVerbOptions {
  readonly store: string;
  readonly verify?: boolean;
  /** How many of the first events. */
  readonly events?: number;
}

/** How many problems an error names. */
const NAMED = 5;

function damaged(runId: string, problems: readonly IntegrityProblem[]): LockstepError {
  const named = problems.slice(0, NAMED).map(({ what }) => what);
  const more = problems.length > NAMED ? [`And ${problems.length - NAMED} more.`] : [];
  const what = [`Run ${runId} is not what was written.`, ...named, ...more].join(' ');
  return new LockstepError('STORE_DAMAGED', what, { at: runId, value: problems });
}

/** Looks whether a run is what was written. @throws LockstepError STORE_DAMAGED */
function verify(store: EventStore, runId: string, screen: Screen): void {
  const { ok, events, problems } = store.verify(runId);
  if (!ok) throw damaged(runId, problems);
  if (!screen.json) screen.note(`verified: all ${events} events are what was written`);
}

/** `lockstep replay RUN`, where RUN may also be the file of an exported run. */
export function replayVerb(text: string, options: ReplayVerbOptions, screen: Screen): ExitCode {
  const { store: file, events } = options;
  const show = (store: EventStore, runId: string): void => {
    if (options.verify === true) verify(store, runId, screen);
    const { run, problem } = replayRun(store, runId, events);
    showRun(run, { problem }, screen);
  };
  if (text.endsWith('.json')) {
    const store = new MemoryEventStore();
    store.open();
    show(store, importInto(store, parseJson(readText(text), text), nodeHash).runId);
  } else readStore(file, (store) => show(store, findRun(store, text).runId));
  return EXIT.completed;
}
