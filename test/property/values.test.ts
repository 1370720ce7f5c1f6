import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson } from '../../src/base/canonical-json.js';
import { plainBytes } from '../../src/base/history/bytes.js';
import { readStoredEvent, storeEvent } from '../../src/base/history/stored-event.js';
import { decodeValue, encodeValue, hashableForm } from '../../src/base/history/value-codec.js';
import { nodeBytes } from '../../src/runtimes/node-bytes.js';
import { nodeHash } from '../../src/runtimes/node-ports.js';
import { holds } from '../support/property.js';
import { shown } from '../support/shown.js';

const text = fc.string({ unit: 'binary', maxLength: 8 });
const key = fc.oneof(text, fc.constantFrom('$', 'v', '__proto__', 'toString', 'constructor', '10', '9'));
const buffer = fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes));

/** Strings of any code units, those included that are no characters. */
const units = fc.array(fc.nat({ max: 0xffff }), { maxLength: 6 }).map((codes) => String.fromCharCode(...codes));

const values = fc.anything({
  key,
  values: [
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.constantFrom(-0, Number.NaN, undefined, null, '"$":', '__proto__'),
    units,
    buffer,
    fc.date(),
    fc.bigInt(),
  ],
  maxDepth: 4,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
  withSparseArray: true,
});

/** What JSON can hold. */
const json = fc.jsonValue({ stringUnit: 'binary' }).map((value): unknown => JSON.parse(JSON.stringify(value)));

function hasDollar(value: unknown): boolean {
  return JSON.stringify(value).includes('"$":');
}

describe('any value that can be stored', () => {
  holds('comes back as it was', values, (value) => {
    const encoded = encodeValue(value, '$', nodeBytes);
    expect(shown(decodeValue(encoded, { bytes: nodeBytes })), encoded).to.deep.equal(shown(value));
  });

  holds('has one text, which reading and writing does not change, with the bytes of any platform', values, (value) => {
    const encoded = encodeValue(value, '$', nodeBytes);
    expect(encodeValue(value, '$', plainBytes)).to.equal(encoded);
    expect(encodeValue(decodeValue(encoded, { bytes: nodeBytes }), '$', nodeBytes)).to.equal(encoded);
  });

  holds('is well-formed text of UTF-8', values, (value) => {
    const encoded = encodeValue(value, '$');
    expect(Buffer.from(encoded, 'utf8').toString('utf8')).to.equal(encoded);
  });

  holds('is written as JSON.stringify writes it where JSON can hold it', json, (value) => {
    fc.pre(!hasDollar(value));
    expect(encodeValue(value, '$')).to.equal(JSON.stringify(value));
    expect(canonicalJson(JSON.parse(encodeValue([value, undefined], '$')))).to.contain(canonicalJson(value));
  });

  holds('is hashed by its canonical JSON where JSON can hold it', json, (value) => {
    fc.pre(!hasDollar(value));
    expect(canonicalJson(hashableForm(value, '$'))).to.equal(canonicalJson(value));
  });
});

describe('any event', () => {
  const data = fc.record({ output: fc.dictionary(key, values, { maxKeys: 4 }), state: values });

  holds(
    'comes back as it was, however much of it stands in blobs',
    fc.tuple(data, fc.nat({ max: 300 })),
    ([parts, blobThreshold]) => {
      const blobs = new Map<string, string>();
      const original = {
        seq: 0,
        ts: 0,
        runId: 'r',
        kind: 'attempt.completed',
        v: 1,
        data: { scope: '', node: 'a', visit: 1, attempt: 1, ...parts },
      } as const;
      const given = {
        hash: nodeHash,
        bytes: nodeBytes,
        blobThreshold,
        blobs: ({ hash, text: long }: { hash: string; text: string }) => blobs.set(hash, long),
      };
      const stored = storeEvent(original, given);
      const known = { value: parts.output, text: encodeValue(parts.output, '$', nodeBytes) };
      expect(storeEvent(original, { ...given, known })).to.deep.equal(stored);
      const back = readStoredEvent(stored, 'r', (hash) => blobs.get(hash), nodeBytes);
      expect(shown(back)).to.deep.equal(shown(original));
    },
  );
});
