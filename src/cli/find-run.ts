import { LockstepError } from '../base/errors.js';
import type { EventStore, RunRecord } from '../base/history/event-store.js';
import { runsOf } from './store.js';

/** How much of a run id has to be given at least. */
const LEAST = 4;
const PAGE = 1_000;
/** How many runs an error names. */
const NAMED = 8;

/** All runs whose ids begin or end with a text, the newest first. Ids that are made here begin with the time: what tells them apart stands further on. */
function runsWith(store: EventStore, text: string): readonly RunRecord[] {
  const found: RunRecord[] = [];
  for (let page = store.runs({ limit: PAGE }); ; ) {
    found.push(...page.filter(({ runId }) => runId.startsWith(text) || runId.endsWith(text)));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return found;
    page = store.runs({ limit: PAGE, before: last.runId });
  }
}

/**
 * A run of a store, by its id, or by its beginning or end: at least four characters with which no other run's id begins or ends.
 *
 * @throws LockstepError RUN_UNKNOWN, RUN_AMBIGUOUS
 */
export function findRun(store: EventStore, text: string): RunRecord {
  const exact = store.run(text);
  if (exact !== undefined) return exact;
  const [first, ...others] = text.length < LEAST ? [] : runsWith(store, text);
  if (first === undefined) return runsOf(store).record(text); // which says what there is
  if (others.length === 0) return first;
  const all = [first, ...others];
  const named = all.slice(0, NAMED).map(({ runId, workflow, status }) => `  ${runId} ${workflow} ${status}`);
  const more = all.length > NAMED ? [`  and ${all.length - NAMED} more`] : [];
  const what = `${all.length} runs begin or end with "${text}":\n${[...named, ...more].join('\n')}`;
  throw new LockstepError('RUN_AMBIGUOUS', what, { at: text, value: all.map(({ runId }) => runId) });
}
