import { LocalRuntime } from '../../src/index.js';
import { chain } from '../graphs.js';
import { compare, type Times } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

/** What events cost when somebody listens: the limit is the same run with nobody listening. */
export const scenario: Scenario = {
  title: 'events',
  sizes: [1_000],
  ciSizes: [],
  async measure(size, effort) {
    const { workflow } = chain(size, 'sync');
    const quiet = new LocalRuntime();
    const heard = new LocalRuntime();
    let events = 0;
    const count = (): void => {
      events++;
    };
    heard.on('event', count);
    const sides = [
      () => quiet.execute(workflow),
      () => quiet.execute(workflow, {}, { onEvent: count }),
      () => heard.execute(workflow),
    ];
    const [off, onEvent, listener] = (await compare(sides, effort)) as [Times, Times, Times];
    quiet.close();
    heard.close();
    if (events === 0) throw new Error('No event was heard.');
    const row = (what: string, { least, median }: Times): Row => ({
      what,
      size,
      unit: 'ns',
      limit: off.least / size,
      ours: least / size,
      ratio: least / off.least,
      medianRatio: median / off.median,
      budget: undefined,
      note: 'limit: nobody listens',
    });
    return [row('chain with onEvent', onEvent), row('chain with a listener', listener)];
  },
};
