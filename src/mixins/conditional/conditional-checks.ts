import { subjectsOf } from '../../base/cycle-regions.js';
import { type Plan, type PlanNode, type PlanPlace, plansOf } from '../../base/plan.js';
import type { RunResult } from '../../base/run-result.js';
import { watchedSources } from '../../base/workflow-data.js';

/** Something wrong with a conditional workflow, a switch's output, or a result. */
export interface ConditionalProblem {
  /** Stable, lower case with hyphens. */
  readonly code:
    | 'unread-case'
    | 'unknown-case'
    | 'too-many-cases'
    | 'no-case'
    | 'not-a-switch'
    | 'unsettled-node'
    | 'missing-reason';
  readonly message: string;
  /** The node or port it concerns. */
  readonly at: string;
}

const checked = new WeakMap<Plan, readonly ConditionalProblem[]>();

/** Cases of switches that nothing reads: taking one of them would end in nothing. Worked out once for each plan. */
export function checkPrerequisites(plan: Plan): readonly ConditionalProblem[] {
  let problems = checked.get(plan);
  if (problems === undefined) {
    problems = plansOf(plan).flatMap(unreadSwitches);
    checked.set(plan, problems);
  }
  return problems;
}

function unreadSwitches({ plan, owners }: PlanPlace): readonly ConditionalProblem[] {
  const { connections, cycles, nodes, outputs } = plan.workflow.data;
  const switches = nodes.filter((node) => node.switch !== undefined);
  if (switches.length === 0) return [];
  const tests = cycles.flatMap(({ until }) => (until === undefined ? [] : watchedSources(until)));
  const edges = [...connections, ...cycles.flatMap(({ feedback }) => feedback)].map(({ from }) => from);
  const read = new Set([...edges, ...tests, ...Object.values(outputs)].flatMap(subjectsOf));
  return switches
    .filter(({ id }) => !read.has(id))
    .map(({ id }) => ({
      code: 'unread-case' as const,
      message: `No node, cycle or output reads any case of switch "${owners}${id}".`,
      at: `${owners}${id}`,
    }));
}

/** Checks the ports that a switch delivered against its cases and mode. */
export function checkSwitchOutput(
  plan: Plan,
  switchId: string,
  output: Readonly<Record<string, unknown>>,
): readonly ConditionalProblem[] {
  const node: PlanNode | undefined = plan.nodes[plan.nodeIndex.get(switchId) ?? -1];
  const data = node?.data.switch;
  if (data === undefined)
    return [{ code: 'not-a-switch', message: `"${switchId}" is not a switch of this workflow.`, at: switchId }];
  const cases = data.cases.map(({ name }) => name);
  const taken = Object.keys(output);
  const problems: ConditionalProblem[] = taken
    .filter((port) => !cases.includes(port))
    .map((port) => ({
      code: 'unknown-case',
      message: `Switch "${switchId}" delivered "${port}", which is not one of its cases.`,
      at: `${switchId}.${port}`,
    }));
  if (data.mode === 'first' && taken.length > 1) {
    problems.push({
      code: 'too-many-cases',
      message: `Switch "${switchId}" took ${taken.length} cases: ${taken.join(', ')}.`,
      at: switchId,
    });
  }
  if (data.mode !== 'partition' && taken.length === 0)
    problems.push({ code: 'no-case', message: `Switch "${switchId}" took no case.`, at: switchId });
  return problems;
}

/** Checks that a result leaves nothing unexplained: absence is never success. */
export function checkResults(result: RunResult): readonly ConditionalProblem[] {
  const problems: ConditionalProblem[] = [];
  for (const { id, status, reason } of result.nodes.values()) {
    if (status === 'pending' || status === 'running')
      problems.push({ code: 'unsettled-node', message: `Node "${id}" is still ${status}.`, at: id });
    else if ((status === 'skipped' || status === 'blocked' || status === 'cancelled') && reason === undefined) {
      problems.push({ code: 'missing-reason', message: `Node "${id}" is ${status} without a reason.`, at: id });
    }
  }
  return problems;
}
