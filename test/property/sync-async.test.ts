import fc from 'fast-check';
import { holds, same } from '../support/property.js';
import { flows } from '../support/random-workflow.js';
import { runFlow, viewOf } from '../support/run-flow.js';

const asynchronously = fc.record({
  spec: flows(),
  scheduler: fc.integer({ min: 0, max: 1_000_000 }),
  maxConcurrency: fc.constantFrom(undefined, undefined, 1, 2, 3),
});

describe('a random workflow', () => {
  holds(
    'does the same in both runtimes, whatever settles first',
    asynchronously,
    async ({ spec, scheduler, maxConcurrency }) => {
      const sync = await runFlow(spec);
      const inline = await runFlow(spec, { runtime: 'async' });
      same(viewOf(inline), viewOf(sync), 'synchronous nodes in AsyncLocalRuntime');
      const limit = maxConcurrency === undefined ? {} : { maxConcurrency };
      const async = await runFlow(spec, { runtime: 'async', scheduler, ...limit });
      same(viewOf(async), viewOf(sync), 'asynchronous nodes in AsyncLocalRuntime');
    },
  );
});
