import type { Attempt } from './attempt.js';
import type { Execution } from './execution.js';
import { executorOf } from './executor.js';
import type { AttemptEnded, RunEnded, RunStarted } from './notifications.js';
import type { PlanNode } from './plan.js';
import type { RunView, Settlement } from './run-view.js';
import type { NodeKind } from './workflow-data.js';

/** What listeners are told of a run that began, or goes on. */
export function runStarted({ runId, plan }: Execution, at: number, resumed: boolean): RunStarted {
  return { runId, workflow: plan.workflow.name, at, resumed };
}

/** What listeners are told of a run that ended, or can only wait. */
export function runEnded({ runId, plan, state }: Execution, at: number): RunEnded {
  const status = state.runStatus as RunEnded['status'];
  return { runId, workflow: plan.workflow.name, status, startedAt: state.runStartedAt, at, error: state.runError };
}

/** What listeners are told of an attempt that settled. */
export function attemptEnded(run: RunView, attempt: Attempt, { status, at, error, then }: Settlement): AttemptEnded {
  const { node, visit, number, startedAt, cached } = attempt;
  return {
    runId: run.runId,
    workflow: run.top.plan.workflow.name,
    scope: run.scope,
    node: node.id,
    kind: node.implementation.kind,
    executor: executorOf(node),
    visit,
    attempt: number,
    status,
    startedAt,
    endedAt: at,
    error,
    retryAt: then?.kind === 'retry' ? then.at : undefined,
    cached,
  };
}

/** Kinds of nodes that work themselves. */
const WORKING: ReadonlySet<NodeKind> = new Set(['function', 'switch']);

/** Whether the time of a node's attempts is work, and not time in which it waits for others. */
export function works({ data }: PlanNode): boolean {
  return WORKING.has(data.kind);
}
