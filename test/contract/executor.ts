import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunEvent } from '../../src/base/events.js';
import { encodeValue } from '../../src/base/history/value-codec.js';
import type { NodeCapabilities, UseOptions } from '../../src/base/node-options.js';
import type { RejectedRun, RunOutcome } from '../../src/base/outcome.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { SyncPlugin } from '../../src/plugins/plugin.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../src/runtimes/local-runtime.js';
import { nodeBytes } from '../../src/runtimes/node-bytes.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { goldenValues } from '../support/golden-values.js';
import type { ValueNode } from '../support/tool-executor.js';
import { until } from '../support/until.js';

/** An executor under test. It offers the tools of test/support/modules/tools.ts, each with the input `value` and the output `value`. */
export interface ExecutorUnderTest {
  readonly kind: string;
  /** The plugin that provides it: a new one, to be closed with its runtime. */
  plugin(): SyncPlugin;
  /** A node that it performs. */
  node(tool: string, more?: NodeCapabilities & Readonly<Record<string, unknown>>): ValueNode;
  /** The code of the failure of an input that is no data. */
  readonly refusal: string;
  /** What `fail` fails with, given `Jo`. */
  readonly failure: { readonly code: string; readonly message: string };
  /** Golden values that it does not give back as they are, by name. Default: none. */
  readonly changed?: readonly string[];
}

/** A limit that is short beside a test and long beside a call. */
const SHORT_MS = 800;

type PerformedRun = Exclude<RunOutcome<unknown>, RejectedRun>;

function performed(outcome: RunOutcome<unknown>): PerformedRun {
  if (outcome.status === 'rejected') throw outcome.error;
  return outcome;
}

/** Around the lengths from which bytes cross another way: beside the text, given away, and in a file. */
const LONG = [256, 16_384, 2 ** 20].flatMap((limit) => [limit - 8, limit, limit + 8]);

class Thing {
  readonly x = 1;
}

/** What every executor promises, in each runtime. */
export function executorContract(
  name: string,
  tested: ExecutorUnderTest,
  runtimes: readonly ('sync' | 'async')[],
): void {
  for (const kind of runtimes)
    describe(`${name}, as an executor in ${kind === 'sync' ? 'LocalRuntime' : 'AsyncLocalRuntime'}`, () => {
      let runtime: LocalRuntime | AsyncLocalRuntime;
      let folder: string;
      const log = new MemoryLog();
      const events: RunEvent[] = [];

      const open = (options: Omit<LocalRuntimeOptions, 'plugins'> = {}): void => {
        const all = { plugins: [tested.plugin()], log, ...options };
        runtime = kind === 'sync' ? new LocalRuntime(all) : new AsyncLocalRuntime(all);
        runtime.on('event', (event) => events.push(event));
      };
      /** Runs nodes side by side; the outputs are their values. */
      const run = async (
        nodes: Readonly<Record<string, readonly [node: ValueNode, value?: unknown, options?: UseOptions]>>,
        options = {},
      ): Promise<PerformedRun> => {
        const w = workflow('w');
        const outputs: Record<string, never> = {};
        for (const [id, [node, value, use = {}]] of Object.entries(nodes))
          outputs[id] = w.add(id, node({ value }), use as object).out.value as never;
        return performed(await runtime.settle(w.build({ outputs }), {}, options));
      };
      const file = (path: string): string => join(folder, path);
      /** The failure of node `a`. */
      const failed = (outcome: PerformedRun) => {
        expect(outcome.status).to.equal('failed');
        const { error, attempts } = outcome.node('a');
        return { code: error?.code, message: error?.message, attempts };
      };

      before(() => open());
      after(() => runtime.close());
      beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), 'lockstep-executor-'));
        events.length = 0;
      });
      afterEach(() => rmSync(folder, { recursive: true }));

      it('gives back every value that the value codec knows', async () => {
        const { changed = [] } = tested;
        const kept = Object.entries(goldenValues).filter(([value]) => !changed.includes(value));
        for (const [golden, value] of kept) {
          const outcome = await run({ a: [tested.node('echo'), [value]] });
          expect(encodeValue(outcome.output, golden, nodeBytes)).to.equal(
            encodeValue({ a: [value] }, golden, nodeBytes),
          );
        }
      });

      for (const size of LONG)
        it(`gives back ${size} bytes in memory of their own, and leaves those that it was given as they are`, async () => {
          const numbers = Float64Array.from({ length: size / 8 + 1 }, (_, index) => index + 0.5);
          const value = [
            numbers.slice(1),
            numbers.subarray(1),
            numbers.subarray(1),
            new Uint8Array(numbers.buffer, 3, size),
          ];
          const before = encodeValue(value, 'value', nodeBytes);
          const heard: unknown[] = [];
          const hear = ({ data }: { readonly data: unknown }): void => void heard.push(data);
          const stop = runtime.on('data', hear);
          const nodes = { a: [tested.node('echo'), value], b: [tested.node('talk'), value] } as const;
          const { output } = await run(nodes);
          stop();
          const given = (output as { readonly a: typeof value }).a;
          expect(heard).to.have.length(1);
          for (const came of [given, heard[0] as typeof value]) {
            expect(encodeValue(came, 'value', nodeBytes) === before).to.equal(true);
            for (const one of came) one.fill(7);
            const memories = new Set<unknown>([numbers.buffer, ...came.map(({ buffer }) => buffer)]);
            expect(memories.size).to.equal(1 + value.length);
            for (const memory of memories) expect(memory).to.be.instanceOf(ArrayBuffer);
          }
          expect(encodeValue(value, 'value', nodeBytes) === before).to.equal(true);
        });

      it('refuses an input that is no data, with its path, before it is called', async () => {
        const { code, message, attempts } = failed(
          await run({ a: [tested.node('echo'), { rows: [1, new Thing()] }, { retry: { attempts: 3 } }] }),
        );
        expect(code).to.equal(tested.refusal);
        expect(message).to.contain('value.rows[1]');
        if (code === 'VALUE_NOT_ENCODABLE') expect(attempts).to.equal(1);
      });

      it('fails the attempt with what the tool throws, and each attempt anew', async () => {
        const { code, message, attempts } = failed(
          await run({ a: [tested.node('fail'), 'Jo', { retry: { attempts: 3, delayMs: 0 } }] }),
        );
        expect({ code, attempts }).to.deep.equal({ code: tested.failure.code, attempts: 3 });
        expect(message).to.contain(tested.failure.message);
      });

      it('tells a tool what it is told of any attempt', async () => {
        await runtime.close();
        open({ secrets: { load: () => ({ KEY: 'sesame' }) } });
        const { output } = await run(
          { a: [tested.node('about', { secrets: ['KEY'] }), null] },
          { runId: 'r', context: { tenant: 'acme' } },
        );
        expect(output).to.deep.equal({
          a: {
            ...{ runId: 'r', nodeId: 'a', attempt: 1, visit: 1, idempotencyKey: 'r/a/1' },
            ...{ state: undefined, context: { tenant: 'acme' }, secret: 'sesame' },
          },
        });
      });

      it('lets a tool log, tell how far it is, and stream data', async () => {
        const heard: unknown[] = [];
        runtime.on('progress', ({ node, current, total, message }) => heard.push([node, current, total, message]));
        runtime.on('data', ({ node, data }) => heard.push([node, data]));
        await run({ a: [tested.node('talk'), new Map([[1, new Date(0)]])] });
        expect(heard).to.deep.equal([
          ['a', 1, 2, 'one'],
          ['a', new Map([[1, new Date(0)]])],
        ]);
        expect(log.entries.map(({ message }) => message)).to.include('begins');
      });

      it('keeps the state of a node from one visit to the next', async () => {
        const w = workflow('w');
        const state = type<number>();
        const counter = {
          '~standard': { ...state['~standard'], validate: (value: unknown) => ({ value: value ?? 10 }) },
        };
        const a = w.add('a', tested.node('count', { state: counter })({ value: null }));
        w.cycle('loop', { feedback: [a.out.value.to(a.in.value)], maxIterations: 3 });
        const outcome = await runtime.settle(w.build({ outputs: { value: a.out.value } }), {});
        expect(performed(outcome).output).to.deep.equal({ value: 13 });
      });

      it('performs independent nodes together', async () => {
        const meet = [tested.node('meet'), { folder, number: 3 }] as const;
        const { output } = await run({ a: meet, b: meet, c: meet });
        expect(output).to.deep.equal({ a: 'met', b: 'met', c: 'met' });
      });

      it('performs no more at a time than a limit says', async () => {
        await runtime.close();
        open({ executors: { [`${tested.kind}.alone`]: { limit: { maxConcurrency: 1 } } } });
        const alone = [tested.node('alone'), folder] as const;
        const { output } = await run({ a: alone, b: alone, c: alone });
        expect(output).to.deep.equal({ a: 'alone', b: 'alone', c: 'alone' });
      });

      it('tells a tool that a hard limit has passed, and waits no longer', async () => {
        const value = { started: file('started'), told: file('told') };
        const { code } = failed(await run({ a: [tested.node('hold'), value, { timeoutMs: SHORT_MS }] }));
        expect(code).to.equal('ATTEMPT_TIMEOUT');
        await until(() => existsSync(value.told) && readFileSync(value.told, 'utf8') !== '');
        expect(readFileSync(value.told, 'utf8')).to.equal('gone');
      });

      it('tells a tool that a soft limit has passed, and takes its answer', async () => {
        const value = { started: file('started'), told: file('told') };
        const { output } = await run({ a: [tested.node('hold'), value, { softTimeoutMs: SHORT_MS }] });
        expect(output).to.deep.equal({ a: 'told' });
        expect(readFileSync(value.told, 'utf8')).to.equal('aborted');
      });

      it('drops an answer that comes too late', async () => {
        const value = { finish: file('finish'), finished: file('finished') };
        const outcome = await run({
          a: [tested.node('late'), value, { timeoutMs: SHORT_MS, retry: { attempts: 2, delayMs: 0 } }],
        });
        expect(outcome.output).to.deep.equal({ a: 2 });
        const before = events.length;
        writeFileSync(value.finish, '');
        await until(() => existsSync(value.finished));
        expect((await run({ a: [tested.node('echo'), 'after'] })).output).to.deep.equal({ a: 'after' }); // behind it
        expect(events.slice(before).filter(({ runId }) => runId === outcome.runId)).to.deep.equal([]);
      });

      if (kind === 'async')
        it('ends with a run that is cancelled', async () => {
          const value = { started: file('started'), told: file('told') };
          const controller = new AbortController();
          const running = run({ a: [tested.node('hold'), value] }, { signal: controller.signal });
          await until(() => existsSync(value.started));
          controller.abort();
          expect((await running).status).to.equal('cancelled');
          await until(() => existsSync(value.told));
        });

      it('closes while a call goes on that nobody waits for', async () => {
        const value = { finish: file('finish'), finished: file('finished') };
        failed(await run({ a: [tested.node('late'), value, { timeoutMs: SHORT_MS }] }));
        await runtime.close();
        writeFileSync(value.finish, '');
        open();
        expect((await run({ a: [tested.node('echo'), 1] })).output).to.deep.equal({ a: 1 });
      });
    });
}
