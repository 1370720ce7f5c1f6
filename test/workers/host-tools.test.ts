import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import type { HostTool, HostToolContext } from '../../src/plugins/python/host-tools.js';
import type { PythonError } from '../../src/plugins/python/python-error.js';
import { ndarray } from '../../src/plugins/python/values/ndarray.js';
import { PythonWorker } from '../../src/plugins/python/worker.js';
import { caught, rejection } from '../support/caught.js';
import { deferred } from '../support/deferred.js';
import { TestWorker } from '../support/python-worker.js';

const MIB = 2 ** 20;
const BOTH = ['ask', 'ask_later'] as const;

/** What a host tool is told when it is called, and when nobody waits for it any more. */
function held() {
  const called = deferred<HostToolContext>();
  const aborted = deferred<unknown>();
  const tool: HostTool = (_args, context) => {
    const { signal } = context;
    signal.addEventListener('abort', () => aborted.resolve(signal.reason));
    called.resolve(context);
    return aborted.promise;
  };
  return { tool, called: called.promise, aborted: aborted.promise };
}

describe('A host tool of a worker', function () {
  this.timeout(60_000);
  let host: TestWorker;
  /** What the host tool `answer` does in a test. */
  let answer: HostTool;

  before(async () => {
    const hostTools: Record<string, HostTool> = {
      answer: (args, context) => answer(args, context),
      echo: (args) => ('value' in args ? args.value : args),
      double: ({ values }) => (values as Float64Array).map((value) => value * 2),
      nothing: () => undefined,
      again: ({ n }) => host.worker.execute('asking_tools:countdown', { n }),
      again_later: ({ n }) => host.worker.execute('asking_tools:countdown_later', { n }),
    };
    host = await TestWorker.start({ hostTools, maxConcurrentCalls: 1 }, 'numpy');
  });
  after(() => host.remove());

  const call = (tool: string, args: Readonly<Record<string, unknown>> = {}, options = {}): Promise<unknown> =>
    host.worker.execute(`asking_tools:${tool}`, args, options);
  /** Waits until no call is left. */
  const untilIdle = async (): Promise<void> => {
    while ((await host.worker.getHealth()).calls > 0);
  };

  for (const tool of BOTH) {
    it(`gives values of all kinds to ${tool}, and is given them`, async () => {
      const args = {
        text: 'é 😀',
        flag: true,
        nothing: null,
        none: undefined,
        integers: [2 ** 53 - 1, 2n ** 53n + 1n],
        fractions: [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY],
        dict: { 'two words': [{ deep: [] }], name: 'not the name of the tool' },
        bytes: new Uint8Array([0, 255]),
        long: new Uint8Array(300).fill(7),
        numbers: new Float64Array(100).fill(0.5),
        matrix: ndarray(new Float64Array([1, 2, 3, 4]), [2, 2]),
        when: new Date(0),
        some: new Set([1]),
        pairs: new Map<unknown, unknown>([[1, [null]]]),
      };
      let given: unknown;
      answer = (all) => {
        given = all;
        return all;
      };
      expect(await call(tool, { name: 'answer', args })).to.deep.equal(args);
      expect(given).to.deep.equal(args);
    });

    it(`may answer later (${tool})`, async () => {
      const later = deferred<string>();
      answer = () => later.promise;
      const asked = call(tool, { name: 'answer' });
      // Others are performed meanwhile: those that hold no thread, and what asks how the worker is.
      expect(await host.worker.execute('ping')).to.equal('pong');
      expect((await host.worker.getHealth()).responsive).to.equal(true);
      later.resolve('later');
      expect(await asked).to.equal('later');
    });

    it(`is told nothing of an attempt where there is none, and its own name (${tool})`, async () => {
      answer = (_args, { name, attempt, signal }) => [name, attempt, signal.aborted];
      expect(await call(tool, { name: 'answer' })).to.deep.equal(['answer', undefined, false]);
    });

    it(`that does not exist is an error that knows what was meant (${tool})`, async () => {
      const error = (await rejection(call(tool, { name: 'ecko' }))) as PythonError;
      expect(error).to.include({ code: 'PYTHON_RAISED', type: 'lockstep_worker.errors.HostToolError' });
      expect(error.reason).to.include('There is no host tool "ecko". Did you mean "echo"?');
      expect(error.details).to.deep.equal({ code: 'HOST_TOOL_UNKNOWN' });
      // What every object has is no tool.
      expect((await rejection(call(tool, { name: 'constructor' }))).message).to.include('no host tool "constructor"');
    });

    it(`that throws fails the call, with what caused it (${tool})`, async () => {
      answer = () => {
        const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
        throw Object.assign(new RangeError('no such row', { cause }), { code: 'NO_ROW' });
      };
      const error = (await rejection(call(tool, { name: 'answer' }))) as PythonError;
      expect(error.message).to.include('lockstep_worker.errors.HostToolError: no such row.');
      expect(error.details).to.deep.equal({ code: 'NO_ROW' });
      expect(error.traceback).to.include('ctx.call_host');
      expect(error.cause).to.include({ reason: 'connection refused' });
      expect(error.cause?.details).to.deep.equal({ code: 'ECONNREFUSED' });
    });

    it(`that returns what cannot be passed fails the call, with the place (${tool})`, async () => {
      answer = () => ({ rows: [1, { 'two words': () => 1 }] });
      const error = (await rejection(call(tool, { name: 'answer' }))) as PythonError;
      expect(error.details).to.deep.equal({ code: 'VALUE_NOT_ENCODABLE' });
      expect(error.reason).to.include('host.answer().rows[1]["two words"]');
    });
  }

  it('is performed in the context in which the call was made', async () => {
    const caller = new AsyncLocalStorage<string>();
    answer = () => caller.getStore();
    const asked = (name: string) => caller.run(name, () => call('ask', { name: 'answer' }));
    expect(await Promise.all([asked('x'), asked('y')])).to.deep.equal(['x', 'y']);
    expect(await call('ask', { name: 'answer' })).to.equal(undefined);
  });

  it('shows null as None, and undefined as what is neither', async () => {
    const seen = (name: string) => call('seen', { name });
    answer = () => null;
    expect(await seen('answer')).to.deep.equal({ type: 'NoneType', text: 'None', back: null });
    expect(await seen('nothing')).to.deep.equal({ type: 'Undefined', text: 'UNDEFINED', back: undefined });
    answer = () => 2n ** 53n + 1n;
    expect(await seen('answer')).to.deep.equal({
      type: 'BigInt',
      text: 'BigInt(9007199254740993)',
      back: 9_007_199_254_740_993n,
    });
    answer = () => new Uint8Array(300);
    expect(await seen('answer')).to.deep.include({ type: 'bytes', back: new Uint8Array(300) });
  });

  it('that throws can be caught, with code, name, message and causes', async () => {
    const inner = Object.assign(new TypeError('inner'), { code: 'INNER' });
    answer = async () => Promise.reject(new Error('outer', { cause: new Error('middle', { cause: inner }) }));
    expect(await call('caught', { name: 'answer' })).to.deep.equal({
      code: 'NODE_THREW',
      name: 'Error',
      message: 'outer',
      tool: 'answer',
      causes: [
        ['NODE_THREW', 'Error', 'middle'],
        ['INNER', 'TypeError', 'inner'],
      ],
    });
    answer = () => {
      throw 'a text';
    };
    expect(await call('caught', { name: 'answer' })).to.include({ name: 'NonError', message: 'a text' });
  });

  it('may be called by generators', async () => {
    answer = ({ n }) => (n as number) * 10;
    for (const tool of ['ask_each', 'ask_each_later']) {
      const items: unknown[] = [];
      const stream = host.worker.executeStream(`asking_tools:${tool}`, { name: 'answer', count: 100 });
      for await (const item of stream) items.push(item);
      expect(items).to.deep.equal(Array.from({ length: 100 }, (_, n) => n * 10));
    }
  });

  it('is given what Python cannot pass by no means, and Python is told where that is', async () => {
    const error = await rejection(call('unpassable'));
    expect(error).to.include({ code: 'VALUE_NOT_ENCODABLE' });
    expect(error.message).to.include('host.echo.rows[1]["two words"]');
  });

  it('is given arrays as files from 1 MiB on, gives them back so, and leaves none behind', async () => {
    const size = 2 * MIB;
    expect(await call('array', { size })).to.deep.equal({
      sum: size * (size - 1),
      writeable: true,
      dtype: 'float64',
    });
    expect(host.sharedFiles).to.deep.equal([]);
  });

  for (const tool of ['ask_until_cancelled', 'ask_until_cancelled_later']) {
    it(`is waited for no more when the call is cancelled (${tool})`, async () => {
      const { tool: wait, called, aborted } = held();
      answer = wait;
      const abort = new AbortController();
      const asked = call(tool, { name: 'answer' }, { signal: abort.signal });
      const rejected = asked.catch((error: unknown) => error);
      const { signal } = await called;
      expect(signal.aborted).to.equal(false);
      const reason = new Error('enough');
      abort.abort(reason);
      expect(await rejected).to.equal(reason);
      // The host tool is told, and what it answers then reaches nobody.
      expect(await aborted).to.equal(reason);
      await untilIdle();
      expect(await call('ended')).to.equal('The call was cancelled: its caller cancelled it.');
    });

    it(`is waited for no more when the time of the call is over (${tool})`, async () => {
      const { tool: wait, aborted } = held();
      answer = wait;
      const error = await rejection(call(tool, { name: 'answer' }, { timeoutMs: 100 }));
      expect(error.code).to.equal('CALL_TIMEOUT');
      expect(await aborted).to.equal(error);
      await untilIdle();
      expect(await call('ended')).to.equal('The call was cancelled: its time is over.');
    });
  }

  it('is told when the call that asks has ended without waiting for it', async () => {
    const { tool, called, aborted } = held();
    answer = tool;
    expect(await call('leave_question', { name: 'answer' })).to.equal('left');
    const { signal } = await called;
    expect(await aborted).to.include({ code: 'CALL_CANCELLED' });
    expect(signal.aborted).to.equal(true);
  });

  it('is told when the worker is lost, and does not keep the next one from working', async () => {
    const { tool, called, aborted } = held();
    answer = tool;
    const lost = rejection(call('ask', { name: 'answer' }));
    await called;
    process.kill(host.pid, 'SIGKILL');
    expect((await lost).code).to.equal('WORKER_LOST');
    expect(await aborted).to.equal(await lost);
    expect(await call('ask', { name: 'echo', args: { value: 'again' } })).to.equal('again');
  });

  it('answers 64 tools at a time, whichever way they wait', async () => {
    const all = deferred<void>();
    let waiting = 0;
    answer = async ({ n }) => {
      if (++waiting === 64) all.resolve();
      await all.promise;
      return n;
    };
    const numbers = Array.from({ length: 64 }, (_, n) => n);
    const ask = (tool: string) => Promise.all(numbers.map((n) => call(tool, { name: 'answer', args: { n } })));
    // All of them are asked before the first is answered: async tools hold no place.
    expect(await ask('ask_later')).to.deep.equal(numbers);
    answer = ({ n }) => n;
    expect(await ask('ask')).to.deep.equal(numbers);
  });

  it('may call tools of the same worker, which has one place, as deep as it likes', async () => {
    expect(await call('countdown', { n: 20 })).to.equal(20);
    expect(await call('countdown_later', { n: 20 })).to.equal(20);
    answer = async ({ args }) => {
      const { upto } = args as { upto: number };
      return Promise.all(Array.from({ length: upto }, (_, n) => call('ask', { name: 'echo', args: { value: n } })));
    };
    expect(await call('ask', { name: 'answer', args: { args: { upto: 8 } } })).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await Promise.all([5, 6, 7].map((n) => call('countdown', { n })))).to.deep.equal([5, 6, 7]);
  });

  it('lends the place of a tool through one that holds none', async () => {
    answer = ({ n }) => {
      const next = { name: 'answer', args: { n: (n as number) - 1 } };
      return n === 0 ? 'deep' : call((n as number) % 2 === 0 ? 'ask_later' : 'ask', next, { timeoutMs: 10_000 });
    };
    for (const n of [4, 5])
      expect(await call('ask', { name: 'answer', args: { n } }, { timeoutMs: 10_000 })).to.equal('deep');
  });

  it('keeps what it calls from no place when it has been answered', async () => {
    const after = deferred<Promise<unknown>>();
    const done = deferred<void>();
    answer = () => {
      void done.promise.then(() => after.resolve(call('ask', { name: 'echo', args: { value: 'after' } })));
      return 'first';
    };
    expect(await call('ask', { name: 'answer' })).to.equal('first');
    done.resolve();
    expect(await await after.promise).to.equal('after');
  });
});

describe('Host tools', function () {
  this.timeout(60_000);

  it('are functions with names', () => {
    const refused = (hostTools: unknown) => caught(() => new PythonWorker({ hostTools: hostTools as never }));
    expect(refused({ lookup: 1 })).to.include({ code: 'INVALID_OPTION', at: 'workers.hostTools.lookup' });
    expect(refused({ ' ': () => 1 }).message).to.include('workers.hostTools must have names that are not empty.');
    expect(refused([]).message).to.include('workers.hostTools must be an object with functions.');
    expect(caught(() => new PythonWorker({ hostTool: {} } as never)).message).to.include('Did you mean "hostTools"?');
  });

  it('are those that the worker was made with', async () => {
    const hostTools: Record<string, HostTool> = { first: () => 1 };
    const host = await TestWorker.make({ hostTools });
    hostTools.second = () => 2;
    await host.worker.start();
    const ask = (name: string) => host.worker.execute('asking_tools:ask', { name });
    expect(await ask('first')).to.equal(1);
    expect((await rejection(ask('second'))).message).to.include('There is no host tool "second". Known: "first".');
    await host.remove();
  });

  it('are none where none are given', async () => {
    const host = await TestWorker.start({});
    const error = await rejection(host.worker.execute('asking_tools:ask', { name: 'any' }));
    expect(error.message).to.include('There is no host tool "any". There are none.');
    await host.remove();
  });

  it('pass no value that is longer than values may be, in either direction', async () => {
    const host = await TestWorker.start(
      {
        maxValueBytes: 100_000,
        hostTools: { echo: ({ size }) => (size === undefined ? null : new Uint8Array(size as number)) },
      },
      'numpy',
    );
    const much = await rejection(host.worker.execute('asking_tools:much', { size: 100_001 }));
    expect(much).to.include({ code: 'PAYLOAD_TOO_LARGE' });
    expect(much.message).to.include('The value at host.echo has 100001 bytes, and 100000 may pass.');
    expect(await host.worker.execute('asking_tools:much', { size: 100_000 })).to.equal(null);
    const caughtIt = (size: number) => host.worker.execute('asking_tools:ask', { name: 'echo', args: { size } });
    const error = (await rejection(caughtIt(100_001))) as PythonError;
    expect(error.details).to.deep.equal({ code: 'PAYLOAD_TOO_LARGE' });
    expect(error.reason).to.include('The value at host.echo() has 100001 bytes');
    expect(((await caughtIt(100_000)) as Uint8Array).length).to.equal(100_000);
    await host.remove();
  });
});
