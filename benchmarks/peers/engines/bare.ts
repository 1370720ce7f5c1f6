import { awaitingLoop } from '../../limits/awaiting-loop.js';
import { type AsyncStep, type Edge, inputsOf, type Outcome, type Step, type Values } from '../../limits/step.js';
import { straightLoop } from '../../limits/straight-loop.js';
import { type Engine, type Form, first, increment, isDone, type Run, stepAt, sum } from '../engine.js';

/** A step for either of the loops. */
type AnyStep = Omit<Step, 'run'> & { readonly run: (inputs: Values) => Values | Promise<Values> };

/** The inputs that the steps have here. */
interface Inputs {
  readonly value: number;
  readonly all: readonly number[];
}

const idOf = (index: number): string => `node${index}`;
const edge = (from: number, to: keyof Inputs): Edge => ({ to, from: idOf(from), port: 'value', many: to === 'all' });

function stepOf(index: number, form: Form, edges: readonly Edge[], compute: (inputs: Inputs) => number): AnyStep {
  const run = (inputs: Values): Values => ({ value: compute(inputs as unknown as Inputs) });
  return { id: idOf(index), edges, run: form === 'sync' ? run : async (inputs) => run(inputs) };
}

/** Runs the steps with the loops of benchmarks/limits, which are also the limit of `npm run bench`. */
function straight(steps: readonly AnyStep[], form: Form): Run {
  const last = idOf(steps.length - 1);
  const lastOf = ({ outputs }: Outcome): unknown => outputs.get(last)?.value;
  return form === 'sync'
    ? () => lastOf(straightLoop(steps as readonly Step[]))
    : async () => lastOf(await awaitingLoop(steps as readonly AsyncStep[]));
}

/** One step again and again: builds its inputs, calls it, stores its output, reads the clock, asks whether it is done. */
function repeated({ id, run, edges }: Step, size: number): Outcome {
  const outputs = new Map<string, Values>([[id, { value: 0 }]]);
  for (;;) {
    const output = run(inputsOf(edges, outputs));
    outputs.set(id, output);
    const endedAt = performance.now();
    if (isDone(output.value as number, size)) return { outputs, endedAt };
  }
}

/** The same with one `await` an iteration. */
async function repeatedLater({ id, run, edges }: AsyncStep, size: number): Promise<Outcome> {
  const outputs = new Map<string, Values>([[id, { value: 0 }]]);
  for (;;) {
    const output = await run(inputsOf(edges, outputs));
    outputs.set(id, output);
    const endedAt = performance.now();
    if (isDone(output.value as number, size)) return { outputs, endedAt };
  }
}

/** The bare loop: a list of steps, each with its edges, and no library. */
export const engine: Engine = {
  chain(size, form) {
    const steps = [stepOf(0, form, [], first)];
    for (let index = 1; index < size; index++) {
      const step = stepAt(index);
      steps.push(stepOf(index, form, [edge(index - 1, 'value')], ({ value }) => step(value)));
    }
    return straight(steps, form);
  },

  fan(size, form) {
    const steps = [stepOf(0, form, [], first)];
    for (let index = 1; index < size - 1; index++) {
      const step = stepAt(index);
      steps.push(stepOf(index, form, [edge(0, 'value')], ({ value }) => step(value)));
    }
    const gathered = steps.slice(1).map((_, index) => edge(index + 1, 'all'));
    steps.push(stepOf(size - 1, form, gathered, ({ all }) => sum(all)));
    return straight(steps, form);
  },

  loop(size, form) {
    const step = stepOf(0, form, [edge(0, 'value')], ({ value }) => increment(value));
    const lastOf = ({ outputs }: Outcome): unknown => outputs.get(step.id)?.value;
    return form === 'sync'
      ? () => lastOf(repeated(step as Step, size))
      : async () => lastOf(await repeatedLater(step as AsyncStep, size));
  },
};
