import { inspect } from 'node:util';
import { expect } from 'chai';
import { z } from 'zod';
import type { RunEvent } from '../../../src/base/events.js';
import type { GraphAttempt } from '../../../src/base/graph-execution.js';
import { defineNode } from '../../../src/base/node.js';
import type { RunFailedError } from '../../../src/base/run-errors.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught, refusal } from '../../support/caught.js';
import { everyWay } from '../../support/every-way.js';
import { Session } from '../../support/session.js';

/** A gate whose answer is the output. */
function asking() {
  const w = workflow('asking', { params: { n: type<number>() } });
  const ok = w.gate('ok', { shows: { n: w.params.n } });
  return w.build({ outputs: { yes: ok.out.approved, no: ok.out.rejected.at('reason') } });
}

function plain() {
  const w = workflow('plain');
  const one = w.fn('one', {}, () => 1);
  return w.build({ outputs: { one: one.out.value } });
}

/** A node that needs a secret, and a gate that waits for it. */
function keyed() {
  const w = workflow('keyed');
  const node = defineNode({ name: 'key', outputs: { n: type<number>() }, secrets: ['KEY'], run: () => ({ n: 1 }) });
  const ok = w.gate('ok', { shows: { n: w.add('key', node()).out.n } });
  return w.build({ outputs: { yes: ok.out.approved } });
}

const KEY = { load: () => ({ KEY: 'open sesame' }) };

describe('A run that waits, resumed with another workflow', () => {
  it(
    'waits on, also where that workflow has no gate',
    everyWay(async (run) => {
      const session = new Session(run);
      const flow = asking();
      expect((await session.settle(flow, { n: 1 })).status).to.equal('waiting');
      const refused = await Promise.resolve()
        .then(() => session.runtime.resume(plain(), 'run-1'))
        .catch((error: unknown) => error);
      expect(refused).to.include({ code: 'PLAN_MISMATCH' });
      expect(session.runtime.gates('run-1').map(({ gate }) => gate)).to.deep.equal(['ok']);
      session.runtime.approve('run-1', 'ok', 'fine');
      const done = await session.resume(flow, 'run-1');
      expect(done.status === 'completed' && done.output).to.deep.equal({ yes: 'fine' });
      await session.close();
    }),
  );
});

describe('A gate of a run that goes on', () => {
  for (const [how, output] of [
    ['approve', { yes: 'fine' }],
    ['reject', { no: 'fine' }],
  ] as const)
    it(
      `is answered by a node beside it (${how}), and the run does not wait`,
      everyWay(async (run) => {
        const session = new Session(run);
        const w = workflow('answering');
        const ok = w.gate('ok');
        w.fn('beside', {}, () => session.runtime[how]('run-1', 'ok', 'fine'));
        const flow = w.build({ outputs: { yes: ok.out.approved, no: ok.out.rejected.at('reason') } });
        const done = await session.settle(flow);
        expect(done.status === 'completed' && done.output).to.deep.equal(output);
        await session.close();
      }),
    );
});

describe('The id of a run that waits', () => {
  const taken = {
    code: 'RUN_EXISTS',
    at: 'run.runId',
    value: 'r',
    message: 'There is a run "r" already. Resume it, or choose another runId.',
  };

  it('is refused to a run of another workflow, also where that one never waits', () => {
    using runtime = new LocalRuntime();
    runtime.execute(asking(), { n: 1 }, { runId: 'r' });
    const { code, at, value, message } = caught(() => runtime.execute(plain(), {}, { runId: 'r' }));
    expect({ code, at, value, message }).to.deep.equal({
      ...taken,
      message: `Run of "plain" refused: ${taken.message}`,
    });
    expect(runtime.gates('r').map(({ gate }) => gate)).to.deep.equal(['ok']);
  });

  it('is refused together with everything else that is wrong', () => {
    using runtime = new LocalRuntime();
    runtime.execute(asking(), { n: 1 }, { runId: 'r' });
    const refused = runtime.settle(asking() as never, { m: 1 } as never, { runId: 'r' });
    const problems = refused.status === 'rejected' ? refused.error.problems : [];
    expect(problems.map(({ code }) => code)).to.deep.equal(['RUN_EXISTS', 'UNKNOWN_PARAMETER', 'MISSING_PARAMETER']);
    expect(problems[0]).to.deep.include({ at: taken.at, message: taken.message });
  });

  it('names run and workflow where it was free until the secrets had come', async () => {
    await using runtime = new AsyncLocalRuntime({ secrets: { load: async () => ({ KEY: 'open sesame' }) } });
    const start = () => runtime.settle(keyed(), {}, { runId: 'r' });
    const [first, second] = await Promise.all([start(), start()]);
    expect([first.status, second.status]).to.deep.equal(['waiting', 'rejected']);
    expect(second.runId).to.equal('r');
    expect(second.status === 'rejected' && second.error).to.deep.include({
      runId: 'r',
      workflow: 'keyed',
      at: 'run.runId',
      message: `Run of "keyed" refused: ${taken.message}`,
    });
  });

  it('is free again once a defect has ended the run', () => {
    /** A runtime of which something breaks after the first attempt. */
    class Breaking extends LocalRuntime {
      #sound = false;

      protected override observes(): boolean {
        return true;
      }

      protected override afterAttempt(_: unknown, attempt: GraphAttempt): void {
        if (this.#sound) return;
        this.#sound = true;
        throw new RangeError(`after ${attempt.node.id}`);
      }
    }
    using runtime = new Breaking();
    const w = workflow('broken');
    const one = w.fn('one', {}, () => 1);
    w.gate('ok', { shows: { one: one.out.value } });
    const flow = w.build();
    expect(() => runtime.execute(flow, {}, { runId: 'r' })).to.throw(RangeError, 'after one');
    expect(refusal(() => runtime.gates('r')).code).to.equal('RUN_UNKNOWN');
    expect(runtime.execute(flow, {}, { runId: 'r' }).status).to.equal('waiting');
  });
});

describe('resume()', () => {
  it('names itself where an option is refused', () => {
    using runtime = new LocalRuntime();
    const flow = asking();
    runtime.execute(flow, { n: 1 }, { runId: 'r' });
    expect(refusal(() => runtime.resume(flow, 'r', 5 as never)).at).to.equal('resume');
    const { at, message } = refusal(() => runtime.resume(flow, 'r', { signl: 1 } as never));
    expect([at, message.split('?')[0]]).to.deep.equal([
      'resume',
      'resume has no option "signl". Did you mean "signal"',
    ]);
  });

  it('without onEvent logs nothing', () => {
    const log = new MemoryLog();
    using runtime = new LocalRuntime({ log });
    const flow = asking();
    runtime.execute(flow, { n: 1 }, { runId: 'r' });
    runtime.approve('r', 'ok', 2);
    expect(runtime.resume(flow, 'r').output).to.deep.equal({ yes: 2 });
    expect(log.entries).to.deep.equal([]);
  });

  it('tells its onEvent answers as they are in a run without secrets, and masked in one with secrets', () => {
    const toldOf = (flow: ReturnType<typeof keyed>, parameters: object): unknown => {
      using runtime = new LocalRuntime({ secrets: KEY });
      const heard: RunEvent[] = [];
      runtime.execute(flow, parameters, { runId: 'r' });
      runtime.approve('r', 'ok', 'say open sesame');
      runtime.resume(flow, 'r', { onEvent: (event) => heard.push(event) });
      return heard[0]?.kind === 'gate.approved' && heard[0].data.answer;
    };
    expect(toldOf(asking() as never, { n: 1 })).to.equal('say open sesame');
    expect(toldOf(keyed(), {})).to.equal('say [secret]');
  });

  it('logs that its onEvent threw when it was told of an answer, and goes on', () => {
    const log = new MemoryLog();
    using runtime = new LocalRuntime({ log });
    const flow = asking();
    runtime.execute(flow, { n: 1 }, { runId: 'r' });
    runtime.approve('r', 'ok', 2);
    const onEvent = ({ kind }: RunEvent): void => {
      if (kind === 'gate.approved') throw new Error('deaf');
    };
    expect(runtime.resume(flow, 'r', { onEvent }).status).to.equal('completed');
    expect(log.entries.map(({ level, message }) => [level, message])).to.deep.equal([
      ['error', 'The onEvent threw; the run goes on.'],
    ]);
  });
});

describe('A run that goes on', () => {
  for (const [limits, status] of [
    [{ timeoutMs: 100 }, 'failed'],
    [{}, 'completed'],
  ] as const)
    it(`keeps the time limit that it was started with: ${inspect(limits)}`, () => {
      const clock = new VirtualClock(0);
      using runtime = new LocalRuntime({ clock });
      const w = workflow('w');
      const ok = w.gate('ok');
      w.fn('slow', { ok: ok.out.approved }, () => clock.advance(150));
      const flow = w.build();
      runtime.execute(flow, {}, { runId: 'r', ...limits });
      clock.advance(1_000);
      runtime.approve('r', 'ok', 1);
      let ended: string;
      try {
        ended = runtime.resume(flow, 'r').status;
      } catch (error) {
        ended = (error as RunFailedError).failure.code === 'RUN_TIMEOUT' ? 'failed' : 'broken';
      }
      expect(ended).to.equal(status);
    });
});

describe('A run or gate that cannot be answered', () => {
  const facts = (call: () => unknown) => {
    const { code, at, value, message } = caught(call);
    return [code, at, value, message];
  };

  it('is named, with what was probably meant', () => {
    const clock = new VirtualClock(0);
    using runtime = new LocalRuntime({ clock });
    const RUN = 'Check the id; without a store, only runs that wait are remembered.';
    const GATE = 'See gates(runId) for those that do.';
    expect(facts(() => runtime.gates('r'))).to.deep.equal([
      'RUN_UNKNOWN',
      'r',
      'r',
      `No run "r" waits here. There are none. ${RUN}`,
    ]);
    const w = workflow('w');
    w.gate('ok', { timeoutMs: 50 });
    w.gate('other', { answer: z.number() });
    const flow = w.build();
    runtime.execute(flow, {}, { runId: 'review' });
    expect(facts(() => runtime.gates('reviwe'))).to.deep.equal([
      'RUN_UNKNOWN',
      'reviwe',
      'reviwe',
      `No run "reviwe" waits here. Did you mean "review"? ${RUN}`,
    ]);
    expect(facts(() => runtime.reject('review', 'okk'))).to.deep.equal([
      'GATE_NOT_OPEN',
      'okk',
      'okk',
      `Gate "okk" of run review does not wait. Did you mean "ok"? ${GATE}`,
    ]);
    const [code, at, value, message] = facts(() => runtime.approve('review', 'other', 'many'));
    expect([code, at, value]).to.deep.equal(['GATE_ANSWER_INVALID', 'other', 'many']);
    expect(message).to.contain('other').and.to.contain('expected number, received string');
    clock.advance(49);
    runtime.approve('review', 'other', 5);
    clock.advance(1);
    expect(facts(() => runtime.approve('review', 'ok'))).to.deep.equal([
      'GATE_NOT_OPEN',
      'ok',
      'ok',
      `Gate "ok" of run review has timed out. ${GATE}`,
    ]);
    expect(runtime.resume(flow, 'review').status).to.equal('completed');
    expect(facts(() => runtime.resume(flow, 'review'))[0]).to.equal('RUN_UNKNOWN');
  });

  it('is a run that goes on already: it is not offered as one that waits', async () => {
    await using runtime = new AsyncLocalRuntime({ secrets: { load: async () => ({ KEY: 'open sesame' }) } });
    const flow = keyed();
    await runtime.execute(flow, {}, { runId: 'r1' });
    const going = runtime.resume(flow, 'r1');
    expect(facts(() => runtime.gates('r1'))[3]).to.match(/^No run "r1" waits here\. There are none\. /);
    expect((await going).status).to.equal('waiting');
    expect(runtime.gates('r1').map(({ gate }) => gate)).to.deep.equal(['ok']);
  });
});
