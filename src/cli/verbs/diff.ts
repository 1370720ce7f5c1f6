import type { RunEvent } from '../../base/events.js';
import { diffEvents, type RunDifference } from '../../base/history/run-diff.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { jsonText } from '../json-text.js';
import { valueText } from '../run-text.js';
import type { Screen } from '../screen.js';
import { readStore, runsOf } from '../store.js';

/** Options of `lockstep diff`. */
export interface DiffVerbOptions {
  readonly store: string;
}

function sideText(runId: string, event: RunEvent | undefined, { out }: Screen): string {
  const title = out('bold', `run ${runId}`);
  if (event === undefined) return `${title}: no such event`;
  return `${title}: event ${event.seq}, ${event.kind}\n${valueText(event.data, process.stdout.isTTY === true)}`;
}

function differenceText(ids: readonly [string, string], difference: RunDifference, screen: Screen): string {
  const { subject, path, left, right } = difference;
  const what = path === '' ? '' : `: ${path}`;
  const title = `the runs differ first at ${subject === '' ? 'the run itself' : subject}${what}`;
  return [title, '', sideText(ids[0], left, screen), '', sideText(ids[1], right, screen)].join('\n');
}

/** `lockstep diff A B`. */
export function diffVerb(a: string, b: string, { store: file }: DiffVerbOptions, screen: Screen): ExitCode {
  return readStore(file, (store) => {
    const ids = [findRun(store, a).runId, findRun(store, b).runId] as const;
    const recorded = runsOf(store);
    const difference = diffEvents(recorded.view(ids[0]).events, recorded.view(ids[1]).events);
    const equal = difference === undefined;
    if (screen.json) {
      const { left = null, right = null, subject, path } = difference ?? {};
      const found = equal ? null : { subject, path, left, right };
      screen.print(jsonText({ runs: ids, equal, difference: found }));
    } else if (difference !== undefined) screen.print(differenceText(ids, difference, screen));
    else if (!screen.quiet) screen.print('the runs decided the same');
    return equal ? EXIT.completed : EXIT.failed;
  });
}
