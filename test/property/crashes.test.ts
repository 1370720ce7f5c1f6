import fc from 'fast-check';
import { exploreCrashes } from '../../src/testing/explore-crashes.js';
import { arbitraryWorkflow } from '../../src/testing/index.js';
import { holds } from '../support/property.js';

const PAIRS = [
  ['sync', 'sync'],
  ['sync', 'async'],
  ['async', 'sync'],
  ['async', 'async'],
] as const;

describe('a durable run that is killed at any of its commits', () => {
  for (const runtimes of PAIRS) {
    holds(
      `comes to the same when it goes on, ${runtimes.join(' to ')}`,
      arbitraryWorkflow(fc, { size: 6 }),
      async ({ workflow, params, set, answers }) => {
        await exploreCrashes(workflow, params, { runtimes, answers, run: { set } });
      },
      0.1,
    );
  }
});
