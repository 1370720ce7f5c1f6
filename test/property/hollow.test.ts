import fc from 'fast-check';
import { hollowWorkflow } from '../../src/base/history/hollow-workflow.js';
import { describeWorkflow, type WorkflowDescription } from '../../src/base/history/workflow-description.js';
import { flows } from '../support/flows.js';
import { holds } from '../support/property.js';
import { hash, sameReplay } from '../support/replayed.js';
import { runFlow } from '../support/run-flow.js';

describe('a workflow made of its description alone', () => {
  holds(
    'replays every run, cancelled ones and parts of them included, and looks the same',
    fc.record({
      spec: flows(),
      at: fc.option(fc.nat({ max: 40 }), { nil: -1 }),
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
      scheduler: fc.nat({ max: 1000 }),
      cut: fc.nat({ max: 60 }),
    }),
    async ({ spec, at, onError, scheduler, cut }) => {
      const { workflow, events } = await runFlow(spec, { runtime: 'async', scheduler, onError, cancelAt: at });
      const description = JSON.parse(JSON.stringify(describeWorkflow(workflow, hash))) as WorkflowDescription;
      const hollow = hollowWorkflow(description);
      sameReplay(workflow, hollow, events);
      sameReplay(workflow, hollow, events.slice(0, cut));
    },
  );
});
