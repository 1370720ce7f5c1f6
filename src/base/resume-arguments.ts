import type { ResumeOptions } from './runtime-options.js';
import type { Workflow } from './workflow.js';

/** The two ways to call `resume`: with the workflow, or by the run id alone. */
export type ResumeArguments<Params, Output> =
  | [workflow: Workflow<Params, Output>, runId: string, options?: ResumeOptions]
  | [runId: string, options?: ResumeOptions];

/** Tells the two apart; the workflow is `undefined` where the run id comes first. */
export function resumeArguments<Params, Output>(
  args: ResumeArguments<Params, Output>,
): [workflow: unknown, runId: string, options: ResumeOptions] {
  const [first, second, third = {}] = args;
  if (typeof first === 'string' && typeof second !== 'string')
    return [undefined, first, second === undefined ? {} : second];
  return [first, second as string, third];
}
