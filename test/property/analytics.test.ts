import fc from 'fast-check';
import { Distribution } from '../../src/mixins/analytics/distribution.js';
import { ACCURACY, MOST_BUCKETS, QuantileSketch } from '../../src/mixins/analytics/quantile-sketch.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { countsIn } from '../support/report-counts.js';
import { runFlow } from '../support/run-flow.js';

const seed = fc.integer({ min: 0, max: 1_000_000 });

describe('a random workflow that is monitored', () => {
  holds(
    'is counted the same in both runtimes, whatever settles first',
    fc.record({ spec: flows(), scheduler: seed, maxConcurrency: fc.constantFrom(undefined, 1, 2) }),
    async ({ spec, scheduler, maxConcurrency }) => {
      const counts = async (how: Parameters<typeof runFlow>[1]) => {
        const { report } = await runFlow(spec, { ...how, monitored: true });
        return report === undefined ? undefined : countsIn(report);
      };
      const local = await counts({});
      same(await counts({ runtime: 'async' }), local, 'synchronous nodes in AsyncLocalRuntime');
      const limit = maxConcurrency === undefined ? {} : { maxConcurrency };
      // How often a run can only wait, and is checked anew, depends on what else takes its time while a gate is open: here none waits.
      const answered = await counts({ answers: 'known' });
      const async = await counts({ runtime: 'async', scheduler, answers: 'known', ...limit });
      same(async, answered, 'asynchronous nodes in AsyncLocalRuntime');
    },
    0.5,
  );

  holds(
    'is measured the same in both runtimes where nodes hold the thread for known times',
    fc.record({ spec: flows(), pace: seed, onError: fc.constantFrom('continue' as const, 'fail-fast' as const) }),
    async ({ spec, pace, onError }) => {
      const analytics = async (runtime: 'local' | 'async') =>
        (await runFlow(spec, { runtime, pace, onError, monitored: true, maxConcurrency: 1 })).report?.analytics;
      same(await analytics('async'), await analytics('local'), 'AsyncLocalRuntime');
    },
    0.5,
  );
});

/** Measurements over many orders of magnitude, zeros among them; few enough of these that no bucket is given up. */
const measurements = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 5, arbitrary: fc.double({ min: 1e-6, max: 1e9, noNaN: true }) },
    { weight: 5, arbitrary: fc.double({ min: 0, max: 17, noNaN: true }).map((power) => 10 ** (power - 8)) },
  ),
  { minLength: 1, maxLength: 300 },
);

function filled<T extends { add(value: number): void }>(into: T, values: readonly number[]): T {
  for (const value of values) into.add(value);
  return into;
}

describe('a sketch of random measurements', () => {
  holds(
    'is within 1 % of the exact quantile, in bounded memory',
    fc.record({ values: measurements, share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    ({ values, share }) => {
      const sketch = filled(new QuantileSketch(), values);
      const exact = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] as number;
      const told = sketch.quantile(share) as number;
      same(Math.abs(told - exact) <= exact * ACCURACY * 1.000_001, true, `${told} for ${exact}`);
      same(sketch.buckets <= MOST_BUCKETS, true, 'buckets');
    },
  );

  holds(
    'that was merged tells what one tells to which all was added',
    fc.record({ left: measurements, right: measurements, share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    ({ left, right, share }) => {
      const merged = filled(new Distribution(), left);
      merged.merge(filled(new Distribution(), right));
      const added = filled(new Distribution(), [...left, ...right]);
      same(merged.quantile(share), added.quantile(share), 'quantile');
      same(merged.count, added.count, 'count');
      same(Math.abs(merged.sum - added.sum) <= 1e-12 * added.sum, true, 'sum');
      const [one, other] = [merged.statistics(), added.statistics()];
      same([one.min, one.max], [other.min, other.max], 'ends');
      const spread = Math.abs((one.standardDeviation as number) - (other.standardDeviation as number));
      same(spread <= 1e-9 * (other.max as number), true, 'standard deviation');
    },
  );
});
