import { AsyncLocalRuntime } from 'lockstep';
import { sqliteEventStore } from 'lockstep/sqlite';
import { workers } from './python.js';
import { seattleWeather } from './workflow.js';

/**
 * Runs the workflow in a process that is killed in the middle: nothing of it can say goodbye. Started by `durable.ts` with the file
 * of the store, the table, and the position of the event after which it ends.
 */
const [store = '', file = '', last = '0'] = process.argv.slice(2);

const runtime = new AsyncLocalRuntime({ plugins: [sqliteEventStore({ file: store }), workers()] });
await runtime.execute(
  seattleWeather,
  { file },
  {
    runId: 'killed',
    onEvent: ({ seq }) => {
      if (seq === Number(last)) process.kill(process.pid, 'SIGKILL');
    },
  },
);
