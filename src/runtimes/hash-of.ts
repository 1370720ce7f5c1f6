import type { Workflow } from '../base/workflow.js';
import { hashWorkflow } from '../base/workflow-hash.js';
import { nodeHash } from './node-ports.js';

/**
 * The SHA-256 of a workflow's canonical JSON (RFC 8785), with a digest of the source of every unversioned function. Worked out
 * each time it is asked for.
 *
 * @throws LockstepError UNHASHABLE_LITERAL naming the input
 */
export function hashOf(workflow: Workflow): string {
  return hashWorkflow(workflow, nodeHash);
}
