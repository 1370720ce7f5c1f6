import { inputsOf, type Step, type Values } from './step.js';

/** A cycle as somebody would write it by hand. */
export interface Loop {
  /** The steps of the body, in order. Edges of the first iteration included. */
  readonly body: readonly Step[];
  /** What the first iteration reads from outside, by step id. */
  readonly before: ReadonlyMap<string, Values>;
  /** Outputs that replace an input from the second iteration on. */
  readonly feedback: readonly {
    readonly from: string;
    readonly port: string;
    readonly step: string;
    readonly to: string;
  }[];
  /** What the convergence test reads. */
  readonly until: { readonly from: string; readonly port: string; readonly test: (value: number) => boolean };
  readonly maxIterations: number;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly keepHistory: number;
}

/** How a cycle ended. */
export interface Ended {
  readonly reason: 'converged' | 'max_iterations' | 'timeout';
  readonly iterations: number;
  readonly history: readonly number[];
  readonly outputs: ReadonlyMap<string, Values>;
}

/**
 * The bare limit of a cycle: an iteration builds the inputs of every step, calls it, stores its output and reads the clock; then
 * asks the convergence test, keeps a bounded history, and looks at the number of iterations and at the time.
 */
export function cycleLoop({ body, before, feedback, until, maxIterations, timeoutMs, keepHistory }: Loop): Ended {
  const outputs = new Map<string, Values>(before);
  const history: number[] = [];
  const startedAt = performance.now();
  let now = startedAt;
  for (let iteration = 1; ; iteration++) {
    const fed = iteration === 1 ? undefined : feedback.map(({ from, port }) => (outputs.get(from) as Values)[port]);
    for (const { id, run, edges } of body) {
      const inputs = inputsOf(edges, outputs);
      if (fed !== undefined) {
        for (let index = 0; index < feedback.length; index++) {
          const edge = feedback[index] as Loop['feedback'][number];
          if (edge.step === id) inputs[edge.to] = fed[index];
        }
      }
      outputs.set(id, run(inputs));
      now = performance.now();
    }
    const metric = (outputs.get(until.from) as Values)[until.port] as number;
    history.push(metric);
    if (history.length > keepHistory) history.shift();
    const end = until.test(metric) ? 'converged' : iteration >= maxIterations ? 'max_iterations' : undefined;
    if (end !== undefined) return { reason: end, iterations: iteration, history, outputs };
    if (now - startedAt >= timeoutMs) return { reason: 'timeout', iterations: iteration, history, outputs };
  }
}
