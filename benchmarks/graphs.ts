import { defineNode, type, variadic, type Workflow, workflow } from '../src/index.js';
import { type AnyDefinition, type Sample, sampleAt } from './functions.js';
import type { AsyncStep, Edge, Step, Values } from './limits/step.js';

/** Whether the functions of a graph return promises. */
export type Form = 'sync' | 'async';

/** One graph, written twice: as a workflow of ours, and as steps for a bare loop. */
export interface Graph {
  readonly workflow: Workflow<unknown, { readonly last: unknown }>;
  readonly steps: readonly Step[];
  readonly stepsLater: readonly AsyncStep[];
}

/** What both sides need to know of a node. */
type Functions = Pick<Sample, 'output' | 'run' | 'runLater' | 'node' | 'nodeLater'>;

const start = endOf(
  'start',
  {},
  () => ({ start: 1 }),
  async () => ({ start: 1 }),
);
const count = endOf(
  'count',
  { all: variadic(type<readonly unknown[]>()) },
  ({ all }) => ({ count: (all as unknown[]).length }),
  async ({ all }) => ({ count: (all as unknown[]).length }),
);

/** The first or the last node of a graph. */
function endOf(
  output: string,
  inputs: Parameters<typeof defineNode>[0]['inputs'] & {},
  run: Step['run'],
  runLater: AsyncStep['run'],
): Functions {
  const outputs = { [output]: type<unknown>() };
  return {
    output,
    run,
    runLater,
    node: defineNode({ name: output, inputs, outputs, run }) as AnyDefinition,
    nodeLater: defineNode({ name: `${output}_later`, inputs, outputs, run: runLater }) as AnyDefinition,
  };
}

/** Writes a graph down twice. */
class Author {
  readonly #builder = workflow('bench');
  readonly #steps: Step[] = [];
  readonly #stepsLater: AsyncStep[] = [];
  readonly #form: Form;

  constructor(form: Form) {
    this.#form = form;
  }

  add(id: string, { run, runLater, node, nodeLater }: Functions, edges: readonly Edge[]): void {
    this.#steps.push({ id, run, edges });
    this.#stepsLater.push({ id, run: runLater, edges });
    this.#builder.node(id, this.#form === 'sync' ? node : nodeLater);
    for (const { from, port, to } of edges) this.#builder.connect(`${from}.${port}`, `${id}.${to}`);
  }

  finish(): Graph {
    return {
      workflow: this.#builder.build() as unknown as Graph['workflow'],
      steps: this.#steps,
      stepsLater: this.#stepsLater,
    };
  }
}

/** Ids as they would stand in a program: one string each, known to the engine, on which a Map is fastest. */
function namesOf(size: number): readonly string[] {
  return Object.keys(Object.fromEntries(Array.from({ length: size }, (_, index) => [`node${index}`, 0])));
}

/** A chain: every node takes what the one before it gave. */
export function chain(size: number, form: Form): Graph {
  const author = new Author(form);
  const names = namesOf(size);
  author.add(names[0] as string, start, []);
  let port = start.output;
  for (let index = 1; index < size; index++) {
    const sample = sampleAt(index);
    const from = names[index - 1] as string;
    author.add(names[index] as string, sample, [{ to: sample.input, from, port, many: false }]);
    port = sample.output;
  }
  return author.finish();
}

/** Fan-out and fan-in: one node feeds all others but the last, which takes what they all gave, as one array. */
export function fan(size: number, form: Form): Graph {
  const author = new Author(form);
  const names = namesOf(size);
  const first = names[0] as string;
  const gathered: Edge[] = [];
  author.add(first, start, []);
  for (let index = 1; index < size - 1; index++) {
    const sample = sampleAt(index);
    const id = names[index] as string;
    author.add(id, sample, [{ to: sample.input, from: first, port: start.output, many: false }]);
    gathered.push({ to: 'all', from: id, port: sample.output, many: true });
  }
  author.add(names[size - 1] as string, count, gathered);
  return author.finish();
}

/** The last output of a run of either side, to check that both did the same. */
export function lastOf(outputs: ReadonlyMap<string, Values>, size: number): unknown {
  return Object.values(outputs.get(`node${size - 1}`) ?? {})[0];
}
