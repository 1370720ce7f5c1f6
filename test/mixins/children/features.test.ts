import { expect } from 'chai';
import { z } from 'zod';
import { canonicalJson } from '../../../src/base/canonical-json.js';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { formatRun } from '../../../src/runtimes/format-run.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';
import { caught, refusal } from '../../support/caught.js';
import { increment, plus, positive, sorter } from '../../support/child-nodes.js';
import { everyWay } from '../../support/every-way.js';
import { Session } from '../../support/session.js';

const TOKEN = 'tok-4711-xyz';
const secrets = { load: () => ({ TOKEN }) };

describe('What a node inside a child sees', () => {
  it(
    'its scope, a key of its own for each item, the context of the run',
    everyWay(async (run) => {
      const seen: unknown[] = [];
      const look = defineNode({
        name: 'look',
        outputs: { n: type<number>() },
        run: (_, { scope, nodeId, idempotencyKey, context, visit, attempt }) => {
          seen.push([scope, nodeId, idempotencyKey, context, visit, attempt]);
          return { n: 1 };
        },
      });
      const inner = workflow('inner');
      inner.add('look', look());
      const w = workflow('outer', { params: { list: type<number[]>() } });
      w.map('all', w.params.list, () => look(), { maxConcurrency: 1 });
      w.add('sub', inner.build()(), { after: 'all' });
      await run.complete(w.build(), { params: { list: [1, 2] }, run: { context: { tenant: 'acme' } } });
      const tenant = { tenant: 'acme' };
      expect(seen).to.deep.equal([
        ['all[0]/', 'look', 'run-1/all[0]/look/1', tenant, 1, 1],
        ['all[1]/', 'look', 'run-1/all[1]/look/1', tenant, 1, 1],
        ['sub/', 'look', 'run-1/sub/look/1', tenant, 1, 1],
      ]);
    }),
  );

  it('a state of its own in each child, which starts afresh', async () => {
    const count = defineNode({
      name: 'count',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      state: z.number().default(0),
      retry: { attempts: 2 },
      run: ({ n }, context) => {
        context.setState(context.state + n);
        return { n: context.state };
      },
    });
    const inner = workflow('inner', { params: { n: type<number>() } });
    const step = inner.add('step', count({ n: inner.params.n }));
    inner.cycle('twice', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
    const child = inner.build({ outputs: { n: step.out.n } });
    const run = await both(
      () => {
        const w = workflow('outer', { params: { list: type<number[]>() } });
        const all = w.map('all', w.params.list, (n) => child({ n }));
        return w.build({ outputs: { n: all.out.n } });
      },
      { params: { list: [5, 7] } },
    );
    expect(run.output).to.deep.equal({ n: [5, 7] });
  });

  it('frozen inputs, items included, but never what the caller of the run passed', async () => {
    const frozen = defineNode({
      name: 'frozen',
      inputs: { row: type<{ n: number }>(), extra: type<{ n: number }>() },
      outputs: { are: type<boolean[]>() },
      inputMode: 'frozen',
      run: ({ row, extra }) => ({ are: [Object.isFrozen(row), Object.isFrozen(extra)] }),
    });
    const run = await both(
      () => {
        const w = workflow('outer', { params: { mine: type<{ n: number }[]>() } });
        const made = w.fn('made', {}, () => [{ n: 1 }]);
        const extra = w.fn('extra', {}, () => ({ n: 2 }));
        const own = w.map('own', made.out.value, (row) => frozen({ row, extra: w.params.mine.at(0) as never }));
        const callers = w.map('callers', w.params.mine, (row) => frozen({ row, extra: extra.out.value }));
        return w.build({ outputs: { own: own.out.are, callers: callers.out.are } });
      },
      { params: { mine: [{ n: 3 }] } },
    );
    expect(run.output).to.deep.equal({ own: [[true, false]], callers: [[false, true]] });
  });

  it('secrets, loaded once for the run; what holds one is masked in every event, report of progress and line of the log', async () => {
    let loads = 0;
    const load = () => {
      loads++;
      return { TOKEN };
    };
    const spill = defineNode({
      name: 'spill',
      inputs: { row: type<string>() },
      outputs: { n: type<number>() },
      secrets: ['TOKEN'],
      run: ({ row }, context) => {
        context.log.log('info', `has ${context.secret('TOKEN')}`);
        context.progress(1, 2, context.secret('TOKEN'));
        context.emit({ token: context.secret('TOKEN') });
        if (row === 'bad') throw new Error(`failed with ${context.secret('TOKEN')}`);
        return { n: row.length };
      },
    });
    const run = await both(
      () => {
        const w = workflow('outer');
        const list = w.fn('list', {}, () => [`x ${TOKEN}`, 'bad']);
        const all = w.map('all', list.out.value, (row) => spill({ row }), { onItemError: 'collect' });
        return w.build({ outputs: { n: all.out.n, failed: all.failed } });
      },
      { runtime: { secrets: { load } } },
    );
    expect(loads).to.equal(3);
    expect(run.output.n).to.deep.equal([TOKEN.length + 2]);
    expect(JSON.stringify([run.events, run.progress, run.data, run.logged, run.output.failed])).to.not.include(TOKEN);
    expect(run.events.flatMap((event) => (event.kind === 'children.created' ? [event.data.items] : []))).to.deep.equal([
      ['x [secret]', 'bad'],
    ]);
    const [progress] = run.progress;
    expect(progress).to.deep.include({ scope: 'all[0]/', node: 'spill' });
    expect(run.data[0]).to.deep.include({ scope: 'all[0]/', node: 'spill' });
    expect(run.logged[0]?.fields).to.deep.include({ scope: 'all[0]/', node: 'spill' });
  });

  it(
    'secrets are masked in what a gate shows and is answered',
    everyWay(async (run) => {
      const session = new Session(run, { secrets });
      const uses = defineNode({
        name: 'uses',
        outputs: { n: type<number>() },
        secrets: ['TOKEN'],
        run: () => ({ n: 1 }),
      });
      const w = workflow('gated');
      const text = w.fn('text', {}, () => `my ${TOKEN}`);
      const a = w.gate('a', { shows: { text: text.out.value } });
      const b = w.gate('b', { shows: { text: text.out.value } });
      const use = w.add('use', uses(), { after: [a, b] });
      const built = w.build({ outputs: { n: use.out.n, a: a.out.approved, why: b.out.rejected.at('reason') } });
      await session.wait(built);
      session.runtime.approve('run-1', 'a', { token: TOKEN }, `bob ${TOKEN}`);
      session.runtime.reject('run-1', 'b', `no ${TOKEN}`);
      const done = await session.resume(built);
      expect(done.output).to.deep.equal({ n: 1, a: { token: TOKEN }, why: `no ${TOKEN}` });
      const shown = session.events.filter(({ kind }) => kind !== 'run.completed' && kind !== 'attempt.completed');
      expect(JSON.stringify(shown)).to.not.include(TOKEN);
      expect(JSON.stringify(shown)).to.include('bob [secret]');
      await session.close();
    }),
  );
});

describe('Checks before the first node look into children', () => {
  it('an asynchronous node is named by its place', () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    const wait = inner.fn('wait', { n: inner.params.n }, async ({ n }) => n);
    const child = inner.build({ outputs: { n: wait.out.value } });
    let ran = 0;
    const w = workflow('outer', { params: { list: type<number[]>() } });
    w.fn('first', {}, () => ran++);
    w.map('all', w.params.list, (n) => child({ n }));
    w.add('sub', child({ n: 1 }));
    using runtime = new LocalRuntime();
    const outcome = runtime.settle(w.build(), { list: [] });
    expect(outcome.status).to.equal('rejected');
    if (outcome.status !== 'rejected') return;
    expect(outcome.error.problems.map(({ code, at }) => [code, at])).to.deep.equal([['ASYNC_NODE', 'all/inner/wait']]);
    expect(outcome.error.message).to.include('and 1 more');
    expect(ran).to.equal(0);
  });

  it('a promise that nobody announced fails its node inside', () => {
    const sly = defineNode({
      name: 'sly',
      outputs: { n: type<number>() },
      run: (() => Promise.resolve({ n: 1 })) as never,
    });
    const w = workflow('outer', { params: { list: type<number[]>() } });
    w.map('all', w.params.list, () => sly());
    using runtime = new LocalRuntime();
    const outcome = runtime.settle(w.build(), { list: [1] });
    expect(outcome.status === 'failed' && outcome.node('all').error?.cause?.code).to.equal('NODE_RETURNED_PROMISE');
  });

  it('cycles where they are disabled, doubtful fan-in, unread switches, secrets that nobody has', async () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    const step = inner.add('step', plus({ n: inner.params.n }));
    inner.cycle('fit', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
    const a = inner.try('a', plus({ n: 1 }));
    const b = inner.try('b', plus({ n: 2 }));
    inner.add('either', plus({ n: oneOf(a.out.n, b.out.n) }));
    inner.switch('unread', inner.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
    const hidden = defineNode({
      name: 'hidden',
      outputs: { n: type<number>() },
      secrets: ['TOKEN'],
      run: () => ({ n: 1 }),
    });
    inner.add('hidden', hidden());
    const child = inner.build();
    const make = (): Workflow => {
      const w = workflow('outer', { params: { list: type<number[]>() } });
      w.map('all', w.params.list, (n) => child({ n }));
      w.add('sub', child({ n: 1 }));
      return w.build() as Workflow;
    };
    const disabled = await both(make, { params: { list: [] }, runtime: { enableCycles: false, secrets } });
    expect(disabled.problems.map(({ code }) => code)).to.deep.equal(['CYCLES_DISABLED', 'CYCLES_DISABLED']);
    expect(disabled.problems[0]?.message).to.include('"all/inner/fit"');
    const strict = await both(make, { params: { list: [] }, runtime: { validation: 'strict', secrets } });
    expect(strict.problems.map(({ code }) => code)).to.deep.equal(['CONTRACT_UNPROVED', 'CONTRACT_UNPROVED']);
    const warned = await both(make, { params: { list: [] }, runtime: { secrets } });
    const found = warned.warnings.map(({ code, at }) => `${code} ${at}`);
    expect(found).to.include.members([
      'unproved-fan-in all/inner/either.n',
      'unproved-fan-in sub/either.n',
      'conditional all/inner/unread',
      'conditional sub/unread',
    ]);
    const missing = await both(make, { params: { list: [] } });
    expect(missing.problems.map(({ code }) => code)).to.deep.equal(['SECRET_MISSING']);

    using runtime = new LocalRuntime({ enableCycles: false });
    expect(runtime.extractSecretRequirements(make())).to.deep.equal([
      { name: 'TOKEN', nodes: ['all/inner/hidden', 'sub/hidden'] },
    ]);
    expect(runtime.workflowHasCycles(make())).to.equal(true);
    expect(runtime.validateCycleConfiguration(make()).map(({ at }) => at)).to.deep.equal(['all/inner/fit', 'sub/fit']);
    expect(runtime.hasConditionalPatterns(make())).to.equal(true);
  });

  it('a subworkflow without anything conditional is not conditional', () => {
    const w = workflow('plain');
    w.add('sub', increment()({ n: 1 }));
    using runtime = new LocalRuntime();
    expect(runtime.hasConditionalPatterns(w.build())).to.equal(false);
    const v = workflow('sorted');
    v.add('sub', sorter()({ n: 1 }));
    expect(runtime.hasConditionalPatterns(v.build())).to.equal(true);
  });
});

describe('Warnings and contracts inside children', () => {
  it('are placed by scope, once for each place', async () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    const odd = inner.fn('odd', { n: inner.params.n }, ({ n }): { x?: number } => (n === 1 ? { x: 5 } : {}));
    const reader = inner.add('reader', plus({ n: inner.params.n, by: odd.out.value.at('x') as never }));
    inner.contract(reader.in.n, { schema: z.number().max(10) });
    const child = inner.build({ outputs: { n: reader.out.n } });
    const make = () => {
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => child({ n }));
      return w.build({ outputs: { n: all.out.n } });
    };
    const run = await both(make, { params: { list: [1, 2, 50] } });
    expect(run.output).to.deep.equal({ n: [6, 3, 51] });
    expect(run.warnings.map(({ code, at }) => [code, at]).sort()).to.deep.equal([
      ['contract', 'all[2]/inner/reader.n'],
      ['missing-path', 'all[1]/inner/odd.value.x → reader.by'],
      ['missing-path', 'all[2]/inner/odd.value.x → reader.by'],
    ]);
    const strict = await both(make, { params: { list: [50] }, runtime: { validation: 'strict' } });
    expect(strict.status).to.equal('failed');
    expect(
      strict.events.flatMap((event) => (event.kind === 'attempt.failed' ? [event.data.error.code] : [])),
    ).to.deep.equal(['CONTRACT_VIOLATED', 'CHILD_FAILED', 'CHILD_FAILED']);
  });

  it('a contract on an input of the subworkflow itself holds', async () => {
    const make = () => {
      const w = workflow('outer', { params: { n: type<number>() } });
      const n = w.fn('given', { n: w.params.n }, (inputs) => inputs.n);
      const sub = w.add('sub', increment()({ n: n.out.value }));
      w.contract(sub.in.n, { schema: z.number().max(10) });
      return w.build({ outputs: { n: sub.out.n } });
    };
    const run = await both(make, { params: { n: 11 }, runtime: { validation: 'strict' } });
    expect(run.errors).to.deep.equal({ sub: 'CONTRACT_VIOLATED' });
  });
});

describe('The hash of a workflow with children', () => {
  const build = (
    run: (n: number) => number,
    more: { readonly maxConcurrency?: number; readonly name?: string } = {},
  ) => {
    const inner = workflow(more.name ?? 'inner', { params: { n: type<number>() } });
    const f = inner.fn('f', { n: inner.params.n }, ({ n }) => run(n));
    const node = defineNode({
      name: 'node',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: run as never,
    });
    inner.add('g', node({ n: f.out.value }));
    const child = inner.build({ outputs: { n: f.out.value } });
    const w = workflow('outer', { params: { list: type<number[]>() } });
    w.map(
      'all',
      w.params.list,
      (n) => child({ n }),
      more.maxConcurrency === undefined ? {} : { maxConcurrency: more.maxConcurrency },
    );
    w.add('sub', child({ n: 1 }));
    return w.build();
  };
  const gated = (timeoutMs: number) => {
    const w = workflow('gated');
    w.gate('ok', { timeoutMs });
    return w.build();
  };

  it('is the same for the same calls, and another for another function, option or name inside', () => {
    const one = hashOf(build((n) => n + 1));
    expect(hashOf(build((n) => n + 1))).to.equal(one);
    const others = [
      build((n) => n + 2),
      build((n) => n + 1, { maxConcurrency: 2 }),
      build((n) => n + 1, { name: 'other' }),
    ].map(hashOf);
    expect(new Set([one, ...others]).size).to.equal(4);
    expect(hashOf(gated(5)))
      .to.equal(hashOf(gated(5)))
      .and.not.equal(hashOf(gated(6)));
  });

  it('names a literal inside a child that cannot be written', () => {
    const inner = workflow('inner');
    inner.add('node', plus({ n: /a/ as never }));
    inner.switch('way', inner.fn('n', {}, () => 1).out.value, {
      never: { op: '==', value: /b/ as never },
      other: (n: number) => n > 0,
    } as never);
    const w = workflow('outer');
    w.add('sub', inner.build()());
    expect(refusal(() => hashOf(w.build()))).to.deep.include({ code: 'UNHASHABLE_LITERAL', at: 'sub/node.n' });

    const v = workflow('mapped', { params: { list: type<number[]>() } });
    v.map('all', v.params.list, (n) => plus({ n: n.at('x' as never).or(/c/ as never) as never }));
    expect(refusal(() => hashOf(v.build())).at).to.equal('all/plus.n.of[1].value');
  });

  it('data of a workflow with children is plain: it can be written', () => {
    const built = build((n) => n);
    expect(JSON.parse(canonicalJson(built.data)).nodes.map(({ kind }: { kind: string }) => kind)).to.deep.equal([
      'map',
      'subworkflow',
    ]);
    expect(Object.isFrozen(built.data.nodes[0]?.child?.nodes[0])).to.equal(true);
    expect(gated(5).data.nodes[0]?.gate).to.deep.equal({ timeoutMs: 5 });
  });
});

describe('What a result says of children', () => {
  it(
    'their statuses, results and failures; nothing for a node without; UNKNOWN_NODE for none',
    everyWay(async (run) => {
      const sort = sorter();
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => sort({ n }));
      const sub = w.add('sub', sort({ n: 1 }));
      const result = await run.complete(w.build(), { params: { list: [1, 20] } });
      expect(
        result.children(all).map(({ scope, number, status, error }) => [scope, number, status, error]),
      ).to.deep.equal([
        ['all[0]/', 0, 'completed', undefined],
        ['all[1]/', 1, 'completed', undefined],
      ]);
      expect([...(result.children(sub)[0]?.results.keys() ?? [])]).to.deep.equal(['route', 'small']);
      expect(caught(() => result.children('subb')).code).to.equal('UNKNOWN_NODE');
      expect(caught(() => result.children(sub)[0]?.node('larg')).code).to.equal('UNKNOWN_NODE');
      const empty = await run.complete(sort, {
        params: { n: 1 },
        runtime: { skippedInResults: 'empty' },
      });
      expect([...empty.results.keys()]).to.deep.equal(['route', 'big', 'small']);
    }),
  );

  it(
    'skipped nodes of children are shown as those of the run are',
    everyWay(async (run) => {
      const w = workflow('outer');
      w.add('sub', sorter()({ n: 1 }));
      const built = w.build();
      const omitted = await run.complete(built);
      expect([...(omitted.children('sub')[0]?.results ?? [])].map(([id]) => id)).to.deep.equal(['route', 'small']);
      const empty = await run.complete(built, { runtime: { skippedInResults: 'empty' } });
      expect(empty.children('sub')[0]?.results.get('big')).to.deep.equal({});
    }),
  );

  it(
    'formatRun: a row for each node of a subworkflow, one for a map, with how its items went',
    everyWay(async (run) => {
      const w = workflow('outer', { params: { list: type<number[]>() } });
      w.add('sub', sorter()({ n: 1 }));
      w.map('all', w.params.list, (n) => positive({ n }));
      w.map('none', w.params.list.at(9).or([]) as never, (n) => positive({ n: n as never }));
      w.map('one', w.fn('single', {}, () => [1]).out.value, (n) => positive({ n }));
      const result = await run.fail(w.build(), { params: { list: [1, -2, 3] } });
      const rows = formatRun(result)
        .split('\n')
        .map((line) => line.replaceAll(/\s{2,}/g, ' | ').replace(/ \d+ µs| [\d.]+ ms/, ''));
      const row = (id: string): string => rows.find((line) => line.startsWith(`${id} `)) ?? '';
      expect(row('sub/route')).to.include('completed');
      expect(row('sub/big')).to.include('skipped').and.include('the branch was not taken');
      expect(row('all')).to.include('failed').and.include('CHILD_FAILED').and.include('3 items: 2 completed, 1 failed');
      expect(row('none')).to.include('completed');
      expect(row('one')).to.include('1 item: 1 completed');
      expect(rows.some((line) => line.includes('all['))).to.equal(false);
    }),
  );

  it(
    'formatRun of a run that waits names the gates it waits for',
    everyWay(async (run) => {
      const session = new Session(run);
      const inner = workflow('inner');
      inner.gate('ok');
      const w = workflow('outer');
      w.add('sub', inner.build()());
      const result = await session.wait(w.build());
      expect(formatRun(result)).to.match(/sub\/ok +waiting/);
      await session.close();
    }),
  );

  it(
    'of a map in a cycle, by its last visit; until over what a map delivers',
    everyWay(async (run) => {
      const w = workflow('loop');
      const start = w.fn('start', { n: w.fn('zero', {}, () => [0]).out.value }, ({ n }) => n);
      const all = w.map('all', start.out.value, (n) => plus({ n }));
      w.cycle('loop', {
        feedback: [all.out.n.to(start.in.n as never)],
        until: when(all.failed, (failed) => failed.length > 0),
        maxIterations: 2,
      });
      const result = await run.complete(w.build({ outputs: { n: all.out.n } }));
      expect(result.output).to.deep.equal({ n: [2] });
      expect(result.warnings.map(({ code }) => code)).to.deep.equal(['not-converged']);
    }),
  );
});
