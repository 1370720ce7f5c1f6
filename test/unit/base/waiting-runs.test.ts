import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import type { GraphAttempt } from '../../../src/base/graph-execution.js';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
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
    message: 'Run "r" waits, or goes on. Resume it, or choose another runId.',
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
