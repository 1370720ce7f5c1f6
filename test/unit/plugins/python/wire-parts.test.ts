import { expect } from 'chai';
import { BatchWriter } from '../../../../src/plugins/python/wire/batch-writer.js';
import { CallTable } from '../../../../src/plugins/python/wire/call-table.js';
import { Feed } from '../../../../src/plugins/python/wire/feed.js';
import type { Segment } from '../../../../src/plugins/python/wire/frame.js';
import { FRAME_KINDS, type Frame } from '../../../../src/plugins/python/wire/frame.js';
import { decodeBatch } from '../../../../src/plugins/python/wire/frame-reader.js';
import { MessageReader, prefixed } from '../../../../src/plugins/python/wire/grpc-messages.js';
import { GRPC, statusIn, statusOfHttp } from '../../../../src/plugins/python/wire/grpc-status.js';
import { itemCost, STREAM_CREDIT } from '../../../../src/plugins/python/wire/item-cost.js';
import { ItemQueue } from '../../../../src/plugins/python/wire/item-queue.js';
import { ItemTaker } from '../../../../src/plugins/python/wire/item-taker.js';
import { References } from '../../../../src/plugins/python/wire/references.js';
import { unreadable } from '../../../../src/plugins/python/wire/unreadable.js';
import { checkTransition } from '../../../../src/plugins/python/worker-state.js';
import { caught, rejection } from '../../../support/caught.js';
import { turn } from '../../../support/deferred.js';

const text = (message: Buffer): string => message.toString();

describe('An error about what a worker sent', () => {
  it('keeps the beginning of it, in memory of its own', () => {
    const bytes = new Uint8Array(5_000).fill(7);
    const { value } = unreadable('cut off', bytes);
    expect(value).to.deep.equal(new Uint8Array(1_024).fill(7));
    expect((value as Uint8Array).buffer).to.not.equal(bytes.buffer);
    const list = ['CODE', 5, null, 'x'.repeat(2_000), ['much'], { more: 1 }, ...Array<number>(100).fill(1)];
    expect(unreadable('no failure', list).value).to.deep.equal([
      ...['CODE', 5, null, `${'x'.repeat(1_024)}… (2000 characters)`, '[…]', '{…}'],
      ...Array<number>(10).fill(1),
    ]);
  });
});

describe('Messages of gRPC', () => {
  const whole = Buffer.concat([
    prefixed(Buffer.from('one')),
    prefixed(),
    prefixed(Buffer.from('t'), Buffer.from('wo')),
  ]);

  it('are put together again from pieces, however they were cut', () => {
    for (let size = 1; size <= whole.length; size++) {
      const reader = new MessageReader(100);
      const messages: string[] = [];
      for (let at = 0; at < whole.length; at += size)
        for (const each of reader.read(whole.subarray(at, at + size))) messages.push(text(each));
      expect(messages, `in pieces of ${size}`).to.deep.equal(['one', '', 'two']);
    }
  });

  it('are refused where they are compressed, or too long', () => {
    const compressed = prefixed(Buffer.from('x'));
    compressed[0] = 1;
    expect(caught(() => new MessageReader(10).read(compressed)).code).to.equal('FRAME_UNREADABLE');
    expect(new MessageReader(3).read(prefixed(Buffer.from('abc'))).map(text)).to.deep.equal(['abc']);
    expect(caught(() => new MessageReader(2).read(prefixed(Buffer.from('abc')))).code).to.equal('FRAME_UNREADABLE');
  });
});

describe('The status of gRPC', () => {
  it('is read from headers, its message without its escapes', () => {
    expect(statusIn({ 'grpc-status': '16', 'grpc-message': 'no%20such%20token' })).to.deep.equal({
      code: GRPC.UNAUTHENTICATED,
      message: 'no such token',
    });
    expect(statusIn({ 'grpc-status': '0' })).to.deep.equal({ code: GRPC.OK, message: '' });
    expect(statusIn({ 'grpc-status': '2', 'grpc-message': '100%' })).to.deep.equal({ code: 2, message: '100%' });
    expect(statusIn({})).to.equal(undefined);
  });

  it('is made from what is no gRPC', () => {
    expect(statusOfHttp(404, undefined)).to.deep.equal({ code: GRPC.UNKNOWN, message: 'HTTP status 404' });
    expect(statusOfHttp(200, 'text/html')?.message).to.equal('content of type text/html');
    expect(statusOfHttp(200, 'application/grpc+proto')).to.equal(undefined);
  });
});

describe('Frames that are sent', () => {
  const frame = (call: number, kind: number, size = 0): Frame => ({ call, kind, text: 'x'.repeat(size), segments: [] });
  let sent: string[][];
  let isOpen: boolean;
  let writer: BatchWriter;

  beforeEach(() => {
    sent = [];
    isOpen = true;
    writer = new BatchWriter((...parts) => {
      sent.push(decodeBatch(Buffer.concat(parts)).map(({ call, kind }) => `${call}:${kind}`));
      return isOpen;
    });
  });

  it('in one turn travel together, those that steer in front', async () => {
    for (const call of [1, 2, 3]) writer.add(frame(call, FRAME_KINDS.CALL));
    await turn();
    await turn();
    expect(sent).to.deep.equal([['1:3', '2:3', '3:3']]);
    writer.add(frame(4, FRAME_KINDS.CALL), true);
    writer.addFirst(frame(3, FRAME_KINDS.CANCEL));
    await Promise.resolve();
    expect(sent).to.have.length(1);
    await turn();
    expect(sent[1]).to.deep.equal(['3:7', '4:3']);
  });

  it('that steer a call which waits itself stay behind it', async () => {
    writer.add(frame(1, FRAME_KINDS.CALL));
    writer.add(frame(2, FRAME_KINDS.CALL));
    writer.addFirst(frame(1, FRAME_KINDS.CANCEL));
    await turn();
    expect(sent).to.deep.equal([['1:3', '2:3', '1:7']]);
  });

  it('wait while the stream is full, and then go on in their order', async () => {
    isOpen = false;
    writer.add(frame(1, FRAME_KINDS.CALL), true);
    await turn();
    writer.add(frame(2, FRAME_KINDS.CALL), true);
    writer.addFirst(frame(1, FRAME_KINDS.CREDIT));
    await turn();
    expect(sent).to.deep.equal([['1:3']]);
    isOpen = true;
    writer.drained();
    expect(sent).to.deep.equal([['1:3'], ['1:6', '2:3']]);
  });

  it('fill messages up to a mebibyte; a longer one travels alone', async () => {
    for (const [call, size] of [
      [1, 600_000],
      [2, 400_000],
      [3, 100_000],
      [4, 3_000_000],
      [5, 1],
    ] as const)
      writer.add(frame(call, FRAME_KINDS.CALL, size), true);
    await turn();
    expect(sent).to.deep.equal([['1:3', '2:3'], ['3:3'], ['4:3'], ['5:3']]);
  });

  it('can be taken back until they are sent', async () => {
    writer.add(frame(1, FRAME_KINDS.CALL));
    writer.add(frame(2, FRAME_KINDS.CALL));
    writer.add(frame(1, FRAME_KINDS.ITEM));
    expect(writer.withdraw(1)).to.equal(true);
    await turn();
    await turn();
    expect(sent).to.deep.equal([['2:3']]);
    writer.add(frame(2, FRAME_KINDS.ITEM));
    // The call itself has been sent: only what it was to be fed with is taken back.
    expect(writer.withdraw(2)).to.equal(false);
    await turn();
    await turn();
    expect(sent).to.have.length(1);
  });
});

describe('Calls of a stream', () => {
  it('have numbers up to 2^32-1, of which none is used twice', () => {
    const table = new CallTable<string>(2 ** 32 - 2);
    const ids = [table.nextId(), table.nextId()];
    expect(ids).to.deep.equal([2 ** 32 - 2, 2 ** 32 - 1]);
    expect(caught(() => table.nextId()).code).to.equal('WORKER_NOT_READY');
    table.add(5, 'five');
    expect([table.get(5), table.get(6), table.size]).to.deep.equal(['five', undefined, 1]);
    table.delete(5);
    expect(table.get(5)).to.equal(undefined);
  });
});

describe('Items of a stream', () => {
  it('are given to those who wait in their order, and credit for half of them at a time', async () => {
    const granted: number[] = [];
    const queue = new ItemQueue({ grant: (count) => granted.push(count), abandon: () => undefined });
    const waiting = [queue.next(), queue.next()];
    for (let n = 0; n < STREAM_CREDIT; n++) queue.push(n, 1);
    expect(caught(() => queue.push('one more', 1)).code).to.equal('FRAME_UNREADABLE');
    expect(await Promise.all(waiting)).to.deep.equal([
      { done: false, value: 0 },
      { done: false, value: 1 },
    ]);
    for (let n = 2; n < STREAM_CREDIT; n++) await queue.next();
    expect(granted).to.deep.equal([STREAM_CREDIT / 2, STREAM_CREDIT / 2]);
    queue.push('more', 1);
    const last = [queue.next(), queue.next(), queue.next()];
    queue.end();
    expect((await Promise.all(last)).map(({ done }) => done)).to.deep.equal([false, true, true]);
  });

  it('cost a credit, and another for every 16 KiB of text and bytes', () => {
    const costOf = (text: string, ...segments: Segment[]): number => itemCost({ text, segments });
    expect([costOf(''), costOf('x'.repeat(16_383)), costOf('x'.repeat(16_384))]).to.deep.equal([1, 1, 2]);
    expect([costOf('é'.repeat(8_191)), costOf('é'.repeat(8_192)), costOf('😀'.repeat(4_096))]).to.deep.equal([1, 2, 2]);
    expect(costOf('12', new Uint8Array(16_382))).to.equal(2);
    expect(costOf('', new Uint8Array(16_000), { path: '/x', size: 2 ** 20 })).to.equal(65);
  });

  it('that are long are paid back with what they cost', async () => {
    const granted: number[] = [];
    const grant = (credits: number): void => void granted.push(credits);
    const queue = new ItemQueue({ grant, abandon: () => undefined });
    for (const cost of [1, 65, 1]) queue.push(cost, cost);
    await queue.next();
    expect(granted).to.deep.equal([]);
    await queue.next();
    await queue.next();
    expect(granted).to.deep.equal([66]);
    const taker = new ItemTaker(() => undefined, grant);
    for (const cost of [31, 40, 1]) taker.push(cost, cost);
    expect(granted).to.deep.equal([66, 71]);
  });

  it('end with one error, after those that had come', async () => {
    let abandoned = 0;
    const queue = new ItemQueue({ grant: () => undefined, abandon: () => abandoned++ });
    queue.push(1, 1);
    const broken = new Error('broken');
    queue.fail(broken);
    queue.push(2, 1);
    expect((await queue.next()).value).to.equal(1);
    expect(await queue.next().catch((error: unknown) => error)).to.equal(broken);
    expect((await queue.next()).done).to.equal(true);
    await queue.return();
    expect(abandoned).to.equal(0);
  });

  it('that nobody takes any more are forgotten, and whoever sends them is told once', async () => {
    let abandoned = 0;
    const queue = new ItemQueue({ grant: () => undefined, abandon: () => abandoned++ });
    queue.push(1, 1);
    const rest = queue.return();
    await queue.return();
    expect((await rest).done).to.equal(true);
    expect((await queue.next()).done).to.equal(true);
    expect(abandoned).to.equal(1);
  });
});

describe('What a call is fed with', () => {
  it('is taken from its source only as far as there is credit', async () => {
    const [sent, told]: [unknown[], string[]] = [[], []];
    let taken = 0;
    async function* source(): AsyncGenerator<number> {
      for (; taken < 5; ) yield taken++;
    }
    const owner = {
      send: (value: unknown) => {
        sent.push(value);
        return 1;
      },
      end: () => told.push('end'),
      fail: () => told.push('fail'),
    };
    const feed = new Feed(source(), owner);
    await turn();
    expect(taken).to.equal(0);
    feed.grant(2);
    await turn();
    expect(sent).to.deep.equal([0, 1]);
    feed.grant(10);
    await turn();
    expect(sent).to.deep.equal([0, 1, 2, 3, 4]);
    expect(told).to.deep.equal(['end']);
    feed.stop();
    feed.grant(1);
    expect(told).to.deep.equal(['end']);
  });

  it('is left when the call has ended, and a source that cannot be left harms nobody', async () => {
    const told: unknown[] = [];
    const owner = { send: () => 1, end: () => told.push('end'), fail: (error: unknown) => told.push(error) };
    const stubborn = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 1 } as const),
        return: () => Promise.reject(new Error('never')),
      }),
    };
    const feed = new Feed(stubborn, owner);
    feed.grant(1);
    await turn();
    feed.stop();
    const none = new Feed(null as never, owner);
    none.grant(1);
    await turn();
    expect(told).to.have.length(1);
    expect(told[0]).to.be.instanceOf(TypeError);
  });
});

describe('What keeps a process alive for a worker', () => {
  it('does so exactly while something is under way', async () => {
    const references = new References();
    const seen: string[] = [];
    const handle = (name: string) => ({ ref: () => seen.push(`${name} on`), unref: () => seen.push(`${name} off`) });
    const [first, second] = [handle('a'), handle('b')];
    references.add(first);
    references.hold();
    references.add(second);
    await references.during(Promise.resolve());
    expect(await rejection(references.during(Promise.reject(caught(() => checkTwo()))))).to.be.instanceOf(Error);
    references.release();
    references.delete(first);
    references.hold();
    expect(seen).to.deep.equal(['a off', 'a on', 'b on', 'a off', 'b off', 'a on', 'b on']);
  });
});

function checkTwo(): void {
  new MessageReader(0).read(prefixed(Buffer.from('xx')));
}

describe('The states of a worker', () => {
  it('follow each other only as they may', () => {
    checkTransition('new', 'starting');
    checkTransition('ready', 'ready');
    expect(() => checkTransition('stopped', 'ready')).to.throw(TypeError, 'A worker that is stopped cannot be ready.');
  });
});
