import type { Form } from './engine.js';

/** The graphs that every engine is asked to run. */
export const SHAPES = ['chain', 'fan', 'loop'] as const;
export type Shape = (typeof SHAPES)[number];

/** Nodes of a graph, or iterations of a loop. */
export const SIZES: readonly number[] = [10, 100, 1_000, 10_000];

/** The sizes of a short run. */
export const QUICK_SIZES: readonly number[] = [10, 1_000];

/** Something that is measured: the name of its file in engines/, and what to know of it. */
export interface Peer {
  readonly name: string;
  readonly title: string;
  /** The npm package whose version is shown; none for the bare loop. */
  readonly package?: string;
  /** The functions it is measured with. One form only where it awaits whatever a function returns. */
  readonly forms: readonly Form[];
  /** The graphs it is measured with. */
  readonly shapes: readonly Shape[];
}

/** What all others are held against, form by form. */
export const BARE: Peer = { name: 'bare', title: 'bare loop', forms: ['sync', 'async'], shapes: SHAPES };

/** In the order of the table. */
export const PEERS: readonly Peer[] = [
  { name: 'lockstep-local', title: 'LocalRuntime', package: 'lockstep', forms: ['sync'], shapes: SHAPES },
  { name: 'lockstep-async', title: 'AsyncLocalRuntime', package: 'lockstep', forms: ['sync', 'async'], shapes: SHAPES },
  { name: 'effect', title: 'Effect', package: 'effect', forms: ['sync', 'async'], shapes: SHAPES },
  { name: 'p-graph', title: 'p-graph', package: 'p-graph', forms: ['sync'], shapes: ['chain', 'fan'] },
  {
    name: 'langgraph',
    title: 'LangGraph.js, StateGraph',
    package: '@langchain/langgraph',
    forms: ['sync'],
    shapes: SHAPES,
  },
  {
    name: 'langgraph-tasks',
    title: 'LangGraph.js, tasks',
    package: '@langchain/langgraph',
    forms: ['sync'],
    shapes: SHAPES,
  },
  { name: 'lockstep-stored', title: 'LocalRuntime, stored', package: 'lockstep', forms: ['sync'], shapes: ['chain'] },
  {
    name: 'langgraph-stored',
    title: 'LangGraph.js, StateGraph, stored',
    package: '@langchain/langgraph-checkpoint-sqlite',
    forms: ['sync'],
    shapes: ['chain'],
  },
];

/** Those in the table of a graph. An engine without loops stands there all the same; what is measured in one graph only does not. */
export function peersOf(shape: Shape): readonly Peer[] {
  return PEERS.filter(({ shapes }) => shapes.length > 1 || shapes.includes(shape));
}
