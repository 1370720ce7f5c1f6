import { LockstepError } from '../../base/errors.js';
import type { EventStore, RunRecord, StoredEvent } from '../../base/history/event-store.js';
import { durationText } from '../duration.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { errorText, exitCodeOf, explain } from '../explain.js';
import { findRun } from '../find-run.js';
import { jsonText } from '../json-text.js';
import { type Replayed, replayRun } from '../recorded.js';
import { runDocument } from '../run-document.js';
import { runTable } from '../run-text.js';
import type { Screen } from '../screen.js';
import { readStore } from '../store.js';
import { tableText, timeText } from '../table.js';

/** Options of `lockstep runs show`. */
export interface ShowVerbOptions {
  readonly store: string;
  /** Its events as well. */
  readonly events?: boolean;
}

interface EventFields {
  readonly scope?: string;
  readonly node?: string;
  readonly cycle?: string;
  readonly visit?: number;
  readonly attempt?: number;
}

/** Which node or cycle an event is about: `all[3]/parse`, with the visit and attempt where they are not the first. */
function subjectOf(data: string): string {
  const { scope = '', node, cycle, visit = 1, attempt = 1 } = JSON.parse(data) as EventFields;
  const again = `${visit > 1 ? ` visit ${visit}` : ''}${attempt > 1 ? ` attempt ${attempt}` : ''}`;
  const subject = node ?? cycle;
  return subject === undefined ? '' : `${scope}${subject}${again}`;
}

function headerText(run: RunRecord, screen: Screen): string {
  const { runId, workflow, workflowHash, status, startedAt, endedAt, errorCode, wakeAt, forkedFrom } = run;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['run', runId],
    ['workflow', `${workflow} (${workflowHash.slice(0, 12)})`],
    ['status', errorCode === null ? status : `${status}, ${errorCode}`],
    ['started', timeText(startedAt)],
    ['duration', endedAt === null ? undefined : durationText(endedAt - startedAt)],
    ['wakes', wakeAt === null ? undefined : timeText(wakeAt)],
    ['forked', forkedFrom === null ? undefined : `from ${forkedFrom.runId}, ${forkedFrom.events} events`],
  ];
  const shown = fields.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return shown.map(([name, value]) => `${screen.out('dim', name.padEnd(8))}  ${value}`).join('\n');
}

function eventRow({ seq, ts, kind, data }: StoredEvent, start: number): readonly string[] {
  return [String(seq), `+${durationText(Math.max(0, ts - start))}`, kind, subjectOf(data)];
}

function eventDocument({ data, ...event }: StoredEvent): object {
  return { ...event, data: JSON.parse(data) as unknown };
}

/** What the events of a run come to; where they cannot be read any more, why. */
function tryReplay(store: EventStore, runId: string): Replayed | LockstepError {
  try {
    return replayRun(store, runId);
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
}

/** The events of a run as far as they can be read. */
function readable(store: EventStore, runId: string): readonly StoredEvent[] {
  const events: StoredEvent[] = [];
  try {
    for (const event of store.events(runId)) events.push(event);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error; // why is said by the replay, which reads the same
  }
  return events;
}

function showAsJson(run: RunRecord, found: Replayed | LockstepError, events: readonly StoredEvent[] | null): string {
  const isRead = !(found instanceof LockstepError);
  const result = isRead ? runDocument(found.run, found.problem ?? null, undefined) : null;
  const error = isRead ? null : (explain(found)[0] ?? null);
  return jsonText({ run, result, events: events === null ? null : events.map(eventDocument), error });
}

/** `lockstep runs show RUN`. */
export function showVerb(text: string, { store: file, events: all }: ShowVerbOptions, screen: Screen): ExitCode {
  return readStore(file, (store) => {
    const run = findRun(store, text);
    const found = tryReplay(store, run.runId);
    const events = all === true ? readable(store, run.runId) : null;
    if (screen.json) screen.print(showAsJson(run, found, events));
    else {
      screen.print(headerText(run, screen));
      if (!(found instanceof LockstepError)) screen.print(`\n${runTable(found.run, screen.out, 'untitled')}`);
      if (events !== null) {
        const rows = events.map((event) => eventRow(event, run.startedAt));
        screen.print(`\n${tableText(['event', 'after', 'kind', 'of'], rows, screen.out)}`);
      }
      if (found instanceof LockstepError)
        for (const error of explain(found)) screen.say(`${screen.err('red', 'error')} ${errorText(error)}`);
    }
    return found instanceof LockstepError ? exitCodeOf(found) : EXIT.completed;
  });
}
