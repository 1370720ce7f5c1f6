/** Whether the functions of the nodes return promises. */
export type Form = 'sync' | 'async';

/** A graph that is built and can be run any number of times; a run gives the last value, or a promise of it. */
export type Run = () => unknown;

/** What every engine, and the bare loop, is asked to do. Building is timed apart from running. */
export interface Engine {
  /** A chain of `size` nodes: the first gives `first()`, each other one takes what the one before it gave. */
  chain(size: number, form: Form): Run;
  /** A fan of `size` nodes: the first feeds all others but the last, which gives the `sum` of what they gave. */
  fan?(size: number, form: Form): Run;
  /** One node that takes 0 and then its own output, again and again until `isDone`. Absent where an engine has no loops. */
  loop?(size: number, form: Form): Run;
}

/** Large enough for results that differ, small enough for the square of a value to be exact. */
const MODULUS = 1_000_003;

/** Different functions, as in any real workflow: a call site that only ever sees one is faster than it will be in use. */
const STEPS: readonly ((value: number) => number)[] = [
  (value) => value + 1,
  (value) => (value * 31) % MODULUS,
  (value) => value ^ 0x55,
  (value) => (value * value) % MODULUS,
  (value) => MODULUS - (value % MODULUS),
  (value) => (value >> 1) + 7,
  (value) => Math.max(value, 3),
  (value) => (value * 7 + 11) % MODULUS,
];

/** What the node at a position does, in a chain and in the middle of a fan. */
export function stepAt(index: number): (value: number) => number {
  return STEPS[index % STEPS.length] as (value: number) => number;
}

/** What the first node does. */
export const first = (): number => 1;

/** What the last node of a fan does. */
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What the node of a loop does. Its value counts the iterations, so that a result proves how many there were. */
export const increment = (value: number): number => value + 1;

/** Whether a loop of `size` iterations has come to its end. */
export const isDone = (value: number, size: number): boolean => value >= size;
