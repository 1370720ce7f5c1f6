import type { Attempt } from '../../base/attempt.js';
import { AttemptError } from '../../base/errors.js';
import type { RegionState } from '../../base/execution-state.js';
import type { FeedbackSlot, PlanInput, PlanNode, Wire } from '../../base/plan.js';
import type { RunView } from '../../base/run-view.js';
import { bitsOf, LIVE, readSource } from '../../base/source-evaluation.js';
import { own } from './own.js';

/**
 * The inputs of an attempt, by precedence, weakest first: schema default < configuration < workflow-level parameter <
 * connection < node-addressed parameter < feedback from iteration 1 on. A source that is dead or has no value contributes
 * nothing, and the next weaker one applies. The schema default comes later, when the schema is asked.
 *
 * @throws AttemptError INPUT_MISSING when nothing gives a required input a value
 */
export function resolve(run: RunView, { node }: Attempt): Record<string, unknown> {
  const { state } = run;
  const { wires } = node;
  if (wires === undefined || state.set !== undefined || state.tainted[node.index] === 1)
    return resolveBySource(run, node);
  const { outputs } = state;
  const inputs: Record<string, unknown> = {};
  for (let index = 0; index < wires.length; index++) {
    const wire = wires[index] as Wire;
    const value = (outputs[wire.node] as Readonly<Record<string, unknown>>)[wire.port];
    if (value === undefined) return resolveBySource(run, node);
    inputs[wire.name] = value;
  }
  return inputs;
}

function resolveBySource(run: RunView, node: PlanNode): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  for (const input of node.inputs) {
    const value = resolveInput(run, node, input);
    if (value !== undefined) inputs[input.port.name] = value;
    else if (!input.port.optional) missing(run, node, input);
  }
  return inputs;
}

/** The feedback that feeds an input now: that of the innermost cycle past its first iteration. */
function activeFeedback(run: RunView, input: PlanInput): FeedbackSlot | undefined {
  for (const { slot, region } of input.feedback) {
    if ((run.state.regions[region] as RegionState).iteration > 0)
      return run.plan.regions[region]?.feedback.find((edge) => edge.slot === slot);
  }
  return undefined;
}

function warnOfMissingPath(run: RunView, at: string): void {
  run.warn({
    code: 'missing-path',
    message: `The connection ${at} had no value; the next weaker source was used.`,
    at,
  });
}

function resolveInput(run: RunView, node: PlanNode, input: PlanInput): unknown {
  const { state } = run;
  const { name } = input.port;
  const fed = activeFeedback(run, input);
  if (fed !== undefined) {
    const value = state.feedbackValues[fed.slot];
    if (value !== undefined) return value;
    if ((state.feedbackBits[fed.slot] as number) & LIVE) warnOfMissingPath(run, fed.text);
  }
  const addressed = state.set?.get(node.index);
  if (addressed?.has(name)) return addressed.get(name);
  if (fed === undefined && input.connection !== undefined && bitsOf(state, input.connection) & LIVE) {
    const value = readSource(state, input.connection);
    if (value !== undefined) return value;
    warnOfMissingPath(run, `${input.from} → ${node.id}.${name}`);
  }
  const parameter = input.parameter === undefined ? undefined : readSource(state, input.parameter);
  if (parameter !== undefined) return parameter;
  if (input.broadcast && run.plan.broadcasts) {
    const broadcast = own(state.parameters, name);
    if (broadcast !== undefined) return broadcast;
  }
  return input.configured ? input.config : undefined;
}

function missing(run: RunView, node: PlanNode, input: PlanInput): never {
  const to = `${node.id}.${input.port.name}`;
  const edge = activeFeedback(run, input)?.text ?? (input.from === '' ? undefined : `${input.from} → ${to}`);
  const by = edge === undefined ? '' : ` (${edge})`;
  throw new AttemptError('INPUT_MISSING', `Input "${to}" is required and got no value${by}.`, { at: edge ?? to });
}
