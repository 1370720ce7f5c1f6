import { defineNode } from '../../src/base/node.js';
import { type } from '../../src/base/schema.js';
import type { StandardSchema } from '../../src/base/standard-schema.js';

/** A node without inputs that delivers a value at its port `v`. */
export function give<T>(value: T) {
  return defineNode({ name: 'give', outputs: { v: type<T>() }, run: () => ({ v: value }) as never })();
}

/** A node with the input `x` that delivers what it saw at its port `seen`. */
export function take<S extends StandardSchema>(schema: S, inputMode: 'shared' | 'frozen' = 'shared') {
  return defineNode({
    name: 'take',
    inputs: { x: schema as StandardSchema },
    outputs: { seen: type<unknown>() },
    inputMode,
    run: ({ x }) => ({ seen: x }),
  });
}

/** A schema of which only the answer matters, whatever it is; it refuses undefined. */
export function schemaThat<Output>(validate: (value: unknown) => unknown): StandardSchema<unknown, Output> {
  const answer = (value: unknown): never =>
    (value === undefined ? { issues: [{ message: 'required' }] } : validate(value)) as never;
  return { '~standard': { version: 1, vendor: 'test', validate: answer } };
}
