import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { SharedFiles } from '../../src/plugins/python/values/shared-files.js';
import { caught, rejection } from '../support/caught.js';
import { TestWorker } from '../support/python-worker.js';

const MIB = 2 ** 20;

describe('The values that pass to and from a worker', function () {
  this.timeout(120_000);

  describe('up to 64 MiB', () => {
    let host: TestWorker;
    before(async () => {
      host = await TestWorker.start();
    });
    after(() => host.remove());

    it('are passed both ways, and leave no file behind', async () => {
      const value = new Uint8Array(64 * MIB).fill(7);
      value[12_345_678] = 1;
      const back = (await host.call('same', { value })) as Uint8Array;
      expect(createHash('sha256').update(back).digest('hex')).to.equal(
        createHash('sha256').update(value).digest('hex'),
      );
      expect(host.sharedFiles).to.deep.equal([]);
    });

    it('are refused before they are sent if they are one byte longer', async () => {
      const error = await rejection(host.call('length_of', { value: new Uint8Array(64 * MIB + 1) }));
      expect(error).to.include({ code: 'PAYLOAD_TOO_LARGE', at: 'arguments' });
      expect(error.value).to.deep.equal({ size: 64 * MIB + 1, limit: 64 * MIB });
      expect(await host.call('length_of', { value: new Uint8Array(64 * MIB) })).to.equal(64 * MIB);
    });

    it('are refused by the worker if it would return a longer one', async () => {
      expect((await rejection(host.call('long_bytes', { length: 64 * MIB + 1 }))).code).to.equal('PAYLOAD_TOO_LARGE');
      expect(((await host.call('long_bytes', { length: 64 * MIB })) as Uint8Array).length).to.equal(64 * MIB);
    });

    it('and as text are measured in UTF-8', async () => {
      const value = 'é'.repeat(32 * MIB);
      const error = await rejection(host.call('length_of', { value }));
      expect(error).to.include({ code: 'PAYLOAD_TOO_LARGE' });
      expect(await host.call('length_of', { value: 'é'.repeat(4 * MIB) })).to.equal(4 * MIB);
      expect((await rejection(host.call('long_text', { length: 64 * MIB + 1 }))).code).to.equal('PAYLOAD_TOO_LARGE');
    });

    it('are taken as they are when the call is made', async () => {
      const [short, long] = [new Float64Array(100).fill(1), new Float64Array(MIB).fill(1)];
      const call = host.call('same', { value: [short, long] });
      short.fill(2);
      long.fill(2);
      const [first, second] = (await call) as [Float64Array, Float64Array];
      expect([first[99], second[MIB - 1]]).to.deep.equal([1, 1]);
    });

    it('leave no file behind if their call is cancelled before it begins', async () => {
      const path = host.path('files');
      const holding = Array.from({ length: 8 }, () => host.call('await_then', { path }));
      await host.untilBegun(8);
      const controller = new AbortController();
      const { signal } = controller;
      const args = { value: new Uint8Array(2 * MIB) };
      const call = host.worker.execute('wire_tools:same', args, { signal }).catch(() => 'cancelled');
      while ((await host.worker.getHealth()).load?.waiting !== 1);
      controller.abort();
      expect(await call).to.equal('cancelled');
      host.open('files');
      await Promise.all(holding);
      while ((await host.worker.getHealth()).calls > 0);
      expect(host.sharedFiles).to.deep.equal([]);
    });

    it('and their folder are gone with the worker', async () => {
      const other = await TestWorker.start();
      const { folder, sharedFolder } = other.entry;
      expect([folder, sharedFolder].map((path) => existsSync(path))).to.deep.equal([true, true]);
      await other.remove();
      expect([folder, sharedFolder].map((path) => existsSync(path))).to.deep.equal([false, false]);
    });
  });

  it('may be limited otherwise, and travel in the stream where files are not worth it', async () => {
    const host = await TestWorker.start({ maxValueBytes: 8 * MIB, sharedMemoryFromBytes: 1_000 * MIB });
    try {
      const value = new Float64Array(MIB).fill(0.5);
      const back = (await host.call('same', { value })) as Float64Array;
      expect(back).to.deep.equal(value);
      expect((await rejection(host.call('same', { value: new Float64Array(MIB + 1) }))).code).to.equal(
        'PAYLOAD_TOO_LARGE',
      );
      expect((await rejection(host.call('long_bytes', { length: 8 * MIB + 1 }))).code).to.equal('PAYLOAD_TOO_LARGE');
    } finally {
      await host.remove();
    }
  });

  it('are not read from files that are elsewhere, or not as long as was said', async () => {
    const host = await TestWorker.make();
    const files = new SharedFiles(host.folder);
    const file = files.write(new Uint8Array(10));
    if (file === undefined) throw new Error('The folder is full.');
    expect(caught(() => new SharedFiles('/nowhere').read(file)).code).to.equal('FRAME_UNREADABLE');
    expect(caught(() => files.read({ path: `${host.folder}/..`, size: 1 })).code).to.equal('FRAME_UNREADABLE');
    expect(caught(() => files.read({ ...file, size: 11 })).code).to.equal('FRAME_UNREADABLE');
    // It has been removed although it could not be used.
    expect(caught(() => files.read(file)).code).to.equal('FRAME_UNREADABLE');
    await host.remove();
  });
});
