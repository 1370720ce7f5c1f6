/** Node functions that tests load as modules. */
import { AttemptError } from '../../../src/base/errors.js';
import type { NodeContext } from '../../../src/base/node-context.js';

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function double({ x }: { readonly x: number }) {
  await later(1);
  return { y: x * 2 };
}

export const doubleNow = ({ x }: { readonly x: number }) => ({ y: x * 2 });

/** Answers after so many milliseconds. */
export async function wait({ x }: { readonly x: number }) {
  await later(x);
  return { y: x };
}

/** Tells how many calls of it are under way in its thread at the same time, at most. */
let together = 0;
let most = 0;
export async function crowd() {
  together++;
  most = Math.max(most, together);
  await later(5);
  together--;
  return { y: most };
}

export const never = () => new Promise<never>(() => undefined);

/** Holds the thread for so many milliseconds. */
export function block({ x }: { readonly x: number }) {
  const until = performance.now() + x;
  while (performance.now() < until);
  return { y: x };
}

/** Holds the thread until its signal is aborted. */
export function spin(_: unknown, context: NodeContext) {
  while (!context.signal.aborted);
  return { y: 0 };
}

/** Waits for its signal, and says in shared memory that it heard. */
export async function heed({ cells }: { readonly cells: Int32Array }, { signal }: NodeContext) {
  const hold = setInterval(() => undefined, 1_000);
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  clearInterval(hold);
  Atomics.store(cells, 0, 1);
  Atomics.notify(cells, 0);
  return { y: 1 };
}

/** Ends the thread the first time, as the given text says. */
export async function crash({ cells, how }: { readonly cells: Int32Array; readonly how: string }) {
  if (Atomics.add(cells, 0, 1) > 0) return { y: Atomics.load(cells, 0) };
  if (how === 'exit') process.exit(3);
  else if (how === 'uncaught') setTimeout(() => fail('out of the blue'));
  else if (how === 'unhandled') void Promise.reject(new TypeError('nobody looked'));
  else if (how === 'memory') hoard();
  await later(60_000);
  return { y: -1 };
}

function fail(message: string): never {
  throw Object.assign(new Error(message), { code: 'BLUE' });
}

function hoard(): void {
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(10_000).fill(Math.random()));
}

class RateLimited extends RangeError {
  override readonly name = 'RateLimited';
  readonly code = 'RATE_LIMITED';
  readonly waitMs = 25;
  readonly socket = { close: () => undefined };
}

export function limited() {
  throw new RateLimited('slow down', { cause: new TypeError('quota', { cause: 'tuesday' }) });
}

export function throwing({ how }: { readonly how: string }) {
  if (how === 'text') throw 'only text';
  if (how === 'function') throw () => 1;
  if (how === 'aggregate') throw new AggregateError([new RangeError('a'), 'b'], 'both');
  if (how === 'dom') throw new DOMException('given up', 'AbortError');
  if (how === 'ours') throw new AttemptError('SCHEMA_THREW', 'Mine.', { at: 'here' });
  if (how === 'hostile') throw new Proxy(new Error('no'), { get: () => fail('do not read me') });
  throw new Error('plain');
}

/** Everything that a context tells. */
export function look(_: unknown, context: NodeContext) {
  const { runId, nodeId, attempt, failures, visit, iteration, iterations, maxIterations } = context;
  const { idempotencyKey, state, context: given, secret, signal } = context;
  const of = { runId, nodeId, attempt, failures, visit, iteration, iterations, maxIterations, idempotencyKey, state };
  return { y: { ...of, context: given, secret: secret('KEY'), aborted: signal.aborted, deadline: context.deadline } };
}

export const undeclared = (_: unknown, { secret }: NodeContext) => ({ y: secret('OTHER') });

export function talk(_: unknown, { log, progress, emit }: NodeContext) {
  log.log('info', 'begins', { step: 1 });
  log.log('warn', 'odd', { call: () => undefined });
  progress(1, 3, 'one');
  emit({ token: 'a' });
  emit({ token: 'b' });
  progress(3, 3);
  return { y: 0 };
}

export async function count(_: unknown, { state, setState }: NodeContext<number>) {
  setState(state + 1);
  return { y: state };
}

export const mutate = ({ list }: { readonly list: number[] }) => ({ y: list.push(9) });
export const odd = ({ how }: { readonly how: string }, { emit, setState }: NodeContext) => {
  const bad = { rows: [1, { call: () => 1 }] };
  if (how === 'emit') emit(bad);
  if (how === 'state') setState(bad);
  return { y: how === 'output' ? bad : 1 };
};

/** Fails so many times, counted in shared memory. */
export function flaky({ cells, x }: { readonly cells: Int32Array; readonly x: number }) {
  if (Atomics.add(cells, 0, 1) < x) throw Object.assign(new TypeError('not yet'), { code: 'FLAKY' });
  return { y: Atomics.load(cells, 0) };
}

export const notAFunction = 7;

/** Waits until it is told through shared memory. */
export async function heedCell({ cells }: { readonly cells: Int32Array }) {
  while (Atomics.load(cells, 0) === 0) await later(1);
  return { y: 'told' };
}

const identity = Math.random();

/** A number that every thread has its own of. */
export const identify = () => ({ y: identity });

/** Holds the thread until its signal is aborted, and says so in shared memory. */
export function spinAndTell({ cells }: { readonly cells: Int32Array }, context: NodeContext) {
  while (!context.signal.aborted);
  Atomics.store(cells, 0, 1);
  Atomics.notify(cells, 0);
  return { y: 0 };
}

/** Answers after so many milliseconds whether it was told to stop. */
export async function waitUnheard({ x }: { readonly x: number }, { signal }: NodeContext) {
  await later(x);
  return { y: signal.aborted };
}
