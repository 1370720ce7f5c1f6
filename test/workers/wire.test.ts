import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { WorkerAdapter } from '../../src/plugins/python/adapter.js';
import { workerAdapterContract } from '../contract/worker-adapter.js';
import { rejection } from '../support/caught.js';
import { TestWorker } from '../support/python-worker.js';

const scriptPath = fileURLToPath(new URL('../support/other-worker.js', import.meta.url));

/** An adapter of a third party: a worker written in JavaScript. */
function otherWorker(...scriptArgs: readonly string[]): WorkerAdapter {
  return { executablePath: process.execPath, scriptPath, scriptArgs };
}

workerAdapterContract('of another language', async () => otherWorker());

describe('The stream to a worker', function () {
  this.timeout(60_000);
  let host: TestWorker;

  describe('of which the other end keeps to the norm', () => {
    before(async () => {
      host = await TestWorker.start({ adapter: otherWorker(), stopGraceMs: 60_000, maxValueBytes: 2 ** 20 });
    });
    after(() => host.remove());

    const counts = async () => (await host.worker.execute('messages')) as Readonly<Record<string, number>>;

    it('carries all calls of one turn in one message, and every call once', async () => {
      const before = await counts();
      await Promise.all(Array.from({ length: 100 }, (_, value) => host.worker.execute('echo', { value })));
      const after = await counts();
      expect((after.messages ?? 0) - (before.messages ?? 0)).to.equal(2);
      expect((after.begun ?? 0) - (before.begun ?? 0)).to.equal(101);
      expect(after.streams).to.equal(1);
    });

    it('carries what is longer than a message should be in several', async () => {
      const before = await counts();
      const value = 'x'.repeat(400_000);
      const calls = Array.from({ length: 10 }, () => host.worker.execute('echo', { value }));
      for (const each of await Promise.all(calls)) expect(each).to.equal(value);
      const after = await counts();
      expect((after.messages ?? 0) - (before.messages ?? 0)).to.equal(6);
    });

    it('is passed over where it says what is not known here', async () => {
      expect(await host.worker.execute('unknown kinds')).to.equal('known');
      expect(host.said).to.deep.equal([]);
    });

    it('delivers one answer of several', async () => {
      expect(await host.worker.execute('answers twice')).to.equal('first');
      expect(await host.worker.execute('ping')).to.equal('pong');
    });

    it('delivers nobody an answer that comes after the call was given up', async () => {
      const error = await rejection(host.worker.execute('silence', {}, { timeoutMs: 20 }));
      expect(error.code).to.equal('CALL_TIMEOUT');
      while ((await host.worker.getHealth()).calls > 0);
      expect(await host.worker.execute('ping')).to.equal('pong');
    });

    for (const [command, code] of [
      ['unknown failure', 'FRAME_UNREADABLE'],
      ['a file elsewhere', 'FRAME_UNREADABLE'],
      ['no value', 'FRAME_UNREADABLE'],
      ['too much', 'PAYLOAD_TOO_LARGE'],
      ['nothing of the kind', 'TOOL_UNDECLARED'],
    ] as const)
      it(`fails the call alone that is answered with ${command}`, async () => {
        const session = host.worker.getSessionId();
        expect((await rejection(host.worker.execute(command))).code).to.equal(code);
        expect(await host.worker.execute('ping')).to.equal('pong');
        expect(host.worker.getSessionId()).to.equal(session);
      });

    it('fails a stream with more items than were asked for', async () => {
      const stream = host.worker.executeStream('too many items');
      const seen: unknown[] = [];
      const error = await rejection(
        (async () => {
          while (seen.length < 100) seen.push((await stream.next()).value);
        })(),
      );
      expect(error.code).to.equal('FRAME_UNREADABLE');
      expect(seen).to.have.length(64);
    });
  });

  describe('of which the other end does not', () => {
    afterEach(() => host.remove());

    for (const [command, cause] of [
      ['garbage', 'FRAME_UNREADABLE'],
      ['an end', undefined],
    ] as const)
      it(`is another one after ${command}, and its calls are lost`, async () => {
        host = await TestWorker.start({ adapter: otherWorker(), restart: { firstMs: 5 } });
        const session = host.worker.getSessionId();
        const error = await rejection(host.worker.execute(command));
        expect(error.code).to.equal('WORKER_LOST');
        expect((error.cause as { readonly code?: unknown } | undefined)?.code).to.equal(cause);
        expect(await host.worker.execute('ping')).to.equal('pong');
        expect(host.worker.getSessionId()).to.not.equal(session);
      });

    for (const [oddity, code, text] of [
      ['wrong protocol', 'PROTOCOL_MISMATCH', 'It speaks version 2, and 1 is spoken here.'],
      ['wrong id', 'PROTOCOL_MISMATCH', 'It calls itself somebody'],
      ['deaf', 'TOKEN_REFUSED', 'no such token'],
      ['unable', 'WORKER_START_FAILED', 'The worker cannot serve: not today.'],
      ['silent', 'WORKER_START_FAILED', 'did not answer within'],
    ] as const)
      it(`is not used where the worker is ${oddity}`, async () => {
        host = await TestWorker.make({ adapter: otherWorker(oddity), startTimeoutMs: 2_000 });
        const error = await rejection(host.worker.start());
        expect(error.code).to.equal(code);
        expect(error.message).to.include(text);
        expect(host.worker.state.is).to.equal('failed');
      });
  });
});
