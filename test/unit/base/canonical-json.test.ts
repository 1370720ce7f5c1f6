import { expect } from 'chai';
import { canonicalJson } from '../../../src/base/canonical-json.js';
import { LockstepError } from '../../../src/base/errors.js';

function refusal(value: unknown, root?: string): LockstepError {
  try {
    canonicalJson(value, root);
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

function double(hex: string): number {
  return new DataView(Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)).buffer).getFloat64(
    0,
  );
}

function nested(depth: number, wrap: (inner: unknown) => unknown, innermost: unknown = 1): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

describe('Canonical JSON', () => {
  it('writes the example of RFC 8785, section 3.2.4', () => {
    const input =
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}';
    expect(canonicalJson(JSON.parse(input))).to.equal(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts keys by UTF-16 code units, as in RFC 8785, section 3.2.3', () => {
    const input = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ];
    expect(Object.values(JSON.parse(canonicalJson(input)) as object)).to.have.members(order);
    expect([...canonicalJson(input).matchAll(/:"([^"]+)"/g)].map(([, name]) => name)).to.deep.equal(order);
  });

  const samples: readonly (readonly [hex: string, text: string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ];
  for (const [hex, text] of samples) {
    it(`writes the number ${hex} as ${text} (RFC 8785, appendix B)`, () =>
      expect(canonicalJson(double(hex))).to.equal(text));
  }

  it('writes keys that look like numbers as texts, and texts that look like escaped surrogates as they are', () => {
    expect(canonicalJson({ b: 1, 9: 2, 10: 3, a: { 2: 1, 1: 2, '01': 3 } })).to.equal(
      '{"10":3,"9":2,"a":{"01":3,"1":2,"2":1},"b":1}',
    );
    expect(canonicalJson({ b: '\\ud83d', a: '\u{1f600}' })).to.equal('{"a":"\u{1f600}","b":"\\\\ud83d"}');
  });

  it('gives equal values equal text, whatever the order of keys', () => {
    expect(canonicalJson({ b: [{ y: 1, x: 2 }], a: null }))
      .to.equal(canonicalJson({ a: null, b: [{ x: 2, y: 1 }] }))
      .and.to.equal('{"a":null,"b":[{"x":2,"y":1}]}');
  });

  it('writes empty, frozen and prototype-less containers, and keys such as __proto__', () => {
    expect(canonicalJson({ a: {}, b: [], c: Object.freeze(Object.create(null)) })).to.equal('{"a":{},"b":[],"c":{}}');
    expect(canonicalJson(JSON.parse('{"__proto__":1,"":2}'))).to.equal('{"":2,"__proto__":1}');
  });

  it('writes a value that is shared as often as it occurs', () => {
    const shared = { x: 1 };
    expect(canonicalJson([shared, shared, { shared }])).to.equal('[{"x":1},{"x":1},{"shared":{"x":1}}]');
  });

  it('holds values 10,000 levels deep', () => {
    const depth = 10_000;
    expect(canonicalJson(nested(depth, (inner) => [inner]))).to.equal(`${'['.repeat(depth)}1${']'.repeat(depth)}`);
    expect(canonicalJson(nested(depth, (a) => ({ a })))).to.have.length(depth * 6 + 1);
    const error = refusal(nested(depth, (a) => ({ a }), Number.NaN));
    expect(error.at).to.equal(`$${'.a'.repeat(depth)}`);
    expect(error.message).to.have.length.lessThan(400);
  });

  class Money {
    readonly amount = 1;
  }
  const loop: Record<string, unknown> = {};
  loop.self = [loop];
  const throwing = Object.defineProperty({}, 'x', {
    enumerable: true,
    get: () => {
      throw new TypeError('no');
    },
  });
  const refused: readonly (readonly [what: string, value: unknown, at: string])[] = [
    ['undefined', undefined, '$'],
    ['undefined in an array', { a: [undefined] }, '$.a[0]'],
    ['an undefined property', { a: { b: undefined } }, '$.a.b'],
    ['a hole in an array', Object.assign([1], { 2: 3 }), '$[1]'],
    ['an array with named properties', { m: 'x'.match(/x/) }, '$.m'],
    ['a function', { 'a b': () => 1 }, '$["a b"]'],
    ['a symbol', [Symbol('s')], '$[0]'],
    ['a symbol as a key', { a: { [Symbol('s')]: 1 } }, '$.a'],
    ['a bigint', { n: 1n }, '$.n'],
    ['NaN', [[Number.NaN]], '$[0][0]'],
    ['infinity', { a: -Infinity }, '$.a'],
    ['a Date', { at: new Date(0) }, '$.at'],
    ['a Map', new Map(), '$'],
    ['a Set', [new Set()], '$[0]'],
    ['bytes', { b: new Uint8Array(1) }, '$.b'],
    ['an instance of a class', { m: new Money() }, '$.m'],
    ['a boxed number', [Object(1)], '$[0]'],
    ['an array of a subclass', [new (class extends Array<number> {})()], '$[0]'],
    ['a cycle', { loop }, '$.loop.self[0]'],
    ['half of a surrogate pair', ['\ud83d'], '$[0]'],
    ['half of a surrogate pair in a key', { k: { 'x\ude00': 1 } }, '$.k["x\\ude00"]'],
    ['a property that throws', { a: throwing }, '$.a.x'],
    ['something below a long name', { rows_$1: undefined }, '$.rows_$1'],
    ['something below a name that begins with a digit', { '1a': undefined }, '$["1a"]'],
    ['something below a name with a hyphen', { 'a-b': undefined }, '$["a-b"]'],
    ['something below an empty name', { '': undefined }, '$[""]'],
  ];
  for (const [what, value, at] of refused) {
    it(`refuses ${what}, naming its path`, () => {
      const error = refusal(value);
      expect(error.code).to.equal('UNHASHABLE_LITERAL');
      expect(error.at).to.equal(at);
      expect(error.message).to.contain(at);
    });
  }

  it('says why', () => {
    for (const [value, why] of [
      [undefined, 'is undefined'],
      [() => 1, 'is a function'],
      [Symbol('s'), 'is a symbol'],
      [1n, 'is a bigint'],
      [Number.NaN, 'is NaN'],
      [-Infinity, 'is -Infinity'],
      [new Date(0), 'is [object Date], not a plain object'],
      [new Money(), 'is [object Object], not a plain object'],
      [loop, 'contains itself'],
      [throwing, 'cannot be read'],
    ] as const)
      expect(refusal([value]).message, why).to.contain(` ${why}. `);
  });

  it('cuts a path of more than 120 characters in the middle, in the message alone', () => {
    const long = (length: number): string => 'x'.repeat(length - '$.'.length);
    const whole = refusal({ [long(120)]: undefined });
    expect([whole.at.length, whole.message.startsWith(`The value at ${whole.at} is undefined.`)]).to.deep.equal([
      120,
      true,
    ]);
    const cut = refusal({ [long(121)]: undefined });
    expect([cut.at.length, cut.message.split(' ')[3]]).to.deep.equal([121, `$.${'x'.repeat(58)}…${'x'.repeat(60)}`]);
  });

  it('names the path from the root it is given, and keeps the cause', () => {
    expect(refusal([1n], 'tidy.rows').at).to.equal('tidy.rows[0]');
    expect(refusal(throwing).cause).to.be.instanceOf(TypeError);
  });

  it('carries the offending value, but not in the message', () => {
    const error = refusal({ secret: 123456789n });
    expect(error.value).to.equal(123456789n);
    expect(error.message).to.not.contain('123456789');
  });
});
