import { ConfigurationError } from '../base/errors.js';
import { knownFields } from '../base/option-checks.js';
import { requireRun } from '../base/run-result.js';
import { requireWorkflow, type Workflow } from '../base/workflow.js';
import type { PictureOptions } from './node-status.js';
import { graphOf, graphOfPlan, type WorkflowGraph } from './workflow-graph.js';

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkReportOptions(options: object, fields: readonly string[], at: string): void {
  knownFields(options, fields, at);
  const { events } = options as { readonly events?: unknown };
  if (events === undefined || Array.isArray(events)) return;
  const what = `${at}.events must be the array of events that onEvent was given.`;
  throw new ConfigurationError('INVALID_OPTION', what, { at: `${at}.events`, value: events });
}

/**
 * The graph that a picture shows.
 *
 * @throws ConfigurationError NOT_A_WORKFLOW, NOT_A_RUN, UNKNOWN_OPTION; INVALID_OPTION when the run is of another graph
 */
export function graphToDraw(caller: string, workflow: Workflow, options: PictureOptions): WorkflowGraph {
  requireWorkflow(caller, workflow);
  knownFields(options, ['run', 'children'], caller);
  const graph = graphOf(workflow);
  const { run } = options;
  if (run === undefined) return graph;
  requireRun(`The option run of ${caller}`, run);
  if (shapeOf(graphOfPlan(run.plan)) === shapeOf(graph)) return graph;
  const what = `${caller} was given a run of "${run.workflow}", whose graph is not that of workflow "${workflow.name}".`;
  throw new ConfigurationError('INVALID_OPTION', what, { at: `${caller}.run`, value: run });
}

function shapeOf({ nodes, cycles, edges }: WorkflowGraph): string {
  return JSON.stringify([nodes.map(({ id, shape, use }) => [id, shape, use]), cycles, edges]);
}
