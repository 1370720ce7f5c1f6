import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { ask, type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { jsonSchema, jsonSchemaOf } from '../../../src/mixins/validation/json-schema.js';
import { both } from '../../support/both.js';
import { caught } from '../../support/caught.js';

describe('jsonSchema', () => {
  it('accepts what the schema accepts, and says what is wrong and where, without the value', () => {
    const schema = jsonSchema({
      type: 'object',
      properties: { age: { type: 'integer', minimum: 18 } },
      required: ['age'],
    });
    expect(ask(schema, { age: 20 }, 'x')).to.deep.equal({ value: { age: 20 } });
    const messages = (value: unknown): string =>
      (ask(schema, value, 'x').issues ?? []).map(({ message }) => message).join('; ');
    expect(messages({ age: 4711.5 }))
      .to.contain('#/age')
      .and.not.contain('4711');
    expect(messages({ age: 7 })).to.contain('#/age: The value');
    expect(messages({})).to.contain('age');
  });

  it('leaves the full stop to what quotes it', () => {
    const { issues } = ask(jsonSchema({ type: 'string' }), 5, 'x');
    expect(issues).to.deep.equal([{ message: '#: Instance type "number" is invalid. Expected "string"' }]);
  });

  it('wants a value, unless it is optional or has a default', () => {
    expect(ask(jsonSchema(true), undefined, 'x').issues).to.deep.equal([{ message: 'a value is required' }]);
    expect(ask(jsonSchema({ type: 'string' }, { optional: true }), undefined, 'x')).to.deep.equal({ value: undefined });
    expect(ask(jsonSchema({ default: 5 }), undefined, 'x')).to.deep.equal({ value: 5 });
    expect(ask(jsonSchema({ default: null }), undefined, 'x')).to.deep.equal({ value: null });
  });

  it('takes null for a value', () => {
    expect(ask(jsonSchema({ type: 'string' }, { optional: true }), null, 'x').issues).to.have.lengthOf.at.least(1);
    expect(ask(jsonSchema({ type: 'null' }), null, 'x')).to.deep.equal({ value: null });
  });

  it('works with the schemas true and false', () => {
    expect(ask(jsonSchema(true), 5, 'x')).to.deep.equal({ value: 5 });
    expect(ask(jsonSchema(false), 5, 'x').issues).to.have.lengthOf.at.least(1);
  });

  it('still knows the document it was made of', () => {
    const document = { type: 'string' };
    expect(jsonSchemaOf(jsonSchema(document))?.jsonSchema).to.equal(document);
    expect(jsonSchemaOf(type())).to.equal(undefined);
  });

  it('fails with SCHEMA_THREW when the document refers to what it does not hold', () => {
    expect(caught(() => ask(jsonSchema({ $ref: '#/$defs/gone' }), 1, 'x')).code).to.equal('SCHEMA_THREW');
  });

  it('describes ports and parameters', async () => {
    const build = () => {
      const double = defineNode({
        name: 'double',
        inputs: { n: jsonSchema<number>({ type: 'number' }) },
        outputs: { n: type<number>() },
        run: ({ n }) => ({ n: n * 2 }),
      });
      const w = workflow('doubling', { params: { n: jsonSchema<number>({ type: 'number', maximum: 9, default: 4 }) } });
      const a = w.add('a', double({ n: w.params.n }));
      return w.build({ outputs: { n: a.out.n } });
    };
    expect((await both(build, { params: { n: 3 } })).output).to.deep.equal({ n: 6 });
    expect((await both(build)).output).to.deep.equal({ n: 8 });
    const refused = await both(build, { params: { n: 10 } });
    expect(refused.problems.map(({ code }) => code)).to.deep.equal(['INVALID_PARAMETER']);
    expect(refused.problems[0]?.message).to.contain('#: The value is greater than 9');
  });
});
