import { expect } from 'chai';
import { z } from 'zod';
import type { NodeContext } from '../../../src/base/node-context.js';
import { collect } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, assertParity, scripted, VirtualClock } from '../../../src/testing/index.js';
import { caught } from '../../support/caught.js';

const START = 1_704_067_200_000;
const n = { n: type<number>() };
const busy = Object.assign(new Error('busy'), { code: 'BUSY' });

/** A workflow of one node that is tried up to three times. */
function once(
  node: ReturnType<typeof scripted<Record<never, never>, typeof n>>,
  options: object = { retry: { attempts: 3 } },
) {
  const w = workflow('once');
  const step = w.add('step', node(), options);
  return w.build({ outputs: { n: step.out.n } });
}

describe('a scripted node', () => {
  it('does what its steps say, attempt by attempt, and records its calls', () => {
    const node = scripted({
      name: 'flaky',
      inputs: { url: z.string() },
      outputs: n,
      script: [{ throws: busy }, { throws: 'no error' }, { gives: { n: 3 } }],
    });
    const w = workflow('flaky');
    const step = w.add('step', node({ url: '/a' }), { retry: { attempts: 5 } });
    const run = new LocalRuntime().execute(w.build({ outputs: { n: step.out.n } }));
    expect(run.unwrap()).to.deep.equal({ n: 3 });
    expect(run.node('step').failures.map(({ error }) => `${error.code} ${error.message}`)).to.deep.equal([
      'BUSY busy',
      'NODE_THREW no error',
    ]);
    const call = { inputs: { url: '/a' }, node: 'step', visit: 1, iteration: 0, aborted: false };
    expect(node.calls).to.deep.equal([
      { ...call, attempt: 1 },
      { ...call, attempt: 2 },
      { ...call, attempt: 3 },
    ]);
  });

  it('begins its list anew in every visit, and takes a list for each where there are several', () => {
    const inputs = { n: type<number>() };
    const same = scripted({ name: 'same', inputs, outputs: n, script: [{ throws: busy }, { gives: { n: 1 } }] });
    const each = scripted({
      name: 'each',
      inputs,
      outputs: n,
      script: [[{ gives: { n: 10 } }], [{ throws: busy }, { gives: { n: 20 } }], [{ gives: { n: 30 } }]],
    });
    const w = workflow('turns');
    const a = w.add('a', same({ n: 0 }), { retry: { attempts: 2 } });
    const b = w.add('b', each({ n: a.out.n }), { retry: { attempts: 2 } });
    w.cycle('loop', { feedback: [b.out.n.to(a.in.n)], maxIterations: 3 });
    const run = new LocalRuntime().execute(w.build({ outputs: { n: b.out.n } }));
    expect(run.unwrap()).to.deep.equal({ n: 30 });
    const calls = [...same.calls, ...each.calls].map(
      ({ node, visit, attempt, iteration, inputs: { n: fed } }) =>
        `${node} ${visit}/${attempt} in ${iteration}: ${fed}`,
    );
    expect(calls).to.deep.equal([
      ...['a 1/1 in 0: 0', 'a 1/2 in 0: 0', 'a 2/1 in 1: 10', 'a 2/2 in 1: 10', 'a 3/1 in 2: 20', 'a 3/2 in 2: 20'],
      ...['b 1/1 in 0: 1', 'b 2/1 in 1: 1', 'b 2/2 in 1: 1', 'b 3/1 in 2: 1'],
    ]);
  });

  it('fails with SCRIPT_ENDED where its script ends, naming attempt and visit', () => {
    const node = scripted({ name: 'short', outputs: n, script: [{ throws: busy }] });
    const outcome = new LocalRuntime().settle(once(node, { retry: { attempts: 2 } }));
    const failure = outcome.status === 'failed' ? outcome.error.failure : undefined;
    expect(failure?.code).to.equal('SCRIPT_ENDED');
    expect(failure?.message).to.equal(
      'Node "short" has no step for attempt 2 of visit 1: its script has 1 steps. Add a step, or repeat the last one with atEnd: "repeat".',
    );
    const visits = scripted({ name: 'visits', inputs: n, outputs: n, script: [[{ gives: { n: 1 } }]] });
    const w = workflow('again');
    const step = w.add('step', visits({ n: 0 }));
    w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
    const again = new LocalRuntime().settle(w.build());
    expect(again.status === 'failed' && again.error.message).to.contain(
      'Node "visits" has no step for attempt 1 of visit 2: its script has 1 visits.',
    );
  });

  it('repeats its last step, or its last list, where it is told to', () => {
    const steps = scripted({ name: 'steps', outputs: n, atEnd: 'repeat', script: [{ throws: busy }] });
    const failed = new LocalRuntime().settle(once(steps));
    expect(failed.status === 'failed' && failed.error.failure.code).to.equal('BUSY');
    expect(steps.calls).to.have.length(3);
    const lists = scripted({
      name: 'lists',
      inputs: n,
      outputs: n,
      atEnd: 'repeat',
      script: [[{ gives: { n: 1 } }], [{ gives: { n: 2 } }]],
    });
    const w = workflow('again');
    const step = w.add('step', lists({ n: 0 }));
    w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 4 });
    const run = new LocalRuntime().execute(w.build({ outputs: { n: step.out.n } }));
    expect(run.unwrap()).to.deep.equal({ n: 2 });
    expect(lists.calls.map(({ inputs }) => inputs.n)).to.deep.equal([0, 1, 2, 2]);
  });

  it('asks a function for the step, which sees the call', () => {
    const node = scripted({
      name: 'pick',
      inputs: n,
      outputs: n,
      script: [
        ({ inputs, node: id }) =>
          inputs.n < 0 ? { throws: new Error(`${id} refuses`) } : { gives: { n: inputs.n * 2 } },
      ],
    });
    const w = workflow('mapped');
    const list = w.fn('list', {}, () => [1, -1, 3]);
    const all = w.map('all', list.out.value, (item) => node({ n: item }), { onItemError: 'collect' });
    const run = new LocalRuntime().execute(w.build({ outputs: { n: all.out.n, failed: all.failed } }));
    expect(run.unwrap().n).to.deep.equal([2, 6]);
    expect(run.unwrap().failed.map(({ error }) => error.message)).to.deep.equal(['all[1]/pick refuses']);
    expect(node.calls.map(({ node: id }) => id)).to.deep.equal(['all[0]/pick', 'all[1]/pick', 'all[2]/pick']);
  });
});

describe('a scripted node that takes time', () => {
  it('holds its thread on the clock', () => {
    const clock = new VirtualClock();
    const node = scripted({
      name: 'slow',
      outputs: n,
      clock,
      script: [
        { throws: busy, afterMs: 60_000 },
        { gives: { n: 1 }, afterMs: 3_600_000 },
      ],
    });
    using runtime = new LocalRuntime({ clock });
    expect(runtime.execute(once(node)).unwrap()).to.deep.equal({ n: 1 });
    expect(clock.now() - START).to.equal(3_660_000);
  });

  it('lets others go on meanwhile where it is asynchronous', async () => {
    const clock = new VirtualClock();
    const slow = (name: string, afterMs: number) =>
      scripted({ name, outputs: n, async: true, clock, script: [{ gives: { n: afterMs }, afterMs }] });
    const w = workflow('together');
    const a = w.add('a', slow('a', 3_600_000)());
    const b = w.add('b', slow('b', 1_800_000)());
    const built = w.build({ outputs: { all: collect(a.out.n, b.out.n) } });
    await using runtime = new AsyncLocalRuntime({ clock });
    const run = await advanceUntil(() => runtime.execute(built), clock);
    expect(run.unwrap()).to.deep.equal({ all: [3_600_000, 1_800_000] });
    expect(clock.now() - START).to.equal(3_600_000);
  });

  it('says that it needs a clock', () => {
    const node = scripted({ name: 'slow', outputs: n, script: [{ gives: { n: 1 }, afterMs: 1 }] });
    const outcome = new LocalRuntime().settle(once(node, {}));
    const failure = outcome.status === 'failed' ? outcome.error.failure : undefined;
    expect(failure?.code).to.equal('INVALID_OPTION');
    expect(failure?.message).to.contain('A step of node "slow" takes time, and it has no clock');
  });

  it('throws the reason when its signal is aborted, or ignores it, as its step says', async () => {
    for (const onAbort of ['throw', 'ignore'] as const) {
      const clock = new VirtualClock();
      const node = scripted({
        name: 'slow',
        outputs: n,
        async: true,
        clock,
        script: [{ gives: { n: 1 }, afterMs: 100, onAbort }],
      });
      await using runtime = new AsyncLocalRuntime({ clock });
      const outcome = await advanceUntil(() => runtime.settle(once(node, { softTimeoutMs: 40 })), clock);
      expect(outcome.status, onAbort).to.equal(onAbort === 'throw' ? 'failed' : 'completed');
      expect(clock.now() - START, onAbort).to.equal(onAbort === 'throw' ? 40 : 100);
      expect(clock.timers, 'timers that are left').to.equal(0);
      expect(
        node.calls.map(({ aborted }) => aborted),
        onAbort,
      ).to.deep.equal([true]);
    }
  });

  it('hangs until it is aborted, or for ever', async () => {
    for (const hangs of ['until aborted', 'for ever'] as const) {
      const clock = new VirtualClock();
      const node = scripted({ name: 'stuck', outputs: n, async: true, script: [{ hangs }, { gives: { n: 2 } }] });
      await using runtime = new AsyncLocalRuntime({ clock });
      const limit = { retry: { attempts: 2 }, timeoutMs: 500 };
      const run = await advanceUntil(() => runtime.execute(once(node, limit)), clock);
      expect(run.unwrap(), hangs).to.deep.equal({ n: 2 });
      expect(
        run.node('step').failures.map(({ error }) => error.code),
        hangs,
      ).to.deep.equal(['ATTEMPT_TIMEOUT']);
      const soft = scripted({ name: 'stuck', outputs: n, async: true, script: [{ hangs }] });
      const outcome = await advanceUntil(() => runtime.settle(once(soft, { softTimeoutMs: 10 })), clock);
      const failure = outcome.status === 'failed' ? outcome.error.failure.code : outcome.status;
      expect(failure, hangs).to.equal(hangs === 'for ever' ? 'NEVER_SETTLED' : 'ATTEMPT_TIMEOUT');
    }
  });

  it('hears of a signal that was aborted before it was called', async () => {
    const clock = new VirtualClock();
    const steps = [{ hangs: 'until aborted' }, { gives: { n: 1 }, afterMs: 5 }] as const;
    for (const step of steps) {
      const node = scripted({ name: 'late', outputs: n, async: true, clock, script: [step] });
      const context = { visit: 1, attempt: 1, iteration: 0, signal: AbortSignal.abort(busy) } as unknown as NodeContext;
      let thrown: unknown;
      await Promise.resolve(node.implementation.run({}, context)).catch((error: unknown) => {
        thrown = error;
      });
      expect(thrown).to.equal(busy);
      expect(node.calls.map(({ aborted }) => aborted)).to.deep.equal([true]);
    }
  });

  it('is compared in both runtimes on their clocks, without a stub, although it is asynchronous', async () => {
    const node = scripted({
      name: 'remote',
      outputs: n,
      async: true,
      script: [
        { throws: busy, afterMs: 60_000 },
        { gives: { n: 7 }, afterMs: 60_000 },
      ],
    });
    const w = workflow('remote');
    const step = w.add('step', node(), { retry: { attempts: 2, delayMs: 60_000 } });
    const outcome = await assertParity(w.build({ outputs: { n: step.out.n } }));
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ n: 7 });
    expect(outcome.status === 'completed' && outcome.durationMs).to.equal(180_000);
    expect(node.calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 1, 2]);
  });
});

describe('scripted()', () => {
  const refused: readonly (readonly [what: string, config: object, message: string])[] = [
    ['no script', {}, 'the script of node "x" must be a list of at least one step.'],
    ['an empty script', { script: [] }, 'the script of node "x" must be a list of at least one step.'],
    ['an empty visit', { script: [[]] }, 'the script of node "x", visit 1 must be a list of at least one step.'],
    ['a step that is none', { script: [7] }, 'step 1 of the script of node "x" must be a step'],
    ['a step without an end', { script: [{ afterMs: 1 }] }, 'must have one of gives, throws and hangs.'],
    ['a step with two ends', { script: [{ gives: { n: 1 }, throws: 1 }] }, 'must have one of gives, throws and hangs.'],
    ['a misspelt step', { script: [{ give: {} }] }, 'has no option "give". Did you mean "gives"?'],
    ['a time that is none', { script: [{ gives: {}, afterMs: -1 }] }, 'afterMs must be a finite number'],
    ['another word', { script: [{ gives: {}, onAbort: 'die' }] }, 'onAbort must be one of "throw", "ignore"'],
    ['a way to hang that is none', { async: true, script: [{ hangs: 'long' }] }, 'hangs must be one of'],
    ['hanging without promises', { script: [{ hangs: 'for ever' }] }, 'set async: true'],
    ['another end', { script: [{ gives: {} }], atEnd: 'loop' }, 'atEnd must be one of "fail", "repeat"'],
    ['an unknown option', { script: [{ gives: {} }], steps: [] }, 'has no option "steps".'],
  ];
  for (const [what, config, message] of refused) {
    it(`refuses ${what}`, () => {
      const error = caught(() => scripted({ name: 'x', outputs: n, ...config } as never));
      expect(error.code).to.be.oneOf(['INVALID_OPTION', 'UNKNOWN_OPTION']);
      expect(error.message).to.contain(message);
    });
  }

  it('refuses a step that a function gives, when it is called', () => {
    const node = scripted({ name: 'x', outputs: n, script: [(() => ({ hangs: 'for ever' })) as never] });
    const outcome = new LocalRuntime().settle(once(node, {}));
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('INVALID_OPTION');
    expect(outcome.status === 'failed' && outcome.error.message).to.contain('the step of attempt 1 of visit 1');
  });
});
