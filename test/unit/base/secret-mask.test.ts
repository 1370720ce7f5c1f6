import { expect } from 'chai';
import { maskError, maskText, maskValue } from '../../../src/base/secret-mask.js';

const secrets = new Map([
  ['SHORT', 'abc'],
  ['LONG', 'abcdef'],
  ['EMPTY', ''],
]);
const NONE = new Map<string, string>();

describe('secret mask', () => {
  it('replaces every occurrence of every secret in a text', () => {
    expect(maskText('key=abc, again abc', secrets)).to.equal('key=[secret], again [secret]');
    expect(maskText('nothing here', secrets)).to.equal('nothing here');
  });

  it('replaces a longer secret before one inside it, whatever the order of declaration', () => {
    expect(maskText('x abcdef y', secrets)).to.equal('x [secret] y');
    expect(maskText('x abcdef y', new Map([...secrets].reverse()))).to.equal('x [secret] y');
  });

  it('takes secrets as text, not as patterns', () => {
    expect(maskText('a.c abc $& a.c', new Map([['DOT', 'a.c']]))).to.equal('[secret] abc $& [secret]');
  });

  it('ignores an empty secret', () => {
    expect(maskText('abc', new Map([['EMPTY', '']]))).to.equal('abc');
  });

  it('replaces secrets in strings, keys, arrays and plain objects of any depth, and copies what it changes', () => {
    const value = { abc: ['abc', { deep: 'x abc' }], n: 1, none: null, gone: undefined };
    expect(maskValue(value, secrets)).to.deep.equal({
      '[secret]': ['[secret]', { deep: 'x [secret]' }],
      n: 1,
      none: null,
      gone: undefined,
    });
    expect(value.abc[0]).to.equal('abc');
  });

  it('replaces secrets in maps, sets and objects without a prototype', () => {
    expect(maskValue(Object.assign(Object.create(null), { a: 'abc' }), secrets)).to.deep.equal({ a: '[secret]' });
    expect(maskValue(new Map([['abc', new Set(['x', 'abc'])]]), secrets)).to.deep.equal(
      new Map([['[secret]', new Set(['x', '[secret]'])]]),
    );
  });

  it('leaves an object of a class as it is where no secret shows in it', () => {
    class Row {
      readonly name = 'x';
    }
    for (const value of [new Date(0), new Row(), new Uint8Array(3), /abc/])
      expect(maskValue(value, secrets)).to.equal(value);
  });

  it('keeps cycles and shared parts', () => {
    const shared = { s: 'abc' };
    const value: Record<string, unknown> = { one: shared, two: shared };
    value.self = value;
    value.list = [value];
    const masked = maskValue(value, secrets) as Record<string, unknown>;
    expect(masked.self).to.equal(masked);
    expect((masked.list as unknown[])[0]).to.equal(masked);
    expect(masked.one).to.equal(masked.two);
    expect(masked.one).to.deep.equal({ s: '[secret]' });
  });

  it('keeps a property called __proto__ as a property', () => {
    const masked = maskValue(JSON.parse('{"__proto__": {"polluted": "abc"}}'), secrets) as object;
    expect(Object.keys(masked)).to.deep.equal(['__proto__']);
    expect(Object.getPrototypeOf(masked)).to.equal(Object.prototype);
    expect('polluted' in masked).to.equal(false);
  });

  it('replaces secrets in messages of errors and of all their causes', () => {
    const error = {
      name: 'E',
      code: 'X',
      message: 'abc',
      cause: { name: 'F', code: 'Y', message: 'in abcdef', cause: { name: 'G', code: 'Z', message: 'abc' } },
    };
    expect(maskError(error, secrets)).to.deep.equal({
      name: 'E',
      code: 'X',
      message: '[secret]',
      cause: { name: 'F', code: 'Y', message: 'in [secret]', cause: { name: 'G', code: 'Z', message: '[secret]' } },
    });
    expect(maskError(error, NONE)).to.equal(error);
  });
});
