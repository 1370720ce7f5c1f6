import { expect } from 'chai';
import { z } from 'zod';
import { LockstepError } from '../../../src/base/errors.js';
import { defineNode } from '../../../src/base/node.js';
import { required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { plus, positive } from '../../support/child-nodes.js';
import { everyWay, statuses, type Way } from '../../support/every-way.js';

const IN_ORDER: readonly Way[] = ['local', 'async runtime, sync nodes', 'async runtime, one async node at a time'];

/** Fails in its first `times` attempts for `n`, over all scopes. */
function flaky(n: number, times: number, seen: string[] = []) {
  let left = times;
  return defineNode({
    name: 'flaky',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: (inputs, { scope, attempt }) => {
      seen.push(`${scope}${attempt}`);
      if (inputs.n === n && left-- > 0) throw new RangeError(`flaky ${left}`);
      return { n: inputs.n * 10 };
    },
  });
}

function failing(message: string) {
  return defineNode({
    name: 'failing',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: () => {
      throw new Error(message);
    },
  });
}

const needing = defineNode({
  name: 'needing',
  inputs: { x: z.number() },
  outputs: { x: type<number>() },
  run: ({ x }) => ({ x }),
});

/** A workflow that checks its parameter. */
function checked() {
  const w = workflow('checked', { params: { n: type<number>() } });
  const check = w.add('check', positive({ n: w.params.n }));
  const next = w.add('next', plus({ n: check.out.n }));
  return w.build({ outputs: { n: next.out.n } });
}

describe('A map with items that fail', () => {
  it(
    'fails with the first of them, once every item has settled',
    everyWay(async (run) => {
      const w = workflow('failing', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => positive({ n }));
      w.fn('after', { list: all.out.n }, () => 1);
      const result = await run.fail(w.build(), { params: { list: [1, -2, 3, -4, 5] } });
      expect(statuses(result)).to.deep.equal({ all: 'failed', after: 'blocked' });
      const { error } = result.node('all');
      expect(error).to.deep.include({ name: 'AttemptError', code: 'CHILD_FAILED' });
      expect(error?.message).to.equal(
        'Item 1 of map "all" failed: NODE_THREW, -2 is negative. See the cause; let it fail with try, or collect the failures of a map with onItemError: "collect".',
      );
      expect(error?.cause).to.deep.equal({ name: 'Error', code: 'NODE_THREW', message: '-2 is negative' });
      expect(result.children('all').map(({ status }) => status)).to.deep.equal([
        'completed',
        'failed',
        'completed',
        'failed',
        'completed',
      ]);
      expect(result.children('all')[3]?.error?.message).to.equal('-4 is negative');
      expect(result.error.at).to.equal('all');
      expect((result.error.cause as Error).message).to.equal('-2 is negative');
      expect(result.error.cause).to.be.instanceOf(Error).and.not.have.property('code');
    }),
  );

  it(
    'collects them: the successes in order, all items, the failures with their numbers',
    everyWay(async (run) => {
      const w = workflow('collecting', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => positive({ n }), { onItemError: 'collect' });
      const built = w.build({ outputs: { n: all.out.n, items: all.items, failed: all.failed } });
      const result = await run.complete(built, { params: { list: [1, -2, 3] } });
      const error = { name: 'Error', code: 'NODE_THREW', message: '-2 is negative' };
      expect(result.output).to.deep.equal({
        n: [1, 3],
        items: [
          { status: 'completed', output: { n: 1 } },
          { status: 'failed', error },
          { status: 'completed', output: { n: 3 } },
        ],
        failed: [{ index: 1, error }],
      });
      expect(result.failures).to.deep.equal([]);
      const none = await run.complete(built, { params: { list: [-1, -2] } });
      expect([none.output.n, none.output.failed.length]).to.deep.equal([[], 2]);
    }),
  );

  it(
    'collects under fail-fast too: nothing is stopped',
    everyWay(async (run) => {
      const w = workflow('collecting', { params: { list: type<number[]>() } });
      const child = checked();
      const all = w.map('all', w.params.list, (n) => child({ n }), { onItemError: 'collect' });
      const built = w.build({ outputs: { n: all.out.n, failed: all.failed.at(0).at('index') } });
      const result = await run.complete(built, {
        params: { list: [-1, 2, 3] },
        runtime: { onError: 'fail-fast' },
      });
      expect(result.output).to.deep.equal({ n: [3, 4], failed: 0 });
      expect(
        run.events.some(({ kind, data }) => kind === 'attempt.cancelled' && 'scope' in data && data.scope === ''),
      ).to.equal(false);
    }, IN_ORDER),
  );

  it(
    'retries in the body before it counts an item as failed',
    everyWay(async (run) => {
      const seen: string[] = [];
      const node = flaky(2, 2, seen);
      const w = workflow('retrying');
      const list = w.fn('list', {}, () => [1, 2]);
      const child = workflow('body', { params: { n: type<number>() } });
      const tried = child.add('tried', node({ n: child.params.n }), { retry: { attempts: 3, delayMs: 10 } });
      const body = child.build({ outputs: { n: tried.out.n } });
      const all = w.map('all', list.out.value, (n) => body({ n }));
      const result = await run.complete(w.build({ outputs: { n: all.out.n } }));
      expect(result.output).to.deep.equal({ n: [10, 20] });
      expect(result.children('all')[1]?.children('body')[0]?.node('tried')).to.deep.include({
        attempts: 3,
        status: 'completed',
      });
      expect(seen.filter((at) => at.startsWith('all[1]'))).to.deep.equal([
        'all[1]/body/1',
        'all[1]/body/2',
        'all[1]/body/3',
      ]);
      expect(result.node('all').attempts).to.equal(1);
    }),
  );

  it(
    'is tried again as a whole: every item in a new scope',
    everyWay(async (run) => {
      const seen: string[] = [];
      const node = flaky(2, 1, seen);
      const w = workflow('again');
      const list = w.fn('list', {}, () => [1, 2]);
      const all = w.map('all', list.out.value, (n) => node({ n }), { retry: { attempts: 2, delayMs: 50 } });
      const result = await run.complete(w.build({ outputs: { n: all.out.n } }));
      expect(result.output).to.deep.equal({ n: [10, 20] });
      expect(seen.sort()).to.deep.equal(['all#1.2[0]/1', 'all#1.2[1]/1', 'all[0]/1', 'all[1]/1']);
      expect(result.node('all')).to.deep.include({ attempts: 2, status: 'completed' });
      expect(result.node('all').failures.map(({ attempt, error }) => [attempt, error.code])).to.deep.equal([
        [1, 'CHILD_FAILED'],
      ]);
      expect(result.children('all').map(({ scope, status }) => [scope, status])).to.deep.equal([
        ['all#1.2[0]/', 'completed'],
        ['all#1.2[1]/', 'completed'],
      ]);
      const failed = run.events.find((event) => event.kind === 'attempt.failed' && event.data.node === 'all');
      expect(failed?.kind === 'attempt.failed' && failed.data.then.kind).to.equal('retry');
    }),
  );

  it(
    'is tried again only for errors that fit, by code',
    everyWay(async (run) => {
      const w = workflow('fitting');
      const list = w.fn('list', {}, () => [-1]);
      w.map('yes', list.out.value, (n) => positive({ n }), { retry: { attempts: 3, retryOn: ['CHILD_FAILED'] } });
      w.map('no', list.out.value, (n) => positive({ n }), { retry: { attempts: 3, dontRetryOn: ['CHILD_FAILED'] } });
      w.map('none', w.fn('text', {}, () => 'text' as never).out.value as never, (n) => positive({ n: n as never }), {
        retry: { attempts: 2 },
      });
      const result = await run.fail(w.build());
      expect([result.node('yes').attempts, result.node('no').attempts]).to.deep.equal([3, 1]);
      expect(result.node('none').error?.code).to.equal('NOT_A_LIST');
    }),
  );

  it(
    'under fail-fast stops at the first: later items never begin, later nodes are cancelled',
    everyWay(async (run) => {
      const w = workflow('fast', { params: { list: type<number[]>() } });
      const child = checked();
      const all = w.map('all', w.params.list, (n) => child({ n }));
      w.fn('after', { list: all.out.n }, () => 1);
      const result = await run.fail(w.build(), {
        params: { list: [1, -2, 3] },
        runtime: { onError: 'fail-fast' },
      });
      expect(statuses(result)).to.deep.equal({ all: 'failed', after: 'cancelled' });
      expect(result.node('all').error?.code).to.equal('CHILD_FAILED');
      expect(result.node('after').reason).to.deep.include({
        code: 'fail_fast',
        root: { subject: 'all', port: null, code: 'fail_fast' },
      });
      expect(result.children('all').map(({ status }) => status)).to.deep.equal(['completed', 'failed', 'cancelled']);
      const inner = result.children('all')[1]?.children('checked')[0];
      expect(inner?.node('check').status).to.equal('failed');
      expect(inner?.node('next').reason).to.deep.include({
        code: 'fail_fast',
        root: { subject: 'check', port: null, code: 'fail_fast' },
      });
    }, IN_ORDER),
  );

  it(
    'under fail-fast aborts the items in flight, and says why',
    everyWay(
      async (run) => {
        const aborted: string[] = [];
        const slow = defineNode({
          name: 'slow',
          inputs: { n: type<number>() },
          outputs: { n: type<number>() },
          async: true,
          run: async ({ n }, { signal, scope }) => {
            if (n < 0) throw new Error('negative');
            await new Promise<void>((_, reject) => {
              signal.addEventListener('abort', () => {
                aborted.push(`${scope} ${(signal.reason as { code?: string }).code}`);
                reject(signal.reason);
              });
            });
            return { n };
          },
        });
        const w = workflow('aborting', { params: { list: type<number[]>() } });
        w.map('all', w.params.list, (n) => slow({ n }));
        const result = await run.fail(w.build(), { params: { list: [1, -2, 3] }, runtime: { onError: 'fail-fast' } });
        expect(aborted).to.deep.equal(['all[0]/ RUN_CANCELLED', 'all[2]/ RUN_CANCELLED']);
        const cancelled = run.events.flatMap((event) =>
          event.kind === 'attempt.cancelled' ? [[event.data.scope, event.data.reason]] : [],
        );
        const reason = {
          code: 'fail_fast',
          input: null,
          source: null,
          root: { subject: 'all[1]/slow', port: null, code: 'fail_fast' },
        };
        expect(cancelled).to.deep.equal([
          ['all[0]/', reason],
          ['all[2]/', reason],
        ]);
        expect(result.children('all').map(({ status }) => status)).to.deep.equal(['cancelled', 'failed', 'cancelled']);
      },
      ['async runtime, async nodes'],
    ),
  );

  it(
    'inside a subworkflow that may fail: nothing outside is stopped, not even under fail-fast',
    everyWay(async (run) => {
      const inner = workflow('inner', { params: { list: type<number[]>() } });
      const all = inner.map('all', inner.params.list, (n) => positive({ n }));
      const child = inner.build({ outputs: { n: all.out.n } });
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const sub = w.try('sub', child({ list: w.params.list }));
      const error = w.fn('why', { error: sub.error }, ({ error: it }) => [
        it.code,
        it.cause?.code,
        it.cause?.cause?.message,
      ]);
      const last = w.fn('last', {}, () => 'ran');
      const built = w.build({
        outputs: {
          why: error.out.value,
          last: last.out.value,
          n: sub.join({ ok: sub.out.n, failed: error.out.value }),
        },
      });
      const result = await run.complete(built, { params: { list: [1, -1] }, runtime: { onError: 'fail-fast' } });
      expect(result.output.why).to.deep.equal(['CHILD_FAILED', 'CHILD_FAILED', '-1 is negative']);
      expect(result.output.last).to.equal('ran');
      expect(result.output.n).to.deep.equal(result.output.why);
      expect((await run.complete(built, { params: { list: [1] } })).output.n).to.deep.equal([1]);
    }, IN_ORDER),
  );
});

describe('A failure deep inside', () => {
  it(
    'is the cause of what execute throws, as it was thrown, and is named by every level',
    everyWay(async (run) => {
      const thrown = new RangeError('deep');
      const inner = workflow('inner');
      inner.fn('node', {}, () => {
        throw thrown;
      });
      const child = inner.build();
      const middle = workflow('middle', { params: { list: type<number[]>() } });
      middle.map('each', middle.params.list, () => child());
      const w = workflow('outer');
      w.add('sub', middle.build()({ list: [1, 2] }));
      const result = await run.fail(w.build());
      expect(result.error.cause).to.equal(thrown);
      expect(result.error.at).to.equal('sub');
      const levels: string[] = [];
      for (let error = result.node('sub').error; error !== undefined; error = error.cause)
        levels.push(`${error.name} ${error.code}`);
      expect(levels).to.deep.equal([
        'AttemptError CHILD_FAILED',
        'AttemptError CHILD_FAILED',
        'AttemptError CHILD_FAILED',
        'RangeError NODE_THREW',
      ]);
      const failed = run.events.flatMap((event) =>
        event.kind === 'attempt.failed' ? [`${event.data.scope}${event.data.node}`] : [],
      );
      expect(failed.sort()).to.deep.equal([
        'sub',
        'sub/each',
        'sub/each[0]/inner',
        'sub/each[0]/inner/node',
        'sub/each[1]/inner',
        'sub/each[1]/inner/node',
      ]);
    }),
  );

  it(
    'that is allowed there is none outside',
    everyWay(async (run) => {
      const inner = workflow('inner', { params: { n: type<number>() } });
      const tried = inner.try('tried', positive({ n: inner.params.n }));
      const child = inner.build({ outputs: { n: tried.out.n, code: tried.error.at('code') } });
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => child({ n }));
      const result = await run.complete(w.build({ outputs: { n: all.out.n, code: all.out.code } }), {
        params: { list: [1, -1] },
      });
      expect(result.output).to.deep.equal({ n: [1], code: ['NODE_THREW'] });
      expect(result.failures).to.deep.equal([]);
    }),
  );

  it(
    'in a subworkflow under continue: everything there that does not depend on it still runs',
    everyWay(async (run) => {
      const inner = workflow('inner');
      const bad = inner.add('bad', positive({ n: -1 }));
      inner.add('below', plus({ n: bad.out.n }));
      const other = inner.add('other', plus({ n: 1 }));
      const child = inner.build({ outputs: { n: other.out.n } });
      const w = workflow('outer');
      const sub = w.add('sub', child());
      w.add('below', plus({ n: sub.out.n }));
      w.add('beside', plus({ n: 1 }));
      const result = await run.fail(w.build());
      expect(statuses(result)).to.deep.equal({ sub: 'failed', below: 'blocked', beside: 'completed' });
      const [inside] = result.children('sub');
      expect(inside?.nodes && [...inside.nodes.values()].map(({ id, status }) => [id, status])).to.deep.equal([
        ['bad', 'failed'],
        ['below', 'blocked'],
        ['other', 'completed'],
      ]);
      expect(inside?.failures.map(({ node }) => node)).to.deep.equal(['bad']);
      expect(result.failures.map(({ node }) => node)).to.deep.equal(['sub']);
    }),
  );

  it(
    'that a run does not finish because an output is required counts as that of the child',
    everyWay(async (run) => {
      const inner = workflow('inner', { params: { n: type<number>() } });
      const route = inner.switch('route', inner.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
      const child = inner.build({ outputs: { n: required(route.out.big) } });
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => child({ n }), { onItemError: 'collect' });
      const result = await run.complete(w.build({ outputs: { n: all.out.n, failed: all.failed } }), {
        params: { list: [1, 20] },
      });
      expect(result.output.n).to.deep.equal([20]);
      expect(result.output.failed.map(({ index, error }) => [index, error.code, error.cause?.code])).to.deep.equal([
        [0, 'CHILD_FAILED', 'OUTPUT_MISSING'],
      ]);
    }),
  );
});

const SEE = 'See the cause; let it fail with try, or collect the failures of a map with onItemError: "collect".';

describe('The message of an item that failed', () => {
  it('says what a child failed with as a sentence, whether or not it is one', () => {
    for (const [thrown, said] of [
      ['declined', 'declined.'],
      ['Declined.', 'Declined.'],
      ['v1.2 declined', 'v1.2 declined.'],
    ] as const) {
      const w = workflow('shop', { params: { list: type<number[]>() } });
      w.map('pay', w.params.list, (n) => failing(thrown)({ n }));
      const outcome = new LocalRuntime().settle(w.build(), { list: [1] });
      expect(outcome.status === 'failed' && outcome.error.failure.message).to.equal(
        `Item 0 of map "pay" failed: NODE_THREW, ${said} ${SEE}`,
      );
    }
  });

  it('is that of a subworkflow where it is one, with its scope', () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    inner.add('pay', failing('declined')({ n: inner.params.n }));
    const child = inner.build();
    const middle = workflow('middle');
    middle.add('sub', child({ n: 1 }));
    const w = workflow('shop');
    w.add('outer', middle.build()());
    const outcome = new LocalRuntime().settle(w.build());
    const failure = outcome.status === 'failed' ? outcome.error.failure : undefined;
    expect(failure?.cause?.message).to.equal(`Subworkflow "outer/sub" failed: NODE_THREW, declined. ${SEE}`);
    expect(failure?.message).to.match(/^Subworkflow "outer" failed: CHILD_FAILED, Subworkflow "outer\/sub" failed: /);
  });

  it('is told without how often its owner was tried', () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    inner.add('pay', failing('declined')({ n: inner.params.n }));
    const middle = workflow('middle', { params: { n: type<number>() } });
    middle.add('sub', inner.build()({ n: middle.params.n }));
    const body = middle.build();
    const w = workflow('shop', { params: { list: type<number[]>() } });
    w.map('all', w.params.list, (n) => body({ n }), { retry: { attempts: 2 } });
    const outcome = new LocalRuntime({ clock: new VirtualClock() }).settle(w.build(), { list: [1] });
    const all = outcome.status === 'failed' ? outcome.nodes.get('all') : undefined;
    expect(all?.attempts).to.equal(2);
    expect(all?.error?.message).to.match(
      /^Item 0 of map "all" failed: CHILD_FAILED, Subworkflow "all\[0\]\/middle" failed: CHILD_FAILED, Subworkflow "all\[0\]\/middle\/sub" failed: /,
    );
    expect(all?.error?.message).to.equal(all?.failures[0]?.error.message);
  });

  it('is told without how often its owner was tried, of a map that was given no list as well', () => {
    const inner = workflow('inner', { params: { list: type<number[]>() } });
    inner.map('each', inner.params.list, (n) => failing('declined')({ n }));
    const w = workflow('shop', { params: { list: type<number[]>() } });
    w.add('sub', inner.build()({ list: w.params.list }), { retry: { attempts: 2, retryOn: ['CHILD_FAILED'] } });
    const outcome = new LocalRuntime({ clock: new VirtualClock() }).settle(w.build(), { list: 1 as never });
    const sub = outcome.status === 'failed' ? outcome.nodes.get('sub') : undefined;
    expect(sub?.failures.map(({ error }) => error.cause?.message.split('.')[0])).to.deep.equal([
      'The list of map "sub/each" is of type number',
      'The list of map "sub/each" is of type number',
    ]);
  });

  it('comes with its place, for whoever decides what follows: the node that failed, or the scope of the whole child', () => {
    const heard: string[] = [];
    class Hearing extends LocalRuntime {
      protected override decideFailure(...args: Parameters<LocalRuntime['decideFailure']>) {
        const [, { node }, error] = args;
        if (error instanceof LockstepError) heard.push(`${node.id}: ${error.code} at ${error.at}`);
        return super.decideFailure(...args);
      }
    }
    const whole = workflow('whole', { params: { n: type<number>() } });
    const route = whole.switch('route', whole.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
    const child = whole.build({ outputs: { n: required(route.out.big) } });
    const w = workflow('places', { params: { list: type<number[]>() } });
    w.map('each', w.params.list, (n) => failing('declined')({ n }));
    w.add('sub', child({ n: 1 }));
    new Hearing().settle(w.build(), { list: [1, 2] });
    expect(heard).to.deep.equal(['each: CHILD_FAILED at each[0]/failing', 'sub: CHILD_FAILED at sub/']);
  });

  it('names the input of an item that has no value', () => {
    const w = workflow('sparse', { params: { list: type<number[]>() } });
    w.map('each', w.params.list, (x) => needing({ x }));
    const outcome = new LocalRuntime().settle(w.build(), { list: [undefined as never] });
    expect(outcome.status === 'failed' && outcome.error.failure.cause).to.deep.include({
      code: 'INPUT_MISSING',
      message:
        'Input "needing.x" is required and got no value. Bind it, make its source produce a value, or give it a default.',
    });
  });
});
