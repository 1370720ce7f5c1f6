import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { oneOf, type Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { refusal } from '../../support/caught.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});

/** Both inputs may be missing. */
const loose = defineNode({
  name: 'loose',
  inputs: { a: z.number().optional(), b: z.number().optional() },
  outputs: { n: type<number>() },
  run: ({ a, b }) => ({ n: a ?? b ?? 0 }),
});

const sum = defineNode({
  name: 'sum',
  inputs: { a: type<number>(), b: type<number>() },
  outputs: { n: type<number>() },
  run: ({ a, b }) => ({ n: a + b }),
});

const box = defineNode({
  name: 'box',
  inputs: { n: type<number>() },
  outputs: { box: type<{ readonly n: number }>() },
  run: ({ n }) => ({ box: { n } }),
});

/** The start of a workflow: two switches that are decided independently. */
function start() {
  const w = workflow('branches', { params: { n: type<number>() } });
  const { n } = w.params;
  const one = w.switch('one', n, { big: (value) => value > 10, small: (value) => value <= 10 });
  const two = w.switch('two', n, { even: (value) => value % 2 === 0, odd: (value) => value % 2 !== 0 });
  return { w, n, one, two };
}

type Start = ReturnType<typeof start>;

/** Leads several sources into one input, and tells whether that is reported as unproved. */
function isDoubtful(sources: (given: Start) => readonly Ref<number, string>[]): boolean {
  const given = start();
  given.w.add('end', step({ n: oneOf(...(sources(given) as [Ref<number>, Ref<number>])) }));
  const { warnings } = new LocalRuntime().validateWorkflow(given.w.build());
  for (const { code, at } of warnings) expect([code, at]).to.deep.equal(['unproved-fan-in', 'end.n']);
  return warnings.length > 0;
}

describe('Two sources of one input', () => {
  it('exclude each other behind two cases of one switch, also some nodes further on', () => {
    const sources = ({ w, one }: Start) => [
      w.add('b', step({ n: w.add('a', step({ n: one.out.big })).out.n })).out.n,
      w.add('c', step({ n: one.out.small })).out.n,
    ];
    expect(isDoubtful(sources)).to.equal(false);
  });

  it('do not behind the same case of a switch', () => {
    const sources = ({ w, one }: Start) => [
      w.add('a', step({ n: one.out.big })).out.n,
      w.add('b', step({ n: one.out.big })).out.n,
    ];
    expect(isDoubtful(sources)).to.equal(true);
  });

  it('do not where one is behind a case and the other is always live: which is no error yet', () => {
    const sources = ({ w, n, one }: Start) => [
      w.add('a', step({ n: one.out.big })).out.n,
      w.add('b', step({ n })).out.n,
    ];
    expect(isDoubtful(sources)).to.equal(true);
  });

  it('exclude each other where one needs cases of two switches, whichever comes first', () => {
    for (const [a, b] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const sources = ({ w, one, two }: Start) => [
        w.add('both', sum({ [a]: one.out.big, [b]: two.out.even } as never)).out.n,
        w.add('other', step({ n: one.out.small })).out.n,
      ];
      expect(isDoubtful(sources)).to.equal(false);
      const others = ({ w, one, two }: Start) => [
        w.add('both', sum({ [a]: one.out.big, [b]: two.out.even } as never)).out.n,
        w.add('other', step({ n: two.out.odd })).out.n,
      ];
      expect(isDoubtful(others)).to.equal(false);
    }
  });

  it('exclude each other where a node failed and where it did not', () => {
    const sources = ({ w, n }: Start) => {
      const tried = w.try('tried', step({ n }));
      const length = w.fn('length', { message: tried.error.at('message') }, ({ message }) => message.length);
      return [tried.out.n, length.out.value];
    };
    expect(isDoubtful(sources)).to.equal(false);
  });

  it('exclude each other where one reads a join whose switch lies behind a case, as a whole or by a path', () => {
    const nested = ({ w, one }: Start) =>
      w.switch('inner', one.out.big, { huge: (value) => value > 100, tall: (value) => value <= 100 });
    const whole = (given: Start) => {
      const inner = nested(given);
      const joined = given.w.add('joined', step({ n: inner.join({ huge: inner.out.huge, tall: inner.out.tall }) }));
      return [joined.out.n, given.one.out.small];
    };
    expect(isDoubtful(whole)).to.equal(false);
    const byPath = (given: Start) => {
      const inner = nested(given);
      const huge = given.w.add('huge', box({ n: inner.out.huge }));
      const tall = given.w.add('tall', box({ n: inner.out.tall }));
      const joined = inner.join({ huge: huge.out.box, tall: tall.out.box });
      const read = given.w.add('read', step({ n: joined.at('n') }));
      return [read.out.n, given.one.out.small];
    };
    expect(isDoubtful(byPath)).to.equal(false);
  });

  it('must all exclude each other: three of which two do not are doubtful', () => {
    const sources = ({ w, one, two }: Start) => [
      w.add('a', step({ n: one.out.big })).out.n,
      w.add('b', step({ n: one.out.small })).out.n,
      w.add('c', step({ n: two.out.odd })).out.n,
    ];
    expect(isDoubtful(sources)).to.equal(true);
  });

  it('do not exclude each other where a node runs without its optional input, unless it joins all', () => {
    const withJoin = (join: 'required' | 'all' | 'any' | 'always') => (given: Start) => [
      given.w.add('loose', loose({ a: given.one.out.big, b: given.n }), { join: join as 'any' }).out.n,
      given.w.add('other', step({ n: given.one.out.small })).out.n,
    ];
    for (const [join, doubtful] of [
      ['required', true],
      ['all', false],
      ['any', true],
      ['always', true],
    ] as const)
      expect(isDoubtful(withJoin(join)), join).to.equal(doubtful);
  });

  for (const join of ['any', 'always'] as const)
    it(`do not exclude each other where a node has a literal for its dead input, and joins ${join}`, () => {
      const sources = ({ w, n, one }: Start) => {
        const node = w.node('sum', sum, { a: 1 }, { join });
        w.connect(one.out.big, 'sum.a').connect(n, 'sum.b');
        return [node.out.n, w.add('other', step({ n: one.out.small })).out.n];
      };
      expect(isDoubtful(sources)).to.equal(true);
    });
});

describe('A node that may start without its inputs', () => {
  const built = (join: 'any' | 'always', input: (given: Start) => Ref<number, string>) => () => {
    const given = start();
    given.w.add('end', step({ n: input(given) as Ref<number> }), { join: join as 'any' });
    return given.w.build();
  };
  const refused = {
    code: 'JOIN_NEEDS_OPTIONAL',
    at: 'end.n',
    message:
      'Node "end" may start (join "always") while its required input "n" has no live source. Make the input optional, or use the join that waits for it.',
  };

  it('is refused where its only input may be dead and it joins always, not where it joins any', () => {
    expect(refusal(built('always', ({ one }) => one.out.big))).to.deep.equal(refused);
    expect(built('any', ({ one }) => one.out.big)).not.to.throw();
  });

  it('is refused where every one of several sources may be dead', () => {
    expect(refusal(built('always', ({ one, two }) => oneOf(one.out.big, two.out.even)))).to.deep.equal(refused);
    expect(refusal(built('always', ({ one, two }) => one.out.big.or(two.out.even)))).to.deep.equal(refused);
  });

  it('is taken where one of several sources is always live', () => {
    expect(built('always', ({ one, n }) => one.out.big.or(n))).not.to.throw();
    expect(built('always', ({ one }) => one.out.big.or(0))).not.to.throw();
  });
});
