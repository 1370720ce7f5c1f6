// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the templates of the product
import { expect } from 'chai';
import { z } from 'zod';
import type { LockstepError } from '../../../src/base/errors.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { template } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { expandTemplates } from '../../../src/base/templates.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';

const values = {
  name: 'Ada',
  count: 3,
  on: false,
  nothing: null,
  list: [1, 2],
  place: { city: 'Graz', tags: ['a', 'b'] },
  absent: undefined,
};

function refusal(config: unknown): LockstepError {
  try {
    expandTemplates(config, values);
  } catch (error) {
    return error as LockstepError;
  }
  throw new Error('expandTemplates did not throw');
}

describe('A template in a configuration', () => {
  const cases: readonly (readonly [name: string, config: unknown, expanded: unknown])[] = [
    ['that is the whole string keeps the type of a number', '${count}', 3],
    ['that is the whole string keeps false', '${on}', false],
    ['that is the whole string keeps null', '${nothing}', null],
    ['that is the whole string keeps a list', '${list}', [1, 2]],
    ['that is the whole string keeps an object', '${place}', { city: 'Graz', tags: ['a', 'b'] }],
    ['may have space around its name', '${ count }', 3],
    ['may name a path', '${place.city}', 'Graz'],
    ['may name an index', '${place.tags.1}', 'b'],
    ['that is an optional parameter which was not passed is no value', '${absent}', undefined],
    ['inside other text becomes text', 'n=${count}!', 'n=3!'],
    ['inside other text may stand beside another', '${name}/${count}', 'Ada/3'],
    ['inside other text may be null or false', '${nothing} ${on}', 'null false'],
    [
      'inside other text becomes JSON when it is a list or an object',
      'in ${place} of ${list}',
      'in {"city":"Graz","tags":["a","b"]} of [1,2]',
    ],
    ['inside other text is nothing when it was not passed', 'a${absent}b', 'ab'],
    ['is escaped by another dollar', '$${name}', '${name}'],
    ['is escaped beside one that is not', '$${name} ${name}', '${name} Ada'],
    ['stays text when it is not closed', '${name', '${name'],
    ['is not what a dollar alone begins', '$5, $name, 5$', '$5, $name, 5$'],
    [
      'is found in nested objects and lists',
      { a: [{ b: '${count}' }, 'x${count}'], c: '${name}' },
      { a: [{ b: 3 }, 'x3'], c: 'Ada' },
    ],
    ['is not looked for in keys', { '${name}': 1 }, { '${name}': 1 }],
    ['leaves everything else as it is', ['text', 1, true, null, undefined], ['text', 1, true, null, undefined]],
  ];
  for (const [name, config, expanded] of cases) {
    it(name, () => {
      expect(expandTemplates(config, values)).to.deep.equal(expanded);
    });
  }

  it('is expanded once: what a value brings is not expanded again', () => {
    expect(expandTemplates(['${a}', 'x${a}'], { a: '${b}', b: 1 })).to.deep.equal(['${b}', 'x${b}']);
  });

  it('is found in objects without a prototype, and not in instances', () => {
    const bare: unknown = Object.assign(Object.create(null), { a: '${count}' });
    expect(expandTemplates(bare, values)).to.deep.equal({ a: 3 });
    const date = new Date(0);
    expect(expandTemplates({ date }, values)).to.deep.equal({ date });
  });

  it('leaves the configuration and the values as they were', () => {
    const config = { a: ['${place}'] };
    const expanded = expandTemplates(config, values) as { readonly a: readonly unknown[] };
    expect(config).to.deep.equal({ a: ['${place}'] });
    expect(expanded.a[0]).to.equal(values.place);
  });

  it('with an unknown name is an error naming it, its place and what was meant', () => {
    const error = refusal({ a: [0, 'x ${naem}'] });
    expect(error.code).to.equal('UNKNOWN_PARAMETER');
    expect(error.at).to.equal('$.a[1]');
    expect(error.message).to.equal(
      'The template at $.a[1] names "naem". Did you mean "name"? Correct its name or declare it.',
    );
  });

  it('with an empty name, or one that every object has, is an error', () => {
    expect(refusal('${}').code).to.equal('UNKNOWN_PARAMETER');
    expect(refusal('${toString}').code).to.equal('UNKNOWN_PARAMETER');
    expect(refusal('${__proto__}').code).to.equal('UNKNOWN_PARAMETER');
  });

  it('with a path that leads nowhere is an error naming it, whole or embedded', () => {
    for (const config of ['${place.town}', 'in ${place.town}', '${name.first}']) {
      const error = refusal(config);
      expect(error.code).to.equal('UNKNOWN_PARAMETER');
    }
    expect(refusal('${place.town}').message).to.equal(
      'The template at $ names "place.town", which does not exist. Correct its name or declare it.',
    );
  });

  it('is expanded by the method of a runtime, too', () => {
    using runtime = new LocalRuntime();
    expect(runtime.expandTemplates({ greeting: 'Hello ${name}' }, { name: 'Ada' })).to.deep.equal({
      greeting: 'Hello Ada',
    });
  });
});

describe('A template as a source', () => {
  const show = defineNode({
    name: 'show',
    inputs: { it: type<unknown>() },
    outputs: { it: type<unknown>() },
    run: ({ it }) => ({ it }),
  });
  const given = { params: { name: 'Ada', place: { city: 'Graz' } } };
  const params = { name: type<string>(), place: type<{ city: string }>(), note: z.string().optional() };

  for (const [what, it_, value] of [
    ['inside text', '${name} of ${place.city}', 'Ada of Graz'],
    ['as a whole text, which keeps its type', '${place}', { city: 'Graz' }],
    ['in objects and lists', { a: ['${name}', 1], b: '<${note}>' }, { a: ['Ada', 1], b: '<>' }],
    ['of which nothing is one', ['$${name}', 2], ['${name}', 2]],
  ] as const)
    it(`of an input, of an output, of a workflow inside and as an alternative: ${what}`, async () => {
      const build = () => {
        const inner = workflow('inner', { params: { it: type<unknown>() } });
        const echo = inner.add('echo', show({ it: inner.params.it }));
        const child = inner.build({ outputs: { it: echo.out.it } });
        const w = workflow('templates', { params });
        const text = template(it_, w.params);
        const direct = w.add('direct', show({ it: text }));
        const within = w.add('within', child({ it: text }));
        const route = w.switch('route', w.params.name, { long: (name) => name.length > 3, short: otherwise });
        const other = w.add('other', show({ it: route.out.long.or(text as never) }));
        return w.build({ outputs: { direct: direct.out.it, out: text, within: within.out.it, other: other.out.it } });
      };
      const run = await both(build, given);
      expect(run.output).to.deep.equal({ direct: value, out: value, within: value, other: value });
    });

  it('that names a path that leads nowhere fails its reader, who says what it reads', async () => {
    const build = () => {
      const w = workflow('templates', { params });
      w.add('a', show({ it: template('in ${place.town}', w.params) }));
      return w.build();
    };
    const run = await both(build, given);
    expect(run.errors).to.deep.equal({ a: 'UNKNOWN_PARAMETER' });
    expect(run.messages.a).to.contain(' names "place.town", which does not exist. ');
  });
});
