import { SqliteEventStore } from '../plugins/event-store/index.js';
import { type Conducted, type ConductOptions, conduct } from './conduct.js';
import type { ExitCode } from './exit-codes.js';
import type { Screen } from './screen.js';

/** Performs a run that is recorded in a file, which is made where there is none. */
export async function conductRecorded(
  file: string,
  conducted: Conducted,
  options: ConductOptions,
  screen: Screen,
): Promise<ExitCode> {
  const store = new SqliteEventStore({ file });
  try {
    store.open();
    return await conduct({ ...conducted, recording: { file, store } }, options, screen);
  } finally {
    store.close();
  }
}
