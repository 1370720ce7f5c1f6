import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import type { RunFailedError } from '../../src/base/run-errors.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { sqliteEventStore } from '../../src/plugins/event-store/index.js';
import { caught } from '../support/caught.js';
import { inBoth } from '../support/durable.js';
import { StoreFolder } from '../support/store-file.js';

const TOKEN = 'tok-4711"\\\n\u2028-ö-xyz';
const secrets = { load: () => ({ TOKEN }) };
type Context = NodeContext & { secret(name: string): string };

function flowOf(run: (context: Context, x: unknown) => unknown, more: object = {}) {
  const node = defineNode({
    name: 'node',
    inputs: { x: type<unknown>() },
    outputs: { v: type<unknown>() },
    secrets: ['TOKEN'],
    ...more,
    run: ({ x }: { readonly x: unknown }, context: unknown) => ({ v: run(context as Context, x) }),
  } as never) as never as (inputs: object) => never;
  const w = workflow('secretive', { params: { p: type<unknown>() } });
  const a = w.add('a', node({ x: w.params.p })) as unknown as { readonly out: { readonly v: never } };
  return w.build({ outputs: { v: a.out.v } });
}

function failure(outcome: unknown): { readonly code: string; readonly message: string } {
  return (outcome as { readonly error: RunFailedError }).error.failure;
}

const escaped = JSON.stringify(TOKEN).slice(1, -1);

describe('A secret of a durable run', () => {
  for (const [where, make] of [
    ['in a text', (secret: string) => `Bearer ${secret}!`],
    ['as a value', (secret: string) => ({ deep: [{ secret }] })],
    ['as a key', (secret: string) => ({ deep: { [secret]: 1 } })],
    ['in a Map', (secret: string) => new Map([[{ a: secret }, 1]])],
    ['in a Set', (secret: string) => new Set([secret])],
    ['in a record without a prototype', (secret: string) => Object.assign(Object.create(null), { secret })],
    ['in a text that is JSON', (secret: string) => JSON.stringify({ key: secret })],
    ['as bytes', (secret: string) => ({ body: Buffer.from(secret) })],
    ['among bytes', (secret: string) => [Buffer.from(`---${secret}!`)]],
    ['among bytes, two before it', (secret: string) => new TextEncoder().encode(`--${secret}`)],
    ['among bytes, one before it', (secret: string) => new TextEncoder().encode(`-${secret}!!`).buffer],
    ['in an error', (secret: string) => ({ error: new Error(secret) })],
    ['beside its tags', (secret: string) => ({ $: secret })],
  ] as const) {
    inBoth(`is refused in an output, ${where}`, async (bench) => {
      const flow = flowOf((context) => make(context.secret('TOKEN')));
      const outcome = await bench.open({ secrets }).settle(flow, { p: 1 });
      expect(failure(outcome).code).to.match(/^SECRET_IN_OUTPUT$|^VALUE_NOT_STORABLE$/);
      if (where !== 'in an error') expect(failure(outcome).code).to.equal('SECRET_IN_OUTPUT');
      expect(bench.store.text).to.not.include('4711');
    });
  }

  inBoth('is no reason to refuse other bytes, nor a few that occur by chance', async (bench) => {
    const bytes = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7) % 256));
    for (const secret of [TOKEN, 'ab', '\ud800'.repeat(9)]) {
      const outcome = await bench.open({ secrets: { load: () => ({ TOKEN: secret }) } }).settle(
        flowOf(() => [bytes, Buffer.from('ab')]),
        { p: 1 },
        { runId: `r${secret.length}` },
      );
      expect(outcome.status).to.equal('completed');
    }
  });

  inBoth('is refused in a state', async (bench) => {
    const flow = flowOf(
      (context) => {
        context.setState({ secret: context.secret('TOKEN') });
        return 1;
      },
      { state: z.any().optional() },
    );
    const outcome = await bench.open({ secrets }).settle(flow, { p: 1 });
    expect(failure(outcome)).to.include({ code: 'SECRET_IN_OUTPUT' });
    expect(failure(outcome).message).to.match(/the state of a\b/);
    expect(bench.store.text).to.not.include('4711');
  });

  inBoth('is refused in parameters and in the context', async (bench) => {
    const process = bench.open({ secrets });
    for (const [params, options] of [
      [{ p: { deep: [TOKEN] } }, {}],
      [{ p: 1 }, { context: { user: TOKEN } }],
    ] as const) {
      const outcome = await process.settle(
        flowOf(() => 1),
        params,
        options,
      );
      expect(outcome.status === 'rejected' && outcome.error.problems.map(({ code }) => code)).to.deep.equal([
        'SECRET_IN_OUTPUT',
      ]);
    }
    expect(bench.store.runs()).to.deep.equal([]);
  });

  inBoth('is refused in the answer of a gate, and shown masked', async (bench) => {
    const node = defineNode({ name: 'n', outputs: { v: type<number>() }, secrets: ['TOKEN'], run: () => ({ v: 1 }) });
    const w = workflow('gated');
    w.add('a', node());
    const gate = w.gate('gate');
    w.fn('b', { x: gate.out.approved }, ({ x }) => x);
    const flow = w.build();
    const first = bench.open({ secrets });
    await first.settle(flow);
    await first.close();
    const next = bench.open({ secrets, workflows: [flow] });
    expect(caught(() => next.runtime.approve('r', 'gate', { t: TOKEN }))).to.include({ code: 'SECRET_IN_OUTPUT' });
    next.runtime.approve('r', 'gate', 1, `by ${TOKEN}`);
    expect(bench.store.text).to.not.include('4711');
    expect((await next.resume(undefined)).status).to.equal('completed');
  });

  inBoth('stands nowhere in the files of a store, whatever is said of it', async (bench) => {
    const folder = new StoreFolder();
    const stop = new AbortController();
    const node = defineNode({
      name: 'talks',
      outputs: { v: type<unknown>() },
      secrets: ['TOKEN'],
      retry: { attempts: 2 },
      run: (_, context) => {
        const { secret, log, progress, emit, attempt } = context as unknown as Context & {
          progress(fraction: number, message: string): void;
          emit(data: unknown): void;
        };
        const token = secret('TOKEN');
        log.log('info', token, { token });
        progress(0.5, token);
        emit({ [token]: token });
        if (attempt === 2) stop.abort(new Error(`stop ${token}`));
        throw new Error(`no ${token}`, { cause: new Error(JSON.stringify({ token })) });
      },
    });
    const w = workflow('talks');
    w.add('a', node());
    w.add('b', node(), { after: [] });
    const flow = w.build();
    const process = bench.open({ secrets, plugins: [sqliteEventStore({ file: folder.file })] });
    const outcome = await process.settle(flow, {}, { signal: stop.signal, context: { user: 'ada' } });
    expect(outcome.status).to.be.oneOf(['failed', 'cancelled']);
    expect(process.log.entries.length).to.be.greaterThan(0);
    const files = readdirSync(folder.path).map((name) => readFileSync(join(folder.path, name)));
    await process.close();
    for (const file of [...files, ...readdirSync(folder.path).map((name) => readFileSync(join(folder.path, name)))]) {
      for (const text of ['4711', TOKEN, escaped]) expect(file.includes(Buffer.from(text))).to.equal(false);
    }
    expect(files.some((file) => file.includes('attempt.failed'))).to.equal(true);
    folder.remove();
  });
});
