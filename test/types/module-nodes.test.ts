import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import { LocalRuntime, moduleNode, type Ref, workflow } from '../../src/index.js';

const score = moduleNode({
  name: 'score',
  module: 'file:///score.js',
  inputs: { rows: z.array(z.string()), limit: z.number().default(10) },
  outputs: { best: z.string(), all: z.array(z.number()).optional() },
  secrets: ['KEY'],
  retry: { attempts: 2 },
});

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

describe('types of module nodes', () => {
  it('keep those of inputs and outputs', () => {
    const w = workflow('w', { params: { rows: z.array(z.string()) } });
    const { out } = w.add('score', score({ rows: w.params.rows }));
    expectTypeOf(out.best).toEqualTypeOf<Ref<string, 'always'>>();
    expectTypeOf(out.all.or('none')).toEqualTypeOf<Ref<number[] | 'none', 'always'>>();
    score({ rows: ['a'], limit: 3 });
  });

  it('refuse wrong, unknown and missing ports, a function, and a module that is none', () => {
    refused(() => {
      // @ts-expect-error a number is no list
      score({ rows: 1 });
      // @ts-expect-error rows are missing
      score({});
      // @ts-expect-error an unknown port
      score({ rows: [], row: [] });
      // @ts-expect-error the function stands in the module
      moduleNode({ name: 'n', module: 'file:///n.js', outputs: {}, run: () => ({}) });
      // @ts-expect-error no module
      moduleNode({ name: 'n', outputs: {} });
      // @ts-expect-error a bridge has methods
      new LocalRuntime({ bridge: {} });
    });
  });
});
