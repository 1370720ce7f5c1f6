import { expect } from 'chai';
import { when } from '../../src/base/condition.js';
import { defineNode } from '../../src/base/node.js';
import { merge } from '../../src/base/nodes/merge.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { collect, oneOf, type Ref } from '../../src/base/ref.js';
import { type } from '../../src/base/schema.js';
import type { StandardSchema } from '../../src/base/standard-schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { assertParity, type ParityArguments } from '../../src/testing/index.js';

/** Runs a workflow in every way that must not matter, and returns what LocalRuntime made of it. */
async function runBoth<P, O>(built: Workflow<P, O>, ...args: ParityArguments<P>) {
  const [params, options = {}] = args;
  const outcome = await assertParity(built, ...args);
  await assertParity(built, ...([params, { ...options, maxConcurrency: 1 }] as ParityArguments<P>));
  if (outcome.status === 'rejected') throw outcome.error;
  return outcome;
}

/** The output of a workflow that completes. */
async function outputOf<P, O>(built: Workflow<P, O>, ...args: ParityArguments<P>): Promise<O> {
  const outcome = await runBoth(built, ...args);
  if (outcome.status === 'completed') return outcome.output;
  throw outcome.status === 'waiting' ? new Error('It waits.') : outcome.error;
}

interface Sale {
  readonly day: number;
  readonly amount: number | null;
}

describe('a workflow does in both runtimes what was written down for it:', () => {
  describe('an ETL with branches', () => {
    const clean = defineNode({
      name: 'clean',
      version: '1',
      inputs: { sales: type<readonly Sale[]>() },
      outputs: { kept: type<readonly Sale[]>(), dropped: type<number>() },
      run: ({ sales }) => {
        const kept = sales.filter(({ amount }) => amount !== null);
        return { kept, dropped: sales.length - kept.length };
      },
    });
    const w = workflow('etl', { params: { sales: type<readonly Sale[]>() } });
    const tidy = w.add('tidy', clean({ sales: w.params.sales }));
    const size = w.switch('size', tidy.out.kept, {
      many: (rows) => rows.length > 2,
      some: (rows) => rows.length > 0,
      none: otherwise,
    });
    const sum = (rows: readonly Sale[]): number => rows.reduce((total, { amount }) => total + (amount ?? 0), 0);
    const mean = w.fn('mean', { rows: size.out.many }, ({ rows }) => sum(rows) / rows.length);
    const total = w.fn('total', { rows: size.out.some }, ({ rows }) => sum(rows));
    const zero = w.fn('zero', { rows: size.out.none }, () => 0);
    const result = size.join({ many: mean.out.value, some: total.out.value, none: zero.out.value });
    const report = w.fn(
      'report',
      { result, dropped: tidy.out.dropped },
      ({ result: value, dropped }) => `${value} (${dropped} dropped)`,
    );
    const etl = w.build({ outputs: { report: report.out.value, mean: mean.out.value } });

    it('takes the branch for many rows', async () => {
      const sales = [4, 6, null, 11].map((amount, day) => ({ day, amount }));
      expect(await outputOf(etl, { sales })).to.deep.equal({ report: '7 (1 dropped)', mean: 7 });
    });

    it('takes the branch for some rows and leaves the mean out', async () => {
      const sales = [5, 3].map((amount, day) => ({ day, amount }));
      expect(await outputOf(etl, { sales })).to.deep.equal({ report: '8 (0 dropped)' });
    });

    it('says why the other branches did not run', async () => {
      const outcome = await runBoth(etl, { sales: [] });
      const reasons = ['mean', 'total', 'zero'].map((id) => [
        outcome.node(id).status,
        outcome.node(id).reason?.root.port,
      ]);
      expect(reasons).to.deep.equal([
        ['skipped', 'many'],
        ['skipped', 'some'],
        ['completed', undefined],
      ]);
    });
  });

  it('an agent loop that calls tools until it has an answer', async () => {
    type Message = { readonly role: 'user' | 'tool' | 'assistant'; readonly text: string };
    const think = defineNode({
      name: 'think',
      version: '1',
      inputs: { history: type<readonly Message[]>() },
      outputs: { act: type<{ readonly call?: string; readonly say?: string; readonly history: readonly Message[] }>() },
      run: ({ history }) => {
        const tools = history.filter(({ role }) => role === 'tool');
        if (tools.length < 2) return { act: { call: tools.length === 0 ? '6*7' : '42+1', history } };
        return { act: { say: `It is ${tools.at(-1)?.text}.`, history } };
      },
    });
    const w = workflow('agent', { params: { question: type<string>() } });
    const start = w.fn('start', { question: w.params.question }, ({ question }): readonly Message[] => [
      { role: 'user', text: question },
    ]);
    const thought = w.add('thought', think({ history: start.out.value }));
    const route = w.switch('route', thought.out.act, { tool: (act) => act.call !== undefined, answer: otherwise });
    const tool = w.fn('tool', { act: route.out.tool }, ({ act }): readonly Message[] => {
      const [, left, sign, right] = /^(\d+)([*+])(\d+)$/.exec(act.call ?? '') ?? [];
      const value = sign === '*' ? Number(left) * Number(right) : Number(left) + Number(right);
      return [...act.history, { role: 'tool', text: String(value) }];
    });
    const loop = w.cycle('loop', { feedback: [tool.out.value.to(thought.in.history)], maxIterations: 10 });
    const answer = w.fn('answer', { act: route.out.answer }, ({ act }) => act.say);
    const agent = w.build({
      outputs: {
        answer: answer.out.value,
        why: loop.out.reason,
        turns: loop.out.iterations,
        last: tool.out.value.at(2).at('text'),
      },
    });

    expect(await outputOf(agent, { question: 'What is 6 * 7 + 1?' })).to.deep.equal({
      answer: 'It is 43.',
      why: 'exited',
      turns: 3,
      last: '43',
    });
  });

  it('a line search: an inner cycle that halves the step, entered anew in every outer iteration', async () => {
    // Minimises (x - 3)^2 from 10: a step of 4 is halved until it brings x nearer to 3.
    const f = (x: number): number => (x - 3) ** 2;
    const w = workflow('line-search');
    const point = defineNode({
      name: 'point',
      version: '1',
      inputs: { x: type<number>() },
      outputs: { x: type<number>() },
      run: ({ x }) => ({ x }),
    });
    const trial = defineNode({
      name: 'trial',
      version: '1',
      inputs: { x: type<number>(), step: type<number>() },
      outputs: { next: type<number>(), better: type<boolean>(), half: type<number>() },
      run: ({ x, step }) => {
        const next = x + (x > 3 ? -step : step);
        return { next, better: f(next) < f(x), half: step / 2 };
      },
    });
    const at = w.add('at', point({ x: 10 }));
    const first = w.fn('first', { x: at.out.x }, () => 4);
    const tried = w.add('tried', trial({ x: at.out.x, step: first.out.value }));
    const inner = w.cycle('inner', {
      feedback: [tried.out.half.to(tried.in.step)],
      until: when(tried.out.better, (better) => better),
      maxIterations: 20,
    });
    const moved = w.fn('moved', { next: tried.out.next, tries: inner.out.iterations }, ({ next }) => next);
    const outer = w.cycle('outer', {
      feedback: [moved.out.value.to(at.in.x)],
      until: when(moved.out.value, (x) => ({ met: f(x) === 0, metric: f(x) })),
      maxIterations: 10,
    });
    const search = w.build({
      outputs: {
        x: moved.out.value,
        iterations: outer.out.iterations,
        why: outer.out.reason,
        tries: inner.out.iterations,
      },
    });

    // 10 → 6 → 2 by steps of 4; from there 4 leads to 6 and 2 to 4, neither nearer, and 1 to the minimum.
    const outcome = await runBoth(search);
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({
      x: 3,
      iterations: 3,
      why: 'converged',
      tries: 3,
    });
    expect(outcome.cycle('outer').history).to.deep.equal([9, 1, 0]);
    expect(outcome.cycle('inner')).to.include({ iterations: 3, totalIterations: 5 });
  });

  it('a while loop whose closing turn skips the body, and yet delivers what its branches joined in last', async () => {
    const next = defineNode({
      name: 'next',
      version: '1',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }) => ({ n: n + 1 }),
    });
    const w = workflow('while');
    const head = w.add('head', next({ n: 0 }));
    const go = w.switch('go', head.out.n, { on: (n) => n < 3, off: otherwise });
    const kind = w.switch('kind', go.out.on, { odd: (n) => n % 2 === 1, even: otherwise });
    const odd = w.fn('odd', { n: kind.out.odd }, ({ n }) => `odd ${n}`);
    const risky = w.try('risky', next({ n: kind.out.even }));
    const tried = risky.join({ ok: risky.out.n, failed: risky.error });
    const joined = kind.join({ odd: odd.out.value, even: tried });
    const tail = w.fn('tail', { n: go.out.on, joined }, ({ n }) => n);
    const loop = w.cycle('loop', { feedback: [tail.out.value.to(head.in.n)], maxIterations: 9 });
    const reader = w.fn('reader', { joined }, ({ joined: value }) => ['read', value]);
    const outputs = { last: tail.out.value, joined, read: reader.out.value, tried, why: loop.out.reason };
    expect(await outputOf(w.build({ outputs }))).to.deep.equal({
      last: 2,
      joined: 3,
      read: ['read', 3],
      tried: 3,
      why: 'exited',
    });
  });

  it('an inner cycle whose entry is dead in every iteration of the outer one', async () => {
    const step = defineNode({
      name: 'step',
      version: '1',
      inputs: { n: type<number>(), outer: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }) => ({ n: n + 1 }),
    });
    const w = workflow('never-entered');
    const risky = w.try(
      'risky',
      defineNode({ name: 'fine', version: '1', outputs: { n: type<number>() }, run: () => ({ n: 1 }) })(),
    );
    const repair = w.fn('repair', { error: risky.error }, () => 0);
    const head = w.add('head', step({ n: 0, outer: 0 }));
    const inner = w.add('inner', step({ n: repair.out.value, outer: head.out.n }));
    w.cycle('small', { feedback: [inner.out.n.to(inner.in.n)], maxIterations: 2 });
    const tail = w.fn('tail', { n: head.out.n, inner: inner.out.n.or(-1) }, ({ n, inner: value }) => n + value);
    const large = w.cycle('large', { feedback: [tail.out.value.to(head.in.n)], maxIterations: 3 });
    const built = w.build({ outputs: { last: tail.out.value, iterations: large.out.iterations } });
    const outcome = await runBoth(built);
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ last: 0, iterations: 3 });
    expect(outcome.node('inner')).to.include({ status: 'skipped', attempts: 0, visits: 3 });
  });

  describe('a fallback with try', () => {
    const fallback = (fails: boolean) => {
      const w = workflow('fallback');
      const score = defineNode({
        name: 'score',
        version: '1',
        outputs: { value: type<number>() },
        run: () => {
          if (fails) throw Object.assign(new Error('the model is away'), { code: 'AWAY' });
          return { value: 0.9 };
        },
      });
      const model = w.try('model', score(), { retry: { attempts: 2, delayMs: 500 } });
      const spare = w.fn('spare', { because: model.error }, ({ because }) => `guess, because ${because?.code}`);
      const chosen = model.join({ ok: model.out.value, failed: spare.out.value });
      return w.build({ outputs: { chosen, spare: spare.out.value } });
    };

    it('takes the spare when the node fails for good', async () => {
      const outcome = await runBoth(fallback(true));
      expect(outcome.status === 'completed' && outcome.output).to.deep.equal({
        chosen: 'guess, because AWAY',
        spare: 'guess, because AWAY',
      });
      expect(outcome.node('model')).to.include({ status: 'failed', attempts: 2 });
    });

    it('takes the node when it does not', async () => {
      const outcome = await runBoth(fallback(false));
      expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ chosen: 0.9 });
      expect(outcome.node('spare').reason?.code).to.equal('no_error');
    });
  });

  it('retries with backoff on the clock of the run', async () => {
    const flaky = defineNode({
      name: 'flaky',
      version: '1',
      outputs: { after: type<string>() },
      retry: { attempts: 4, delayMs: 100, backoff: 'exponential' },
      run: (_, { attempt, failures }) => {
        if (attempt < 4) throw new Error(`attempt ${attempt}`);
        return { after: `attempt ${attempt} after ${failures} failures` };
      },
    });
    const w = workflow('retries');
    const call = w.add('call', flaky());
    const outcome = await runBoth(w.build({ outputs: { after: call.out.after } }));
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ after: 'attempt 4 after 3 failures' });
    expect(outcome.durationMs).to.equal(100 + 200 + 400);
    expect(outcome.node('call').failures.map(({ error }) => error.message)).to.deep.equal([
      'attempt 1',
      'attempt 2',
      'attempt 3',
    ]);
  });

  it('a node that waits for its retry, and for nothing else', async () => {
    const late = defineNode({
      name: 'late',
      version: '1',
      inputs: { fails: type<number>(), given: type<unknown>() },
      outputs: { attempt: type<number>() },
      run: ({ fails }, { attempt, failures }) => {
        if (failures < fails) throw new Error('not yet');
        return { attempt };
      },
    });
    const w = workflow('waiting');
    const quick = w.fn('quick', {}, () => 'quick');
    const slow = w.add('slow', late({ fails: 1, given: null }), { retry: { attempts: 2, delayMs: 10 } });
    // It starts without waiting for "slow", fails, and must not be woken by it at 10 ms.
    const eager = w.add('eager', late({ fails: 1, given: quick.out.value.or(slow.out.attempt) }), {
      retry: { attempts: 2, delayMs: 50 },
    });
    const outcome = await runBoth(w.build({ outputs: { slow: slow.out.attempt, eager: eager.out.attempt } }));
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ slow: 2, eager: 2 });
    const ended = (id: string): number => (outcome.node(id).endedAt ?? 0) - outcome.startedAt;
    expect([ended('slow'), ended('eager')]).to.deep.equal([10, 50]);
  });

  it('a fan-out and fan-in of 50, in the order of declaration', async () => {
    const w = workflow('fan', { params: { base: type<number>() } });
    const squares = Array.from({ length: 50 }, (_, at) =>
      w.fn(`square${at}`, { base: w.params.base }, ({ base }) => (base + at) ** 2),
    );
    const all = collect(...(squares.map(({ out }) => out.value) as [Ref<number>, ...Ref<number>[]]));
    const sum = w.fn('sum', { all }, ({ all: values }) => values.reduce((total, value) => total + value, 0));
    const fan = w.build({ outputs: { sum: sum.out.value, all } });
    const { sum: total, all: values } = await outputOf(fan, { base: 1 });
    expect(total).to.equal((50 * 51 * 101) / 6);
    expect(values.slice(0, 4)).to.deep.equal([1, 4, 9, 16]);
  });

  describe('parameters', () => {
    const limited = defineNode({
      name: 'limited',
      version: '1',
      inputs: { rows: type<readonly number[]>(), limit: type<number>() },
      outputs: { rows: type<readonly number[]>() },
      run: ({ rows, limit }) => ({ rows: rows.slice(0, limit) }),
    });
    const w = workflow('parameters', { params: { limit: type<number>() } });
    const rows = w.fn('rows', {}, () => [1, 2, 3, 4, 5]);
    const few = w.add('few', limited({ rows: rows.out.value, limit: w.params.limit }));
    const two = w.add('two', limited({ rows: rows.out.value, limit: 2 }));
    const built = w.build({ outputs: { few: few.out.rows, two: two.out.rows } });

    it('go where they are bound, and nowhere else', async () => {
      expect(await outputOf(built, { limit: 3 })).to.deep.equal({ few: [1, 2, 3], two: [1, 2] });
    });

    it('are weaker than one addressed to a node', async () => {
      const set = [few.in.limit.is(1), two.in.limit.is(4)];
      expect(await outputOf(built, { limit: 3 }, { run: { set } })).to.deep.equal({ few: [1], two: [1, 2, 3, 4] });
    });

    it('refuse what is not declared, in both runtimes', async () => {
      const outcome = await assertParity(built as Workflow<object>, { limt: 3 });
      expect(outcome.status === 'rejected' && outcome.error.problems.map(({ code }) => code)).to.deep.equal([
        'UNKNOWN_PARAMETER',
        'MISSING_PARAMETER',
      ]);
    });
  });

  it('merge nodes', async () => {
    const w = workflow('merging');
    const people = w.fn('people', {}, () => [
      { id: 1, name: 'Ada' },
      { id: 2, name: 'Grace' },
    ]);
    const ages = w.fn('ages', {}, () => [
      { id: 2, age: 37 },
      { id: 1, age: 36 },
    ]);
    const joined = w.add('joined', merge.byKey({ person: people.out.value, age: ages.out.value }, { key: 'id' }));
    const both = w.add('both', merge.concat(collect(people.out.value, ages.out.value)));
    const pairs = w.add('pairs', merge.zip({ left: people.out.value, right: ages.out.value }));
    const one = w.add('one', merge.objects(collect(people.out.value.at(0), ages.out.value.at(1))));
    const built = w.build({
      outputs: { joined: joined.out.value, both: both.out.value, pairs: pairs.out.value, one: one.out.value },
    });
    expect(await outputOf(built)).to.deep.equal({
      joined: [
        { key: 1, person: { id: 1, name: 'Ada' }, age: { id: 1, age: 36 } },
        { key: 2, person: { id: 2, name: 'Grace' }, age: { id: 2, age: 37 } },
      ],
      both: [
        { id: 1, name: 'Ada' },
        { id: 2, name: 'Grace' },
        { id: 2, age: 37 },
        { id: 1, age: 36 },
      ],
      pairs: [
        { left: { id: 1, name: 'Ada' }, right: { id: 2, age: 37 } },
        { left: { id: 2, name: 'Grace' }, right: { id: 1, age: 36 } },
      ],
      one: { id: 1, name: 'Ada', age: 36 },
    });
  });

  it('a partition, whose empty case is dead', async () => {
    const w = workflow('sorting', { params: { items: type<readonly number[]>() } });
    const parts = w.partition('parts', w.params.items, {
      small: (item) => item < 10,
      large: (item) => item < 100,
      huge: otherwise,
    });
    const small = w.fn('small', { items: parts.out.small }, ({ items }) => items?.length);
    const huge = w.fn('huge', { items: parts.out.huge }, ({ items }) => items?.length);
    const built = w.build({ outputs: { small: small.out.value, large: parts.out.large, huge: huge.out.value } });
    const outcome = await runBoth(built, { items: [5, 50, 7, 70] });
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ small: 2, large: [50, 70] });
    expect(outcome.node('huge')).to.deep.include({
      status: 'skipped',
      reason: {
        code: 'case_empty',
        input: 'huge.items',
        source: 'parts.huge',
        root: { subject: 'parts', port: 'huge', code: 'case_empty' },
      },
    });
  });

  it('a failure beside a branch that goes on', async () => {
    const w = workflow('half');
    const bad = w.fn('bad', {}, (): number => {
      throw new Error('no');
    });
    const good = w.fn('good', {}, () => 1);
    w.fn('afterBad', { value: bad.out.value }, ({ value }) => value);
    const last = w.fn('last', { value: good.out.value }, ({ value }) => value + 1);
    const outcome = await runBoth(w.build({ outputs: { last: last.out.value } }));
    expect(outcome.status).to.equal('failed');
    expect([...outcome.nodes.values()].map(({ id, status }) => `${id} ${status}`)).to.deep.equal([
      'bad failed',
      'good completed',
      'afterBad blocked',
      'last completed',
    ]);
    expect(outcome.status === 'failed' && [outcome.error.node, outcome.error.failure.message]).to.deep.equal([
      'bad',
      'no',
    ]);
  });

  it('a cycle whose nodes count in their own state, entered once', async () => {
    const from100: StandardSchema<number | undefined, number> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: (value ?? 100) as number }) },
    };
    const count = defineNode({
      name: 'count',
      version: '1',
      inputs: { by: type<number>() },
      outputs: { total: type<number>() },
      state: from100,
      run: ({ by }, { state, setState, iteration }) => {
        setState(state + by);
        return { total: state + by + iteration };
      },
    });
    const w = workflow('counting');
    const counted = w.add('counted', count({ by: 1 }));
    w.cycle('again', { feedback: [counted.out.total.to(counted.in.by)], maxIterations: 3 });
    // 100 + 1 → 101; 101 + 101 → 202, +1 → 203; 202 + 203 → 405, +2 → 407
    expect(await outputOf(w.build({ outputs: { total: counted.out.total } }))).to.deep.equal({ total: 407 });
  });

  it('exclusive branches that end in one input, and null as a value', async () => {
    const w = workflow('ends', { params: { value: type<number | null>() } });
    const kind = w.switch('kind', w.params.value, { nothing: { op: 'is_null' }, something: otherwise });
    const none = w.fn('none', { value: kind.out.nothing }, ({ value }) => ({ was: value }));
    const some = w.fn('some', { value: kind.out.something }, ({ value }) => ({ was: value }));
    const end = w.fn(
      'end',
      { value: oneOf(none.out.value, some.out.value), or: none.out.value.or('no null') },
      (inputs) => inputs,
    );
    const built = w.build({ outputs: { end: end.out.value } });
    expect(await outputOf(built, { value: null })).to.deep.equal({ end: { value: { was: null }, or: { was: null } } });
    expect(await outputOf(built, { value: 3 })).to.deep.equal({ end: { value: { was: 3 }, or: 'no null' } });
  });

  it('an optional input behind a branch, with a default', async () => {
    const greet = defineNode({
      name: 'greet',
      version: '1',
      inputs: {
        name: type<string>(),
        title: {
          '~standard': {
            version: 1 as const,
            vendor: 'test',
            validate: (value: unknown) => ({ value: (value ?? 'friend') as string | undefined }),
          },
        },
      },
      outputs: { text: type<string>() },
      run: ({ name, title }) => ({ text: `${title} ${name}` }),
    });
    const w = workflow('greeting', { params: { formal: type<boolean>() } });
    const is = w.switch('is', w.params.formal);
    const title = w.fn('title', { formal: is.out.true }, () => 'Dr');
    const text = w.add('text', greet({ name: 'Ada', title: title.out.value }), { join: 'any' });
    const always = w.add('always', greet({ name: 'Grace', title: title.out.value }), { join: 'always' });
    const built = w.build({ outputs: { text: text.out.text, always: always.out.text } });
    expect(await outputOf(built, { formal: true })).to.deep.equal({ text: 'Dr Ada', always: 'Dr Grace' });
    expect(await outputOf(built, { formal: false })).to.deep.equal({ always: 'friend Grace' });
  });
});
