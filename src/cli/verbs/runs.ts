import { LockstepError } from '../../base/errors.js';
import type { RunQuery, RunRecord, StoredEvent } from '../../base/history/event-store.js';
import type { RunStatus } from '../../base/status.js';
import { durationText } from '../duration.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { jsonText } from '../json-text.js';
import type { Screen } from '../screen.js';
import { readStore } from '../store.js';
import { tableText, timeText } from '../table.js';

/** Options of `lockstep runs list`. */
export interface ListVerbOptions {
  readonly store: string;
  readonly workflow?: string;
  readonly status?: RunStatus;
  readonly before?: string;
  readonly limit: number;
}

function took({ startedAt, endedAt }: RunRecord): string {
  return endedAt === null ? '-' : durationText(endedAt - startedAt);
}

function rowOf(run: RunRecord): readonly string[] {
  const { runId, workflow, status, startedAt, events, errorCode } = run;
  return [runId, workflow, status, timeText(startedAt), took(run), String(events), errorCode ?? ''];
}

/** `lockstep runs list`. */
export function listVerb(options: ListVerbOptions, screen: Screen): ExitCode {
  const { store: file, workflow, status, before, limit } = options;
  const query: RunQuery = {
    limit,
    ...(workflow !== undefined && { workflow }),
    ...(status !== undefined && { status }),
    ...(before !== undefined && { before }),
  };
  const runs = readStore(file, (store) => store.runs(query));
  if (screen.json) screen.print(jsonText({ runs }));
  else if (runs.length === 0) screen.note('no runs');
  else {
    const head = ['run', 'workflow', 'status', 'started', 'duration', 'events', 'error'];
    screen.print(tableText(head, runs.map(rowOf), screen.out));
  }
  return EXIT.completed;
}

/** Options of `lockstep runs show`. */
export interface ShowVerbOptions {
  readonly store: string;
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
  const { runId, workflow, workflowHash, status, startedAt, errorCode, wakeAt, forkedFrom } = run;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['run', runId],
    ['workflow', `${workflow} (${workflowHash.slice(0, 12)})`],
    ['status', errorCode === null ? status : `${status}, ${errorCode}`],
    ['started', timeText(startedAt)],
    ['duration', took(run)],
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

/** `lockstep runs show RUN`. */
export function showVerb(runId: string, { store: file }: ShowVerbOptions, screen: Screen): ExitCode {
  return readStore(file, (store) => {
    const run = store.run(runId);
    if (run === undefined) throw new LockstepError('RUN_UNKNOWN', `${file} has no run ${runId}.`, { at: runId });
    const events = [...store.events(runId)];
    if (screen.json) screen.print(jsonText({ run, events: events.map(eventDocument) }));
    else {
      const rows = events.map((event) => eventRow(event, run.startedAt));
      screen.print(`${headerText(run, screen)}\n`);
      screen.print(tableText(['event', 'after', 'kind', 'of'], rows, screen.out));
    }
    return EXIT.completed;
  });
}
