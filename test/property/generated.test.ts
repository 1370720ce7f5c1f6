import { expect } from 'chai';
import fc from 'fast-check';
import type { GraphResult } from '../../src/base/graph-result.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import {
  advanceUntil,
  arbitraryWorkflow,
  assertParity,
  explore,
  seededIds,
  seededRandom,
  VirtualClock,
} from '../../src/testing/index.js';
import { holds, same } from '../support/property.js';

/** The nodes of a run that failed, those of children included. */
function failures(result: GraphResult): readonly string[] {
  return [...result.nodes.values()].flatMap(({ id, status, error }) => [
    ...(status === 'failed' ? [`${id} ${error?.code}`] : []),
    ...result.children(id).flatMap(failures),
  ]);
}

describe('a workflow that users generate', () => {
  holds(
    'completes, and no node in it fails, where failures are left out',
    arbitraryWorkflow(fc, { failures: false }),
    async ({ workflow, params, set, answers }) => {
      const outcome = await assertParity(workflow, params, { run: { set }, answers });
      if (outcome.status !== 'completed') throw new Error(`The run is ${outcome.status}.`);
      expect(failures(outcome)).to.deep.equal([]);
    },
    0.5,
  );

  holds(
    'does the same in both runtimes, with gates answered, and asynchronous nodes in the one that takes them',
    arbitraryWorkflow(fc, { async: true }),
    async ({ workflow, params, set, answers }) => {
      const outcome = await assertParity(workflow, params, { run: { set }, answers });
      expect(outcome.status).to.not.equal('waiting');
    },
    0.5,
  );

  holds(
    'comes to the same in whatever order its nodes settle',
    arbitraryWorkflow(fc, { async: true, size: 6 }),
    async ({ workflow, params, set, answers }) => {
      const expected = await assertParity(workflow, params, { run: { set }, answers });
      const views = (outcome: typeof expected): unknown =>
        outcome.status === 'rejected'
          ? outcome.error.code
          : [
              outcome.status,
              outcome.output,
              [...outcome.nodes.values()].map(({ id, status, attempts }) => [id, status, attempts]),
            ];
      const check = (outcome: typeof expected): void => same(views(outcome), views(expected), 'the run');
      await explore(workflow, params, check, { seeds: 4, run: { set }, answers });
    },
    0.25,
  );

  holds(
    'takes its time on the clock of whatever runs it',
    arbitraryWorkflow(fc, { durations: true, gates: false, failures: false, retries: false }),
    async (drawn) => {
      const { params, set } = drawn;
      const runs = [0, 1].map(() => {
        const clock = new VirtualClock();
        return { clock, workflow: drawn.on(clock), options: { clock, ids: seededIds(), random: seededRandom(1) } };
      });
      const [one, two] = runs as [(typeof runs)[0], (typeof runs)[0]];
      const local = new LocalRuntime(one.options).settle(one.workflow, params, { set });
      await using runtime = new AsyncLocalRuntime({ ...two.options, maxConcurrency: 1 });
      const async = await advanceUntil(() => runtime.settle(two.workflow, params, { set }), two.clock);
      if (local.status === 'rejected') throw local.error;
      expect(failures(local).filter((failed) => failed.includes('INVALID_OPTION'))).to.deep.equal([]);
      same(async.status, local.status, 'the status');
      same(two.clock.now(), one.clock.now(), 'the time');
    },
    0.25,
  );
});
