import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { definePredicate } from '../../../src/base/predicate.js';
import { type } from '../../../src/base/schema.js';
import type { StandardSchema } from '../../../src/base/standard-schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { fromJSON, registry, toJSON } from '../../../src/forms/index.js';
import { jsonSchema } from '../../../src/mixins/validation/json-schema.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { refusal } from '../../support/caught.js';
import { inForms, known } from '../../support/document-workflows.js';
import { halve } from '../../support/halving.js';

const half = defineNode({
  name: 'half',
  version: '1',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  timeoutMs: 500,
  retry: { attempts: 2, retryOn: [(error) => error instanceof RangeError] },
  run: ({ n }) => ({ n: n / 2 }),
});

function simple() {
  const w = workflow('simple');
  return { w, a: w.add('a', half({ n: 8 })) };
}

describe('toJSON', () => {
  it('writes what a person would write: no defaults, nothing that the definition says itself', () => {
    const { w, a } = simple();
    const b = w.add('b', half({ n: a.out.n }), { timeoutMs: 900 });
    w.cycle('loop', { feedback: [b.out.n.to(a.in.n)], maxIterations: 3 });
    expect(toJSON(w.build({ outputs: { n: b.out.n } }))).to.deep.equal({
      lockstep: 1,
      name: 'simple',
      nodes: {
        a: { use: 'half@1', config: { n: 8 } },
        b: { use: 'half@1', inputs: { n: 'a.n' }, timeoutMs: 900 },
      },
      cycles: { loop: { feedback: { 'a.n': 'b.n' }, maxIterations: 3 } },
      outputs: { n: 'b.n' },
    });
  });

  it('writes the workflow "etl" as its documentation says', () => {
    const { params, nodes } = toJSON((inForms.etl as (typeof inForms)[string]).build(), { registry: known });
    expect(params).to.deep.equal({
      count: { type: 'integer', minimum: 1 },
      title: { type: 'string', default: 'Result' },
      'unit?': { type: 'string' },
      extra: 'Unit',
    });
    expect(nodes.full).to.deep.equal({
      use: 'mean@1.2.0',
      inputs: { rows: 'route.many' },
      retry: { attempts: 3, delayMs: 1000, backoff: 'linear', dontRetryOn: ['FATAL', { predicate: 'isBusy@1' }] },
      timeoutMs: 10_000,
    });
    expect(nodes.cost).to.deep.equal({
      use: 'label@1',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of a document
      config: { text: 'costs $${5}', value: { of: ['${title}/${count}', '${count}'] } },
    });
  });

  it('writes parameters as JSON Schemas where they can describe themselves', () => {
    const params = {
      any: type<unknown>(),
      own: jsonSchema<number>({ type: 'number' }, { optional: true }),
      zod: z.number().int().max(9).default(5),
      maybe: z.string().optional(),
    };
    const w = workflow('described', { params });
    w.add('a', half({ n: w.params.own as never }));
    const document = toJSON(w.build());
    expect(Object.keys(document.params ?? {})).to.deep.equal(['any', 'own?', 'zod', 'maybe?']);
    expect(document.params?.any).to.deep.equal({});
    expect(document.params?.zod).to.deep.include({ default: 5, type: 'integer', maximum: 9 });
  });

  it('escapes a literal that looks like a template', () => {
    const text = defineNode({ name: 'text', version: '1', inputs: { t: z.unknown() }, outputs: {}, run: () => ({}) });
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are literals here
    for (const t of ['${a}', '$${a}', '$$${a}', '$', '{}', { deep: ['x${a}y$${'] }]) {
      const w = workflow('escaped');
      w.add('a', text({ t }));
      const back = fromJSON(toJSON(w.build()), { registry: registry(text) });
      expect(back.data.nodes[0]?.config).to.deep.equal({ t });
    }
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
  });

  const unnamed: StandardSchema = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } };
  const code: readonly (readonly [string, () => Parameters<typeof toJSON>[0], string])[] = [
    [
      'a function as a node',
      () => {
        const { w } = simple();
        w.fn('inline', {}, () => 1);
        return w.build();
      },
      'node "inline": it is a function that stands in the code.',
    ],
    [
      'a predicate of a switch',
      () => {
        const { w, a } = simple();
        w.switch('route', a.out.n, { big: (n) => n > 1, rest: otherwise });
        return w.build();
      },
      'case route.big: the case is a function without a name.',
    ],
    [
      'a test of a cycle',
      () => {
        const { w, a } = simple();
        w.cycle('loop', { feedback: [a.out.n.to(a.in.n)], until: when(a.out.n, () => true), maxIterations: 2 });
        return w.build();
      },
      'until of "loop": the condition is a function without a name.',
    ],
    [
      'what errors are compared with',
      () => {
        const { w, a } = simple();
        w.add('b', half({ n: a.out.n }), { retry: { attempts: 2, dontRetryOn: ['X', TypeError] } });
        return w.build();
      },
      'node "b".retry.dontRetryOn: what errors are compared with is a function without a name.',
    ],
    [
      'the schema of a parameter',
      () => {
        const w = workflow('p', { params: { p: unnamed } });
        w.add('a', half({ n: 1 }));
        return w.build();
      },
      'parameter p: its schema is not registered and does not describe itself as JSON Schema.',
    ],
    [
      'the schema of a path',
      () => {
        const { w, a } = simple();
        return w.build({ outputs: { x: a.out.n.path('y', unnamed) } });
      },
      'output x: its schema is not registered and does not describe itself as JSON Schema.',
    ],
    [
      'the schema of a contract',
      () => {
        const { w } = simple();
        w.contract('a.n', { schema: z.number() });
        return w.build();
      },
      'contract a.n: its schema is not registered.',
    ],
  ];
  for (const [what, build, message] of code) {
    it(`refuses ${what} that has no name`, () => {
      const error = refusal(() => toJSON(build()));
      expect(error.code).to.equal('NOT_REGISTERED');
      expect(error.message).to.equal(`${message} Define it with a name, register it, or write it as data or CEL.`);
    });
  }

  it('refuses what its registry does not hold, so that it can be read back', () => {
    const { w, a } = simple();
    const odd = definePredicate({ name: 'odd', version: '1', test: (n: number) => n % 2 === 1 });
    w.switch('route', a.out.n, { odd, rest: otherwise });
    const built = w.build();
    expect(toJSON(built).nodes.a).to.deep.include({ use: 'half@1' });
    expect(refusal(() => toJSON(built, { registry: registry(odd) })).message).to.contain(
      '"half@1" is not in the registry.',
    );
    expect(refusal(() => toJSON(built, { registry: registry(half) })).message).to.contain(
      'the predicate "odd@1" is not',
    );
    const other = defineNode({ name: 'half', version: '1', outputs: {}, run: () => ({}) });
    expect(refusal(() => toJSON(built, { registry: registry(odd, other) })).code).to.equal('NOT_REGISTERED');
  });

  it('refuses a literal that JSON cannot hold, naming the input', () => {
    const w = workflow('odd');
    w.add('a', half({ n: Number.NaN }));
    expect(refusal(() => toJSON(w.build()))).to.include({ code: 'UNHASHABLE_LITERAL', at: 'a.n' });
  });

  it('refuses options that do not exist, as reading does', () => {
    const built = simple().w.build();
    expect(refusal(() => toJSON(built, { regsitry: known } as never)).code).to.equal('UNKNOWN_OPTION');
    expect(refusal(() => fromJSON({}, { regsitry: known } as never)).message).to.contain('Did you mean "registry"?');
  });

  it('writes a node without a version by its name alone', () => {
    const w = workflow('plain');
    w.add('a', halve({ n: 1 }));
    const built = w.build();
    expect(toJSON(built).nodes).to.deep.equal({ a: { use: 'halve', config: { n: 1 } } });
    expect(hashOf(fromJSON(toJSON(built), { registry: registry(halve) }))).to.equal(hashOf(built));
  });
});
