import type { ErrorData } from '../../src/base/errors.js';
import type { ChildResult, GraphResult } from '../../src/base/graph-result.js';
import { essence, type FlowSpec, mayFail } from '../../src/testing/arbitrary/flow.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { type ChildFate, type Ending, type Fate, type Prediction, predict } from '../support/reference.js';
import { openedIn, runFlow } from '../support/run-flow.js';

function fates(result: GraphResult): Prediction['nodes'] {
  const all = [...result.nodes.values()].map(({ id, status, attempts, visits, error }): [string, Fate] => {
    const output = result.results.get(id);
    const opened = openedIn(result, id);
    const more = {
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { code: error.code, ...itemOf(error) }),
      ...(opened === undefined ? {} : { children: opened.map(childFate) }),
    };
    return [id, { status: status as Fate['status'], attempts, visits, ...more }];
  });
  return Object.fromEntries(all);
}

/** The item whose failure a map reports: the message says it. */
function itemOf({ code, message }: ErrorData): Pick<Fate, 'item'> {
  const [, item] = code === 'CHILD_FAILED' ? (/^Item (\d+) of map/.exec(message) ?? []) : [];
  return item === undefined ? {} : { item: Number(item) };
}

function childFate(child: ChildResult): ChildFate {
  return { status: child.status as ChildFate['status'], nodes: fates(child), cycles: endings(child) };
}

const DEAD: readonly unknown[] = ['exited', 'no_feedback', 'skipped'];

function endings(outcome: GraphResult): Prediction['cycles'] {
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
  const first = spec.nodes.find((node) => !mayFail(node) && predicted.nodes[node.id]?.status === 'failed');
  same(outcome.error.node, first?.id, 'the failure that the run reports');
}

/** The second interpreter does not say why feedback died, so no node may read it. */
function withoutReasons(spec: FlowSpec): FlowSpec {
  return JSON.parse(JSON.stringify(spec).replaceAll('"port":"reason"', '"port":"iterations"')) as FlowSpec;
}

describe('an interpreter written from the design alone', () => {
  holds('predicts every workflow without cycles', flows({ cycles: false, size: 16 }), expectPredicted, 0.5);

  holds('predicts every workflow with cycles', flows(), (spec) => expectPredicted(withoutReasons(spec)));
});
