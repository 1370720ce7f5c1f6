import { WorkflowBuildError } from './errors.js';
import type { OutputSource, Plan, PlanInput, PlanNode, PlanSource } from './plan.js';

/** The cases that must have been taken for something to be live: owner (plan index) to case. */
type Conditions = ReadonlyMap<number, string>;

const NONE: Conditions = new Map();

/** Two connections into one input, and whether they can both be live. */
export interface FanIn {
  readonly node: PlanNode;
  readonly input: PlanInput;
  /** `always`: both are live in every run without a failure. `unproved`: nobody can tell. */
  readonly verdict: 'always' | 'unproved';
}

function merge(all: readonly Conditions[]): Conditions {
  const some = all.filter((conditions) => conditions.size > 0);
  if (some.length <= 1) return some[0] ?? NONE;
  return new Map(some.flatMap((conditions) => [...conditions]));
}

function outputConditions(plan: Plan, source: OutputSource, known: readonly Conditions[]): Conditions {
  const inherited = known[source.node] ?? NONE;
  const { data, implementation } = plan.nodes[source.node] as PlanNode;
  const own = source.error
    ? 'failed'
    : implementation.delivers === 'one'
      ? source.port
      : data.allowFailure
        ? 'ok'
        : undefined;
  return own === undefined ? inherited : new Map([...inherited, [source.node, own]]);
}

function sourceConditions(plan: Plan, source: PlanSource, known: readonly Conditions[]): Conditions {
  switch (source.kind) {
    case 'output':
      return outputConditions(plan, source, known);
    case 'path':
      return sourceConditions(plan, source.of, known);
    case 'join':
      return known[source.owner.node] ?? NONE;
    default:
      return NONE;
  }
}

/** The conditions of every node, in plan order, so that what a node depends on is known before it. */
function nodeConditions(plan: Plan): readonly Conditions[] {
  const known: Conditions[] = [];
  for (const node of plan.nodes) {
    const { join } = node.data;
    if (join === 'any' || join === 'always') {
      known.push(NONE);
      continue;
    }
    const needed = node.inputs.filter(
      (input) => input.connection !== undefined && (join === 'all' || !input.port.optional),
    );
    known.push(merge(needed.map((input) => sourceConditions(plan, input.connection as PlanSource, known))));
  }
  return known;
}

/** Whether a source may be dead although nothing failed: it lies behind a case, or behind something that chooses. */
function mayBeDead(plan: Plan, source: PlanSource, known: readonly Conditions[]): boolean {
  if (source.kind === 'choice') {
    return source.of.every((inner) => mayBeDead(plan, inner, known));
  }
  if (source.kind === 'output' && source.selective) return true;
  return sourceConditions(plan, source, known).size > 0;
}

function exclusive(left: Conditions, right: Conditions): boolean {
  for (const [owner, taken] of left) if (right.has(owner) && right.get(owner) !== taken) return true;
  return false;
}

/** Every input into which several sources lead without being provably exclusive. */
export function doubtfulFanIns(plan: Plan): readonly FanIn[] {
  const many = plan.nodes.flatMap((node) =>
    node.inputs.flatMap((input) =>
      input.connection?.kind === 'choice' && input.connection.mode === 'oneOf'
        ? [{ node, input, sources: input.connection.of }]
        : [],
    ),
  );
  if (many.length === 0) return [];
  const known = nodeConditions(plan);
  return many.flatMap(({ node, input, sources }): FanIn[] => {
    const conditions = sources.map((source) => sourceConditions(plan, source, known));
    const pairs = conditions.flatMap((left, index) =>
      conditions.slice(index + 1).map((right) => [left, right] as const),
    );
    if (pairs.every(([left, right]) => exclusive(left, right))) return [];
    const certain = sources.filter((source) => !mayBeDead(plan, source, known)).length > 1;
    return [{ node, input, verdict: certain ? 'always' : 'unproved' }];
  });
}

/**
 * Checks what branches make impossible: two sources of one input that are both live in every run, and a required input that a
 * node's join rule does not wait for.
 *
 * @throws WorkflowBuildError AMBIGUOUS_FAN_IN, JOIN_NEEDS_OPTIONAL
 */
export function checkBranches(plan: Plan): void {
  const fanIn = doubtfulFanIns(plan).find(({ verdict }) => verdict === 'always');
  if (fanIn !== undefined) {
    const at = `${fanIn.node.id}.${fanIn.input.port.name}`;
    throw new WorkflowBuildError(
      'AMBIGUOUS_FAN_IN',
      `Two sources lead into "${at}" and both are always live: ${fanIn.input.from}.`,
      { at },
    );
  }
  const loose = plan.nodes.filter((node) => node.data.join === 'any' || node.data.join === 'always');
  if (loose.length === 0) return;
  const known = nodeConditions(plan);
  for (const node of loose) {
    const connected = node.inputs.filter((input) => input.connection !== undefined);
    const input = connected.find(
      ({ port, connection, configured }) =>
        !port.optional && !configured && mayBeDead(plan, connection as PlanSource, known),
    );
    if (input === undefined || (node.data.join === 'any' && connected.length === 1)) continue;
    const at = `${node.id}.${input.port.name}`;
    throw new WorkflowBuildError(
      'JOIN_NEEDS_OPTIONAL',
      `Node "${node.id}" may start (join "${node.data.join}") while its required input "${input.port.name}" has no live source.`,
      { at },
    );
  }
}
