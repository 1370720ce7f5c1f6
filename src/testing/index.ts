export { canonicalLog } from '../base/events.js';
export { type LogEntry, MemoryLog } from './memory-log.js';
export { assertParity, type ParityArguments, ParityError, type ParityOptions, type ParityProblem } from './parity.js';
export { seededIds, seededRandom } from './seeded.js';
export { VirtualClock } from './virtual-clock.js';
export { advanceUntil } from './virtual-drive.js';
