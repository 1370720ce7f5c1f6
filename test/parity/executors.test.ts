import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { defineNode } from '../../src/base/node.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { assertParity, ParityError } from '../../src/testing/index.js';
import { both } from '../support/both.js';
import { toolNode, toolWorkers } from '../support/tool-executor.js';

const echo = toolNode('echo');
const fail = toolNode('fail');
const runtime = () => ({ plugins: [toolWorkers()] });

class Thing {
  readonly x = 1;
}

describe('A workflow with nodes of an executor, in both runtimes,', () => {
  it('gives the same values, whatever they are', async () => {
    const value = {
      when: new Date(0),
      some: new Set([1n]),
      list: [undefined, Number.NaN, -0],
      bytes: new Float64Array([1]),
    };
    const build = () => {
      const w = workflow('w');
      const a = w.add('a', echo({ value }));
      const b = w.fn('b', { value: a.out.value }, ({ value: seen }) => [seen, 1]);
      const c = w.add('c', echo({ value: b.out.value }));
      return w.build({ outputs: { value: c.out.value } });
    };
    expect((await both(build, { runtime })).output).to.deep.equal({ value: [value, 1] });
  });

  it('refuses the same values with the same words, on the way there', async () => {
    for (const [value, path] of [
      [{ rows: [new Thing()] }, 'a.value.rows[0]'],
      [[() => 1], 'a.value[0]'],
      [new Map([['k', Symbol('s')]]), 'a.value'],
    ] as const) {
      const { errors, messages } = await both(
        () => {
          const b = workflow('w');
          const given = b.fn('source', {}, () => value as unknown);
          b.add('a', echo({ value: given.out.value }));
          return b.build();
        },
        { runtime },
      );
      expect(errors.a).to.equal('VALUE_NOT_STORABLE');
      expect(messages.a).to.contain(path);
    }
  });

  it('fails, retries and falls back alike', async () => {
    const build = () => {
      const w = workflow('w');
      const risky = w.try('risky', fail({ value: 'Jo' }), { retry: { attempts: 3, delayMs: 1_000 } });
      const spare = w.add('spare', echo({ value: risky.error }));
      const bad = w.add('bad', fail({ value: 'Al' }), { retry: { attempts: 3, dontRetryOn: ['NO_LUCK'] } });
      w.add('after', echo({ value: bad.out.value }));
      return w.build({ outputs: { why: spare.out.value } });
    };
    const { nodes, attempts, messages } = await both(build, { runtime });
    expect(nodes).to.deep.equal({ risky: 'failed', spare: 'completed', bad: 'failed', after: 'blocked' });
    expect(attempts).to.include({ risky: 3, bad: 1 });
    expect(messages.bad).to.equal('no luck with Al');
  });

  it('keeps state in a cycle, and runs the items of a map and a subworkflow', async () => {
    const state = { '~standard': { version: 1, vendor: 't', validate: (value: unknown) => ({ value: value ?? 10 }) } };
    const build = () => {
      const child = workflow('child', { params: { value: type<unknown>() } });
      const inner = child.add('inner', echo({ value: child.params.value }));
      const once = child.build({ outputs: { value: inner.out.value } });
      const w = workflow('w');
      const count = w.add('count', toolNode('count', { state })({ value: 0 }));
      w.cycle('loop', { feedback: [count.out.value.to(count.in.value)], maxIterations: 3 });
      const list = w.fn('list', {}, () => [1, 2, 3]);
      const all = w.map('all', list.out.value, (item) => echo({ value: item }));
      const short = w.add('short', once({ value: count.out.value }));
      return w.build({ outputs: { all: all.out.value, short: short.out.value } });
    };
    expect((await both(build, { runtime })).output).to.deep.equal({ all: [1, 2, 3], short: 13 });
  });

  it('says the same to log and listeners', async () => {
    const build = () => {
      const w = workflow('w');
      w.add('a', toolNode('talk')({ value: new Map([[1, 2n]]) }));
      return w.build();
    };
    const { data, progress, logged } = await both(build, { runtime });
    expect(data.map((one) => one.data)).to.deep.equal([new Map([[1, 2n]])]);
    expect(progress).to.have.length(1);
    expect(logged.map(({ message }) => message)).to.include('begins');
  });

  it('masks its secrets alike', async () => {
    const build = () => {
      const w = workflow('w');
      w.add('a', toolNode('about', { secrets: ['KEY'] })({ value: null }));
      return w.build();
    };
    const given = { run: { context: { tenant: 'acme' } } };
    const { events } = await both(build, {
      ...given,
      runtime: () => ({ ...runtime(), secrets: { load: () => ({ KEY: 'sesame' }) } }),
    });
    expect(JSON.stringify(events)).to.not.contain('sesame');
  });

  it('keeps no more in flight than maxConcurrency', async () => {
    const folder = mkdtempSync(`${tmpdir()}/lockstep-parity-`);
    const build = () => {
      const w = workflow('w');
      const alone = [1, 2, 3].map((number) => w.add(`a${number}`, toolNode('alone')({ value: folder })));
      return w.build({ outputs: { first: (alone[0] as (typeof alone)[number]).out.value } });
    };
    const limited = () => ({ ...runtime(), maxConcurrency: 1 });
    expect((await both(build, { runtime: limited })).status).to.equal('completed');
    rmSync(folder, { recursive: true });
  });
});

describe('assertParity with executors', () => {
  const build = (more = {}) => {
    const w = workflow('w');
    const a = w.add('a', toolNode('wait')({ value: 30 }), more);
    const b = w.fn('b', { value: a.out.value }, ({ value }) => value as number);
    const c = w.add('c', echo({ value: b.out.value }));
    return w.build({ outputs: { value: c.out.value } });
  };

  it('runs them where plugins provide them, recorded as well', async () => {
    const outcome = await assertParity(build(), {}, { plugins: [toolWorkers()], store: true });
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ value: 30 });
  });

  it('waits for them before its clock goes on', async () => {
    const outcome = await assertParity(build({ timeoutMs: 5 }), {}, { plugins: [toolWorkers()] });
    expect(outcome.status).to.equal('completed');
  });

  it('finds what they were given, where that differs', async () => {
    let count = 0;
    const counting = defineNode({ name: 'counting', outputs: { n: type<number>() }, run: () => ({ n: ++count }) });
    const w = workflow('w');
    const n = w.add('n', counting());
    w.add('a', toolNode('talk')({ value: n.out.n }));
    const error = await assertParity(w.build(), {}, { plugins: [toolWorkers()] }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ParityError);
    expect((error as ParityError).path).to.contain('inputs');
  });

  it('takes stubs all the same', async () => {
    const outcome = await assertParity(build(), {}, { plugins: [toolWorkers()], stubs: { a: () => ({ value: 1 }) } });
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ value: 1 });
  });
});
