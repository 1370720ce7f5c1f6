import fc from 'fast-check';
import type { Projection } from '../../src/base/history/projection.js';
import { ProjectionRunner } from '../../src/base/history/projection-runner.js';
import { MemoryLog } from '../../src/testing/index.js';
import { decodeEvent, EventShelf, shelfEvents } from '../support/event-shelf.js';
import { holds, same } from '../support/property.js';

/** The events of each run, in order. */
const logs: Projection<Record<string, string[]>> = {
  name: 'logs',
  version: 1,
  init: () => ({}),
  apply: (state, { runId, seq, kind }) => ({ ...state, [runId]: [...(state[runId] ?? []), `${seq} ${kind}`] }),
};

const runs = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({ what: fc.constant('write' as const), run: runs, events: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ what: fc.constant('unheard' as const), run: runs, events: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ what: fc.constant('again' as const), run: runs, events: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ what: fc.constant('barrier' as const), run: runs, events: fc.constant(0) }),
  fc.record({ what: fc.constant('save' as const), run: runs, events: fc.constant(0) }),
);

describe('a projection that is kept up to date', () => {
  holds('is what it would be if it were made anew', fc.array(step, { maxLength: 30 }), (steps) => {
    const store = new EventShelf();
    const runner = new ProjectionRunner({ store, decode: decodeEvent, log: new MemoryLog() });
    runner.attach(logs);
    for (const { what, run, events } of steps) {
      const has = store.run(run)?.events ?? 0;
      if (what === 'barrier') runner.barrier('logs', run, has);
      else if (what === 'save') runner.attach(logs, runner.save(logs));
      else if (what === 'again') runner.applied(shelfEvents(run, has).slice(-events));
      else {
        const written = shelfEvents(run, has + events).slice(has);
        store.commit(written);
        if (what === 'write') runner.applied(written);
      }
    }
    runner.catchUp();
    const kept = runner.read(logs);
    const seen = runner.watermark('logs');
    const single = Object.fromEntries(Object.keys(kept).map((run) => [run, runner.ofRun(logs, run)[run]]));
    runner.rebuild('logs');
    same(runner.read(logs), kept, 'what is made anew');
    same(runner.watermark('logs'), seen, 'how much of it');
    same(single, kept, 'what is made of each run alone');
  });
});
