import type { Attempt } from '../../base/attempt.js';
import { AttemptError } from '../../base/errors.js';
import type { ExecutionState } from '../../base/execution-state.js';
import type { PortSpec } from '../../base/node.js';
import type { RunView } from '../../base/run-view.js';
import { ask, formatIssues } from '../../base/schema.js';
import { enhancedError } from './connections.js';

/** Every plain object and array inside values, each once, that `known` does not have; adds them to it. */
function* containersIn(values: Iterable<unknown>, known: Set<unknown>): Generator<object> {
  const open = [...values];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || known.has(value)) continue;
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) continue;
    known.add(value);
    yield value;
    for (const inner of Object.values(value)) open.push(inner);
  }
}

const callers = new WeakMap<ExecutionState, ReadonlySet<unknown>>();

/** Everything that the caller passed as a parameter, all the way down, once for each run. */
function callersValues(state: ExecutionState): ReadonlySet<unknown> {
  let known = callers.get(state);
  if (known === undefined) {
    const found = new Set<unknown>();
    const addressed = [...(state.set?.values() ?? [])].flatMap((ports) => [...ports.values()]);
    for (const _ of containersIn([...Object.values(state.parameters), ...addressed], found));
    known = found;
    callers.set(state, known);
  }
  return known;
}

/** Freezes plain objects and arrays, all the way down, except what the caller passed as a parameter. */
function deepFreeze(values: Iterable<unknown>, spared: ReadonlySet<unknown>): void {
  for (const container of containersIn(values, new Set(spared))) Object.freeze(container);
}

function checkPort(run: RunView, attempt: Attempt, port: PortSpec, inputs: Record<string, unknown>): void {
  const { id } = attempt.node;
  const given = Object.hasOwn(inputs, port.name) ? inputs[port.name] : undefined;
  let answer: ReturnType<typeof ask>;
  try {
    answer = ask(port.schema, given, `${id}.${port.name}`);
  } catch (error) {
    const { code, cause } = error as AttemptError;
    const what = code === 'SCHEMA_ASYNC' ? 'its schema validates asynchronously' : 'its schema threw';
    throw enhancedError(run.plan.workflow, code, id, port.name, what, { cause });
  }
  if (answer.issues !== undefined) {
    throw enhancedError(run.plan.workflow, 'INPUT_INVALID', id, port.name, formatIssues(answer.issues), {
      value: given,
    });
  }
  if (answer.value !== undefined || given !== undefined) inputs[port.name] = answer.value;
}

/**
 * Asks the schema of every input and puts what it yields in the place of the value: that is what the node sees.
 *
 * @throws AttemptError INPUT_INVALID, SCHEMA_ASYNC, SCHEMA_THREW naming the connection
 */
export function applySchemas(run: RunView, attempt: Attempt, inputs: Record<string, unknown>): void {
  for (const port of attempt.node.implementation.inputs) if (!port.unchecked) checkPort(run, attempt, port, inputs);
  if (!attempt.node.implementation.frozenInputs) return;
  deepFreeze(Object.values(inputs), callersValues(run.state));
}
