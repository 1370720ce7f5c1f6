import { inputsOf, type Outcome, type Step, type Values } from './step.js';

/**
 * The bare limit of a run with synchronous functions: for every step, in an order that is known beforehand, builds the input
 * object from its edges, calls the function, stores the output under the step's id, and reads the clock. It does nothing that a
 * runtime is for: no status, no failure, no branch, no event.
 */
export function straightLoop(steps: readonly Step[]): Outcome {
  const outputs = new Map<string, Values>();
  let now = performance.now();
  for (let index = 0; index < steps.length; index++) {
    const { id, run, edges } = steps[index] as Step;
    outputs.set(id, run(inputsOf(edges, outputs)));
    now = performance.now();
  }
  return { outputs, endedAt: now };
}
