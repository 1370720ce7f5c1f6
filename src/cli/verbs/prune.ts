import type { Retention } from '../../base/history/event-store.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { jsonText } from '../json-text.js';
import { unfit } from '../load/load-workflow.js';
import type { Screen } from '../screen.js';
import { changeStore } from '../store.js';
import { countText } from '../table.js';

/** Options of `lockstep runs prune`. */
export interface PruneVerbOptions {
  readonly store: string;
  readonly keep?: number;
  /** Milliseconds. */
  readonly age?: number;
  readonly bytes?: number;
}

/** `lockstep runs prune`. */
export function pruneVerb({ store: file, keep, age, bytes }: PruneVerbOptions, screen: Screen): ExitCode {
  const retention: Retention = {
    ...(keep !== undefined && { keep }),
    ...(age !== undefined && { ageMs: age }),
    ...(bytes !== undefined && { bytes }),
  };
  if (Object.keys(retention).length === 0) throw unfit('runs prune', 'takes --keep, --age or --bytes');
  const removed = changeStore(file, (store) => store.prune(retention));
  if (screen.json) screen.print(jsonText({ removed }));
  else screen.note(`removed ${countText(removed.runs, 'run')}, ${countText(removed.events, 'event')}`);
  return EXIT.completed;
}
