import { createHash } from 'node:crypto';
import { compile } from '../../src/base/compile.js';
import type { RunEvent } from '../../src/base/events.js';
import { Execution } from '../../src/base/execution.js';
import type { ExecutionState } from '../../src/base/execution-state.js';
import type { Hash } from '../../src/base/ports.js';
import { RunResult } from '../../src/base/run-result.js';
import type { Workflow } from '../../src/base/workflow.js';
import { toDot, toMermaid } from '../../src/report/index.js';
import { seededRandom } from '../../src/testing/index.js';
import { same } from './property.js';
import { graphView, stateView, stored } from './run-flow.js';

/** The hash of Node. */
export const hash: Hash = { sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex') };

/** Folds a history with a workflow, as whoever shows a run does. */
export function replayed(
  workflow: Workflow,
  events: readonly RunEvent[],
): { state: ExecutionState; result: RunResult } {
  const decisions = new Proxy({}, { get: (_, name) => () => refuse(name) }) as never;
  const start = { runId: 'r', parameters: {}, set: undefined, context: {}, random: seededRandom(1), warnings: [] };
  const options = {
    onError: 'continue',
    maxConcurrency: null,
    timeoutMs: null,
    softTimeoutMs: null,
    retryBudget: null,
  };
  const execution = new Execution(compile(workflow), { ...start, options } as never, decisions, undefined);
  execution.fold(stored(events));
  const { state } = execution;
  return { state, result: new RunResult(execution, state.runStatus as 'completed', 'omit') };
}

function refuse(name: PropertyKey): never {
  throw new Error(`A fold asked ${String(name)}.`);
}

function view({ state, result }: ReturnType<typeof replayed>): unknown {
  const { status, output, gates, wakeAt, warnings, durationMs, startedAt } = result;
  return {
    status,
    output,
    gates,
    wakeAt,
    warnings,
    durationMs,
    startedAt,
    ...graphView(result),
    state: stateView(state, 0),
  };
}

/** What the fold reads of a plan. */
function planView(workflow: Workflow): unknown {
  const { nodes, regions, outputs, waits, secrets } = compile(workflow);
  const view = {
    nodes: nodes.map(({ implementation, child, data: _, retry: __, ...node }) => ({
      ...node,
      inputs: node.inputs.map(({ port: { name, optional, variadic, unchecked }, ...input }) => ({
        ...input,
        port: { name, optional, variadic, unchecked },
      })),
      outputs: implementation.outputs.map(({ name, unchecked }) => [name, unchecked]),
      delivers: implementation.delivers,
      child: child === undefined ? undefined : planView(child.workflow),
    })),
    regions: regions.map(({ data: _, ...region }) => region),
    outputs: [...outputs],
    waits,
    secrets,
  };
  const open = ['schema', 'wires', 'checked']; // only asked by a run that goes on
  return JSON.parse(JSON.stringify(view, (name, value: unknown) => (open.includes(name) ? undefined : value)));
}

/** Compares what two workflows make of the same history, and their pictures. */
export function sameReplay(left: Workflow, right: Workflow, events: readonly RunEvent[]): void {
  same(planView(right), planView(left), 'the plan');
  same(toMermaid(right), toMermaid(left), 'the Mermaid text');
  same(toDot(right), toDot(left), 'the DOT text');
  if (events.length > 0) same(view(replayed(right, events)), view(replayed(left, events)), 'the replayed run');
}
