import { defineNode, type NodeDefinition, type } from '../src/index.js';
import type { AsyncStep, Step, Values } from './limits/step.js';

/** A definition whose ports are known only when it is made. */
export type AnyDefinition = NodeDefinition<Values, Values>;

/** A function that is a node on one side and a step on the other: one number in, one number out. */
export interface Sample {
  readonly input: string;
  readonly output: string;
  readonly run: Step['run'];
  readonly runLater: AsyncStep['run'];
  readonly node: AnyDefinition;
  readonly nodeLater: AnyDefinition;
}

type Numbers = Record<string, number>;

function sample(
  input: string,
  output: string,
  run: (inputs: Numbers) => Values,
  runLater: (inputs: Numbers) => Promise<Values>,
): Sample {
  const ports = { inputs: { [input]: type<number>() }, outputs: { [output]: type<unknown>() } };
  return {
    input,
    output,
    run: run as Step['run'],
    runLater: runLater as AsyncStep['run'],
    node: defineNode({ name: `to_${output}`, ...ports, run }) as AnyDefinition,
    nodeLater: defineNode({ name: `to_${output}_later`, ...ports, run: runLater }) as AnyDefinition,
  };
}

/**
 * Eight different functions with ports of different names, as in any real workflow: a call site that sees one function, or one
 * shape of object, is several times faster than it will ever be in use.
 */
const SAMPLES: readonly Sample[] = [
  sample(
    'x',
    'sum',
    ({ x = 0 }) => ({ sum: x + 1 }),
    async ({ x = 0 }) => ({ sum: x + 1 }),
  ),
  sample(
    'rows',
    'half',
    ({ rows = 0 }) => ({ half: rows / 2 }),
    async ({ rows = 0 }) => ({ half: rows / 2 }),
  ),
  sample(
    'text',
    'size',
    ({ text = 0 }) => ({ size: text | 0 }),
    async ({ text = 0 }) => ({ size: text | 0 }),
  ),
  sample(
    'left',
    'best',
    ({ left = 0 }) => ({ best: left > 9 ? 9 : left }),
    async ({ left = 0 }) => ({ best: left > 9 ? 9 : left }),
  ),
  sample(
    'price',
    'net',
    ({ price = 0 }) => ({ net: price * 0.8 }),
    async ({ price = 0 }) => ({ net: price * 0.8 }),
  ),
  sample(
    'score',
    'rank',
    ({ score = 0 }) => ({ rank: -score }),
    async ({ score = 0 }) => ({ rank: -score }),
  ),
  sample(
    'mean',
    'offset',
    ({ mean = 0 }) => ({ offset: mean - 3 }),
    async ({ mean = 0 }) => ({ offset: mean - 3 }),
  ),
  sample(
    'seed',
    'next',
    ({ seed = 0 }) => ({ next: (seed * 31) % 97 }),
    async ({ seed = 0 }) => ({ next: (seed * 31) % 97 }),
  ),
];

/** The function of the node at a position. */
export function sampleAt(index: number): Sample {
  return SAMPLES[index % SAMPLES.length] as Sample;
}
