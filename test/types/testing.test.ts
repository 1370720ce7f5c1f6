import { expectTypeOf } from 'expect-type';
import fc from 'fast-check';
import { z } from 'zod';
import { type Ref, type RunOutcome, type, workflow } from '../../src/index.js';
import {
  arbitraryWorkflow,
  assertParity,
  explore,
  type GeneratedWorkflow,
  type OpenGate,
  scripted,
} from '../../src/testing/index.js';

const outputs = { n: type<number>() };
const fetchPage = scripted({
  name: 'fetch-page',
  inputs: { url: z.string(), limit: z.number().default(10) },
  outputs,
  script: [{ throws: 'busy' }, ({ inputs }) => ({ gives: { n: inputs.limit } })],
});
const w = workflow('w', { params: { url: z.string() } });
const page = w.add('page', fetchPage({ url: w.params.url }));
const built = w.build({ outputs: { n: page.out.n } });

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

describe('types of the testing kit', () => {
  it('give a scripted node the ports and calls that it declares', () => {
    expectTypeOf(page.out.n).toEqualTypeOf<Ref<number, 'always'>>();
    expectTypeOf(fetchPage.calls[0]?.inputs).toEqualTypeOf<
      { readonly url: string; readonly limit: number } | undefined
    >();
  });

  it('refuse steps that do not fit the node', () => {
    refused(() => {
      // @ts-expect-error a text is no number
      scripted({ name: 'x', outputs, script: [{ gives: { n: 'one' } }] });
      // @ts-expect-error a step needs an end
      scripted({ name: 'x', outputs, script: [{ afterMs: 1 }] });
      // @ts-expect-error it hangs in one of two ways
      scripted({ name: 'x', outputs, async: true, script: [{ hangs: 'long' }] });
      // @ts-expect-error the url is missing
      fetchPage({});
    });
  });

  it('give checks the outcome of their workflow, and answers the gate', () => {
    refused(() => {
      void explore(built, { url: '' }, (outcome, { order }) => {
        expectTypeOf(outcome).toEqualTypeOf<RunOutcome<{ readonly n: number }>>();
        expectTypeOf(order).toEqualTypeOf<readonly string[]>();
      });
      void assertParity(
        built,
        { url: '' },
        {
          answers: {
            g: (open) => {
              expectTypeOf(open).toEqualTypeOf<OpenGate>();
              return 'expire';
            },
          },
        },
      );
      // @ts-expect-error a parameter is missing
      void explore(built, {}, () => undefined);
      // @ts-expect-error neither approved nor rejected
      void assertParity(built, { url: '' }, { answers: { g: 'yes' } });
    });
  });

  it('give properties what fast-check draws', () => {
    expectTypeOf(arbitraryWorkflow(fc)).toEqualTypeOf<fc.Arbitrary<GeneratedWorkflow>>();
  });
});
