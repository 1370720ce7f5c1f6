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
