import { type AsyncStep, inputsOf, type Outcome, type Values } from './step.js';

/** The bare limit of a run with asynchronous functions: the straight loop with one `await` a step. */
export async function awaitingLoop(steps: readonly AsyncStep[]): Promise<Outcome> {
  const outputs = new Map<string, Values>();
  let now = performance.now();
  for (let index = 0; index < steps.length; index++) {
    const { id, run, edges } = steps[index] as AsyncStep;
    outputs.set(id, await run(inputsOf(edges, outputs)));
    now = performance.now();
  }
  return { outputs, endedAt: now };
}
