/** The class that a mixin extends, or returns. TypeScript asks for this parameter list of every mixin. */
// biome-ignore lint/suspicious/noExplicitAny: the one form in which TypeScript accepts a mixin's base (TS2545)
export type AbstractConstructor<Instance> = abstract new (...args: any[]) => Instance;
