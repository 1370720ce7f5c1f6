import type { Executor } from '../base/executor-port.js';

declare const tokenType: unique symbol;

/** A typed name under which a plugin provides something and others ask for it. */
export interface Token<T> {
  readonly [tokenType]?: T;
  readonly name: string;
  readonly symbol: symbol;
}

/** Makes a token. Two tokens of the same name are different tokens: export the one you provide. */
export function token<T>(name: string): Token<T> {
  return Object.freeze({ name, symbol: Symbol(name) });
}

const executors = new Map<string, Token<Executor>>();

/** The tokens of executors that were asked for so far. */
export function executorTokens(): readonly Token<Executor>[] {
  return [...executors.values()];
}

/** The token under which a plugin provides the executor of a kind and a name: always the same one. */
export function executorToken(kind: string, name: string): Token<Executor> {
  const key = JSON.stringify([kind, name]);
  const known = executors.get(key) ?? token<Executor>(`executor ${kind} "${name}"`);
  executors.set(key, known);
  return known;
}
