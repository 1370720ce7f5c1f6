import { expect } from 'chai';
import { FRAME_KINDS } from '../../../../src/plugins/python/wire/frame.js';
import { decodeBatch } from '../../../../src/plugins/python/wire/frame-reader.js';
import { encodeBatch } from '../../../../src/plugins/python/wire/frame-writer.js';
import { caught } from '../../../support/caught.js';
import { frameOf, goldenFrames } from '../../../support/golden-frames.js';

const PLAIN = { call: 1, kind: FRAME_KINDS.ITEM, text: '[1]', segments: [] };

describe('The golden frames', () => {
  it('name the kinds that are known here', () => expect(goldenFrames.kinds).to.deep.equal(FRAME_KINDS));

  for (const { name, hex, frames } of goldenFrames.written)
    it(`are written as they stand: ${name}`, () =>
      expect(encodeBatch(frames.map(frameOf)).toString('hex')).to.equal(hex));

  for (const { name, hex, frames } of [...goldenFrames.written, ...goldenFrames.read])
    it(`are read as they are described: ${name}`, () =>
      expect(decodeBatch(Buffer.from(hex, 'hex'))).to.deep.equal(frames.map(frameOf)));

  for (const { name, hex } of goldenFrames.refused)
    it(`are refused: ${name}`, () =>
      expect(caught(() => decodeBatch(Buffer.from(hex, 'hex'))).code).to.equal('FRAME_UNREADABLE'));
});

describe('A batch of frames', () => {
  it('comes back whatever the length of its texts, bytes and paths', () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_152]) {
      const data = Buffer.alloc(length, 7);
      const text = JSON.stringify('ü'.repeat(length));
      const file = { path: `/${'p'.repeat(length)}`, size: length * 2 ** 30 };
      const frames = [{ ...PLAIN, text, segments: [data, file] }, PLAIN];

      const [first, second] = decodeBatch(encodeBatch(frames));

      expect(first?.text === text && Buffer.compare(first.segments[0] as Uint8Array, data) === 0).to.equal(true);
      expect(first?.segments[1]).to.deep.equal(file);
      expect(second).to.deep.equal(PLAIN);
    }
  });

  it('is refused wherever it is cut off', () => {
    const bytes = encodeBatch([{ ...PLAIN, segments: [Buffer.of(1, 2), { path: '/f', size: 3 }] }]);
    for (let length = 1; length < bytes.length; length++)
      expect(caught(() => decodeBatch(bytes.subarray(0, length))).code, `${length} bytes`).to.equal('FRAME_UNREADABLE');
  });

  it('is read from a part of other memory', () => {
    const bytes = encodeBatch([PLAIN]);
    const around = Uint8Array.of(1, 2, ...bytes, 3);
    expect(decodeBatch(around.subarray(2, 2 + bytes.length))).to.deep.equal([PLAIN]);
  });

  it('may hold the character that stands for what cannot be read', () =>
    expect(decodeBatch(encodeBatch([{ ...PLAIN, text: '["\ufffd"]' }]))[0]?.text).to.equal('["\ufffd"]'));

  it('is not copied when it is read: its segments are views of it', () => {
    const bytes = encodeBatch([{ ...PLAIN, segments: [Buffer.of(1, 2)] }]);
    const segment = decodeBatch(bytes)[0]?.segments[0] as Uint8Array;
    bytes[bytes.length - 1] = 9;
    expect([...segment]).to.deep.equal([1, 9]);
  });

  it('is not written for a call that has no number of 32 bits', () =>
    expect(() => encodeBatch([{ ...PLAIN, call: 2 ** 32 }])).to.throw(RangeError));

  it('says what is wrong with it, and not what it holds', () => {
    const bytes = encodeBatch([{ ...PLAIN, text: '["secret"]' }]).subarray(0, -1);
    const error = caught(() => decodeBatch(bytes));
    expect(error.message).to.match(/^What a worker sent is cut off\. Use a worker /);
    expect(error.value).to.deep.equal(bytes);
  });
});
