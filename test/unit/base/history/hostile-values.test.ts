import { expect } from 'chai';
import { encodeValue } from '../../../../src/base/history/value-codec.js';
import { caught } from '../../../support/caught.js';

class Money {
  readonly amount = 1;
}
class Pixels extends Uint8Array {}
class Dates extends Map {}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(name: string): object {
  const get = (): never => {
    throw new TypeError('no');
  };
  return Object.defineProperty({ first: 1 }, name, { enumerable: true, get });
}

function detached(): Uint8Array {
  const bytes = Uint8Array.of(1);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const loop: Record<string, unknown> = { list: [] };
(loop.list as unknown[]).push(1, loop);
const looping = new Map<unknown, unknown>();
looping.set('a', new Set([looping]));
const deep: unknown[] = [];
let innermost = deep;
for (let level = 0; level < 20_000; level++) {
  const next: unknown[] = [];
  innermost.push(next);
  innermost = next;
}
innermost.push(deep);

const resizable = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(1, { maxByteLength: 2 });
const nameless = Object.create({ constructor: Object.defineProperty(class {}, 'name', { value: 1 }) }) as object;

/** Values in `{ x: [0, value] }`, and where in it the error points. */
const refused: readonly (readonly [what: string, value: unknown, why: string, inside?: string])[] = [
  ['a function', () => 1, 'is a function'],
  ['a class', Money, 'is a function'],
  ['a method in an object', { a: { run() {} } }, 'is a function', '.a.run'],
  ['a symbol', Symbol('s'), 'is a symbol'],
  ['a symbol as a key', { a: { [Symbol('s')]: 1 } }, 'has a symbol as a key', '.a'],
  ['a symbol as a key of an array', Object.assign([1], { [Symbol('s')]: 1, length: 3 }), 'has a symbol as a key'],
  ['an instance of a class', { 'a b': new Money() }, 'is an instance of Money', '["a b"]'],
  ['an error', new RangeError('no'), 'is an instance of RangeError'],
  ['a regular expression', /a/, 'is an instance of RegExp'],
  ['a URL', new URL('http://localhost'), 'is an instance of URL'],
  ['a promise', Promise.resolve(), 'is an instance of Promise'],
  ['a WeakMap', new WeakMap(), 'is an instance of WeakMap'],
  ['a boxed number', Object(1), 'is an instance of Number'],
  ['a boxed string', Object('a'), 'is an instance of String'],
  ['a boxed bigint', Object(1n), 'is an instance of BigInt'],
  ['shared memory', new SharedArrayBuffer(1), 'is an instance of SharedArrayBuffer'],
  ['a view of shared memory', new Int32Array(new SharedArrayBuffer(4)), 'is a view of shared memory'],
  ['memory that can be resized', resizable, 'is an ArrayBuffer that can be resized'],
  ['memory that was given away', detached(), 'cannot be read'],
  ['a subclass of a typed array', new Pixels(1), 'is an instance of Pixels'],
  [
    'what inherits from a Buffer',
    Object.setPrototypeOf(Buffer.of(1), Object.create(Buffer.prototype)),
    'is an instance of Buffer',
  ],
  ['a subclass of Map', new Dates(), 'is an instance of Dates'],
  ['a subclass of Array', new (class Stack extends Array {})(), 'is an instance of Stack'],
  ['an object of a class without a name', new (class {})(), 'is an instance of a class'],
  ['an object of a class whose name is no text', nameless, 'is an instance of a class'],
  ['an object with a prototype without a constructor', Object.create(Object.create(null)), 'is an instance of a class'],
  ['an object that pretends to be a Date', Object.create(Date.prototype), 'cannot be read'],
  ['an object that pretends to be a Map', Object.create(Map.prototype), 'cannot be read'],
  ['an object that pretends to be an array', Object.create(Array.prototype), 'is an instance of Array'],
  ['an object that pretends to be bytes', Object.create(Uint8Array.prototype), 'cannot be read'],
  [
    'a date with a property',
    Object.assign(new Date(), { zone: 'UTC' }),
    'has properties of its own, which would be lost',
  ],
  ['a map with a property', Object.assign(new Map(), { a: 1 }), 'has properties of its own, which would be lost'],
  ['the result of a match', /a(b)?/.exec('a'), 'is an array with named properties'],
  [
    'an array with a named property and a hole',
    Object.assign(new Array(2), { '01': 1 }),
    'is an array with named properties',
  ],
  ['an array with a number as a name', Object.assign([1], { 4294967295: 1 }), 'is an array with named properties'],
  ['what contains itself', loop, 'contains itself', '.list[1]'],
  ['a map that contains itself', looping, 'contains itself', '[0][1][0]'],
  ['a function as a key of a map', new Map<unknown, number>().set(1, 1).set(() => 1, 1), 'is a function', '[1][0]'],
  ['a function in a set', new Set([0, () => 1]), 'is a function', '[1]'],
  ['a function beside a key $', { $: 1, f: () => 1 }, 'is a function', '.f'],
  ['a function behind a hole', Object.assign(new Array(2), { 1: () => 1 }), 'is a function', '[1]'],
  ['an accessor that throws', { a: throwing('when') }, 'cannot be read', '.a.when'],
  ['a revoked proxy', revoked(), 'cannot be read'],
  [
    'a proxy that throws',
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    ),
    'cannot be read',
  ],
  ['a proxy of a map', new Proxy(new Map(), {}), 'cannot be read'],
  ['an object whose constructor cannot be read', Object.create(throwing('constructor')), 'cannot be read'],
];

describe('A value that cannot be stored', () => {
  for (const [what, value, why, inside = ''] of refused)
    it(`is refused with its path: ${what}`, () => {
      const error = caught(() => encodeValue({ x: [0, value] }, 'output'));
      expect(error.code).to.equal('VALUE_NOT_STORABLE');
      expect(error.at).to.equal(`output.x[1]${inside}`);
      expect(error.message).to.match(new RegExp(`^The value at output\\.x\\[1\\].* ${why}\\. Use plain objects`));
    });

  it('keeps what made it unreadable as the cause', () => {
    expect(caught(() => encodeValue(throwing('when'), '$')).cause).to.be.an.instanceOf(TypeError);
  });

  it('is refused at the top as well', () => {
    expect(caught(() => encodeValue(() => 1, '$'))).to.include({ code: 'VALUE_NOT_STORABLE', at: '$' });
  });

  it('is refused where it contains itself 20,000 levels down, with a message of a length that can be read', () => {
    const error = caught(() => encodeValue(deep, '$'));
    expect(error.at).to.equal(`$${'[0]'.repeat(20_001)}`);
    expect(error.message)
      .to.match(/ contains itself\./)
      .and.to.have.length.lessThan(400);
  });

  it('is refused with the same error where it cannot be read a second time', () => {
    let reads = 0;
    const once = {
      get a(): number {
        if (reads++ > 0) throw new RangeError('no');
        return 1;
      },
    };
    const error = caught(() => encodeValue(once, 'output'));
    expect([error.code, error.at]).to.deep.equal(['VALUE_NOT_STORABLE', 'output']);
    expect(error.cause).to.be.an.instanceOf(RangeError);
  });
});

describe('A value that says how JSON shall write it', () => {
  it('is written by its properties', () => {
    const proxy = new Proxy({ a: 1 }, { get: (target, key) => (key === 'a' ? target.a : () => 'toJSON') });
    expect(encodeValue({ proxy }, '$')).to.equal('{"proxy":{"a":1}}');
    const inherited = Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'lost', configurable: true });
    try {
      expect(encodeValue({ a: [1] }, '$')).to.equal('{"a":[1]}');
    } finally {
      Reflect.deleteProperty(inherited, 'toJSON');
    }
  });
});
