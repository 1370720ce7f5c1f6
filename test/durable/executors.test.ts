import { expect } from 'chai';
import type { RunEvent } from '../../src/base/events.js';
import { readStoredEvent } from '../../src/base/history/stored-event.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { CrashingStore, type CrashPoint } from '../../src/testing/crashing-store.js';
import { rejection } from '../support/caught.js';
import { toolNode, toolWorkers } from '../support/tool-executor.js';

const echo = toolNode('echo');
const fail = toolNode('fail');

/** Three nodes of an executor, one after the other, and one that fails beside them. */
function flow() {
  const w = workflow('w');
  const a = w.add('a', echo({ value: new Map([['rows', [1, 2]]]) }));
  const b = w.add('b', echo({ value: a.out.value }));
  const c = w.add('c', echo({ value: b.out.value }));
  const risky = w.try('risky', fail({ value: 'Jo' }));
  return w.build({ outputs: { value: c.out.value, why: risky.error } });
}

function logOf(store: CrashingStore): readonly RunEvent[] {
  return [...store.events('r')].map((event) => readStoredEvent(event, 'r', (hash) => store.blob(hash)));
}

type Kind = 'sync' | 'async';

function open(kind: Kind, store: CrashingStore, plugins = [toolWorkers()]) {
  const runtime = kind === 'sync' ? new LocalRuntime({ store, plugins }) : new AsyncLocalRuntime({ store, plugins });
  return {
    execute: async () => (runtime as LocalRuntime).execute(flow(), {}, { runId: 'r' }),
    resume: async () => (runtime as LocalRuntime).resume(flow(), 'r'),
    replay: () => runtime.replay('r'),
    [Symbol.asyncDispose]: async () => runtime.close(),
  };
}

/** The nodes of the events of a kind. */
function nodesOf(events: readonly RunEvent[], kind: RunEvent['kind']): readonly string[] {
  return events.flatMap((event) => (event.kind === kind ? [(event.data as { readonly node: string }).node] : []));
}

for (const [kind, other] of [
  ['sync', 'sync'],
  ['async', 'async'],
  ['sync', 'async'],
  ['async', 'sync'],
] as const)
  describe(`A recorded run with nodes that an executor performs (${kind}, then ${other})`, () => {
    it('keeps what they gave, and is read without their executor', async () => {
      const store = new CrashingStore(undefined);
      await using runtime = open(kind, store);
      const { output } = await runtime.execute();
      expect(output?.value).to.deep.equal(new Map([['rows', [1, 2]]]));
      expect(output?.why).to.deep.include({ code: 'NO_LUCK' });
      await using reader = open(kind, store, []);
      const replayed = reader.replay();
      expect(replayed.output).to.deep.equal(output);
      expect(replayed.node('risky').error?.code).to.equal('NO_LUCK');
    });

    it('that was cut off performs again what had not settled, and nothing else', async () => {
      const whole = new CrashingStore(undefined);
      await using runtime = open(kind, whole);
      const { output } = await runtime.execute();
      const points = Array.from({ length: whole.commits - 1 }, (_, commit) => commit + 1).flatMap((commit) =>
        (['before', 'after'] as const).map((when): CrashPoint => ({ commit, when })),
      );
      expect(points).to.have.length.above(4);
      for (const point of points) {
        const store = new CrashingStore(point);
        await using first = open(kind, store);
        await first.execute().then(
          () => undefined,
          () => undefined,
        );
        store.restart();
        const before = logOf(store);
        await using second = open(other, store);
        const resumed = await second.resume();
        expect(resumed.output, JSON.stringify(point)).to.deep.equal(output);
        const started = nodesOf(logOf(store).slice(before.length), 'attempt.started');
        const settled = [...nodesOf(before, 'attempt.completed'), ...nodesOf(before, 'attempt.failed')];
        for (const node of settled) expect(started, JSON.stringify(point)).to.not.include(node);
      }
    });

    it('is not resumed where nobody provides their executor, and can be later', async () => {
      const store = new CrashingStore({ commit: 2, when: 'before' });
      await using first = open(kind, store);
      await first.execute().catch(() => undefined);
      store.restart();
      await using without = open(kind, store, []);
      expect((await rejection(without.resume())).code).to.equal('EXECUTOR_MISSING');
      await using second = open(other, store);
      expect((await second.resume()).status).to.equal('completed');
    });
  });
