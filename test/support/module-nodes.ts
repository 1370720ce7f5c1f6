import type { Bound, PortSchemas } from '../../src/base/node.js';
import type { UseOptions } from '../../src/base/node-options.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { type ModuleNodeConfig, moduleNode } from '../../src/runtimes/module-node.js';

/** The compiled module that holds the functions of these nodes. */
export const functions = new URL('./modules/node-functions.js', import.meta.url);

/** A node of test/support/modules/node-functions.ts with the output `y`, by the name of its export. */
export function fromModule<const I extends PortSchemas>(
  name: string,
  inputs: I,
  more: Partial<ModuleNodeConfig<I, PortSchemas, never>> = {},
) {
  return moduleNode({
    name,
    module: functions,
    export: name,
    inputs,
    outputs: { y: type<unknown>() },
    ...(more as object),
  });
}

/** A node with the number `x` as its input. */
export const withX = (name: string, more: object = {}) => fromModule(name, { x: type<number>() }, more);

/** A workflow of one node `a`, whose `y` is the output. */
export function only<In, Out>(
  bound: Bound<In, Out, 'always'>,
  options: UseOptions & { readonly join?: 'required' } = {},
) {
  const w = workflow('w');
  const a = w.add('a', bound, options);
  return w.build({ outputs: { y: (a.out as never as { readonly y: never }).y } });
}

/** Memory that a test and a thread share. */
export const sharedCells = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));
