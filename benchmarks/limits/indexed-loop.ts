import type { Step, Values } from './step.js';

interface IndexedStep {
  readonly run: (inputs: Values) => Values;
  readonly edges: readonly {
    readonly to: string;
    readonly from: number;
    readonly port: string;
    readonly many: boolean;
  }[];
}

/** Names resolved to positions, once: what a compiler could leave of named steps. */
export function indexed(steps: readonly Step[]): readonly IndexedStep[] {
  const positions = new Map(steps.map(({ id }, index) => [id, index]));
  return steps.map(({ run, edges }) => ({
    run,
    edges: edges.map((edge) => ({ ...edge, from: positions.get(edge.from) as number })),
  }));
}

/** The straight loop with arrays instead of names. Shown beside it, not a gate: its outputs have lost their names. */
export function indexedLoop(steps: readonly IndexedStep[]): readonly Values[] {
  const outputs = new Array<Values>(steps.length);
  let now = 0;
  for (let index = 0; index < steps.length; index++) {
    const { run, edges } = steps[index] as IndexedStep;
    const inputs: Values = {};
    for (let each = 0; each < edges.length; each++) {
      const { to, from, port, many } = edges[each] as IndexedStep['edges'][number];
      const value = (outputs[from] as Values)[port];
      if (!many) inputs[to] = value;
      else if (inputs[to] === undefined) inputs[to] = [value];
      else (inputs[to] as unknown[]).push(value);
    }
    outputs[index] = run(inputs);
    now = performance.now();
  }
  if (now < 0) throw new Error('The clock ran backwards.');
  return outputs;
}
