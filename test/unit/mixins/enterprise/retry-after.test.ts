import { expect } from 'chai';
import { retryAfterOf } from '../../../../src/mixins/enterprise/retry-after.js';

const now = Date.UTC(2024, 0, 1, 0, 0, 0);
const fails = (): never => {
  throw new Error('do not read me');
};
const hostile = new Proxy({}, { get: fails, getPrototypeOf: fails, has: fails, ownKeys: fails });

describe('retryAfterOf', () => {
  const cases: readonly (readonly [string, unknown, number | undefined])[] = [
    ['nothing that asks', new Error('x'), undefined],
    ['retryAfterMs', { retryAfterMs: 250 }, 250],
    ['retryAfterMs of 0', { retryAfterMs: 0 }, 0],
    ['retryAfterMs that is negative', { retryAfterMs: -1 }, undefined],
    ['retryAfterMs that is infinite', { retryAfterMs: Number.POSITIVE_INFINITY }, undefined],
    ['retryAfterMs that is no number', { retryAfterMs: Number.NaN }, undefined],
    ['retryAfterMs as text', { retryAfterMs: '250' }, undefined],
    ['retryAfterMs that is wrong, and retryAfter', { retryAfterMs: -1, retryAfter: 2 }, 2_000],
    ['retryAfterMs before retryAfter', { retryAfterMs: 5, retryAfter: 2 }, 5],
    ['retryAfter, seconds', { retryAfter: 2 }, 2_000],
    ['retryAfter, a part of a second', { retryAfter: 0.5 }, 500],
    ['retryAfter of 0', { retryAfter: 0 }, 0],
    ['retryAfter, negative', { retryAfter: -2 }, undefined],
    ['retryAfter, infinite', { retryAfter: Number.POSITIVE_INFINITY }, undefined],
    ['retryAfter, seconds as text', { retryAfter: ' 30 ' }, 30_000],
    ['retryAfter, negative seconds as text', { retryAfter: '-5' }, undefined],
    ['retryAfter, a broken number as text', { retryAfter: '1.5' }, undefined],
    ['retryAfter, a text with a number', { retryAfter: 'limit 2030' }, undefined],
    ['retryAfter, empty', { retryAfter: '' }, undefined],
    ['retryAfter, a date of HTTP', { retryAfter: 'Mon, 01 Jan 2024 00:00:07 GMT' }, 7_000],
    ['retryAfter, an old date of HTTP', { retryAfter: 'Monday, 01-Jan-24 00:00:08 GMT' }, 8_000],
    ['retryAfter, a date of ISO 8601', { retryAfter: '2024-01-01T00:00:09.500Z' }, 9_500],
    ['retryAfter, a date in another zone', { retryAfter: '2024-01-01T01:00:01+01:00' }, 1_000],
    ['retryAfter, a date that has passed', { retryAfter: 'Sun, 31 Dec 2023 23:59:59 GMT' }, 0],
    ['retryAfter, a date that does not exist', { retryAfter: 'Mon, 99 Jan 2024 00:00:07 GMT' }, undefined],
    ['retryAfter, a date after other words', { retryAfter: 'at Mon, 01 Jan 2024 00:00:07 GMT' }, undefined],
    ['retryAfter, a date before other words', { retryAfter: 'Mon, 01 Jan 2024 00:00:07 GMT.' }, undefined],
    ['retryAfter, an ISO date after other words', { retryAfter: 'x2024-01-01T00:00:09Z' }, undefined],
    ['retryAfter, an object', { retryAfter: {} }, undefined],
    ['a header of fetch', { headers: new Headers({ 'Retry-After': '3' }) }, 3_000],
    ['a header of a response of fetch', { response: { headers: new Headers({ 'retry-after': '4' }) } }, 4_000],
    ['a header of a plain object', { headers: { 'retry-after': '5' } }, 5_000],
    ['a header of a plain object, in capitals', { headers: { 'Retry-After': 6 } }, 6_000],
    ['a header of a response, a plain object', { response: { headers: { 'retry-after': '8' } } }, 8_000],
    ['headers without it', { headers: new Headers({ a: '1' }) }, undefined],
    ['headers without it, but a response with it', { headers: {}, response: { headers: { 'retry-after': 1 } } }, 1_000],
    ['retryAfter before headers', { retryAfter: 1, headers: { 'retry-after': 9 } }, 1_000],
    [
      'headers before a response',
      { headers: { 'retry-after': 2 }, response: { headers: { 'retry-after': 9 } } },
      2_000,
    ],
    ['null', null, undefined],
    ['a text', 'retry-after: 5', undefined],
    ['a function with the property', Object.assign(() => 1, { retryAfterMs: 5 }), undefined],
    ['an object that must not be read', hostile, undefined],
    [
      'a property that throws, another that does not',
      Object.defineProperty({ retryAfter: 1 }, 'retryAfterMs', { get: fails }),
      1_000,
    ],
    ['headers that must not be read', { headers: hostile }, undefined],
    ['headers whose get throws', { headers: { get: fails, 'retry-after': '5' } }, undefined],
    ['headers whose get answers an object', { headers: { get: () => hostile } }, undefined],
    ['a response that must not be read', { response: hostile }, undefined],
  ];
  for (const [name, error, expected] of cases) {
    it(`${name}: ${expected ?? 'asks for nothing'}`, () => {
      expect(retryAfterOf(error, now)).to.equal(expected);
    });
  }

  it('asks the headers themselves', () => {
    const headers = {
      seconds: '7',
      get(name: string) {
        return name === 'retry-after' ? this.seconds : null;
      },
    };
    expect(retryAfterOf({ headers }, now)).to.equal(7_000);
  });
});

describe('retryAfterOf, when a header is answered with a promise', () => {
  it('asks for no wait, and handles its rejection', async () => {
    let handled = false;
    const answer = {
      then: (_: unknown, onRejected?: () => void) => {
        handled = onRejected !== undefined;
      },
    };
    expect(retryAfterOf({ headers: { get: () => answer } }, 0)).to.equal(undefined);
    expect(handled).to.equal(true);
  });
});
