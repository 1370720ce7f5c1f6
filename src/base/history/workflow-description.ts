import type { Hash } from '../ports.js';
import { requireWorkflow, type Workflow } from '../workflow.js';
import { canonicalGraph, describeGraph, type GraphDescription } from '../workflow-hash.js';

/** The version of the format of descriptions. */
export const DESCRIPTION_VERSION = 1;

/** A workflow as plain JSON data: everything that is needed to show it, and to replay its runs, without its code. */
export interface WorkflowDescription {
  /** Version of the format. */
  readonly v: number;
  /** Hash of the workflow, as `hashWorkflow` gives it. */
  readonly hash: string;
  readonly graph: GraphDescription;
}

const known = new WeakMap<Workflow, WeakMap<Hash, WorkflowDescription>>();

/**
 * Describes a workflow. The same for two workflows that were built by the same calls; worked out once for each `Workflow` and
 * `Hash`.
 *
 * @throws LockstepError UNHASHABLE_LITERAL, ConfigurationError NOT_A_WORKFLOW
 */
export function describeWorkflow(workflow: Workflow, hash: Hash): WorkflowDescription {
  requireWorkflow('describeWorkflow', workflow);
  let byHash = known.get(workflow);
  if (byHash === undefined) {
    byHash = new WeakMap();
    known.set(workflow, byHash);
  }
  let description = byHash.get(hash);
  if (description === undefined) {
    const graph = describeGraph(workflow, hash);
    description = { v: DESCRIPTION_VERSION, hash: hash.sha256(canonicalGraph(workflow, graph)), graph };
    byHash.set(hash, Object.freeze(description));
  }
  return description;
}
