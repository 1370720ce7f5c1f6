import { expect } from 'chai';
import type { EventData, EventKind, RunEvent } from '../../../../src/base/events.js';
import type { StoredBlob, StoredEvent } from '../../../../src/base/history/event-store.js';
import {
  BLOB_THRESHOLD,
  readStoredEvent,
  type StoringParts,
  storeEvent,
} from '../../../../src/base/history/stored-event.js';
import { encodeValue } from '../../../../src/base/history/value-codec.js';
import { nodeBytes } from '../../../../src/runtimes/node-bytes.js';
import { nodeHash } from '../../../../src/runtimes/node-ports.js';
import { caught } from '../../../support/caught.js';
import { shown } from '../../../support/shown.js';

const attempt = { scope: '', node: 'a', visit: 1, attempt: 1 };

function event<K extends EventKind>(kind: K, data: EventData[K], key?: string): RunEvent {
  return { seq: 3, ts: 1_000.5, runId: 'r', kind, v: 1, ...(key === undefined ? {} : { key }), data } as RunEvent;
}

function stored(from: RunEvent, parts: Partial<StoringParts> = {}) {
  const blobs: StoredBlob[] = [];
  const to = storeEvent(from, { hash: nodeHash, blobs: (blob) => blobs.push(blob), ...parts });
  return { to, blobs };
}

function read(to: StoredEvent, blobs: readonly StoredBlob[] = []): RunEvent {
  return readStoredEvent(to, 'r', (hash) => blobs.find((blob) => blob.hash === hash)?.text, nodeBytes);
}

const ref = (text: string): string => `{"$":"blob","v":"${nodeHash.sha256(text)}"}`;
const long = 'x'.repeat(400);

describe('A stored event', () => {
  it('has the data of the event as text, and the rest as it is', () => {
    const { to, blobs } = stored(event('attempt.completed', { ...attempt, output: { when: new Date(0) } }, 'k'));
    expect(to).to.deep.equal({
      seq: 3,
      ts: 1_000.5,
      kind: 'attempt.completed',
      v: 1,
      key: 'k',
      data: '{"scope":"","node":"a","visit":1,"attempt":1,"output":{"when":{"$":"date","v":0}}}',
    });
    expect(blobs).to.deep.equal([]);
  });

  const events: readonly RunEvent[] = [
    event('run.resumed', { scope: '' }),
    event('attempt.completed', { ...attempt, output: { bytes: Buffer.from('ab'), n: -0 }, state: undefined }, 'k'),
    event('gate.approved', { ...attempt, answer: new Map([[1n, Number.NaN]]), by: null }),
    event('children.created', { ...attempt, parameters: { p: [undefined] }, items: [new Set([1])] }),
  ];
  for (const original of events)
    it(`comes back as it was, and frozen as live ones are: ${original.kind}`, () => {
      const { to } = stored(original);
      expect(to.key).to.equal(original.key ?? null);
      const back = read(to);
      expect(back).to.have.all.keys(Object.keys(original));
      expect(shown(back.data)).to.deep.equal(shown(original.data));
      expect({ ...back, data: 0 }).to.deep.equal({ ...original, data: 0 });
      expect(Object.isFrozen(back) && Object.isFrozen(back.data)).to.equal(true);
      if (back.kind === 'children.created') expect(Object.isFrozen(back.data.items)).to.equal(true);
    });

  it('is refused where a value cannot be stored, with its path', () => {
    const unstorable = event('attempt.completed', { ...attempt, output: { rows: [{ f: () => 1 }] } });
    expect(caught(() => stored(unstorable))).to.include({
      code: 'VALUE_NOT_STORABLE',
      at: 'attempt.completed.output.rows[0].f',
    });
  });

  it('is refused where its text is no object, or none at all', () => {
    const { to } = stored(event('run.resumed', { scope: '' }));
    for (const data of ['[1]', 'null', '"a"', '{'])
      expect(caught(() => read({ ...to, data })).code, data).to.equal('VALUE_UNREADABLE');
  });
});

describe('A large value of an event', () => {
  it('stays in it up to the default length', () => {
    const at = (length: number) => stored(event('gate.approved', { ...attempt, answer: 'x'.repeat(length), by: null }));
    const rest = at(0).to.data.length;
    expect(at(BLOB_THRESHOLD - rest).blobs).to.deep.equal([]);
    expect(at(BLOB_THRESHOLD - rest).to.data).to.have.length(BLOB_THRESHOLD);
    // The event is too long, but no value of it is by itself.
    expect(at(BLOB_THRESHOLD - rest + 1).blobs).to.deep.equal([]);
    expect(at(BLOB_THRESHOLD - 1).blobs).to.have.length(1);
  });

  it('is replaced by a reference: the entries of an object that are large themselves', () => {
    const output = { small: 1, large: [long, new Date(1)], 'two words': { long } };
    const { to, blobs } = stored(event('attempt.completed', { ...attempt, output }), { blobThreshold: 300 });
    const texts = [`["${long}",{"$":"date","v":1}]`, `{"long":"${long}"}`] as const;
    expect(blobs).to.deep.equal(texts.map((text) => ({ hash: nodeHash.sha256(text), text })));
    expect(to.data).to.equal(
      `{"scope":"","node":"a","visit":1,"attempt":1,"output":{"small":1,"large":${ref(texts[0])},"two words":${ref(texts[1])}}}`,
    );
    expect(read(to, blobs).data).to.deep.equal({ ...attempt, output });
  });

  it('is replaced as a whole where it is no plain object, or its entries are many rather than large', () => {
    const items = [long];
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`p${index}`, 'ten chars.']));
    const created = event('children.created', { ...attempt, parameters: { ...many, long }, items });
    const { to, blobs } = stored(created, { blobThreshold: 300 });
    const texts = [encodeValue({ ...many, long }, ''), encodeValue(items, '')] as const;
    expect(blobs.map(({ text }) => text)).to.deep.equal(texts);
    expect(to.data).to.contain(`"parameters":${ref(texts[0])},"items":${ref(texts[1])}}`);
    const back = read(to, blobs);
    expect(back.data).to.deep.equal(created.data);
    expect(Object.isFrozen((back.data as EventData['children.created']).parameters)).to.equal(true);
  });

  for (const [what, parameters] of Object.entries({
    'has a key $': { $: 1, long },
    'has no prototype': Object.assign(Object.create(null) as object, { long }),
    'is no object': new Map([['long', long]]),
  }))
    it(`is replaced as a whole where what holds it ${what}`, () => {
      const { to, blobs } = stored(event('gate.approved', { ...attempt, answer: parameters, by: null }), {
        blobThreshold: 300,
      });
      const text = encodeValue(parameters, '');
      expect(blobs.map((blob) => blob.text)).to.deep.equal([text]);
      expect(to.data).to.contain(`"answer":${ref(text)},"by":null}`);
      expect(shown(read(to, blobs).data)).to.deep.equal(shown({ ...attempt, answer: parameters, by: null }));
    });

  it('is said to be missing by its hash where the store does not have it', () => {
    const { to, blobs } = stored(event('gate.approved', { ...attempt, answer: long, by: null }), {
      blobThreshold: 300,
    });
    const hash = blobs[0]?.hash;
    const error = caught(() => read(to));
    expect(error).to.include({ code: 'BLOB_MISSING', at: hash });
    expect(error.message).to.match(new RegExp(`^Event 3 of run "r" refers to the blob ${hash}\\.`));
  });

  it('can hold no reference of its own', () => {
    const { to, blobs } = stored(event('gate.approved', { ...attempt, answer: long, by: null }), {
      blobThreshold: 300,
    });
    const inner = [{ hash: blobs[0]?.hash ?? '', text: to.data }];
    expect(caught(() => read(to, inner)).code).to.equal('VALUE_UNREADABLE');
    const answer = { $: 'blob', v: nodeHash.sha256('"secret"') };
    const forged = stored(event('gate.approved', { ...attempt, answer, by: null }));
    expect(read(forged.to, [{ hash: answer.v, text: '"secret"' }]).data).to.deep.equal({
      ...attempt,
      answer,
      by: null,
    });
  });
});

describe('An output whose text is known', () => {
  const output = { y: [1, { at: new Date(2) }] };

  it('is not written again', () => {
    const completed = event('attempt.completed', { ...attempt, output, state: 1n });
    const known = { value: output, text: '"its text"' };
    expect(stored(completed, { known }).to.data).to.equal(
      '{"scope":"","node":"a","visit":1,"attempt":1,"output":"its text","state":{"$":"bigint","v":"1"}}',
    );
  });

  it('gives the event the text that it has without', () => {
    for (const one of [output, { y: long }, { a: long, b: 2 }, { '"odd" \n': { y: long } }]) {
      const completed = event('attempt.completed', { ...attempt, output: one });
      const known = { value: one, text: encodeValue(one, 'output') };
      expect(stored(completed, { known, blobThreshold: 300 })).to.deep.equal(stored(completed, { blobThreshold: 300 }));
    }
  });

  it('is not taken for another one, nor for what an event of another kind holds', () => {
    const completed = event('attempt.completed', { ...attempt, output });
    const known = { value: { ...output }, text: '"another"' };
    expect(stored(completed, { known })).to.deep.equal(stored(completed));
    const waiting = event('run.waiting', { scope: '' });
    expect(stored(waiting, { known })).to.deep.equal(stored(waiting));
  });
});
