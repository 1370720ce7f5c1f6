import type { Attempt } from './attempt.js';
import type { EventData, EventKind, RunEvent } from './events.js';
import type { ExecutionState } from './execution-state.js';
import { type Plan, type PlanNode, plansOf } from './plan.js';
import type { NotRunCode, NotRunReason } from './reason.js';

/** Node-addressed parameters as the state holds them: plan index to port to value. */
export type AddressedParameters = ReadonlyMap<number, ReadonlyMap<string, unknown>> | undefined;

/** What an event holds of a decision that the run goes on using: a listener that writes into it must not change the run. */
const DECIDED = ['reason', 'then', 'options', 'parameters', 'context', 'items', 'shows'] as const;

/** Most events are of these kinds, which hold no such decision. */
const UNDECIDED: ReadonlySet<EventKind> = new Set(['attempt.started', 'attempt.completed', 'cycle.iterated']);

/** Freezes an event and the decision in it. Values that nodes made stay as they are. */
export function sealed(event: RunEvent): RunEvent {
  const data = event.data as Readonly<Record<string, unknown>>;
  if (!UNDECIDED.has(event.kind)) sealDecision(data);
  Object.freeze(data);
  return Object.freeze(event);
}

function sealDecision(data: Readonly<Record<string, unknown>>): void {
  for (const part of DECIDED) if (part in data) Object.freeze(data[part]);
  const { reason } = data;
  if (typeof reason === 'object' && reason !== null) Object.freeze((reason as NotRunReason).root);
}

/** Which attempt an event is about. */
export function keyOf(attempt: Attempt<{ readonly scope: string }>) {
  return { scope: attempt.graph.scope, node: attempt.node.id, visit: attempt.visit, attempt: attempt.number };
}

/** What the completion of an attempt records. */
export function completion(
  attempt: Attempt<{ readonly scope: string }>,
  output: Readonly<Record<string, unknown>>,
): EventData['attempt.completed'] {
  const { graph, node, visit, number, change, cached } = attempt;
  const data = { scope: graph.scope, node: node.id, visit, attempt: number, output };
  if (change === undefined && !cached) return data;
  return {
    ...data,
    ...(change === undefined ? {} : { state: change.state }),
    ...(cached ? { cached: true as const } : {}),
  };
}

/** Why nodes no longer start, as the reason that is recorded with each of them. */
export function stopReason(state: ExecutionState): NotRunReason {
  const { stopping } = state;
  const whole = (code: NotRunCode, subject: string): NotRunReason => ({
    code,
    input: null,
    source: null,
    root: { subject, port: null, code },
  });
  if (stopping?.kind === 'fail-fast') return whole('fail_fast', stopping.subject);
  return whole(stopping?.kind === 'timeout' ? 'run_timeout' : 'run_cancelled', '');
}

/** The shape of a plan and of its children, `owner/node`: a history is refused by a plan of another shape. */
export function shapeOf(top: Plan) {
  const plans = plansOf(top);
  return {
    nodes: plans.flatMap(({ plan, owners }) => plan.nodes.map(({ id }) => `${owners}${id}`)),
    cycles: plans.flatMap(({ plan, owners }) => plan.regions.map(({ id }) => `${owners}${id}`)),
  };
}

/** Whether a plan has this shape. */
export function hasShape(top: Plan, { nodes, cycles }: EventData['run.started']['plan']): boolean {
  const shape = shapeOf(top);
  return sameList(shape.nodes, nodes) && sameList(shape.cycles, cycles);
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}

/** Node-addressed parameters as an event holds them. */
export function setAsData(plan: Plan, set: AddressedParameters): EventData['run.started']['set'] {
  if (set === undefined) return [];
  return [...set].flatMap(([index, ports]) =>
    [...ports].map(([port, value]) => ({ node: (plan.nodes[index] as PlanNode).id, port, value })),
  );
}

/** Node-addressed parameters as the state holds them. */
export function setFromData(plan: Plan, set: EventData['run.started']['set']): AddressedParameters {
  if (set.length === 0) return undefined;
  const map = new Map<number, Map<string, unknown>>();
  for (const { node, port, value } of set) {
    const index = plan.nodeIndex.get(node) as number;
    const ports = map.get(index) ?? new Map<string, unknown>();
    map.set(index, ports.set(port, value));
  }
  return map;
}
