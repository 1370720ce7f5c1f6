import { LocalRuntime } from 'lockstep';
import { sqliteEventStore } from 'lockstep/sqlite';
import type { Engine } from '../engine.js';
import { chain } from './lockstep-workflows.js';
import { storeFile } from './stored.js';

const runtime = new LocalRuntime({ plugins: [sqliteEventStore({ file: storeFile() })] });

/** LocalRuntime, with every run in a file of SQLite: a killed process loses no attempt that had started. */
export const engine: Engine = {
  chain(size, form) {
    const workflow = chain(size, form);
    return () => runtime.execute(workflow).unwrap().last;
  },
};
