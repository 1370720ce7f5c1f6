import { essence, type FlowSpec } from '../support/flow.js';
import { holds, same } from '../support/property.js';
import { flows } from '../support/random-workflow.js';
import { type Ending, type Fate, type Prediction, predict } from '../support/reference.js';
import { type FlowTrace, runFlow } from '../support/run-flow.js';

type Outcome = Exclude<FlowTrace['outcome'], { status: 'rejected' }>;

function fates(outcome: Outcome): Prediction['nodes'] {
  const all = [...outcome.nodes.values()].map(({ id, status, attempts, visits, error }): [string, Fate] => {
    const output = outcome.results.get(id);
    const more = { ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { code: error.code }) };
    return [id, { status: status as Fate['status'], attempts, visits, ...more }];
  });
  return Object.fromEntries(all);
}

const DEAD: readonly unknown[] = ['exited', 'no_feedback', 'skipped'];

function endings(outcome: Outcome): Prediction['cycles'] {
  const all = [...outcome.cycles.values()].map(({ id, reason, failed, iterations, history }): [string, Ending] => {
    return [id, { reason: DEAD.includes(reason) ? 'dead' : (reason as Ending['reason']), failed, iterations, history }];
  });
  return Object.fromEntries(all);
}

/** Runs a workflow and compares everything with what the second interpreter says. */
async function expectPredicted(spec: FlowSpec): Promise<void> {
  const predicted = predict(spec);
  const { outcome } = await runFlow(spec);
  if (outcome.status === 'rejected') throw outcome.error;
  same(essence(fates(outcome)), essence(predicted.nodes), 'the nodes');
  same(essence(endings(outcome)), essence(predicted.cycles), 'the cycles');
  same(outcome.status, predicted.status, 'the status of the run');
  same(essence(outcome.output), essence(predicted.output), 'its output');
  if (outcome.status !== 'failed' || spec.cycles.length > 0) return;
  const first = spec.nodes.find(({ id, kind }) => kind !== 'try' && predicted.nodes[id]?.status === 'failed');
  same(outcome.error.node, first?.id, 'the failure that the run reports');
}

/** The second interpreter does not say why feedback died, so no node may read it. */
function withoutReasons(spec: FlowSpec): FlowSpec {
  return JSON.parse(JSON.stringify(spec).replaceAll('"port":"reason"', '"port":"iterations"')) as FlowSpec;
}

describe('an interpreter written from the design alone', () => {
  holds('predicts every workflow without cycles', flows({ cycles: false, size: 22 }), expectPredicted);

  holds('predicts every workflow with cycles', flows(), (spec) => expectPredicted(withoutReasons(spec)));
});
