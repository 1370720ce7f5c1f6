import { expect } from 'chai';
import { bytesOf, portable } from '../../../../src/base/history/byte-values.js';
import { type BytesPort, plainBytes } from '../../../../src/base/history/bytes.js';
import { nodeBytes } from '../../../../src/runtimes/node-bytes.js';

const ports: Readonly<Record<string, BytesPort>> = { ECMAScript: plainBytes, Node: nodeBytes };

describe('Base64', () => {
  for (const [platform, port] of Object.entries(ports)) {
    // RFC 4648, section 10.
    for (const [text, base64] of Object.entries({
      '': '',
      f: 'Zg==',
      fo: 'Zm8=',
      foo: 'Zm9v',
      foob: 'Zm9vYg==',
      fooba: 'Zm9vYmE=',
    }))
      it(`of "${text}" is "${base64}" (${platform})`, () => {
        const bytes = new TextEncoder().encode(text);
        expect(port.toBase64(bytes)).to.equal(base64);
        const back = port.fromBase64(base64);
        expect([...back]).to.deep.equal([...bytes]);
        expect([back.byteOffset, back.buffer.byteLength]).to.deep.equal([0, bytes.length]);
      });

    it(`has every byte and every length around a piece of the text (${platform})`, () => {
      for (const length of [255, 256, 257, 3_071, 3_072, 3_073, 6_145]) {
        const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + (index >> 8));
        const base64 = Buffer.from(bytes).toString('base64');
        expect(port.toBase64(bytes)).to.equal(base64);
        expect(Buffer.compare(port.fromBase64(base64), bytes)).to.equal(0);
      }
    });
  }
});

describe('The order of bytes in numbers', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  it('is that of the machine where it has the least significant byte first', () => {
    expect(portable(bytes, 4)).to.equal(bytes);
    expect(portable(bytes, 8, { littleEndian: true })).to.equal(bytes);
  });

  it('is turned around elsewhere, in a copy', () => {
    const big = { littleEndian: false };
    expect([...portable(bytes, 2, big)]).to.deep.equal([2, 1, 4, 3, 6, 5, 8, 7]);
    expect([...portable(bytes, 8, big)]).to.deep.equal([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(portable(bytes, 1, big)).to.equal(bytes);
    expect([...bytes]).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('A tag of bytes', () => {
  it('makes a value by ECMAScript alone unless told otherwise', () => {
    expect(bytesOf('buffer', 'AQ==')).to.deep.equal(Uint8Array.of(1));
    expect(bytesOf('map', 'AQ==')).to.equal(undefined);
  });
});
