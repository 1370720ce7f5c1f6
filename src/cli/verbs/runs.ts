import type { RunQuery, RunRecord } from '../../base/history/event-store.js';
import type { RunStatus } from '../../base/status.js';
import { ageText, durationText } from '../duration.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { jsonText } from '../json-text.js';
import { colourOf } from '../progress/node-line.js';
import type { Screen } from '../screen.js';
import { readStore } from '../store.js';
import { tableText } from '../table.js';

/** Options of `lockstep runs list`. */
export interface ListVerbOptions {
  readonly store: string;
  readonly workflow?: string;
  readonly status?: RunStatus;
  readonly before?: string;
  readonly limit: number;
}

function rowOf(run: RunRecord, now: number, { out }: Screen): readonly string[] {
  const { runId, workflow, status, startedAt, endedAt, events, errorCode } = run;
  const took = endedAt === null ? '-' : durationText(endedAt - startedAt);
  const coloured = out(colourOf(status), status);
  return [runId, workflow, coloured, ageText(now - startedAt), took, String(events), errorCode ?? ''];
}

/** What is said where runs are said to be running and nobody writes to the store. */
const CUT_OFF = 'note: nobody writes to this store: what is running was cut off, and goes on with "lockstep resume"';

/** `lockstep runs list`. */
export function listVerb(options: ListVerbOptions, screen: Screen): ExitCode {
  const { store: file, workflow, status, before, limit } = options;
  return readStore(file, (store) => {
    const query: RunQuery = {
      limit,
      ...(workflow !== undefined && { workflow }),
      ...(status !== undefined && { status }),
      ...(before !== undefined && { before: findRun(store, before).runId }),
    };
    const runs = store.runs(query);
    if (screen.json) screen.print(jsonText({ runs }));
    else if (runs.length === 0) screen.note('no runs');
    else {
      const head = ['run', 'workflow', 'status', 'age', 'duration', 'events', 'error'];
      const now = Date.now();
      screen.print(
        tableText(
          head,
          runs.map((run) => rowOf(run, now, screen)),
          screen.out,
        ),
      );
      const isCutOff = runs.some((run) => run.status === 'running') && store.health().details.holder === null;
      if (isCutOff) screen.note(CUT_OFF);
    }
    return EXIT.completed;
  });
}
