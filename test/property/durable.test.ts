import { expect } from 'chai';
import fc from 'fast-check';
import type { RunEvent } from '../../src/base/events.js';
import type { GraphResult } from '../../src/base/graph-result.js';
import { RunFailedError } from '../../src/base/run-errors.js';
import type { RunResult } from '../../src/base/run-result.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { settleAnswered, settleAnsweredLater } from '../../src/testing/answered-runs.js';
import {
  advanceUntil,
  arbitraryWorkflow,
  MemoryLog,
  seededIds,
  seededRandom,
  VirtualClock,
} from '../../src/testing/index.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { RecordingStore } from '../support/recording-store.js';
import { replayed } from '../support/replayed.js';
import { comparableLog, type FlowRun, graphView, resultOf, runFlow, stateView } from '../support/run-flow.js';

const RUN = 'run-1';
const scheduler = fc.option(fc.nat({ max: 1000 }), { nil: undefined });

/** In one of the runtimes. Under `fail-fast`, one node at a time: which of two that failed was first depends on when they start. */
function how(seed: number | undefined, onError: 'continue' | 'fail-fast'): FlowRun {
  const single = onError === 'fail-fast' ? { maxConcurrency: 1 } : {};
  return seed === undefined ? { onError } : { onError, runtime: 'async', scheduler: seed, ...single };
}

/** A log without what only recorded ones have. */
function plain(events: readonly RunEvent[]): readonly unknown[] {
  return comparableLog(
    events.map((event) => {
      if (event.kind !== 'run.started') return event;
      const { workflowHash: _, ...data } = event.data;
      return { ...event, data };
    }),
  );
}

function shown(result: RunResult & GraphResult): unknown {
  const { status, output, warnings, startedAt, durationMs, gates } = result;
  return { status, output, warnings, startedAt, durationMs, gates, ...graphView(result) };
}

function fates(result: GraphResult): unknown {
  return [...result.nodes.values()].map(({ id, status, reason, visits }) => ({
    id,
    status,
    visits,
    reason: reason?.code,
  }));
}

describe('a durable run', () => {
  holds(
    'comes to the same as one that is not recorded, and its log is its state',
    fc.record({ spec: flows(), scheduler, onError: fc.constantFrom('continue', 'fail-fast') }),
    async ({ spec, scheduler: seed, onError }) => {
      const way = how(seed, onError);
      const expected = await runFlow(spec, way);
      const store = new RecordingStore();
      const durable = await runFlow(spec, { ...way, store });
      same(resultOf(durable.outcome), resultOf(expected.outcome), 'the result');
      same(plain(durable.events), plain(expected.events), 'the canonical log');
      if (durable.outcome.status === 'rejected') return;
      const log = store.log(RUN);
      same(plain(log), plain(durable.events), 'what was recorded');
      expect(log.map(({ seq }) => seq)).to.deep.equal(log.map((_, index) => index));
      const now = log.at(-1)?.ts ?? 0;
      const { state } = replayed(durable.workflow, log);
      if (durable.state !== undefined) same(stateView(state, now), stateView(durable.state, now), 'the folded state');
      using reader = new LocalRuntime({ store, log: new MemoryLog() });
      same(shown(reader.replay(RUN)), shown(durable.outcome), 'the replayed run');
      expect(reader.verify(RUN)).to.deep.include({ ok: true, events: log.length });
    },
  );

  holds(
    'passes the time limits that it passes where it is not recorded, however long nodes hold the thread',
    fc.record({ spec: flows({ durations: true }), pace: fc.nat({ max: 1000 }), isAsync: fc.boolean() }),
    async ({ spec, pace, isAsync }) => {
      const way: FlowRun = { pace, runtime: isAsync ? 'async' : 'local' };
      const expected = await runFlow(spec, way);
      const durable = await runFlow(spec, { ...way, store: new RecordingStore() });
      same(resultOf(durable.outcome), resultOf(expected.outcome), 'the result');
      same(plain(durable.events), plain(expected.events), 'the canonical log');
    },
    0.5,
  );

  holds(
    'is replayed from any part of its log, without its code',
    fc.record({ spec: flows({ size: 6 }), scheduler }),
    async ({ spec, scheduler: seed }) => {
      const store = new RecordingStore();
      const { outcome } = await runFlow(spec, { ...how(seed, 'continue'), store });
      if (outcome.status === 'rejected') return;
      using reader = new LocalRuntime({ store, log: new MemoryLog() });
      const events = store.kinds(RUN).length;
      for (let count = 1; count <= events; count++) shown(reader.replay(RUN, { events: count }));
      same(reader.exportRun(RUN).events.length, events, 'what is exported');
    },
    0.2,
  );

  holds(
    'comes to the same however often it is cut off',
    fc.record({
      flow: arbitraryWorkflow(fc, { size: 8 }),
      cuts: fc.array(fc.record({ commits: fc.nat({ max: 12 }), after: fc.boolean(), async: fc.boolean() }), {
        maxLength: 3,
      }),
      last: fc.boolean(),
    }),
    async ({ flow: { workflow, params, set, answers }, cuts, last }) => {
      const worked = async (store: RecordingStore, isAsync: boolean, clock: VirtualClock) => {
        const options = { clock, ids: seededIds(), random: seededRandom(1), log: new MemoryLog(), store };
        const goesOn = store.run(RUN) === undefined ? {} : { goesOn: RUN };
        const events: RunEvent[] = [...store.log(RUN)];
        const run = {
          ...{ workflow: workflow as never, params: params as object, options: { set, runId: RUN }, ...goesOn },
          ...{ answers, clock, events },
        };
        if (!isAsync) {
          using runtime = new LocalRuntime(options);
          return settleAnswered(runtime, run);
        }
        await using runtime = new AsyncLocalRuntime(options);
        return await settleAnsweredLater(runtime, run, (start) => advanceUntil(start, clock));
      };
      const whole = await worked(new RecordingStore(), false, new VirtualClock());
      const store = new RecordingStore();
      const clock = new VirtualClock();
      for (const { commits, async } of cuts) {
        let left = commits;
        store.breaks = () => (left-- <= 0 ? new Error('gone') : undefined);
        const outcome = await worked(store, async, clock).catch((error: Error) => {
          if (error.message !== 'gone') throw error;
        });
        store.breaks = () => undefined;
        if (outcome !== undefined) break;
      }
      const resumed = await worked(store, last, clock);
      if (whole.status === 'rejected' || resumed.status === 'rejected') {
        expect(resumed.status).to.equal(whole.status);
        return;
      }
      expect(resumed.status).to.equal(whole.status);
      same(fates(resumed), fates(whole), 'the nodes');
      const log = store.log(RUN);
      expect(log.map(({ seq }) => seq)).to.deep.equal(log.map((_, index) => index));
      using reader = new LocalRuntime({ store, log: new MemoryLog() });
      same(fates(reader.replay(RUN)), fates(whole), 'the replayed nodes');
    },
    0.5,
  );

  holds(
    'comes to the same when it is forked from any event, whichever runtime recorded it and whichever goes on',
    fc.record({
      flow: arbitraryWorkflow(fc, { size: 8 }),
      isAsync: fc.boolean(),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      again: fc.nat({ max: 20 }),
    }),
    async ({ flow: { workflow, params, set, answers }, isAsync, at, again }) => {
      const store = new RecordingStore();
      const ignore = (error: unknown): void => {
        if (!(error instanceof RunFailedError)) throw error;
      };
      /** Runs it in one of the runtimes, at a time of its own: the run itself, or a fork of it from so many events. */
      const worked = async (
        inAsync: boolean,
        clock: VirtualClock,
        fork?: { readonly events: number; readonly rerun: readonly string[] },
      ) => {
        const options = { clock, ids: seededIds(), random: seededRandom(1), log: new MemoryLog(), store };
        const goesOn = fork === undefined ? undefined : `fork-${inAsync}`;
        const run = {
          ...{ workflow: workflow as never, params: params as object, options: { set, runId: RUN }, answers, clock },
          ...{ events: [], ...(goesOn === undefined ? {} : { goesOn }) },
        };
        const forking = { workflow: workflow as never, ...(goesOn === undefined ? {} : { runId: goesOn }) };
        if (inAsync) {
          await using runtime = new AsyncLocalRuntime(options);
          if (fork !== undefined) {
            const { events, rerun } = fork;
            await advanceUntil(() => runtime.fork(RUN, events, { rerun }, forking).catch(ignore), clock);
          }
          return await settleAnsweredLater(runtime, run, (start) => advanceUntil(start, clock));
        }
        using runtime = new LocalRuntime(options);
        try {
          if (fork !== undefined) runtime.fork(RUN, fork.events, { rerun: fork.rerun }, forking);
        } catch (error) {
          ignore(error);
        }
        return settleAnswered(runtime, run);
      };
      const clock = new VirtualClock();
      const whole = await worked(isAsync, clock);
      if (whole.status === 'rejected') return;
      const ids = [...whole.nodes.keys()];
      const events = Math.max(1, Math.round(at * store.log(RUN).length));
      const fork = { events, rerun: again < ids.length ? [ids[again] as string] : [] };
      const [sync, later] = [
        await worked(false, new VirtualClock(clock.now()), fork),
        await worked(true, new VirtualClock(clock.now()), fork),
      ];
      if (sync.status === 'rejected' || later.status === 'rejected') throw new Error('A fork was rejected.');
      same(later.status, sync.status, 'the status');
      same(later.output, sync.output, 'the output');
      same(fates(later), fates(sync), 'the nodes');
      using reader = new LocalRuntime({ store, log: new MemoryLog() });
      for (const run of [sync, later]) same(fates(reader.replay(run.runId)), fates(sync), 'the replayed nodes');
    },
    0.5,
  );
});
