import { expect } from 'chai';
import { z } from 'zod';
import { compile } from '../../../src/base/compile.js';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { merge } from '../../../src/base/nodes/merge.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { collect, oneOf, type Ref, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';

const step = defineNode({
  name: 'step',
  version: '1',
  inputs: { value: type<number>(), by: type<number>() },
  outputs: { value: type<number>() },
  run: ({ value, by }) => ({ value: value + by }),
});
const fails = defineNode({
  name: 'fails',
  version: '1',
  inputs: { value: type<number>() },
  outputs: { value: type<number>() },
  run: () => {
    throw new Error('no');
  },
});

/** A workflow with one of everything. */
function everything() {
  const w = workflow('everything', { params: { start: z.number(), by: z.number().default(2) } });
  const a = w.add('a', step({ value: w.params.start, by: 1 }), {
    retry: { attempts: 3 },
    timeoutMs: 50,
    softTimeoutMs: 20,
    totalTimeoutMs: 500,
  });
  const route = w.switch('route', a.out.value, { many: { op: '>', value: 10 }, few: otherwise });
  const full = w.add('full', step({ value: route.out.many, by: w.params.by }));
  const score = w.try('score', fails({ value: full.out.value }), { after: a });
  w.add(
    'sum',
    merge.concat(collect(route.join({ many: full.out.value, few: route.out.few }).at('x' as never) as never)),
  );
  const spare = w.add('spare', step({ value: score.out.value.or(7), by: oneOf(route.out.few, full.out.value) }), {
    join: 'all',
  });
  const fit = w.cycle('fit', {
    feedback: [spare.out.value.to(spare.in.value)],
    until: when({ value: spare.out.value }, () => true),
    maxIterations: 3,
    timeoutMs: 100,
    onTimeout: 'accept',
    keepHistory: 5,
  });
  return w.build({
    outputs: {
      value: required(spare.out.value),
      error: score.error,
      why: fit.out.reason,
      typed: a.out.value.path('deep.0', z.string()),
    },
  });
}

const IMPLICIT = { join: 'required', after: [], allowFailure: false } as const;
const out = (node: string, port = 'value', path: string[] = []) => ({ kind: 'output', node, port, path });

function frozenParts(value: unknown, at = 'data'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, child]) => frozenParts(child, `${at}.${key}`));
  return Object.isFrozen(value) ? inner : [at, ...inner];
}

describe('workflow builder', () => {
  describe('the data form', () => {
    it('says everything about the graph, in order of declaration', () => {
      expect(everything().data).to.deep.equal({
        format: 1,
        name: 'everything',
        parameters: [
          { name: 'start', optional: false },
          { name: 'by', optional: true },
        ],
        nodes: [
          {
            ...IMPLICIT,
            id: 'a',
            kind: 'function',
            use: { name: 'step', version: '1' },
            config: { by: 1 },
            retry: { attempts: 3, backoff: 'exponential', delayMs: 0, maxDelayMs: 60_000, jitter: 0, maxLost: 3 },
            timeoutMs: 50,
            softTimeoutMs: 20,
            totalTimeoutMs: 500,
          },
          {
            ...IMPLICIT,
            id: 'route',
            kind: 'switch',
            use: { name: 'lockstep.switch', version: '1' },
            config: {},
            switch: {
              mode: 'first',
              cases: [
                { name: 'many', test: { kind: 'operator', op: '>', value: 10, path: [] } },
                { name: 'few', test: { kind: 'otherwise' } },
              ],
            },
          },
          { ...IMPLICIT, id: 'full', kind: 'function', use: { name: 'step', version: '1' }, config: {} },
          {
            ...IMPLICIT,
            id: 'score',
            kind: 'function',
            use: { name: 'fails', version: '1' },
            config: {},
            after: ['a'],
            allowFailure: true,
          },
          {
            ...IMPLICIT,
            id: 'sum',
            kind: 'function',
            use: { name: 'lockstep.merge.concat', version: '1' },
            config: {},
          },
          { ...IMPLICIT, id: 'spare', kind: 'function', use: { name: 'step', version: '1' }, config: {}, join: 'all' },
        ],
        connections: [
          { from: { kind: 'parameter', name: 'start', path: [] }, to: { node: 'a', port: 'value' } },
          { from: out('a'), to: { node: 'route', port: 'value' } },
          { from: out('route', 'many'), to: { node: 'full', port: 'value' } },
          { from: { kind: 'parameter', name: 'by', path: [] }, to: { node: 'full', port: 'by' } },
          { from: out('full'), to: { node: 'score', port: 'value' } },
          {
            from: {
              kind: 'collect',
              of: [
                {
                  kind: 'path',
                  of: { kind: 'join', owner: 'route', cases: { many: out('full'), few: out('route', 'few') } },
                  path: ['x'],
                },
              ],
            },
            to: { node: 'sum', port: 'lists' },
          },
          {
            from: { kind: 'firstOf', of: [out('score'), { kind: 'literal', value: 7 }] },
            to: { node: 'spare', port: 'value' },
          },
          { from: { kind: 'oneOf', of: [out('route', 'few'), out('full')] }, to: { node: 'spare', port: 'by' } },
        ],
        cycles: [
          {
            id: 'fit',
            feedback: [{ from: out('spare'), to: { node: 'spare', port: 'value' } }],
            until: { kind: 'function', named: { value: out('spare') } },
            maxIterations: 3,
            timeoutMs: 100,
            onMaxIterations: 'accept',
            onTimeout: 'accept',
            keepHistory: 5,
          },
        ],
        outputs: {
          value: { kind: 'required', of: out('spare') },
          error: out('score', '$error'),
          why: out('fit', 'reason'),
          typed: { ...out('a', 'value', ['deep', '0']), schema: 'schema0' },
        },
      });
    });

    it('is plain: JSON brings it back unchanged', () => {
      const { data } = everything();
      expect(JSON.parse(JSON.stringify(data))).to.deep.equal(data);
    });

    it('is frozen all the way down', () => {
      const built = everything();
      expect(frozenParts(built.data)).to.deep.equal([]);
      expect(Object.isFrozen(built)).to.equal(true);
      expect(Object.isFrozen(built.bindings)).to.equal(true);
      expect(() => {
        (built.data.nodes as unknown[]).push({});
      }).to.throw(TypeError);
    });

    it('does not freeze literals: they belong to whoever passed them', () => {
      const rows = [{ n: 1 }];
      const fallback = { n: 2 };
      const limit = { least: 3 };
      const w = workflow('literals');
      const a = w.fn('a', { rows }, () => 1);
      w.fn('b', { value: a.out.value.or(fallback) }, () => 1);
      w.switch('c', a.out.value as Ref<unknown>, { same: { op: '==', value: limit }, other: otherwise });
      const { nodes } = w.build().data;
      expect([rows, rows[0], fallback, limit].map((literal) => Object.isFrozen(literal))).to.deep.equal([
        false,
        false,
        false,
        false,
      ]);
      expect(nodes[0]?.config.rows).to.equal(rows);
    });

    it('is the same for the same calls, and so is its hash', () => {
      const [one, two] = [everything(), everything()];
      expect(one).not.to.equal(two);
      expect(one.data).to.deep.equal(two.data);
      expect(hashOf(one)).to.equal(hashOf(two));
      expect(hashOf(one)).to.match(/^[0-9a-f]{64}$/);
    });

    it('does not change when the builder is used on after a refusal', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1, by: 1 }));
      const built = w.build({ outputs: { a: a.out.value } });
      expect(() => w.add('b', step({ value: 1, by: 1 }))).to.throw('built already');
      expect(built.data.nodes.map(({ id }) => id)).to.deep.equal(['a']);
    });
  });

  describe('handles', () => {
    it('carry the id, the inputs and the outputs of a node', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1, by: 1 }));
      expect(a.id).to.equal('a');
      expect(Object.keys(a.in)).to.deep.equal(['value', 'by']);
      expect(Object.keys(a.out)).to.deep.equal(['value']);
      expect([a.in.by.node, a.in.by.port]).to.deep.equal(['a', 'by']);
      expect(a.in.by.is(5)).to.deep.equal({ node: 'a', port: 'by', value: 5 });
    });

    it('carry the cases of a switch, and a join only where one case is taken', () => {
      const w = workflow('w', { params: { n: type<number>(), list: type<number[]>() } });
      const first = w.switch('first', w.params.n, { many: () => true, few: otherwise });
      const all = w.switch('all', w.params.n, { many: () => true, few: otherwise }, { mode: 'all' });
      const parts = w.partition('parts', w.params.list, { many: () => true, few: otherwise });
      const flag = w.switch('flag', w.params.n as never as Ref<boolean>);
      expect([first, all, parts, flag].map((handle) => Object.keys(handle.out))).to.deep.equal([
        ['many', 'few'],
        ['many', 'few'],
        ['many', 'few'],
        ['true', 'false'],
      ]);
      expect([first, all, parts, flag].map((handle) => 'join' in handle)).to.deep.equal([true, false, false, true]);
    });

    it('carry error and join of a node that may fail, and reason and iterations of a cycle', () => {
      const w = workflow('w');
      const a = w.try('a', step({ value: 1, by: 1 }));
      expect(Object.keys(a)).to.deep.equal(['id', 'in', 'out', 'error', 'join']);
      const fit = w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      expect([fit.id, Object.keys(fit.out)]).to.deep.equal(['fit', ['reason', 'iterations']]);
    });

    it('of parameters are in params, also for names that objects have by nature', () => {
      const w = workflow('w', { params: { path: type<string>(), constructor: type<number>() } });
      expect(Object.keys(w.params)).to.deep.equal(['path', 'constructor']);
      w.fn('a', { c: w.params.constructor }, ({ c }) => c);
      expect(w.build().data.connections[0]?.from).to.deep.equal({ kind: 'parameter', name: 'constructor', path: [] });
    });

    it('can be used from the moment they exist, in any order of declaration after that', () => {
      const w = workflow('w');
      w.node('last', step, { by: 1 });
      const first = w.add('first', step({ value: 1, by: 1 }));
      w.connect('first.value', 'last.value');
      const run = new LocalRuntime().execute(w.build({ outputs: { first: first.out.value } }));
      expect([...run.results]).to.deep.equal([
        ['first', { value: 2 }],
        ['last', { value: 3 }],
      ]);
    });
  });

  describe('options', () => {
    const slow = defineNode({
      name: 'slow',
      version: '1',
      outputs: {},
      run: () => ({}),
      retry: { attempts: 5, delayMs: 10, jitter: 0.5 },
      timeoutMs: 100,
      softTimeoutMs: 50,
      totalTimeoutMs: 1_000,
    });
    const capabilities = (options: object) => {
      const w = workflow('w');
      w.add('a', slow(), options);
      const { retry, timeoutMs, softTimeoutMs, totalTimeoutMs } = w.build().data
        .nodes[0] as Workflow['data']['nodes'][0];
      return { retry, timeoutMs, softTimeoutMs, totalTimeoutMs };
    };
    const DEFINED = {
      retry: { attempts: 5, backoff: 'exponential', delayMs: 10, maxDelayMs: 60_000, jitter: 0.5, maxLost: 3 },
      timeoutMs: 100,
      softTimeoutMs: 50,
      totalTimeoutMs: 1_000,
    };

    it('come from the definition where the use says nothing', () => {
      expect(capabilities({})).to.deep.equal(DEFINED);
    });

    it('at the use replace those of the definition, one capability at a time and each as a whole', () => {
      expect(capabilities({ retry: { attempts: 2 } })).to.deep.equal({
        ...DEFINED,
        retry: { attempts: 2, backoff: 'exponential', delayMs: 0, maxDelayMs: 60_000, jitter: 0, maxLost: 3 },
      });
      expect(capabilities({ timeoutMs: 70 })).to.deep.equal({ ...DEFINED, timeoutMs: 70 });
      expect(capabilities({ softTimeoutMs: 7 })).to.deep.equal({ ...DEFINED, softTimeoutMs: 7 });
      expect(capabilities({ totalTimeoutMs: 70 })).to.deep.equal({ ...DEFINED, totalTimeoutMs: 70 });
    });

    it('of one use leave the definition and other uses as they were', () => {
      const w = workflow('w');
      w.add('a', slow(), { timeoutMs: 60 });
      w.add('b', slow());
      expect(w.build().data.nodes.map(({ timeoutMs }) => timeoutMs)).to.deep.equal([60, 100]);
      expect(slow.implementation.capabilities.timeoutMs).to.equal(100);
    });

    it('take one or several subjects to wait for, as handles or ids, of nodes, switches and cycles', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1, by: 1 }));
      const fit = w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      const route = w.switch('route', a.out.value, { all: otherwise });
      w.fn('one', {}, () => 1, { after: a });
      w.fn('many', {}, () => 1, { after: ['a', fit, route] });
      const built = w.build();
      expect(built.data.nodes.map(({ id, after }) => [id, after])).to.deep.equal([
        ['a', []],
        ['route', []],
        ['one', ['a']],
        ['many', ['a', 'fit', 'route']],
      ]);
      expect([...new LocalRuntime().execute(built).results.keys()]).to.deep.equal(['a', 'route', 'one', 'many']);
    });

    it('reach fn, node, try, switch and partition as they reach add', () => {
      const w = workflow('w', { params: { n: type<number>(), list: type<number[]>() } });
      w.add('a', step({ value: 1, by: 1 }));
      const options = { timeoutMs: 9, after: 'a' };
      w.fn('fn', {}, () => 1, options);
      w.node('node', step, { value: 1, by: 1 }, options);
      w.try('try', step({ value: 1, by: 1 }), options);
      w.switch('switch', w.params.n, { all: otherwise }, options);
      w.partition('partition', w.params.list, { all: otherwise }, options);
      const nodes = w.build().data.nodes.slice(1);
      expect(nodes.map(({ id, timeoutMs, after }) => [id, timeoutMs, after])).to.deep.equal(
        ['fn', 'node', 'try', 'switch', 'partition'].map((id) => [id, 9, ['a']]),
      );
    });

    it('keep predicates of retries as bindings, beside the data', () => {
      const retry = { attempts: 2, retryOn: [() => true] };
      const w = workflow('w');
      w.add('a', step({ value: 1, by: 1 }), { retry });
      const { data, bindings } = w.build();
      expect(Object.keys(data.nodes[0]?.retry ?? {})).to.deep.equal([
        'attempts',
        'backoff',
        'delayMs',
        'maxDelayMs',
        'jitter',
        'maxLost',
      ]);
      const [predicate] = retry.retryOn;
      retry.retryOn.length = 0;
      expect(bindings.retries.get('a')?.retryOn).to.deep.equal([predicate]);
      expect(bindings.retries.get('a')?.retryOn?.[0]).to.equal(predicate);
    });
  });

  describe('the string form', () => {
    const route = { many: { op: '>', value: 3 }, few: otherwise } as const;

    function called() {
      const w = workflow('forms');
      const read = w.add('read', step({ value: 1, by: 1 }));
      const tidy = w.add('tidy', step({ value: read.out.value, by: 5 }), { timeoutMs: 100 });
      const way = w.switch('way', tidy.out.value, route);
      const deep = w.fn('deep', { all: tidy.out.value }, function deep() {
        return { list: [{ n: 4 }] };
      });
      w.add('last', step({ value: way.out.many, by: deep.out.value.at('list').at(0).at('n') }), { after: read });
      return w.build({ outputs: { value: tidy.out.value } });
    }

    function connected() {
      const w = workflow('forms');
      w.node('read', step, { value: 1, by: 1 });
      const tidy = w.node('tidy', step, { by: 5 }, { timeoutMs: 100 });
      w.connect('read.value', 'tidy.value');
      w.switch('way', tidy.out.value, route);
      w.fn('deep', { all: tidy.out.value }, function deep() {
        return { list: [{ n: 4 }] };
      });
      w.node('last', step, {}, { after: 'read' });
      w.connect('way.many', 'last.value').connect('deep.value.list.0.n', 'last.by');
      return w.build({ outputs: { value: tidy.out.value } });
    }

    it('builds the same data as the called form, with the same hash and the same results', () => {
      expect(connected().data).to.deep.equal(called().data);
      expect(hashOf(connected())).to.equal(hashOf(called()));
      const [one, two] = [called(), connected()].map((built) => [...new LocalRuntime().execute(built).results]);
      expect(two).to.deep.equal(one);
      expect(one?.at(-1)).to.deep.equal(['last', { value: 11 }]);
    });
  });

  describe('fn', () => {
    it('has an input for each property, an output port value, and takes references and literals', () => {
      const w = workflow('fn', { params: { n: type<number>() } });
      const f = w.fn('f', { n: w.params.n, by: 2, list: [1, 2] }, ({ n, by, list }) => n * by + list.length);
      const run = new LocalRuntime().execute(w.build({ outputs: { f: f.out.value } }), { n: 4 });
      expect(run.unwrap()).to.deep.equal({ f: 10 });
    });

    it('is asynchronous when its function is, and waits for any thenable', async () => {
      const w = workflow('fn');
      const a = w.fn('a', {}, async () => 1);
      const query = { then: (done: (value: number) => void): void => done(5) };
      const b = w.fn('b', {}, () => query as unknown as PromiseLike<number>);
      const built = w.build({ outputs: { a: a.out.value, b: b.out.value } });
      expect(built.bindings.implementations.get('a')?.async).to.equal(true);
      const run = await new AsyncLocalRuntime().execute(built);
      expect(run.unwrap()).to.deep.equal({ a: 1, b: 5 });
    });

    it('keeps null, false and 0 as values, and fails where a reader needs the undefined it returned', () => {
      const w = workflow('fn');
      const outputs = {
        nothing: w.fn('n', {}, () => null).out.value,
        no: w.fn('f', {}, () => false).out.value,
        zero: w.fn('z', {}, () => 0).out.value,
      };
      expect(new LocalRuntime().execute(w.build({ outputs })).unwrap()).to.deep.equal({
        nothing: null,
        no: false,
        zero: 0,
      });
      const v = workflow('fn');
      const gone = v.fn('gone', {}, () => undefined as unknown as number);
      v.fn('reader', { n: gone.out.value }, ({ n }) => n);
      const outcome = new LocalRuntime().settle(v.build());
      expect(outcome.status === 'failed' && outcome.node('reader').error?.code).to.equal('INPUT_MISSING');
    });
  });

  describe('100,000 nodes', function () {
    const SIZE = 100_000;
    /** Enough for anything quadratic to take minutes. */
    const MANY = 30_000;
    this.timeout(30_000);

    function chain() {
      const w = workflow('chain');
      let last = w.add('n0', step({ value: 0, by: 1 }));
      for (let index = 1; index < SIZE; index++)
        last = w.add(`n${index}`, step({ value: last.out.value, by: 1 })) as never;
      return w.build({ outputs: { last: last.out.value } });
    }

    function fan() {
      const w = workflow('fan');
      const root = w.add('root', step({ value: 0, by: 1 }));
      const leaves = Array.from(
        { length: SIZE },
        (_, index) => w.add(`n${index}`, step({ value: root.out.value, by: index })).out.value,
      );
      const all = w.add('all', merge.concat(collect(...leaves.map((leaf) => leaf as unknown as Ref<number[]>))));
      return w.build({ outputs: { all: all.out.value } });
    }

    function loop() {
      const w = workflow('loop');
      const first = w.add('n0', step({ value: 0, by: 1 }));
      let last = first;
      for (let index = 1; index < SIZE; index++)
        last = w.add(`n${index}`, step({ value: last.out.value, by: 1 })) as never;
      w.cycle('round', { feedback: [last.out.value.to(first.in.value)], maxIterations: 2 });
      return w.build({ outputs: { last: last.out.value } });
    }

    it('in a chain are built, compiled, run and reported in both runtimes', async () => {
      const built = chain();
      expect(compile(built).nodes).to.have.length(SIZE);
      const sync = new LocalRuntime().execute(built);
      expect(sync.unwrap()).to.deep.equal({ last: SIZE });
      expect(sync.nodes.get(`n${SIZE - 1}`)?.status).to.equal('completed');
      expect((await new AsyncLocalRuntime().execute(built)).unwrap()).to.deep.equal({ last: SIZE });
    });

    it('side by side, gathered by one, are built, compiled and run in both runtimes', async () => {
      const built = fan();
      const sync = new LocalRuntime().settle(built);
      expect(sync.status === 'failed' && sync.error.failure.code).to.equal('MERGE_MISMATCH');
      expect(sync.status === 'failed' && sync.results.size).to.equal(SIZE + 1);
      const async = await new AsyncLocalRuntime().settle(built);
      expect(async.status === 'failed' && async.results.get(`n${SIZE - 1}`)).to.deep.equal({ value: SIZE });
    });

    it('in a cycle are built and run in both runtimes', async () => {
      const built = loop();
      expect(new LocalRuntime().execute(built).unwrap()).to.deep.equal({ last: 2 * SIZE });
      expect((await new AsyncLocalRuntime().execute(built)).unwrap()).to.deep.equal({ last: 2 * SIZE });
    });

    it('that all fail are reported, each with its failure', () => {
      const w = workflow('failures');
      for (let index = 0; index < MANY; index++) w.add(`n${index}`, fails({ value: index }));
      const outcome = new LocalRuntime().settle(w.build());
      if (outcome.status !== 'failed') throw new Error(outcome.status);
      expect(outcome.failures).to.have.length(MANY);
      expect(outcome.nodes.get(`n${MANY - 1}`)?.failures).to.have.length(1);
    });

    it('that all warn are reported, each with its warning', () => {
      const w = workflow('warnings');
      const root = w.fn('root', {}, () => ({}) as { readonly gone?: number });
      const optional = defineNode({
        name: 'optional',
        inputs: { value: z.number().optional() },
        outputs: {},
        run: () => ({}),
      });
      for (let index = 0; index < MANY; index++) w.add(`n${index}`, optional({ value: root.out.value.at('gone') }));
      const run = new LocalRuntime().execute(w.build());
      expect(run.warnings).to.have.length(MANY);
      expect(run.warnings[MANY - 1]?.code).to.equal('missing-path');
    });

    it('that are never started because the run is cancelled are reported', () => {
      const abort = new AbortController();
      const w = workflow('cancelled');
      let last = w.fn('n0', {}, () => {
        abort.abort(new Error('enough'));
        return 0;
      });
      for (let index = 1; index < MANY; index++)
        last = w.fn(`n${index}`, { value: last.out.value }, ({ value }) => value) as never;
      const outcome = new LocalRuntime().settle(w.build(), {}, { signal: abort.signal });
      if (outcome.status !== 'cancelled') throw new Error(outcome.status);
      expect(outcome.error.completed).to.deep.equal(['n0']);
      expect(outcome.error.notStarted).to.have.length(MANY - 1);
    });
  });

  it('evaluates alternatives of alternatives, a thousand deep', () => {
    const w = workflow('deep');
    const bad = w.try('bad', fails({ value: 1 }));
    let ref: Ref<number, string> = bad.out.value;
    for (let index = 0; index < 999; index++) ref = ref.or(bad.out.value) as Ref<number, string>;
    const use = w.fn('use', { value: ref.or(3) }, ({ value }) => value);
    expect(new LocalRuntime().execute(w.build({ outputs: { use: use.out.value } })).unwrap()).to.deep.equal({ use: 3 });
  });
});
