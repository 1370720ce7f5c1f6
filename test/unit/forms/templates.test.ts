// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of documents

import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { template } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { fromJSON, registry } from '../../../src/forms/index.js';
import { jsonSchema } from '../../../src/mixins/validation/json-schema.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { both } from '../../support/both.js';
import { refusal } from '../../support/caught.js';

const show = defineNode({
  name: 'show',
  version: '1',
  inputs: { it: z.unknown() },
  outputs: { it: type<unknown>() },
  run: ({ it }) => ({ it }),
});
const params = {
  dir: jsonSchema<string>({ type: 'string' }),
  limits: jsonSchema<{ rows: number }>({ type: 'object' }),
  note: jsonSchema<string>({ type: 'string' }, { optional: true }),
};

function document(it: unknown) {
  const declared = { dir: { type: 'string' }, limits: { type: 'object' }, 'note?': { type: 'string' } };
  const nodes = { a: { use: 'show', config: { it } } };
  return fromJSON(
    { lockstep: 1, name: 't', params: declared, nodes, outputs: { it: 'a.it' } },
    { registry: registry(show) },
  );
}

function code(it: unknown) {
  const w = workflow('t', { params });
  const a = w.add('a', show({ it: template(it, w.params) }));
  return w.build({ outputs: { it: a.out.it } });
}

describe('templates in the configuration of a document', () => {
  const given = { dir: 'data', limits: { rows: 5 } };
  const expanded: readonly (readonly [string, unknown, unknown])[] = [
    ['that are a whole text keep the type of the parameter', '${limits}', { rows: 5 }],
    ['read paths', '${ limits.rows }', 5],
    ['stand inside text', '${dir}/out-${limits.rows}.csv', 'data/out-5.csv'],
    ['stand in objects and lists', { at: ['${dir}', '${limits}', 1] }, { at: ['data', { rows: 5 }, 1] }],
    ['say nothing for a parameter that was not passed', '<${note}>', '<>'],
    ['are expanded once', '${dir} $${dir}', 'data ${dir}'],
  ];
  for (const [what, it_, value] of expanded) {
    it(what, async () => {
      const run = await both(() => document(it_), { params: given });
      expect(run.output).to.deep.equal({ it: value });
    });

    it(`${what}: the same by code, with the same hash`, async () => {
      const run = await both(() => code(it_), { params: given });
      expect(run.output).to.deep.equal({ it: value });
      expect(hashOf(code(it_))).to.equal(hashOf(document(it_)));
    });
  }

  it('of which nothing is one are literals, and what a value brings is no template', async () => {
    expect(document('$${dir}').data.nodes[0]?.config).to.deep.equal({ it: '${dir}' });
    const run = await both(() => document('<${dir}>'), { params: { ...given, dir: '${limits}' } });
    expect(run.output).to.deep.equal({ it: '<${limits}>' });
  });

  it('are weaker than a parameter that is addressed to the node', async () => {
    const run = await both(() => document('<${dir}>'), { params: given, run: { set: { a: { it: 'mine' } } } });
    expect(run.output).to.deep.equal({ it: 'mine' });
  });

  it('with a path that leads nowhere fail the attempt', async () => {
    const run = await both(() => document('<${limits.cols}>'), { params: given });
    expect(run.errors).to.deep.equal({ a: 'UNKNOWN_PARAMETER' });
  });

  it('with an unknown name cannot be built', () => {
    expect(refusal(() => document(['${dirr}'])).message).to.equal(
      'nodes.a.config.it: The template names the parameter "dirr". Did you mean "dir"? Correct its name or declare it.',
    );
    expect(refusal(() => code('${dirr}')).message).to.equal(
      'template() names the parameter "dirr". Did you mean "dir"? Correct its name or declare it.',
    );
  });

  it('are literals in code', async () => {
    const w = workflow('literal', { params });
    const a = w.add('a', show({ it: '${dir}' }));
    const run = await both(() => w.build({ outputs: { it: a.out.it } }), { params: given, forms: ['local'] });
    expect(run.output).to.deep.equal({ it: '${dir}' });
  });
});
