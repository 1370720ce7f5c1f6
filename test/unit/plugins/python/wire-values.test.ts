import { expect } from 'chai';
import { readWireValue } from '../../../../src/plugins/python/values/wire-reader.js';
import { SEGMENT_FROM_BYTES, WireWriter } from '../../../../src/plugins/python/values/wire-writer.js';
import { caught } from '../../../support/caught.js';
import { goldenTexts, goldenValues } from '../../../support/golden-values.js';
import { shown } from '../../../support/shown.js';

const LENGTH = SEGMENT_FROM_BYTES / 8;

/** Values that are long enough to travel beside the text, by the tag that names them in it. */
const LONG: Readonly<Record<string, object>> = {
  bytes: new Uint8Array(256).fill(1),
  buffer: Buffer.alloc(256, 2),
  arraybuffer: new Uint8Array(256).fill(3).buffer,
  dataview: new DataView(new Uint8Array(256).fill(4).buffer),
  uint8clamped: new Uint8ClampedArray(256).fill(5),
  int8: new Int8Array(256).fill(-6),
  int16: new Int16Array(128).fill(-7),
  uint16: new Uint16Array(128).fill(8),
  int32: new Int32Array(64).fill(-9),
  uint32: new Uint32Array(64).fill(10),
  int64: new BigInt64Array(LENGTH).fill(-11n),
  uint64: new BigUint64Array(LENGTH).fill(12n),
  float32: new Float32Array(64).fill(1.5),
  float64: new Float64Array(LENGTH).fill(-2.5),
};

describe('Values on the wire', () => {
  for (const { name, encoded } of goldenTexts)
    it(`have their golden text, and come back: ${name}`, () => {
      const writer = new WireWriter();
      expect([writer.write(goldenValues[name], 'v'), writer.segments]).to.deep.equal([encoded, []]);
      expect(shown(readWireValue(encoded, []))).to.deep.equal(shown(goldenValues[name]));
    });

  for (const [tag, value] of Object.entries(LONG))
    it(`travel beside the text from 256 bytes on, and come back: ${tag}`, () => {
      const writer = new WireWriter();
      const text = writer.write({ before: [value], after: 1 }, 'v');

      expect(text).to.equal(`{"before":[{"$":"segment","v":[0,"${tag}"]}],"after":1}`);
      expect(writer.segments.map(({ byteLength }) => byteLength)).to.deep.equal([256]);
      expect(shown(readWireValue(text, writer.segments))).to.deep.equal(shown({ before: [value], after: 1 }));
    });

  it('stay in the text below 256 bytes', () => {
    const writer = new WireWriter();
    const text = writer.write([new Uint8Array(255)], 'v');
    expect(text).to.match(/^\[\{"\$":"bytes","v":"A+=*"\}\]$/);
    expect(writer.segments).to.deep.equal([]);
  });

  it('of one frame share its segments', () => {
    const writer = new WireWriter();
    const texts = [LONG['int8'], [LONG['float64'], LONG['bytes']]].map((value) => writer.write(value, 'v'));
    expect(texts).to.deep.equal([
      '{"$":"segment","v":[0,"int8"]}',
      '[{"$":"segment","v":[1,"float64"]},{"$":"segment","v":[2,"bytes"]}]',
    ]);
    expect(writer.segments).to.have.length(3);
  });

  it('are written of a view of memory as far as it shows, without a copy', () => {
    const memory = new Float64Array(100);
    const writer = new WireWriter();
    writer.write(memory.subarray(10, 10 + LENGTH), 'v');
    memory[10] = 1;
    const [segment] = writer.segments as [Uint8Array];
    expect(shown(readWireValue('{"$":"segment","v":[0,"float64"]}', [segment]))).to.deep.equal(
      shown(memory.slice(10, 10 + LENGTH)),
    );
  });

  it('are read into memory of their own, wherever in what was received they began', () => {
    const received = Buffer.alloc(2_000).subarray(3, 3 + 256);
    const value = readWireValue('{"$":"segment","v":[0,"float64"]}', [received]) as Float64Array;
    received.fill(255);
    expect([value.length, value.buffer.byteLength, value[0]]).to.deep.equal([LENGTH, 256, 0]);
  });

  it('are an own object that only looks like one that names a segment', () => {
    const writer = new WireWriter();
    const value = { $: 'segment', v: [0, 'bytes'] };
    const text = writer.write(value, 'v');
    expect(text).to.equal('{"$":"object","v":[["$","segment"],["v",[0,"bytes"]]]}');
    expect(readWireValue(text, [])).to.deep.equal(value);
  });

  it('that cannot be passed are refused with their path', () => {
    class Point {}
    const error = caught(() => new WireWriter().write({ rows: [0, { f: new Point() }] }, 'inputs'));
    expect([error.code, error.at]).to.deep.equal(['VALUE_NOT_ENCODABLE', 'inputs.rows[1].f']);
    expect(error.message).to.match(/^The value at inputs\.rows\[1\]\.f is an instance of Point\. Use plain objects/);
  });

  it('that plain data cannot hold in one text are refused as well', () => {
    const long = 'x'.repeat(2 ** 28);
    const error = caught(() => new WireWriter().write([long, long, long], 'inputs'));
    expect([error.code, error.at]).to.deep.equal(['VALUE_NOT_ENCODABLE', 'inputs']);
  });
});

describe('A text that a worker sent', () => {
  const segments = [new Uint8Array(7)];
  const texts: Readonly<Record<string, string>> = {
    'is no JSON': '{',
    'has NaN': '[NaN]',
    'has an unknown tag': '{"$":"numpy","v":1}',
    'names a segment that did not come': '{"$":"segment","v":[1,"bytes"]}',
    'names a segment before the first': '{"$":"segment","v":[-1,"bytes"]}',
    'names a segment by a text': '{"$":"segment","v":["0","bytes"]}',
    'names a segment without a tag': '{"$":"segment","v":[0]}',
    'names a segment of an unknown tag': '{"$":"segment","v":[0,"date"]}',
    'names a segment of numbers that are cut off': '{"$":"segment","v":[0,"int16"]}',
    'names a segment without a list': '{"$":"segment","v":0}',
  };
  for (const [what, text] of Object.entries(texts))
    it(`is refused if it ${what}`, () => {
      const error = caught(() => readWireValue(text, segments));
      expect([error.code, error.value]).to.deep.equal(['FRAME_UNREADABLE', text]);
      expect(error.cause).to.be.an.instanceOf(Error);
    });

  it('is kept in an error with its beginning only, and in none of its causes', () => {
    const text = `["${'x'.repeat(5_000)}", 1,]`;
    const error = caught(() => readWireValue(text, []));
    expect(error.value).to.equal(`${text.slice(0, 1_024)}… (${text.length} characters)`);
    for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause)
      expect(JSON.stringify([cause.message, (cause as { value?: unknown }).value]).length).to.be.lessThan(500);
  });

  it('may have a key twice, of which the last counts, as JSON.parse has it', () =>
    expect(readWireValue('{"a":1,"b":2,"a":3}', [])).to.deep.equal({ a: 3, b: 2 }));
});
