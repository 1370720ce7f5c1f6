import { expect } from 'chai';
import { plainBytes } from '../../../../src/base/history/bytes.js';
import {
  decodeValue,
  encodeValue,
  hashableForm,
  VALUE_CODEC_VERSION,
} from '../../../../src/base/history/value-codec.js';
import { nodeBytes } from '../../../../src/runtimes/node-bytes.js';
import { caught } from '../../../support/caught.js';
import { goldenTexts, goldenValues } from '../../../support/golden-values.js';
import { shown } from '../../../support/shown.js';

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value, '$'), { bytes: nodeBytes });
}

function nested(depth: number, wrap: (inner: unknown) => unknown, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

describe('The golden texts of values', () => {
  it('are those of version 1, one for each value', () => {
    expect(VALUE_CODEC_VERSION).to.equal(1);
    expect(goldenTexts.map(({ name }) => name)).to.deep.equal(Object.keys(goldenValues));
  });

  for (const { name, encoded } of goldenTexts) {
    for (const [platform, bytes] of Object.entries({ ECMAScript: plainBytes, Node: nodeBytes }))
      it(`are written as they stand: ${name} (bytes by ${platform})`, () =>
        expect(encodeValue(goldenValues[name], '$', bytes)).to.equal(encoded));
    it(`are read as they are described: ${name}`, () =>
      expect(shown(decodeValue(encoded, { bytes: nodeBytes }))).to.deep.equal(shown(goldenValues[name])));
  }
});

describe('The value codec', () => {
  it('writes plain data as JSON.stringify does', () => {
    const value = { scope: 'all[3]/', list: [1, 2.5, -3e-9, null, true, '"'], inner: { 'two words': {} } };
    expect(encodeValue(value, '$')).to.equal(JSON.stringify(value));
  });

  it('writes plain data beside what is not in the same way', () => {
    const plain = { n: [1, 2.5, -3e-9, 1e21, null, false], s: '\ud800"\n', inner: { a: {}, b: [] } };
    expect(encodeValue([plain, undefined], '$')).to.equal(`[${JSON.stringify(plain)},{"$":"undefined"}]`);
    expect(encodeValue({ ...plain, u: 1n }, '$')).to.equal(
      `${JSON.stringify(plain).slice(0, -1)},"u":{"$":"bigint","v":"1"}}`,
    );
  });

  for (const text of ['"', '\\', '\n', '\u001f', '\ud800', '\udfff', '😀', ' !#[]~\u007f\ud7ff\ue000\uffff'])
    it(`writes the text ${JSON.stringify(text)} as JSON.stringify does, as a value and as a key`, () =>
      expect(encodeValue({ [text]: text, none: undefined }, '$')).to.equal(
        `${JSON.stringify({ [text]: text }).slice(0, -1)},"none":{"$":"undefined"}}`,
      ));

  for (const value of [-0, Number.NaN, Number.NEGATIVE_INFINITY, undefined, 0n, new Date(0)])
    it(`finds a single value that JSON cannot hold: ${Object.is(value, -0) ? '-0' : value}`, () => {
      for (const around of [value, { a: value }, [1, value]])
        expect(shown(roundTrip(around))).to.deep.equal(shown(around));
    });

  it('writes a shared value as often as it occurs, and gives back two', () => {
    const shared = { at: new Date(5) };
    const [first, second] = roundTrip([shared, shared]) as [typeof shared, typeof shared];
    expect([first, second]).to.deep.equal([shared, shared]);
    expect(first).to.not.equal(second);
  });

  it('writes of a view of memory what it shows, and gives it memory of its own', () => {
    const bytes = roundTrip(Uint8Array.of(1, 2, 3, 4).subarray(1, 3)) as Uint8Array;
    expect([[...bytes], bytes.byteOffset, bytes.buffer.byteLength]).to.deep.equal([[2, 3], 0, 2]);
    const numbers = roundTrip(Float64Array.of(1, 2, 3).subarray(2)) as Float64Array;
    expect([[...numbers], numbers.buffer.byteLength]).to.deep.equal([[3], 8]);
  });

  it('gives a Buffer back as one where the platform has it, as a Uint8Array elsewhere', () => {
    const text = encodeValue(Buffer.from('häuser').subarray(1), '$');
    expect((decodeValue(text, { bytes: nodeBytes }) as Buffer).toString()).to.equal('äuser');
    const elsewhere = decodeValue(text) as Uint8Array;
    expect(Object.getPrototypeOf(elsewhere)).to.equal(Uint8Array.prototype);
    expect([...elsewhere]).to.deep.equal([...Buffer.from('äuser')]);
  });

  it('gives an accessor back as the value that it had, and leaves out what cannot be enumerated', () => {
    const value = Object.defineProperty(
      {
        get a() {
          return new Date(7);
        },
      },
      'hidden',
      { value: 1 },
    );
    expect(shown(roundTrip(value))).to.deep.equal(shown({ a: new Date(7) }));
  });

  it('never sets a prototype, whatever the keys are called', () => {
    const text = '{"__proto__":{"$":"object","v":[["$",1],["__proto__",{"polluted":{"$":"bigint","v":"1"}}]]}}';
    const value = decodeValue(text) as Record<string, Record<string, unknown>>;
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    const inner = Object.getOwnPropertyDescriptor(value, '__proto__')?.value as object;
    expect(Object.keys(inner)).to.deep.equal(['$', '__proto__']);
    expect(Object.getPrototypeOf(inner)).to.equal(Object.prototype);
    expect('polluted' in value || 'polluted' in inner).to.equal(false);
    expect(encodeValue(value, '$')).to.equal(text);
  });

  it('takes a text for no tag that only looks like one', () => {
    for (const value of ['{"$":"bigint","v":"1"}', { '"$': 1 }, { a: '"$":' }])
      expect(roundTrip(value)).to.deep.equal(value);
  });

  it('holds values 10,000 levels deep', () => {
    const depth = 10_000;
    const text = encodeValue(
      nested(depth, (inner) => [inner], 1),
      '$',
    );
    expect(text).to.equal(`${'['.repeat(depth)}1${']'.repeat(depth)}`);
    expect(encodeValue(decodeValue(text), '$')).to.equal(text);
    const dated = encodeValue(
      nested(depth, (a) => new Map([[a, 0]]), new Date(0)),
      '$',
    );
    expect(encodeValue(decodeValue(dated), '$')).to.equal(dated);
  });

  it('writes an array of a length that nobody could fill', () => {
    const array: unknown[] = [];
    array[4_294_967_294] = 'last';
    const text = encodeValue(array, '$');
    expect(text).to.equal('{"$":"sparse","v":[4294967295,[[4294967294,"last"]]]}');
    expect((decodeValue(text) as unknown[]).at(-1)).to.equal('last');
  });

  it('reads a typed array of Node memory that begins anywhere', () => {
    const text = encodeValue([Buffer.from('a'), Float64Array.of(1.5), new Uint8Array(40_000).fill(7)], '$', nodeBytes);
    expect(shown(decodeValue(text, { bytes: nodeBytes }))).to.deep.equal(
      shown([Buffer.from('a'), Float64Array.of(1.5), new Uint8Array(40_000).fill(7)]),
    );
    expect(encodeValue(decodeValue(text, { bytes: nodeBytes }), '$')).to.equal(text);
  });
});

describe('What the value codec cannot read', () => {
  const texts: Readonly<Record<string, string>> = {
    'text that is not JSON': '{',
    'a tag that it does not know': '{"$":"regexp","v":"a"}',
    'a tag that is no text': '{"$":1}',
    'a tag that is null': '{"$":null}',
    'a tag that every object has': '{"$":"constructor","v":""}',
    'a number that is none of the four': '{"$":"number","v":"1"}',
    'a bigint that is none': '{"$":"bigint","v":"1.5"}',
    'a bigint that is a number': '{"$":"bigint","v":1}',
    'a date that is a text': '{"$":"date","v":"2024-01-01"}',
    'a map without a list': '{"$":"map","v":{}}',
    'a map without pairs': '{"$":"map","v":[1]}',
    'a set without a list': '{"$":"set"}',
    'an object without pairs': '{"$":"object","v":[null]}',
    'a bare object without a list': '{"$":"bare","v":"ab"}',
    'an array of an impossible length': '{"$":"sparse","v":[-1,[]]}',
    'bytes that are no text': '{"$":"bytes","v":[1]}',
    'bytes that are no base64': '{"$":"bytes","v":"ab*d"}',
    'bytes without their padding': '{"$":"bytes","v":"abc"}',
    'bytes with padding in between': '{"$":"bytes","v":"a=bc"}',
    'numbers that are cut off': '{"$":"int16","v":"AA=="}',
    'a blob outside an event': '{"$":"blob","v":"00"}',
    'bytes beside the text, which only the wire has': '{"$":"segment","v":[0,"bytes"]}',
  };
  for (const [what, text] of Object.entries(texts))
    it(`is refused: ${what}`, () => {
      const error = caught(() => decodeValue(text));
      expect([error.code, error.value]).to.deep.equal(['VALUE_UNREADABLE', text]);
      expect(error.cause).to.be.an.instanceOf(Error);
    });
});

describe('The form by which a literal is hashed', () => {
  it('is the literal itself where it is plain JSON data', () => {
    const value = { b: [1, 'two'], a: null };
    expect(hashableForm(value, '$')).to.equal(value);
  });

  it('is tagged where JSON cannot hold it', () => {
    expect(hashableForm({ at: new Date(3), big: 2n }, '$')).to.deep.equal({
      at: { $: 'date', v: 3 },
      big: { $: 'bigint', v: '2' },
    });
  });

  it('knows no order of keys, no sign of zero and no missing prototype, as canonical JSON does not', () => {
    const bare = Object.assign(Object.create(null) as object, { b: -0, a: { v: 1, $: 2 } });
    expect(JSON.stringify(hashableForm(bare, '$'))).to.equal('{"a":{"$":"object","v":[["$",2],["v",1]]},"b":0}');
  });

  it('is refused for code, with its path', () => {
    expect(caught(() => hashableForm([{ f: () => 1 }], 'n.x'))).to.include({
      code: 'UNHASHABLE_LITERAL',
      at: 'n.x[0].f',
    });
  });
});
