import { errorData } from '../base/errors.js';
import { RunCancelledError, RunFailedError } from '../base/run-errors.js';
import type { RunGraph } from '../base/run-graph.js';
import type { RunResult } from '../base/run-result.js';
import type { PrimaryFailure } from './page-data.js';

/**
 * The failure or cancellation that the run itself reports, where it began: in a child, of whatever failed with it. A result that
 * comes from elsewhere says it with its failures.
 */
export function primaryFailure(run: RunResult, graphs: readonly RunGraph[]): PrimaryFailure | null {
  if (run.status !== 'failed' && run.status !== 'cancelled') return null;
  const error: unknown = 'error' in run ? run.error : undefined;
  if (error instanceof RunCancelledError) return { part: null, error: errorData(error) };
  const first = run.failures.find(({ allowed }) => !allowed);
  const failure =
    error instanceof RunFailedError
      ? { part: error.node ?? null, error: error.failure }
      : first === undefined
        ? null
        : { part: first.node, error: first.error };
  const began = failure?.part == null ? undefined : innermost(graphs, '', failure.part);
  return began ?? failure;
}

/** What failed first inside a map or subworkflow; `undefined` where nothing inside it did. */
function innermost(graphs: readonly RunGraph[], scope: string, node: string): PrimaryFailure | undefined {
  const failed = graphs.filter(
    ({ place, status }) => status === 'failed' && place?.owner.scope === scope && place.owner.node === node,
  );
  const last = failed.at(-1)?.place;
  // A map fails with the error of the item that comes first, in its last attempt.
  const child = failed.find(({ place }) => place?.visit === last?.visit && place?.attempt === last?.attempt);
  const inside = child?.plan.nodes.find(({ id, data }) => child.node(id).status === 'failed' && !data.allowFailure);
  if (child === undefined || inside === undefined) return undefined;
  const { error } = child.node(inside.id);
  const own = error === undefined ? undefined : { part: `${child.scope}${inside.id}`, error };
  return innermost(graphs, child.scope, inside.id) ?? own;
}
