import type { Workflow } from '../../base/workflow.js';
import { type Conducted, type ConductOptions, conduct, requireTargets } from '../conduct.js';
import { conductRecorded } from '../conduct-recorded.js';
import type { ExitCode } from '../exit-codes.js';
import { requireFolder } from '../load/files.js';
import { loadWorkflow, unfit } from '../load/load-workflow.js';
import { readParameters } from '../load/parameters.js';
import type { Screen } from '../screen.js';

/** Options of `lockstep run`. */
export interface RunVerbOptions extends ConductOptions {
  readonly param?: readonly string[];
  readonly params?: string;
  /** The file to record it in; without, nothing is recorded. */
  readonly store?: string;
  readonly runId?: string;
}

/** `lockstep run FILE`. */
export async function runVerb(file: string, options: RunVerbOptions, screen: Screen): Promise<ExitCode> {
  const { workflow: name, registry, params, param = [], store, durability, runId } = options;
  if (store === undefined && durability !== undefined) throw unfit('--durability', 'is for runs with --store');
  const parameters = readParameters(params, param);
  const workflow = await loadWorkflow({ file, workflow: name, registry });
  requireTargets(options);
  const own = runId === undefined ? {} : { runId };
  const conducted: Conducted = {
    workflow,
    task: (runtime, heard) => runtime.settle(workflow as Workflow<object, unknown>, parameters, { ...heard, ...own }),
  };
  if (store === undefined) return conduct(conducted, options, screen);
  requireFolder(store);
  return conductRecorded(store, conducted, options, screen);
}
