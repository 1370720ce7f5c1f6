import { essence } from '../support/flow.js';
import { holds, same } from '../support/property.js';
import { flows } from '../support/random-workflow.js';
import { type Fate, predict } from '../support/reference.js';
import { runFlow } from '../support/run-flow.js';

describe('a workflow without cycles', () => {
  holds(
    'ends as an interpreter written from the design alone says',
    flows({ cycles: false, size: 22 }),
    async (spec) => {
      const predicted = predict(spec);
      const { outcome } = await runFlow(spec);
      if (outcome.status === 'rejected') throw outcome.error;
      const nodes = [...outcome.nodes.values()].map(({ id, status, attempts, error }): [string, Fate] => {
        const output = outcome.results.get(id);
        return [
          id,
          {
            status: status as Fate['status'],
            attempts,
            ...(output === undefined ? {} : { output }),
            ...(error === undefined ? {} : { code: error.code }),
          },
        ];
      });
      same(essence(Object.fromEntries(nodes)), essence(predicted.nodes), 'the nodes');
      const primary = outcome.status === 'failed' ? outcome.error.node : undefined;
      same({ status: outcome.status, primary }, { status: predicted.status, primary: predicted.primary }, 'the run');
      same(essence(outcome.output), essence(predicted.output), 'its output');
    },
  );
});
