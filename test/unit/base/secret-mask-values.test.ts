import { expect } from 'chai';
import { maskError, maskText, maskValue } from '../../../src/base/secret-mask.js';

const secrets = new Map([
  ['A', 'alpha'],
  ['B', 'beta-1'],
  ['NONE', ''],
]);

describe('maskText', () => {
  it('leaves no rest of secrets that lie inside or overlap another, in whatever order they are named', () => {
    for (const values of [
      ['abcd', 'cdef', 'bc'],
      ['bc', 'cdef', 'abcd'],
    ]) {
      const overlapping = new Map(values.map((value) => [value, value]));
      expect(maskText('<abcdef> <bc> <abcd>', overlapping)).to.equal('<[secret]> <[secret]> <[secret]>');
    }
  });

  it('shows secrets that touch as two', () => {
    expect(maskText('alphabeta-1', secrets)).to.equal('[secret][secret]');
  });

  it('takes a secret that repeats itself as one', () => {
    expect(maskText('xaaaaay', new Map([['A', 'aaa']]))).to.equal('x[secret]y');
  });

  it('changes nothing when it is done twice, even for a secret that occurs in the mask', () => {
    const odd = new Map([['S', 'secret']]);
    const once = maskText('the secret', odd);
    expect(once).to.equal('the [secret]');
    expect(maskText(once, odd)).to.equal('the [secret]');
  });
});

describe('maskError', () => {
  it('masks names and codes, too', () => {
    expect(maskError({ name: 'alpha', code: 'alpha', message: 'x alpha' }, secrets)).to.deep.equal({
      name: '[secret]',
      code: '[secret]',
      message: 'x [secret]',
    });
  });
});

describe('maskValue', () => {
  const mask = (value: unknown): unknown => maskValue(value, secrets);

  it('returns what holds no secret as it is, without a copy', () => {
    for (const value of [
      1,
      null,
      undefined,
      true,
      'text',
      { a: [1] },
      [],
      new Date(0),
      new Map([[1, 2]]),
      new Error('x'),
      new Uint8Array(2),
    ]) {
      expect(mask(value)).to.equal(value);
    }
  });

  it('masks Maps and Sets, keys included, and leaves the original', () => {
    const map = new Map<unknown, unknown>([['alpha', ['alpha']]]);
    expect(mask({ map, set: new Set(['alpha']) })).to.deep.equal({
      map: new Map([['[secret]', ['[secret]']]]),
      set: new Set(['[secret]']),
    });
    expect([...map.keys()]).to.deep.equal(['alpha']);
  });

  it('keeps instances beside a secret as they are', () => {
    const date = new Date(0);
    const masked = mask({ date, token: 'alpha' }) as { readonly date: unknown };
    expect(masked.date).to.equal(date);
  });

  it('turns an instance that holds a secret into what it shows of itself', () => {
    class Session {
      readonly token = 'alpha';
      readonly user = 'me';
    }
    class Secretive {
      toJSON() {
        return { token: 'alpha' };
      }
    }
    expect(mask(new Session())).to.deep.equal({ token: '[secret]', user: 'me' });
    expect(mask([new Secretive()])).to.deep.equal([{ token: '[secret]' }]);
    expect(mask(new URL('https://alpha@example.org/'))).to.equal('https://[secret]@example.org/');
  });

  it('keeps an error an error: message, stack, cause and what was added to it', () => {
    const error = Object.assign(new TypeError('no alpha', { cause: new Error('beta-1') }), { token: 'alpha' });
    const masked = mask(error) as TypeError & { readonly token: string };
    expect(masked).to.be.instanceOf(TypeError);
    expect(masked).not.to.equal(error);
    expect([masked.message, (masked.cause as Error).message, masked.token]).to.deep.equal([
      'no [secret]',
      '[secret]',
      '[secret]',
    ]);
    expect(masked.stack).to.include('[secret]').and.not.include('alpha');
    expect(Object.keys(masked)).to.deep.equal(['token']);
  });

  it('never throws: what cannot be read, or is too deep, is not shown', () => {
    const value = {
      token: 'alpha',
      get broken(): never {
        throw new Error('no');
      },
    };
    expect(mask(value)).to.equal('[unreadable]');
    let deep: unknown = 'alpha';
    for (let level = 0; level < 200_000; level++) deep = [deep];
    expect(mask(deep)).to.equal('[unreadable]');
  });
});
