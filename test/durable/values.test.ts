import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import type { RunFailedError } from '../../src/base/run-errors.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { caught } from '../support/caught.js';
import { inBoth } from '../support/durable.js';

const odd = (): never => (() => 1) as never;

function failure(outcome: unknown): { readonly code: string; readonly message: string } {
  return (outcome as { readonly error: RunFailedError }).error.failure;
}

function problems(outcome: unknown): readonly string[] {
  const { error } = outcome as { readonly error: { readonly problems: readonly { code: string; message: string }[] } };
  return error.problems.map(({ code }) => code);
}

/** Values that JSON does not have. */
function rich() {
  return {
    bytes: Buffer.from([1, 2, 255]),
    date: new Date(86_400_000),
    map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1, 'two', undefined])]]),
    floats: new Float64Array([0.5, Number.NaN, -0]),
    big: 12_345_678_901_234_567_890n,
    holes: [1, undefined, Number.NEGATIVE_INFINITY],
    nothing: undefined,
    text: '\u0000 \ud800 "quoted" $',
    tagged: { $: 'map', v: [] },
  };
}

describe('A value in a durable run', () => {
  for (const [what, make] of [
    ['a function', odd],
    ['a symbol inside', () => ({ deep: [{ s: Symbol('s') }] })],
    ['an instance', () => ({ url: new (class Own {})() })],
    ['a promise inside', () => ({ later: Promise.resolve(1) })],
    [
      'a circle',
      () => {
        const own: Record<string, unknown> = {};
        own.own = own;
        return own;
      },
    ],
  ] as const) {
    inBoth(`fails its node where it is ${what}`, async (bench) => {
      const w = workflow('w');
      const a = w.fn('a', {}, () => make() as unknown);
      w.fn('b', { a: a.out.value }, () => 1);
      const outcome = await bench.open().settle(w.build());
      expect(outcome.status).to.equal('failed');
      expect(failure(outcome)).to.include({ code: 'VALUE_NOT_STORABLE' });
      expect(failure(outcome).message).to.match(/the output of a\b/);
      expect(bench.store.run('r')).to.include({ status: 'failed', errorCode: 'VALUE_NOT_STORABLE' });
    });
  }

  inBoth('is not tried again: it would be the same', async (bench) => {
    const w = workflow('w');
    w.fn('a', {}, () => odd(), { retry: { attempts: 3 } });
    const outcome = await bench.open().settle(w.build());
    expect(outcome.status === 'failed' && outcome.node('a').attempts).to.equal(1);
  });

  inBoth('fails its node where it is its state', async (bench) => {
    const counter = defineNode({
      name: 'counter',
      outputs: { y: type<number>() },
      state: z.any().optional(),
      run: (_, context) => {
        (context as unknown as NodeContext).setState({ call: odd() });
        return { y: 1 };
      },
    });
    const w = workflow('w');
    w.add('a', counter());
    const outcome = await bench.open().settle(w.build());
    expect(failure(outcome)).to.include({ code: 'VALUE_NOT_STORABLE' });
    expect(failure(outcome).message).to.match(/the state of a\b/);
  });

  inBoth('is refused before the first node where it is a parameter, a context or set', async (bench) => {
    const w = workflow('w', { params: { p: type<unknown>() } });
    const a = w.fn('a', { p: w.params.p, own: 1 as unknown }, () => 1);
    void a;
    const flow = w.build();
    const process = bench.open();
    const given = async (params: object, options: object) =>
      problems(await process.settle(flow, params as never, options));
    expect(await given({ p: odd() }, {})).to.deep.equal(['VALUE_NOT_STORABLE']);
    expect(await given({ p: 1 }, { context: { user: odd() } })).to.deep.equal(['VALUE_NOT_STORABLE']);
    expect(await given({ p: 1 }, { set: { a: { own: odd() } } })).to.deep.equal(['VALUE_NOT_STORABLE']);
    expect(bench.store.runs()).to.deep.equal([]);
    expect((await process.settle(flow, { p: 1 })).status).to.equal('completed');
  });

  inBoth('fails a map or subworkflow where a schema makes it of what they are given', async (bench) => {
    for (const kind of ['map', 'sub'] as const) {
      bench.fresh();
      const child = workflow('child', { params: { n: z.number().transform(() => odd()) } });
      child.fn('own', { n: child.params.n }, () => 1);
      const inner = child.build();
      const w = workflow('w', { params: { p: type<readonly number[]>() } });
      if (kind === 'map') w.map('it', w.params.p, (n) => inner({ n: n as never }));
      else w.add('it', inner({ n: 1 as never }));
      const outcome = await bench.open().settle(w.build(), { p: [1] });
      const { code, message } = failure(outcome);
      expect(code).to.equal(kind === 'map' ? 'CHILD_FAILED' : 'VALUE_NOT_STORABLE');
      expect(message).to.include(kind === 'map' ? 'VALUE_NOT_STORABLE' : 'the inputs of it');
    }
  });

  inBoth('is refused where it answers a gate', async (bench) => {
    const w = workflow('w');
    const gate = w.gate('gate');
    w.fn('a', { x: gate.out.approved }, ({ x }) => x);
    const process = bench.open();
    await process.settle(w.build());
    const events = bench.store.kinds('r').length;
    expect(caught(() => process.runtime.approve('r', 'gate', odd()))).to.include({ code: 'VALUE_NOT_STORABLE' });
    expect(bench.store.kinds('r')).to.have.length(events);
    process.runtime.approve('r', 'gate', new Map([[1, 2]]));
    expect((await process.resume(undefined)).status).to.equal('completed');
  });

  inBoth('comes back as it was: what follows sees no difference', async (bench) => {
    const seen: unknown[] = [];
    const flow = () => {
      const w = workflow('rich', { params: { p: type<unknown>() } });
      const a = w.fn('a', { p: w.params.p }, () => rich());
      const b = w.fn('b', { a: a.out.value, p: w.params.p, literal: new Date(5) }, (inputs) => {
        seen.push(inputs);
        const { a: value } = inputs;
        return [value.bytes.toString('hex'), value.date.toISOString(), value.map.size, value.big + 1n, value.floats[0]];
      });
      return w.build({ outputs: { b: b.out.value, a: a.out.value } });
    };
    bench.store.breaks = ({ events }) => (events.r?.includes('completed b') ? new Error('gone') : undefined);
    await bench
      .open()
      .settle(flow(), { p: rich() })
      .catch(() => undefined);
    bench.store.breaks = () => undefined;
    const outcome = await bench.open({}, bench.other).resume(flow());
    expect(outcome.status).to.equal('completed');
    expect(seen).to.have.length(2);
    expect(seen[1]).to.deep.equal(seen[0]);
    expect((seen[1] as { a: { bytes: unknown } }).a.bytes).to.be.instanceOf(Buffer);
    expect(bench.open().runtime.replay('r').output).to.deep.equal((outcome as { output: unknown }).output);
  });

  inBoth('that is large is kept as a blob, and comes back', async (bench) => {
    const large = 'x'.repeat(100_000);
    const w = workflow('large', { params: { p: type<string>() } });
    const a = w.fn('a', { p: w.params.p }, ({ p }) => ({ p, more: [p, p] }));
    const gate = w.gate('gate', { shows: { text: w.params.p } });
    const b = w.fn(
      'b',
      { a: a.out.value, g: gate.out.approved },
      ({ a: value, g }) => value.p.length + String(g).length,
    );
    const flow = w.build({ outputs: { b: b.out.value, a: a.out.value } });
    expect((await bench.open().settle(flow, { p: large })).status).to.equal('waiting');
    const longest = Math.max(...[...bench.store.events('r')].map(({ data }) => data.length));
    expect(longest).to.be.lessThan(2_000);
    const next = bench.open({ workflows: [flow] }, bench.other);
    next.runtime.approve('r', 'gate', large);
    const outcome = await next.resume(undefined);
    expect(outcome).to.deep.include({
      status: 'completed',
      output: { b: 200_000, a: { p: large, more: [large, large] } },
    });
    const exported = JSON.parse(JSON.stringify(next.runtime.exportRun('r')));
    expect(exported.blobs.length).to.be.greaterThan(1);
    bench.fresh();
    const elsewhere = bench.open().runtime;
    elsewhere.importRun(exported);
    expect(elsewhere.verify('r').ok).to.equal(true);
    expect(elsewhere.replay('r').output).to.deep.equal((outcome as { output: unknown }).output);
  });
});
