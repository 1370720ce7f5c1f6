/** One edge of a hand-written workflow: an output of one step into an input of another. */
export interface Edge {
  readonly to: string;
  readonly from: string;
  readonly port: string;
  /** The input takes an array: each edge appends to it. */
  readonly many: boolean;
}

/** Named values: what a step takes and what it gives. */
export type Values = Record<string, unknown>;

/** One step of a hand-written workflow, with a name, as somebody would write it without a library. */
export interface Step {
  readonly id: string;
  readonly run: (inputs: Values) => Values;
  readonly edges: readonly Edge[];
}

/** The same step with an asynchronous function. */
export interface AsyncStep extends Omit<Step, 'run'> {
  readonly run: (inputs: Values) => Promise<Values>;
}

/** What a loop leaves behind: every output under the id of its step, and when the last step ended (milliseconds). */
export interface Outcome {
  readonly outputs: ReadonlyMap<string, Values>;
  readonly endedAt: number;
}

/** Builds the inputs of a step from its edges. */
export function inputsOf(edges: readonly Edge[], outputs: ReadonlyMap<string, Values>): Values {
  const inputs: Values = {};
  for (let index = 0; index < edges.length; index++) {
    const { to, from, port, many } = edges[index] as Edge;
    const value = (outputs.get(from) as Values)[port];
    if (!many) inputs[to] = value;
    else if (inputs[to] === undefined) inputs[to] = [value];
    else (inputs[to] as unknown[]).push(value);
  }
  return inputs;
}
