import { checkCount, knownFields } from '../base/option-checks.js';
import { checkObject } from '../base/runtime-options.js';

/** How far a run is replayed. */
export interface ReplayOptions {
  /** Only so many of its first events. Default: all. */
  readonly events?: number;
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkReplayOptions(options: ReplayOptions): void {
  checkObject(options, 'The options of a replay', 'replay');
  knownFields(options, ['events'], 'replay');
  checkCount(options.events, 1, 'replay.events');
}
