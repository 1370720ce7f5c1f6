import { expect } from 'chai';
import { z } from 'zod';
import { compile } from '../../../src/base/compile.js';
import { when } from '../../../src/base/condition.js';
import type { RunEvent } from '../../../src/base/events.js';
import { Execution } from '../../../src/base/execution.js';
import { defineNode } from '../../../src/base/node.js';
import type { Admission } from '../../../src/base/run-view.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { definePlugin } from '../../../src/plugins/plugin.js';
import { ACCESS_POLICY } from '../../../src/plugins/tokens.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededRandom } from '../../../src/testing/seeded.js';
import { caught, rejection } from '../../support/caught.js';

function single() {
  const w = workflow('single');
  const a = w.fn('a', {}, () => 1);
  return w.build({ outputs: { a: a.out.value } });
}

describe('A run that nothing can move on', () => {
  it('is an error in both runtimes, never a silent hang', async () => {
    class Refusing extends LocalRuntime {
      protected override admit(): Admission {
        return { kind: 'later', at: Number.POSITIVE_INFINITY };
      }
    }
    class RefusingAsync extends AsyncLocalRuntime {
      protected override admit(): Admission {
        return { kind: 'later', at: Number.POSITIVE_INFINITY };
      }
    }
    expect(caught(() => new Refusing().execute(single()))).to.include({ code: 'WOULD_DEADLOCK' });
    expect(await rejection(new RefusingAsync().execute(single()))).to.include({ code: 'WOULD_DEADLOCK' });
  });
});

describe('The first run of AsyncLocalRuntime', () => {
  it('is checked after the plugins have started, as in LocalRuntime', async () => {
    const rules = () => {
      let allowed = false;
      return definePlugin({
        name: 'rules',
        provides: [ACCESS_POLICY],
        setup: (scope) => scope.provide(ACCESS_POLICY, { allows: () => allowed }),
        start: () => {
          allowed = true;
        },
      });
    };
    expect(new LocalRuntime({ plugins: [rules()] }).execute(single()).status).to.equal('completed');
    expect((await new AsyncLocalRuntime({ plugins: [rules()] }).execute(single())).status).to.equal('completed');
  });
});

describe('An output whose source brought nothing', () => {
  it('is a warning in both runtimes: the types promise a value', async () => {
    const half = defineNode({
      name: 'half',
      outputs: { x: type<number>(), y: type<number>() },
      run: () => ({ x: 1 }) as { x: number; y: number },
    });
    const w = workflow('half');
    const h = w.add('h', half());
    const built = w.build({ outputs: { x: h.out.x, y: h.out.y } });
    const expected = [
      { code: 'missing-output', message: 'The source of output "y" was live and had no value.', at: 'y' },
    ];
    expect(new LocalRuntime().execute(built).warnings).to.deep.equal(expected);
    expect((await new AsyncLocalRuntime().execute(built)).warnings).to.deep.equal(expected);
  });
});

describe('A fold', () => {
  it('asks no schema, also not those of untyped paths that feed a cycle', () => {
    let asked = 0;
    const counting = z.number().refine(() => {
      asked++;
      return true;
    });
    const grow = defineNode({
      name: 'grow',
      inputs: { n: type<number>() },
      outputs: { box: type<{ n: number }>() },
      run: ({ n }) => ({ box: { n: n + 1 } }),
    });
    const w = workflow('growing');
    const step = w.add('step', grow({ n: 0 }));
    const next = step.out.box.path('n', counting);
    w.cycle('loop', { feedback: [next.to(step.in.n)], until: when(next, (n) => n >= 3), maxIterations: 9 });
    const built = w.build();
    const events: RunEvent[] = [];
    new LocalRuntime().execute(built, {}, { onEvent: (event) => events.push(event) });
    expect(asked).to.be.greaterThan(0);
    asked = 0;
    const start = { runId: 'r', parameters: {}, set: undefined, context: {}, warnings: [], random: seededRandom(1) };
    const options = {
      onError: 'continue',
      maxConcurrency: null,
      timeoutMs: null,
      softTimeoutMs: null,
      retryBudget: null,
    } as const;
    const folded = new Execution(compile(built), { ...start, options }, undefined as never, undefined);
    folded.fold(events);
    expect([folded.state.runStatus, folded.state.regions[0]?.iterations, asked]).to.deep.equal(['completed', 3, 0]);
  });
});

describe('An output that throws when it is read', () => {
  const trap = (() => {
    const node = defineNode({
      name: 'trap',
      outputs: { success: type<boolean>() },
      run: () => ({
        get success(): boolean {
          throw new Error('no reading');
        },
      }),
    });
    const w = workflow('trap');
    w.add('t', node());
    return w.build();
  })();

  it('is a failed attempt where success is looked at', async () => {
    const local = new LocalRuntime({ contentAwareSuccess: true }).settle(trap);
    const other = await new AsyncLocalRuntime({ contentAwareSuccess: true }).settle(trap);
    for (const run of [local, other]) {
      if (run.status !== 'failed') throw new Error(run.status);
      expect(run.error.failure.code).to.equal('NODE_THREW');
      expect(run.error.failure.cause?.message).to.equal('no reading');
    }
  });
});

describe('A listener', () => {
  it('of a name that nothing is told of is refused, and so is what is no function', () => {
    const runtime = new LocalRuntime();
    expect(caught(() => runtime.on('evnt' as never, (() => undefined) as never))).to.include({
      code: 'UNKNOWN_OPTION',
    });
    expect(caught(() => runtime.on('event', 5 as never))).to.include({ code: 'INVALID_OPTION' });
  });
});

describe('Runs that share a signal', () => {
  it('put one listener on it, however many they are, and all of them hear it', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    }) as typeof add;
    const w = workflow('waiting');
    w.fn('a', {}, () => new Promise<number>((resolve) => setTimeout(resolve, 60_000, 1).unref()));
    const built = w.build();
    const runtime = new AsyncLocalRuntime();
    const runs = Array.from({ length: 30 }, () => runtime.settle(built, {}, { signal }));
    await new Promise((next) => setImmediate(next));
    controller.abort(new Error('enough'));
    const statuses = (await Promise.all(runs)).map(({ status }) => status);
    expect([listeners, new Set(statuses)]).to.deep.equal([1, new Set(['cancelled'])]);
  });
});
