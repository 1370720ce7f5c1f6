import type { ErrorCode } from '../../base/error-catalog.js';
import { AttemptError } from '../../base/errors.js';
import type { Plan, PlanNode } from '../../base/plan.js';
import type { Workflow } from '../../base/workflow.js';
import { describeSource } from '../../base/workflow-data.js';

/** One connection that leads into a node. */
export interface IncomingConnection {
  /** The source, in words: `read.rows`. */
  readonly from: string;
  /** The input port. */
  readonly port: string;
  /** Whether it is the feedback of a cycle, and of which. */
  readonly feedbackOf: string | null;
}

/** Everything that leads into a node. */
export interface ConnectionContext {
  readonly node: string;
  readonly incoming: readonly IncomingConnection[];
  /** Ports whose value is a literal. */
  readonly configured: readonly string[];
}

/** All connections into a node, feedback included, in the order of declaration. */
export function connectionContext(workflow: Workflow, node: string): ConnectionContext {
  const { connections, cycles, nodes } = workflow.data;
  const incoming: IncomingConnection[] = connections
    .filter(({ to }) => to.node === node)
    .map(({ from, to }) => ({ from: describeSource(from), port: to.port, feedbackOf: null }));
  for (const { id, feedback } of cycles) {
    for (const { from, to } of feedback)
      if (to.node === node) incoming.push({ from: describeSource(from), port: to.port, feedbackOf: id });
  }
  const data = nodes.find((candidate) => candidate.id === node);
  return { node, incoming, configured: Object.keys(data?.config ?? {}) };
}

/** A validation error that says which connection brought the value. The value itself stays out of the message. */
export function enhancedError(
  workflow: Workflow,
  code: ErrorCode,
  node: string,
  port: string,
  what: string,
  details: { readonly value?: unknown; readonly cause?: unknown } = {},
): AttemptError {
  const { incoming, configured } = connectionContext(workflow, node);
  const sources = incoming
    .filter((connection) => connection.port === port)
    .map(({ from, feedbackOf }) => (feedbackOf === null ? from : `${from} (feedback of ${feedbackOf})`));
  const origin =
    sources.length > 0
      ? `; it comes from ${sources.join(' or ')}`
      : configured.includes(port)
        ? '; it is a literal'
        : '';
  return new AttemptError(code, `Input "${node}.${port}": ${what}${origin}.`, { at: `${node}.${port}`, ...details });
}

/** A node of a plan by id. */
export function planNode(plan: Plan, id: string): PlanNode | undefined {
  return plan.nodes[plan.nodeIndex.get(id) ?? -1];
}
