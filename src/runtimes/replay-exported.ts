import { replayFrom } from '../base/history/exported-run.js';
import type { RunResult } from '../base/run-result.js';
import { nodeBytes } from './node-bytes.js';
import { nodeHash } from './node-ports.js';
import { checkReplayOptions, type ReplayOptions } from './replay-options.js';

/**
 * What an exported run came to, read from the export alone: without a store, without its code, and no node runs. Checks first that
 * it is what was exported.
 *
 * @param exported what `exportRun` returned, also by way of a JSON file
 * @throws LockstepError EXPORT_INVALID, CORRUPT_HISTORY, BLOB_MISSING; ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function replayExported(exported: unknown, options: ReplayOptions = {}): RunResult {
  checkReplayOptions(options);
  return replayFrom(exported, nodeHash, nodeBytes, options.events);
}
