import type { RunQuery } from '../base/history/event-store.js';
import { checkCount, checkWord, knownFields, refuse } from '../base/option-checks.js';
import { checkObject } from '../base/runtime-options.js';
import { RUN_TRANSITIONS, type RunStatus } from '../base/status.js';

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkRunQuery(query: RunQuery): void {
  checkObject(query, 'The query of runs()', 'runs');
  knownFields(query, ['workflow', 'status', 'before', 'limit'], 'runs');
  checkCount(query.limit, 1, 'runs.limit');
  checkWord(query.status, Object.keys(RUN_TRANSITIONS) as RunStatus[], 'runs.status');
  for (const name of ['workflow', 'before'] as const)
    if (query[name] !== undefined && typeof query[name] !== 'string')
      refuse(`runs.${name}`, 'must be a text', query[name]);
}
