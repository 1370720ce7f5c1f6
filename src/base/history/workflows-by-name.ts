import { ConfigurationError } from '../errors.js';
import { requireWorkflow, type Workflow } from '../workflow.js';

/** Workflows by name. @throws ConfigurationError INVALID_OPTION */
export function workflowsByName(workflows: readonly Workflow[]): ReadonlyMap<string, Workflow> {
  const found = new Map<string, Workflow>();
  for (const workflow of workflows) {
    requireWorkflow('runtime.workflows', workflow);
    const known = found.get(workflow.name);
    if (known !== undefined && known !== workflow)
      throw new ConfigurationError(
        'INVALID_OPTION',
        `runtime.workflows holds two workflows named "${workflow.name}".`,
        {
          at: 'runtime.workflows',
          value: workflow.name,
        },
      );
    found.set(workflow.name, workflow);
  }
  return found;
}
