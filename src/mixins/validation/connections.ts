import { compile } from '../../base/compile.js';
import { didYouMean } from '../../base/did-you-mean.js';
import type { ErrorCode } from '../../base/error-catalog.js';
import { AttemptError, LockstepError } from '../../base/errors.js';
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

/** A node of a plan by id. @throws LockstepError UNKNOWN_NODE */
export function planNode(plan: Plan, id: string): PlanNode {
  const node = plan.nodes[plan.nodeIndex.get(id) ?? -1];
  if (node !== undefined) return node;
  const known = didYouMean(id, [...plan.nodeIndex.keys()]);
  throw new LockstepError('UNKNOWN_NODE', `Workflow "${plan.workflow.name}" has no node "${id}". ${known}`, { at: id });
}

/**
 * All connections into a node, feedback included, in the order of declaration.
 *
 * @throws LockstepError UNKNOWN_NODE
 */
export function connectionContext(workflow: Workflow, node: string): ConnectionContext {
  const { data } = planNode(compile(workflow), node);
  const { connections, cycles } = workflow.data;
  const incoming: IncomingConnection[] = connections
    .filter(({ to }) => to.node === node)
    .map(({ from, to }) => ({ from: describeSource(from), port: to.port, feedbackOf: null }));
  for (const { id, feedback } of cycles) {
    for (const { from, to } of feedback) {
      if (to.node === node) incoming.push({ from: describeSource(from), port: to.port, feedbackOf: id });
    }
  }
  return { node, incoming, configured: Object.keys(data.config) };
}

/** What is known of a value that does not fit. */
export interface EnhancedDetails {
  readonly value?: unknown;
  readonly cause?: unknown;
  /** A parameter of the run brought it, not a connection or a literal. Default `false`. */
  readonly passed?: boolean;
}

/** A validation error that says which connection brought the value. The value itself stays out of the message. */
export function enhancedError(
  workflow: Workflow,
  code: ErrorCode,
  node: string,
  port: string,
  what: string,
  { passed = false, ...details }: EnhancedDetails = {},
): AttemptError {
  const { incoming, configured } = connectionContext(workflow, node);
  const sources = passed ? ['a parameter of the run'] : [];
  for (const { from, port: to, feedbackOf } of incoming) {
    if (to !== port) continue;
    if (feedbackOf !== null) sources.push(`${from} (feedback of ${feedbackOf})`);
    else if (!passed) sources.push(from);
  }
  const origin =
    sources.length > 0
      ? `; it comes from ${sources.join(' or ')}`
      : configured.includes(port)
        ? '; it is a literal'
        : '';
  return new AttemptError(code, `Input "${node}.${port}": ${what}${origin}.`, { at: `${node}.${port}`, ...details });
}
