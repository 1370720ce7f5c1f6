import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { RunEvent } from '../../src/base/events.js';
import { readStoredEvent } from '../../src/base/history/stored-event.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { SyncPlugin } from '../../src/plugins/plugin.js';
import { ndarray } from '../../src/plugins/python/values/ndarray.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { CrashError, CrashingStore, type CrashPoint } from '../../src/testing/crashing-store.js';
import { attemptsOf } from '../support/attempts-of.js';
import { rejection } from '../support/caught.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';

type Kind = 'sync' | 'async';

const fail = pyTool('fail');
const note = pyTool('note', ['path', 'value']);

/** A chain of Python nodes, each of which adds a line to a file, over an array; beside it one that fails. */
function flow(path: string) {
  const w = workflow('w');
  const m = w.add('m', pyTool('matrix', ['rows', 'columns'])({ rows: 2, columns: 2 }));
  const a = w.add('a', note({ path, value: m.out.value }));
  const sum = w.fn('sum', { value: a.out.value }, ({ value }) => (value as { readonly data: Float64Array }).data[3]);
  const b = w.add('b', note({ path, value: sum.out.value }));
  const risky = w.try('risky', fail({ value: 'Jo' }));
  return w.build({ outputs: { array: a.out.value, last: b.out.value, why: risky.error } });
}

const ARRAY = ndarray(new Float64Array([0, 1, 2, 3]), [2, 2]);

function logOf(store: CrashingStore): readonly RunEvent[] {
  return [...store.events('r')].map((event) => readStoredEvent(event, 'r', (hash) => store.blob(hash)));
}

/** Waits for a run. @returns whether its store has broken */
async function isBrokenOff(run: Promise<unknown>): Promise<boolean> {
  const outcome = await run.catch((error: unknown) => error);
  if (outcome instanceof Error && !(outcome instanceof CrashError)) throw outcome;
  return outcome instanceof CrashError;
}

describe('A recorded run with Python nodes', function () {
  this.timeout(60_000);
  let pool: PythonPool;
  let plugin: SyncPlugin;
  let holder: AsyncLocalRuntime;

  before(async () => {
    pool = await PythonPool.open('numpy');
    plugin = pool.workers();
    // Keeps the workers that the runtimes of the tests share.
    holder = new AsyncLocalRuntime({ plugins: [plugin] });
    const w = workflow('first');
    w.add('a', fail({ value: 1 }), { retry: { attempts: 1 } });
    await holder.settle(w.build());
  });
  after(async () => {
    await holder.close();
    pool.remove();
  });

  function open(kind: Kind, store: CrashingStore, plugins = [plugin]) {
    const runtime = kind === 'sync' ? new LocalRuntime({ store, plugins }) : new AsyncLocalRuntime({ store, plugins });
    return {
      execute: async (path: string) => (runtime as LocalRuntime).execute(flow(path), {}, { runId: 'r' }),
      resume: async (path: string) => (runtime as LocalRuntime).resume(flow(path), 'r'),
      replay: () => runtime.replay('r'),
      [Symbol.asyncDispose]: async () => runtime.close(),
    };
  }

  for (const kind of ['sync', 'async'] as const) {
    const other = kind === 'sync' ? 'async' : 'sync';

    it(`keeps arrays of numpy and what Python raised, and is read where there is no Python (${kind})`, async () => {
      const store = new CrashingStore(undefined);
      await using runtime = open(kind, store);
      const { output } = await runtime.execute(`${pool.place()}/notes`);
      expect(output).to.deep.include({ array: ARRAY, last: 3 });
      await using reader = open(other, store, []);
      const replayed = reader.replay();
      expect(replayed.output).to.deep.equal(output);
      expect(replayed.results.get('a')).to.deep.equal({ value: ARRAY });
      expect(replayed.node('risky').error).to.deep.include({ name: 'PythonError', code: 'PYTHON_RAISED' });
    });

    it(`that was cut off anywhere performs again what had not settled, and nothing else (${kind}, then ${other})`, async () => {
      const whole = new CrashingStore(undefined);
      await using runtime = open(kind, whole);
      const { output } = await runtime.execute(`${pool.place()}/notes`);
      const points = Array.from({ length: whole.commits - 1 }, (_, at): CrashPoint[] => {
        const commit = at + 1;
        const after: CrashPoint = { commit, when: 'after' };
        return commit % 3 === 0 ? [{ commit, when: 'before' }, after] : [after];
      }).flat();
      expect(points).to.have.length.above(4);
      const again: string[] = [];
      for (const point of points) {
        const at = JSON.stringify(point);
        const path = `${pool.place()}/notes`;
        const store = new CrashingStore(point);
        {
          await using first = open(kind, store);
          // Which nodes settle together differs, and with it how many commits there are.
          if (!(await isBrokenOff(first.execute(path)))) continue;
        }
        store.restart();
        const before = logOf(store);
        await using second = open(other, store);
        const resumed = await second.resume(path);
        expect(resumed.output, at).to.deep.equal(output);
        const log = logOf(store);
        const started = attemptsOf(log.slice(before.length), 'attempt.started');
        const settled = [...attemptsOf(before, 'attempt.completed'), ...attemptsOf(before, 'attempt.failed')];
        const nodeOf = (attempt: string): string => attempt.split(' ')[0] as string;
        for (const attempt of settled) expect(started.map(nodeOf), at).to.not.include(nodeOf(attempt));
        again.push(...attemptsOf(log, 'attempt.lost'));
        // Each attempt that the log says was started took effect once, or not at all where it was lost before it was sent.
        const noted = readFileSync(path, 'utf8').trim().split('\n');
        expect(new Set(noted).size, at).to.equal(noted.length);
        expect(attemptsOf(log, 'attempt.started'), at).to.include.members(noted);
        expect(noted, at).to.include.members(
          attemptsOf(log, 'attempt.completed').filter((attempt) => /^[ab] /.test(attempt)),
        );
      }
      // Which of them were in flight depends on what settles together.
      expect(again.filter((attempt) => /^[ab] 1$/.test(attempt))).to.not.deep.equal([]);
    });
  }

  it('is not resumed where nobody provides its workers, and can be later', async () => {
    const path = `${pool.place()}/notes`;
    const store = new CrashingStore({ commit: 2, when: 'before' });
    await using first = open('async', store);
    expect(await isBrokenOff(first.execute(path))).to.equal(true);
    store.restart();
    await using without = open('sync', store, []);
    expect((await rejection(without.resume(path))).code).to.equal('EXECUTOR_MISSING');
    await using second = open('sync', store);
    expect((await second.resume(path)).status).to.equal('completed');
  });
});
