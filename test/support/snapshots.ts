import { compile } from '../../src/base/compile.js';
import { EventFold } from '../../src/base/event-fold.js';
import type { RunEvent } from '../../src/base/events.js';
import type { Execution } from '../../src/base/execution.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import { restoreSnapshot, type SnapshotData, takeSnapshot } from '../../src/base/history/state-snapshot.js';
import type { Plan } from '../../src/base/plan.js';
import type { Workflow } from '../../src/base/workflow.js';
import { same } from './property.js';

/** A copy in which nothing is shared, as of what was written and read. Refuses what a codec of values cannot write. */
export function copied<T>(value: T): T {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a ${typeof value} in a snapshot`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copied) as T;
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [copied(key), copied(inner)])) as T;
  if (ArrayBuffer.isView(value)) return (value as unknown as Int32Array).slice() as T;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('an object of a class in a snapshot');
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copied(inner)])) as T;
}

/** Everything that a fold knows, for comparison: every field of every state, and the attempts in flight. */
export function foldView(fold: EventFold): unknown {
  const open = [...fold.open].filter(([, attempts]) => attempts.length > 0);
  return {
    length: fold.length,
    state: graphView(fold.state),
    open: open
      .map(([{ scope }, attempts]) => [scope, attempts.map(({ node, ...own }) => ({ ...own, node: node.id }))])
      .sort(([left], [right]) => ((left as string) < (right as string) ? -1 : 1)),
  };
}

function graphView({ plan, ready, children, ...fields }: ExecutionState): unknown {
  const families =
    children === undefined
      ? undefined
      : [...children].map(([index, { graphs, ...own }]) => [index, own, graphs.map(graphView)]);
  return { ...fields, size: plan.nodes.length, ready: ready.toWords(), children: families };
}

/** A fold of some events. */
export function folded(plan: Plan, events: readonly RunEvent[]): EventFold {
  const fold = new EventFold(new ExecutionState(plan));
  for (const event of events) fold.apply(event);
  return fold;
}

/** The snapshot after some events, written and read. */
export function snapshotOf(plan: Plan, events: readonly RunEvent[]): SnapshotData {
  return copied(takeSnapshot(folded(plan, events)));
}

/** Takes a snapshot after every event, and expects of each what the events before it gave, and from some what all of them give. */
export function expectSnapshots(workflow: Workflow, events: readonly RunEvent[], stride = 1): void {
  const plan = compile(workflow);
  const replay = new EventFold(new ExecutionState(plan));
  const whole = foldView(folded(plan, events));
  for (let cut = 0; cut <= events.length; cut++) {
    if (cut > 0) replay.apply(events[cut - 1] as RunEvent);
    const fold = restoreSnapshot(new ExecutionState(plan), copied(takeSnapshot(replay)));
    const at = `after ${cut} of ${events.length} events`;
    same(foldView(fold), foldView(replay), `what a snapshot gives, ${at}`);
    if (cut % stride > 0) continue;
    for (const event of events.slice(cut)) fold.apply(event);
    same(foldView(fold), whole, `what a snapshot and the rest give, ${at}`);
  }
  same(foldView(replay), whole, 'what a fold gives of which snapshots were taken');
}

/** Makes an execution resume from a snapshot after so many events of its history. */
export function resumeFromSnapshot(execution: Execution, cut: number): void {
  const { plan } = execution;
  const resume = execution.resume.bind(execution);
  execution.resume = (history, now) =>
    resume(history.slice(cut), now, { snapshot: snapshotOf(plan, history.slice(0, Math.min(cut, history.length))) });
}
