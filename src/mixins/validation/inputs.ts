import type { Attempt } from '../../base/attempt.js';
import type { AttemptError } from '../../base/errors.js';
import type { ExecutionState } from '../../base/execution-state.js';
import type { PortSpec } from '../../base/node.js';
import type { PlanNode } from '../../base/plan.js';
import type { RunView } from '../../base/run-view.js';
import { ask, formatIssues } from '../../base/schema.js';
import { enhancedError } from './connections.js';
import { schemaFault } from './schema-fault.js';

const NONE: ReadonlySet<object> = new Set();

/** Every plain object and array inside values, all the way down, without those to spare. */
function containersIn(values: readonly unknown[], spared: ReadonlySet<object>): ReadonlySet<object> {
  const found = new Set<object>();
  const open = [...values];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || found.has(value) || spared.has(value)) continue;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) continue;
    found.add(value);
    for (const inner of Object.values(value)) open.push(inner);
  }
  return found;
}

const callers = new WeakMap<ExecutionState, ReadonlySet<object>>();

/** Everything that the caller of the run passed as a parameter, all the way down, once for each run. */
function callersValues(state: ExecutionState): ReadonlySet<object> {
  let known = callers.get(state);
  if (known === undefined) {
    const addressed = [...(state.set?.values() ?? [])].flatMap((ports) => [...ports.values()]);
    known = containersIn([...Object.values(state.parameters), ...addressed], NONE);
    callers.set(state, known);
  }
  return known;
}

/** Whether a parameter of the run, not a connection or a literal, may have brought the value of an input. */
function passed({ plan, state }: RunView, { index, inputs }: PlanNode, port: string): boolean {
  if (state.set?.get(index)?.has(port)) return true;
  if (!plan.broadcasts || !Object.hasOwn(state.parameters, port)) return false;
  return inputs.some((input) => input.port.name === port && input.connection === undefined);
}

function checkPort(run: RunView, { node }: Attempt, port: PortSpec, inputs: Record<string, unknown>): void {
  const { name } = port;
  const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  const refuse = (
    code: AttemptError['code'],
    what: string,
    details: { readonly value?: unknown; readonly cause?: unknown },
  ): never => {
    throw enhancedError(run.plan.workflow, code, node.id, name, what, { ...details, passed: passed(run, node, name) });
  };
  let answer: ReturnType<typeof ask>;
  try {
    answer = ask(port.schema, value, `${node.id}.${name}`);
  } catch (error) {
    const fault = error as AttemptError;
    return refuse(fault.code, schemaFault(fault), { cause: fault.cause });
  }
  if (answer.issues !== undefined) return refuse('INPUT_INVALID', formatIssues(answer.issues), { value });
  if (answer.value !== undefined || value !== undefined) inputs[name] = answer.value;
}

/**
 * Asks the schema of every input and puts what it yields in the place of the value: that is what the node sees. Then freezes
 * plain objects and arrays where the node wants it, all the way down, except what the caller passed as a parameter.
 *
 * @throws AttemptError INPUT_INVALID, SCHEMA_ASYNC, SCHEMA_THREW naming the connection
 */
export function applySchemas(run: RunView, attempt: Attempt, inputs: Record<string, unknown>): void {
  const { inputs: ports, frozenInputs } = attempt.node.implementation;
  for (const port of ports) if (!port.unchecked) checkPort(run, attempt, port, inputs);
  if (!frozenInputs) return;
  for (const container of containersIn(Object.values(inputs), callersValues(run.top))) Object.freeze(container);
}
