import {
  type Bindable,
  type Bound,
  type ChildWorkflow,
  definitionOf,
  implementationOf,
  type NodeImplementation,
  type NodeWhen,
  type PortSpec,
} from '../node.js';
import { isUnchecked, type } from '../schema.js';

declare const boundWorkflow: unique symbol;

/** A workflow with its parameters bound: `add` makes a subworkflow of it. */
export interface BoundWorkflow<In, Out, C extends string> extends Bound<In, Out, C> {
  readonly [boundWorkflow]: true;
}

/** A workflow is called like a node definition. Binding its parameters runs nothing. */
// biome-ignore lint/complexity/noBannedTypes: `{}` is the test for "no required key"
export type BindWorkflow<Params, Output> = {} extends Params
  ? <R extends string = never, P extends string = never>(
      inputs?: Bindable<Params, R, P>,
    ) => BoundWorkflow<Params, Output, NodeWhen<R, P>>
  : <R extends string = never, P extends string = never>(
      inputs: Bindable<Params, R, P>,
    ) => BoundWorkflow<Params, Output, NodeWhen<R, P>>;

/** The function of a node that the machine performs itself. */
export function performedByTheMachine(): never {
  throw new TypeError('A map, a subworkflow and a gate have no function: the machine performs them.');
}

/** An output port of a built-in node: never checked. */
export function builtInPort(name: string, parts: Partial<PortSpec> = {}): PortSpec {
  const schema = type<unknown>();
  return Object.freeze({ name, schema, unchecked: isUnchecked(schema), optional: false, variadic: false, ...parts });
}

const implementations = new WeakMap<ChildWorkflow, NodeImplementation>();

/** A workflow as a node: its parameters are the inputs, its outputs the outputs. One that is dead there is a dead port. */
export function subworkflowOf(child: ChildWorkflow): NodeImplementation {
  let implementation = implementations.get(child);
  if (implementation === undefined) {
    implementation = implementationOf({
      name: 'lockstep.subworkflow',
      version: '1',
      kind: 'subworkflow',
      delivers: 'some',
      child,
      run: performedByTheMachine,
      inputs: [...child.bindings.parameters.values()],
      outputs: Object.keys(child.data.outputs).map((name) => builtInPort(name)),
      sourceText: '',
      async: false,
    });
    implementations.set(child, implementation);
  }
  return implementation;
}

/** Binds the parameters of a workflow. @throws ConfigurationError UNKNOWN_PORT, INVALID_DEFINITION */
export function bindWorkflow(child: ChildWorkflow, inputs: unknown): BoundWorkflow<unknown, unknown, string> {
  return definitionOf(subworkflowOf(child))(inputs as never) as never;
}
