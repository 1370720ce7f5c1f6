import { expect } from 'chai';
import { STREAM_CREDIT } from '../../src/plugins/python/wire/item-cost.js';
import { caught, rejection } from '../support/caught.js';
import { processUse, TestWorker } from '../support/python-worker.js';
import { until } from '../support/until.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('A stream of a worker', function () {
  this.timeout(120_000);
  let host: TestWorker;

  before(async () => {
    host = await TestWorker.start();
  });
  after(() => host.remove());

  const noted = (name: string): Promise<unknown> => host.call('noted', { name });
  async function taken(items: AsyncIterable<unknown>): Promise<readonly unknown[]> {
    const all: unknown[] = [];
    for await (const item of items) all.push(item);
    return all;
  }

  for (const tool of ['count', 'count_later'])
    it(`gives what ${tool} yields, in order, and then what it returns`, async () => {
      const stream = host.worker.executeStream(`wire_tools:${tool}`, { upto: 200 });
      expect(await taken(stream)).to.deep.equal(Array.from({ length: 200 }, (_, n) => n));
      expect(await stream.result).to.equal('counted');
      expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
    });

  it('calls back with each item, and waits for what that answers', async () => {
    const seen: unknown[] = [];
    let open = 0;
    const result = await host.worker.executeStream('wire_tools:count', { upto: 100 }, async (n) => {
      expect(++open).to.equal(1);
      await Promise.resolve();
      seen.push(n);
      open--;
    });
    expect(result).to.equal('counted');
    expect(seen).to.have.length(100);
  });

  it('is rejected where its options cannot be', async () => {
    const call = host.worker.executeStream('wire_tools:count', {}, () => undefined, { timeoutMs: -1 });
    expect((await rejection(call)).code).to.equal('INVALID_OPTION');
    const wrong = { inputs: [] } as object;
    expect(caught(() => host.worker.executeStream('wire_tools:count', {}, wrong)).code).to.equal('UNKNOWN_OPTION');
  });

  it('ends where a callback throws, with its error', async () => {
    const refused = new Error('no');
    const call = host.worker.executeStream('wire_tools:count_noting', { name: 'thrown' }, () => {
      throw refused;
    });
    expect(await call.catch((error: unknown) => error)).to.equal(refused);
    while ((await noted('thrown closed')) !== true);
  });

  it('takes no more from the tool than it has credit for', async () => {
    const stream = host.worker.executeStream('wire_tools:count_noting', { name: 'credit' });
    while ((await noted('credit')) !== STREAM_CREDIT);
    // The tool stands at the first item for which it has no credit, however often it is looked at.
    for (let look = 0; look < 20; look++) expect(await noted('credit')).to.equal(STREAM_CREDIT);
    for (let n = 0; n < STREAM_CREDIT / 2; n++) expect(await stream.next()).to.deep.equal({ done: false, value: n });
    while ((await noted('credit')) !== STREAM_CREDIT * 1.5);
    await stream.return();
    while ((await noted('credit closed')) !== true);
    expect((await rejection(stream.result)).code).to.equal('STREAM_ABANDONED');
  });

  for (const [size, first] of [
    [100_000, 10], // an item costs seven of 64 credits, and one credit is enough for the last
    [1_000_000, 2],
    [4_000_000, 1],
  ] as const)
    it(`has no more under way than a mebibyte and an item: items of ${size} bytes`, async () => {
      const name = `long ${size}`;
      const stream = host.worker.executeStream('wire_tools:long_noting', { name, size });
      while ((await noted(name)) !== first);
      for (let look = 0; look < 20; look++) expect(await noted(name)).to.equal(first);
      for (let n = 0; n < first; n++) expect((await stream.next()).value).to.have.length(size);
      while ((await noted(name)) !== 2 * first);
      await stream.return();
      expect((await rejection(stream.result)).code).to.equal('STREAM_ABANDONED');
    });

  it('feeds long items one by one, as the tool takes them', async () => {
    let given = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++;
        yield new Uint8Array(2_000_000);
      }
    }
    const call = host.worker.executeStream('wire_tools:first_two', {}, { input: source() });
    expect(((await call.result) as readonly Uint8Array[]).map(({ byteLength }) => byteLength)).to.deep.equal([
      2_000_000, 2_000_000,
    ]);
    expect(given).to.be.within(2, 3);
  });

  it('is ended in the worker when a loop over it is left', async () => {
    for await (const n of host.worker.executeStream('wire_tools:count_noting', { name: 'left' })) if (n === 3) break;
    while ((await noted('left closed')) !== true);
  });

  it('gives what came before it failed, and then the error', async () => {
    const stream = host.worker.executeStream('wire_tools:count_then_fail', { upto: 3 });
    expect([await stream.next(), await stream.next(), await stream.next()].map(({ value }) => value)).to.deep.equal([
      0, 1, 2,
    ]);
    expect(await rejection(stream.next())).to.include({ code: 'PYTHON_RAISED', type: 'ValueError' });
    expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
    expect((await rejection(stream.result)).code).to.equal('PYTHON_RAISED');
  });

  it('feeds a tool, which takes what it wants', async () => {
    let given = 0;
    let closed = false;
    async function* source(): AsyncGenerator<number> {
      try {
        for (;;) yield given++;
      } finally {
        closed = true;
      }
    }
    const call = host.worker.executeStream('wire_tools:first_two', {}, { input: source() });
    expect(await taken(call)).to.deep.equal([]);
    expect(await call.result).to.deep.equal([0, 1]);
    expect(closed).to.equal(true);
    expect(given).to.be.at.most(2 * STREAM_CREDIT);
  });

  it('goes both ways at once', async () => {
    async function* source(): AsyncGenerator<number> {
      for (let n = 0; n < 1_000; n++) yield n;
    }
    const stream = host.worker.executeStream('wire_tools:double', {}, { input: source() });
    expect(await taken(stream)).to.deep.equal(Array.from({ length: 1_000 }, (_, n) => 2 * n));
    expect(await stream.result).to.equal('fed');
  });

  it('is rejected with the error of what it is fed from', async () => {
    const broken = new Error('dry');
    async function* source(): AsyncGenerator<number> {
      yield 1;
      throw broken;
    }
    const stream = host.worker.executeStream('wire_tools:total', {}, { input: source() });
    expect(await stream.result.catch((error: unknown) => error)).to.equal(broken);
    async function* odd(): AsyncGenerator<unknown> {
      yield { when: () => undefined };
    }
    const other = host.worker.executeStream('wire_tools:total', {}, { input: odd() });
    const error = await rejection(other.result);
    expect(error).to.include({ code: 'VALUE_NOT_ENCODABLE', at: 'item.when' });
  });

  it('is refused where nobody takes items', async () => {
    expect((await rejection(host.call('count', { upto: 1 }))).code).to.equal('TOOL_STREAMS');
  });

  it('has a result also where the tool yields nothing', async () => {
    const stream = host.worker.executeStream('wire_tools:same', { value: 7 });
    expect(await taken(stream)).to.deep.equal([]);
    expect(await stream.result).to.equal(7);
  });

  it('is rejected with the reason of its signal, also before the worker has been asked', async () => {
    const [early, late] = [new Error('early'), new Error('late')];
    const signal = AbortSignal.abort(early);
    const never = host.worker.executeStream('wire_tools:count', { upto: 1 }, { signal });
    expect(await never.next().catch((error: unknown) => error)).to.equal(early);
    const controller = new AbortController();
    const stream = host.worker.executeStream(
      'wire_tools:count_noting',
      { name: 'signal' },
      { signal: controller.signal },
    );
    await stream.next();
    controller.abort(late);
    const seen = await taken(stream).catch((error: unknown) => error);
    expect(seen).to.equal(late);
    while ((await noted('signal closed')) !== true);
  });

  it('carries arrays', async () => {
    const stream = host.worker.executeStream('wire_tools:count_arrays', { upto: 5, length: 200_000 });
    const arrays = (await taken(stream)) as readonly Float64Array[];
    expect(arrays.map((array) => [array.length, array[199_999]])).to.deep.equal(
      [0, 1, 2, 3, 4].map((n) => [200_000, n]),
    );
  });

  onLinux('of 100,000 items for a slow reader needs no more memory for it', async () => {
    const wide = 500;
    const upto = 100_000;
    let [base, ours, theirs] = [{ ours: 0, theirs: 0 }, 0, 0];
    let count = 0;
    await host.worker.executeStream('wire_tools:count', { upto, wide }, async () => {
      count++;
      // A turn of the event loop each time: whatever is sent arrives before it is wanted.
      if (count % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (count === 20_000) base = { ours: process.memoryUsage().rss, theirs: processUse(host.pid).rssBytes };
      if (count > 20_000 && count % 10_000 === 0) {
        ours = Math.max(ours, process.memoryUsage().rss);
        theirs = Math.max(theirs, processUse(host.pid).rssBytes);
      }
    });
    expect(count).to.equal(upto);
    // All items together are 50 MB.
    expect(theirs - base.theirs).to.be.below(8 * 2 ** 20);
    expect(ours - base.ours).to.be.below(30 * 2 ** 20);
  });

  onLinux('leaves nothing behind when it is cancelled, fifty times', async () => {
    const cancelOne = async (n: number): Promise<void> => {
      for await (const _ of host.worker.executeStream('wire_tools:count_noting', { name: `many ${n}` })) break;
    };
    await cancelOne(0);
    while (((await host.worker.getHealth()).load?.running ?? 1) > 0);
    const before = processUse(host.pid);
    for (let n = 0; n < 5; n++) await Promise.all(Array.from({ length: 10 }, (_, at) => cancelOne(10 * n + at)));
    await until(() => processUse(host.pid).threads <= before.threads);
    while (((await host.worker.getHealth()).calls ?? 1) > 0);
    const { load } = await host.worker.getHealth();
    expect(load).to.include({ running: 0, waiting: 0, held: 0 });
    const after = processUse(host.pid);
    expect(after.files).to.be.at.most(before.files);
    expect(after.rssBytes - before.rssBytes).to.be.below(8 * 2 ** 20);
  });
});
