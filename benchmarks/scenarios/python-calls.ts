import { BUDGETS } from '../budgets.js';
import { BareGrpc, EchoProcess, FramedSocket } from '../limits/python-echo.js';
import { compare, ratioRow, type Times, type Work, wallTime } from '../measure.js';
import { pythonForBenchmarks, workerForBenchmarks } from '../python.js';
import type { Scenario } from '../scenario.js';

/** Calls one after the other in one sample of work, so that a sample is no single call. */
const IN_TURN = 16;

async function inTurn(call: () => Promise<unknown>): Promise<void> {
  for (let index = 0; index < IN_TURN; index++) await call();
}

function together(count: number, call: () => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, call));
}

/** The middle and the 99th percentile of single calls, in microseconds. */
async function percentiles(call: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let index = 0; index < 2_000; index++) {
    const start = performance.now();
    await call();
    times.push((performance.now() - start) * 1_000);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => Math.round(times[Math.floor(times.length * part)] as number);
  return `p50 ${at(0.5)} us, p99 ${at(0.99)} us`;
}

/**
 * Calls of a Python function that returns its argument, beside what libraries and a bare socket do with as many bytes: one at a time,
 * several in flight, and handed over as one batch. All of it is wall time, since two processes take turns.
 */
export const scenario: Scenario = {
  title: 'calls of Python',
  sizes: [100],
  ciSizes: [100],
  async measure(size, effort) {
    const python = await pythonForBenchmarks();
    const message = Buffer.alloc(size, 'x');
    const value = message.toString();
    const [grpcEcho, aioEcho, socketEcho] = await Promise.all([
      EchoProcess.start(python, 'grpc'),
      EchoProcess.start(python, 'aio'),
      EchoProcess.start(python, 'socket'),
    ]);
    const grpc = new BareGrpc(grpcEcho);
    const aio = new BareGrpc(aioEcho);
    const socket = await FramedSocket.open(socketEcho);
    const worker = await workerForBenchmarks();
    const call = (): Promise<unknown> => worker.execute('echo', { value });
    const overSocket = (): Promise<unknown> => socket.call(value);
    const batch = Array.from({ length: 64 }, () => ({ command: 'echo', args: { value } }));
    const sides: Work[] = [
      () => inTurn(() => grpc.one(message)),
      () => inTurn(() => aio.one(message)),
      () => inTurn(overSocket),
      () => inTurn(call),
      () => together(8, overSocket),
      () => together(8, call),
      () => together(64, overSocket),
      () => together(64, () => grpc.single(message)),
      () => together(64, call),
      () => worker.executeBatch(batch),
    ];
    const times = await compare(sides, effort, wallTime);
    const [bidi, bidiAio, socketOne, one, socket8, in8, socket64, unary64, in64, batched] = times as [
      Times,
      ...Times[],
    ];
    const note = `${await percentiles(call)}; limit: ${await percentiles(() => grpc.one(message))}`;
    for (const each of [grpc, aio, socket]) each.close();
    await Promise.all([worker.stop(), grpcEcho.stop(), aioEcho.stop(), socketEcho.stop()]);
    const row = (what: string, per: number, limit: Times | undefined, ours: Times | undefined, more = {}) =>
      ratioRow({ what, size, per, ...more }, limit as Times, ours as Times);
    return [
      row('python call, one at a time', IN_TURN, bidi, one, { budget: BUDGETS.pythonCall, note }),
      row('python call, one at a time, grpc.aio', IN_TURN, bidiAio, one),
      row('python call, one at a time, framed socket', IN_TURN, socketOne, one),
      row('python calls, 8 in flight, framed socket', 8, socket8, in8),
      row('python calls, 64 in flight, framed socket', 64, socket64, in64, { budget: BUDGETS.pythonParallel }),
      row('python calls, 64 in flight, unary', 64, unary64, in64, { budget: BUDGETS.pythonUnary }),
      row('python calls, a batch of 64, framed socket', 64, socket64, batched),
    ];
  },
};
