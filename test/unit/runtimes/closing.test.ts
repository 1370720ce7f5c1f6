import { expect } from 'chai';
import { workflow } from '../../../src/base/workflow-builder.js';
import { type AsyncPlugin, definePlugin } from '../../../src/plugins/plugin.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { rejection } from '../../support/caught.js';
import { deferred, turn } from '../../support/deferred.js';

function one() {
  const w = workflow('one');
  w.fn('a', {}, () => 1);
  return w.build();
}

/** A plugin that notes what happens to it, and starts as told. */
function noted(
  notes: string[],
  name: string,
  start: AsyncPlugin['start'] = () => undefined,
  stop = (): void => undefined,
) {
  return definePlugin({
    name,
    async: true,
    start: async (given) => {
      notes.push(`start ${name}`);
      await start(given);
      notes.push(`started ${name}`);
    },
    stop: () => {
      notes.push(`stop ${name}`);
      stop();
    },
  });
}

/** Starts until its signal is aborted, and fails then. */
const heeding: AsyncPlugin['start'] = ({ signal }) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

const never = (): Promise<void> => new Promise(() => undefined);

describe('Closing an AsyncLocalRuntime while a plugin starts', () => {
  it('aborts the start, refuses the runs that wait for it, and stops in reverse what had started', async () => {
    const notes: string[] = [];
    const reasons: unknown[] = [];
    const slow = noted(notes, 'slow', (given) => {
      given.signal.addEventListener('abort', () => reasons.push((given.signal.reason as { code: string }).code));
      return heeding(given);
    });
    const plugins = [noted(notes, 'a'), noted(notes, 'b'), slow, noted(notes, 'after')];
    const runtime = new AsyncLocalRuntime({ plugins });
    const waiting = [runtime.execute(one()), runtime.settle(one()), runtime.start()].map(rejection);
    await turn();
    await runtime.close();
    expect((await Promise.all(waiting)).map(({ code }) => code)).to.deep.equal(Array(3).fill('RUNTIME_CLOSED'));
    expect(reasons).to.deep.equal(['RUNTIME_CLOSED']);
    expect(notes).to.deep.equal(['start a', 'started a', 'start b', 'started b', 'start slow', 'stop b', 'stop a']);
  });

  it('throws what the plugins that had started fail with when they stop', async () => {
    const notes: string[] = [];
    const stubborn = noted(notes, 'stubborn', undefined, () => {
      throw new Error('stuck');
    });
    const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'a'), stubborn, noted(notes, 'slow', heeding)] });
    runtime.start().catch(() => undefined);
    await turn();
    const error = await rejection(runtime.close());
    expect([error.code, (error.cause as Error).message]).to.deep.equal(['PLUGIN_FAILED', 'stuck']);
    expect(notes.slice(-2)).to.deep.equal(['stop stubborn', 'stop a']);
  });

  it('waits for a start that goes on to its end, stops that too, and starts no other', async () => {
    const notes: string[] = [];
    const gate = deferred<void>();
    const runtime = new AsyncLocalRuntime({
      plugins: [noted(notes, 'slow', () => gate.promise), noted(notes, 'after')],
    });
    const run = rejection(runtime.settle(one()));
    await turn();
    let closed = false;
    const closing = runtime.close().then(() => {
      closed = true;
    });
    expect((await run).code).to.equal('RUNTIME_CLOSED');
    await turn();
    expect(closed).to.equal(false);
    gate.resolve();
    await closing;
    expect(notes).to.deep.equal(['start slow', 'started slow', 'stop slow']);
  });

  it('gives up a start that heeds no signal when its own is aborted, and stops what had started', async () => {
    const notes: string[] = [];
    const plugins = [noted(notes, 'a'), noted(notes, 'b'), noted(notes, 'deaf', never)];
    const runtime = new AsyncLocalRuntime({ plugins });
    const run = rejection(runtime.settle(one()));
    await turn();
    const abort = new AbortController();
    const closing = rejection(runtime.close({ signal: abort.signal }));
    await turn();
    expect(notes).not.to.include('stop b');
    const reason = new Error('ten seconds are over');
    abort.abort(reason);
    expect(await closing).to.include({
      name: 'ConfigurationError',
      code: 'CLOSE_ABORTED',
      cause: reason,
      message: 'close() stopped waiting for the start of plugin "deaf". End what it waited for, or give it more time.',
    });
    expect(notes.slice(-2)).to.deep.equal(['stop b', 'stop a']);
    expect((await run).code).to.equal('RUNTIME_CLOSED');
  });

  it('stops a plugin that starts after all that, starts no other, and logs a failure to stop', async () => {
    for (const fails of [false, true]) {
      const notes: string[] = [];
      const gate = deferred<void>();
      const log = new MemoryLog();
      const stop = (): void => {
        if (fails) throw new Error('stuck');
      };
      const late = noted(notes, 'late', () => gate.promise, stop);
      const runtime = new AsyncLocalRuntime({ plugins: [late, noted(notes, 'after')], log });
      runtime.start().catch(() => undefined);
      expect((await rejection(runtime.close({ signal: AbortSignal.abort() }))).code).to.equal('CLOSE_ABORTED');
      expect(notes).to.deep.equal(['start late']);
      gate.resolve();
      await turn();
      expect(notes).to.deep.equal(['start late', 'started late', 'stop late']);
      const text = 'Plugin "late" started after the runtime had closed, and failed to stop.';
      expect(log.entries.map(({ level, message }) => [level, message])).to.deep.equal(fails ? [['error', text]] : []);
    }
  });

  it('collects failures to stop beside the reason for giving up', async () => {
    const notes: string[] = [];
    const stubborn = noted(notes, 'stubborn', undefined, () => {
      throw new Error('stuck');
    });
    const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'a'), stubborn, noted(notes, 'deaf', never)] });
    runtime.start().catch(() => undefined);
    await turn();
    const { cause } = await rejection(runtime.close({ signal: AbortSignal.abort('enough') }));
    const [reason, failure] = (cause as AggregateError).errors as [unknown, { readonly code: string }];
    expect([reason, failure.code, notes.slice(-2)]).to.deep.equal([
      'enough',
      'PLUGIN_FAILED',
      ['stop stubborn', 'stop a'],
    ]);
  });
});

describe('Closing an AsyncLocalRuntime while runs are in flight', () => {
  /** A runtime in which `count` runs wait for a gate. */
  async function busy(notes: string[], count: number) {
    const gate = deferred<number>();
    const w = workflow('busy');
    w.fn('a', {}, () => gate.promise);
    const built = w.build();
    const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'p')] });
    await runtime.start();
    const runs = Array.from({ length: count }, () => runtime.settle(built));
    await turn();
    return { gate, runtime, runs };
  }

  it('waits for them, also where it has a signal', async () => {
    const notes: string[] = [];
    const { gate, runtime, runs } = await busy(notes, 2);
    const closing = runtime.close({ signal: new AbortController().signal });
    await turn();
    expect(notes).to.deep.equal(['start p', 'started p']);
    gate.resolve(1);
    await closing;
    expect([(await Promise.all(runs)).map(({ status }) => status), notes.at(-1)]).to.deep.equal([
      ['completed', 'completed'],
      'stop p',
    ]);
  });

  it('gives them up when its signal is aborted, says how many, and stops the plugins', async () => {
    for (const [count, text] of [
      [1, '1 run'],
      [3, '3 runs'],
    ] as const) {
      const notes: string[] = [];
      const { gate, runtime, runs } = await busy(notes, count);
      const abort = new AbortController();
      const closing = rejection(runtime.close({ signal: abort.signal }));
      await turn();
      abort.abort();
      const error = await closing;
      expect([error.code, error.message]).to.deep.equal([
        'CLOSE_ABORTED',
        `close() stopped waiting for ${text} in flight. End what it waited for, or give it more time.`,
      ]);
      expect(notes.at(-1)).to.equal('stop p');
      gate.resolve(1);
      expect(new Set((await Promise.all(runs)).map(({ status }) => status))).to.deep.equal(new Set(['completed']));
    }
  });

  it('has nothing to give up where nothing is in flight, also when its signal is aborted already', async () => {
    const notes: string[] = [];
    const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'p')] });
    await runtime.execute(one());
    await runtime.close({ signal: AbortSignal.abort() });
    await runtime.close({ signal: AbortSignal.abort() });
    expect(notes).to.deep.equal(['start p', 'started p', 'stop p']);
  });

  it('checks its options, and closes nothing where they are wrong', async () => {
    const runtime = new AsyncLocalRuntime();
    for (const [options, code] of [
      [5, 'INVALID_OPTION'],
      [{ signal: {} }, 'INVALID_OPTION'],
      [{ signall: undefined }, 'UNKNOWN_OPTION'],
    ] as const)
      expect((await rejection(runtime.close(options as never))).code).to.equal(code);
    expect(runtime.isClosed).to.equal(false);
  });

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners--;
      remove(...args);
    };
    const { gate, runtime } = await busy([], 1);
    const closing = runtime.close({ signal });
    await turn();
    expect(listeners).to.equal(1);
    gate.resolve(1);
    await closing;
    expect(listeners).to.equal(0);
  });
});

describe('Closing an AsyncLocalRuntime again while a run is in flight', () => {
  it('is done at once; the first call still waits for the run', async () => {
    const notes: string[] = [];
    const gate = deferred<void>();
    const runtime = new AsyncLocalRuntime({ plugins: [noted(notes, 'a')] });
    const w = workflow('slow');
    w.fn('slow', {}, async () => {
      await gate.promise;
      notes.push('node ended');
    });
    const run = runtime.execute(w.build());
    await turn();
    const first = runtime.close().then(() => notes.push('closed'));
    await runtime.close();
    notes.push('closed again');
    gate.resolve();
    expect((await run).status).to.equal('completed');
    await first;
    expect(notes).to.deep.equal(['start a', 'started a', 'closed again', 'node ended', 'stop a', 'closed']);
  });
});
