import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { expect } from 'chai';
import type { Workflow } from '../../../../src/index.js';
import {
  AsyncLocalRuntime,
  defineNode,
  definePlugin,
  LocalRuntime,
  type LocalRuntimeOptions,
  type,
  workflow,
} from '../../../../src/index.js';
import { tracingPlugin } from '../../../../src/plugins/metrics/index.js';
import { seededIds, seededRandom } from '../../../../src/testing/seeded.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { advanceUntil } from '../../../../src/testing/virtual-drive.js';
import { refusal } from '../../../support/caught.js';
import {
  cancelling,
  coded,
  cycling,
  failing,
  gated,
  nesting,
  retrying,
  straight,
  taking,
} from '../../../support/metered-workflows.js';
import { SpanRecorder } from '../../../support/span-recorder.js';
import { CACHED, Telling } from '../../../support/telling.js';
import { withoutPackage } from '../../../support/without-package.js';

const T0 = 1_704_067_200_000;

for (const [where, Runtime] of [
  ['LocalRuntime', LocalRuntime],
  ['AsyncLocalRuntime', AsyncLocalRuntime],
] as const) {
  describe(`tracingPlugin, in ${where}`, () => {
    let recorder: SpanRecorder;
    let clock: VirtualClock;
    let runtime: LocalRuntime | AsyncLocalRuntime;

    const make = (options: LocalRuntimeOptions = {}) => {
      const plugins = [tracingPlugin({ tracer: recorder.tracer }), ...(options.plugins ?? [])];
      return new Runtime({ clock, ids: seededIds(), random: seededRandom(1), ...options, plugins });
    };

    beforeEach(() => {
      recorder = new SpanRecorder();
      clock = new VirtualClock(T0);
      runtime = make();
    });

    afterEach(() => runtime.close());

    const drive = (flow: Workflow, signal?: AbortSignal) =>
      advanceUntil(async () => runtime.settle(flow, undefined, signal === undefined ? {} : { signal }), clock);
    const resume = (flow: Workflow) => advanceUntil(async () => runtime.resume(flow, 'run-1'), clock);

    it('makes a span for the run and one for each attempt, with their times and ids', async () => {
      await drive(straight(clock));
      const ids = { 'lockstep.workflow.name': 'straight', 'lockstep.run.id': 'run-1' };
      const plain = { status: 'unset', message: undefined, exceptions: [], links: [] };
      const attempt = {
        ...ids,
        'lockstep.node.kind': 'function',
        'lockstep.node.scope': '',
        'lockstep.node.visit': 1,
        'lockstep.attempt.number': 1,
        'lockstep.status': 'completed',
      };
      expect(recorder.spans).to.deep.equal([
        {
          ...plain,
          name: 'run straight',
          parent: undefined,
          from: T0,
          to: T0 + 300,
          attributes: { ...ids, 'lockstep.run.resumed': false, 'lockstep.status': 'completed' },
        },
        {
          ...plain,
          name: 'attempt a',
          parent: 'run straight',
          from: T0,
          to: T0 + 100,
          attributes: { ...attempt, 'lockstep.node.id': 'a', 'lockstep.executor': 'function.read' },
        },
        {
          ...plain,
          name: 'attempt b',
          parent: 'run straight',
          from: T0 + 100,
          to: T0 + 300,
          attributes: { ...attempt, 'lockstep.node.id': 'b', 'lockstep.executor': 'function.write' },
        },
      ]);
      expect(recorder.traces).to.have.length(1);
      expect(recorder.open).to.equal(0);
    });

    it('counts the visits of a cycle', async () => {
      await drive(cycling(clock));
      const visits = recorder.spans.filter(({ name }) => name === 'attempt step');
      expect(visits.map(({ from, attributes }) => [from - T0, attributes['lockstep.node.visit']])).to.deep.equal([
        [0, 1],
        [10, 2],
        [20, 3],
      ]);
    });

    it('gives what failed an error status, the code as error.type, and the exception', async () => {
      const w = workflow('broken');
      w.fn('bad', {}, () => {
        throw coded('E_BROKEN');
      });
      await drive(w.build());
      for (const name of ['run broken', 'attempt bad']) {
        const { status, message, attributes, exceptions } = recorder.span(name);
        expect({ status, message, exceptions }).to.deep.equal({
          status: 'error',
          message: 'E_BROKEN went wrong',
          exceptions: [{ 'exception.type': 'E_BROKEN', 'exception.message': 'E_BROKEN went wrong', at: T0 }],
        });
        expect(attributes).to.include({ 'error.type': 'E_BROKEN', 'lockstep.status': 'failed' });
      }
    });

    it('shows as error.type only what looks like a code', async () => {
      await drive(failing(clock));
      expect(recorder.span('attempt bad').attributes['error.type']).to.equal('other');
    });

    it('links each retry to the attempt before it', async () => {
      await drive(retrying(clock));
      const attempts = recorder.spans.filter(({ name }) => name === 'attempt flaky');
      expect(
        attempts.map(({ from, to, status, links, attributes }) => {
          return [from - T0, to - T0, attributes['lockstep.attempt.number'], status, links];
        }),
      ).to.deep.equal([
        [0, 100, 1, 'error', []],
        [1_100, 1_200, 2, 'error', [1]],
        [2_200, 2_300, 3, 'unset', [2]],
      ]);
      expect(recorder.span('run retrying').status).to.equal('unset');
    });

    it('makes attempts inside a map or subworkflow children of the attempt that opened them', async () => {
      await drive(nesting(clock));
      expect(
        recorder.spans.map(({ name, parent, from, to, attributes }) => {
          return [parent, name, attributes['lockstep.node.scope'], from - T0, to - T0];
        }),
      ).to.deep.equal([
        [undefined, 'run nesting', undefined, 0, 70],
        ['run nesting', 'attempt list', '', 0, 0],
        ['run nesting', 'attempt all', '', 0, 30],
        ['run nesting/attempt all', 'attempt enrich', 'all[0]/', 0, 10],
        ['run nesting/attempt all', 'attempt enrich', 'all[1]/', 10, 20],
        ['run nesting/attempt all', 'attempt enrich', 'all[2]/', 20, 30],
        ['run nesting', 'attempt total', '', 30, 30],
        ['run nesting', 'attempt short', '', 30, 70],
        ['run nesting/attempt short', 'attempt only', 'short/', 30, 70],
      ]);
    });

    it('follows children of children, and owners that are visited and tried again', async () => {
      const inner = workflow('inner', { params: { n: type<number>() } });
      const leaf = defineNode({
        name: 'leaf',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }, { scope }) => {
          clock.advance(1);
          if (scope === 'sub/each[1]/') throw coded('ONCE');
          return { n };
        },
      });
      const each = inner.map('each', inner.fn('two', { n: inner.params.n }, ({ n }) => [n, n]).out.value, (n) =>
        leaf({ n }),
      );
      const list = inner.fn('list', { all: each.out.n }, ({ all }) => all.length);
      const child = inner.build({ outputs: { n: list.out.value } });
      const w = workflow('outer');
      w.add('sub', child({ n: 1 }), { retry: { attempts: 2 } });
      await drive(w.build());
      const leaves = recorder.spans.filter(({ attributes }) => attributes['lockstep.executor'] === 'function.leaf');
      expect(leaves.map(({ parent, attributes }) => [attributes['lockstep.node.scope'], parent])).to.deep.equal([
        ['sub/each[0]/', 'run outer/attempt sub/attempt each'],
        ['sub/each[1]/', 'run outer/attempt sub/attempt each'],
        ['sub#1.2/each[0]/', 'run outer/attempt sub/attempt each'],
        ['sub#1.2/each[1]/', 'run outer/attempt sub/attempt each'],
      ]);
      const owners = recorder.spans.filter(({ name }) => name === 'attempt sub');
      expect(owners.map(({ status, links }) => [status, links])).to.deep.equal([
        ['error', []],
        ['unset', [1]],
      ]);
      expect(recorder.open).to.equal(0);
    });

    it('leaves the status of a cancelled run unset, and says that it was cancelled', async () => {
      const controller = new AbortController();
      await drive(cancelling(clock, controller), controller.signal);
      const { status, attributes, to } = recorder.span('run cancelling');
      expect([status, attributes['lockstep.status'], to - T0]).to.deep.equal(['unset', 'cancelled', 30]);
      expect(recorder.spans.map(({ name }) => name)).to.deep.equal(['run cancelling', 'attempt a']);
    });

    it('ends the span of a run that waits, and starts another one of the same run when it goes on', async () => {
      const flow = gated(clock);
      await drive(flow);
      expect(recorder.open).to.equal(0);
      expect(recorder.span('run gated').attributes).to.include({
        'lockstep.status': 'waiting',
        'lockstep.run.resumed': false,
      });

      clock.advance(1_000);
      runtime.approve('run-1', 'ok');
      clock.advance(1_000);
      await resume(flow);

      const parts = recorder.spans.filter(({ name }) => name === 'run gated');
      expect(
        parts.map(({ from, to, attributes }) => [
          from - T0,
          to - T0,
          attributes['lockstep.status'],
          attributes['lockstep.run.resumed'],
          attributes['lockstep.run.id'],
        ]),
      ).to.deep.equal([
        [0, 10, 'waiting', false, 'run-1'],
        [2_010, 2_010, 'completed', true, 'run-1'],
      ]);
      const gate = recorder.span('attempt ok');
      expect([gate.from - T0, gate.attributes['lockstep.node.kind']]).to.deep.equal([10, 'gate']);
      expect(recorder.open).to.equal(0);
    });

    it('goes on with a subworkflow that was open when its run had waited', async () => {
      const inner = workflow('inner');
      const ok = inner.gate('ok');
      inner.fn('after', { answer: ok.out.approved }, () => 1);
      const child = inner.build();
      const w = workflow('outer');
      w.add('sub', child({}));
      const flow = w.build();
      await drive(flow);
      expect(recorder.span('attempt sub').attributes['lockstep.status']).to.equal('waiting');
      recorder.reset();

      clock.advance(500);
      runtime.approve('run-1', 'sub/ok');
      await resume(flow);

      expect(
        recorder.spans.map(({ name, parent, attributes }) => [parent, name, attributes['lockstep.status']]),
      ).to.have.deep.members([
        [undefined, 'run outer', 'completed'],
        ['run outer', 'attempt sub', 'completed'],
        [undefined, 'attempt ok', 'completed'],
        ['run outer/attempt sub', 'attempt after', 'completed'],
      ]);
      expect(recorder.span('attempt sub').from).to.equal(T0 + 500);
      expect(recorder.open).to.equal(0);
    });

    it('makes no span for a run that is rejected', async () => {
      const needs = workflow('needs', { params: { n: type<number>() } });
      needs.add('a', taking(clock, 'read', 1)({ n: needs.params.n }));
      const outcome = await drive(needs.build() as Workflow);
      expect(outcome.status).to.equal('rejected');
      expect([recorder.spans.length, recorder.open]).to.deep.equal([0, 0]);
    });

    it('shows no secret', async () => {
      await runtime.close();
      runtime = make({ secrets: { load: () => ({ WORD: 'open-sesame' }) } });
      const w = workflow('hiding');
      const tells = defineNode({
        name: 'tells',
        outputs: { n: type<number>() },
        secrets: ['WORD'],
        run: (_, { secret }) => {
          throw new Error(`it is ${secret('WORD')}`);
        },
      });
      w.add('tells', tells());
      await drive(w.build());
      expect(recorder.span('attempt tells').message).to.match(/^it is (?!open)/);
      expect(JSON.stringify(recorder.spans)).to.not.contain('open-sesame');
    });

    it('leaves out nodes that say so, and ends what they had opened with the run', async () => {
      const inner = workflow('inner');
      inner.add('leaf', taking(clock, 'leaf', 5)({ n: 1 }));
      const child = inner.build();
      const w = workflow('quiet');
      const sub = w.add('sub', child({}), { metrics: false } as object);
      const a = w.add('a', taking(clock, 'read', 5)({ n: 1 }), { metrics: false, after: [sub] } as object);
      w.add('b', taking(clock, 'write', 5)({ n: a.out.n }));
      await drive(w.build());
      expect(recorder.spans.map(({ name }) => name)).to.have.members([
        'run quiet',
        'attempt sub',
        'attempt leaf',
        'attempt b',
      ]);
      expect(recorder.open).to.equal(0);
    });

    describe('with the context of its caller', () => {
      const manager = new AsyncLocalStorageContextManager();

      before(() => {
        manager.enable();
        api.context.setGlobalContextManager(manager);
      });

      after(() => {
        api.context.disable();
        manager.disable();
      });

      async function parentOf(call: () => unknown): Promise<string | undefined> {
        const request = recorder.tracer.startSpan('request');
        await api.context.with(api.trace.setSpan(api.context.active(), request), async () => {
          await call();
        });
        request.end();
        return recorder.spans.find(({ name }) => name.startsWith('run'))?.parent;
      }

      it('makes the run a child of the span that was active when it was started', async () => {
        expect(await parentOf(() => runtime.execute(straight(clock)))).to.equal('request');
        expect(recorder.traces).to.have.length(1);
        expect(recorder.span('attempt a').parent).to.equal('request/run straight');
      });

      it('does so also when the plugins have to start before', async () => {
        if (Runtime === LocalRuntime) return;
        await runtime.close();
        const slow = definePlugin({ name: 'slow', async: true, start: () => new Promise(setImmediate) });
        runtime = make({ plugins: [slow as never] });
        expect(await parentOf(() => runtime.execute(straight(clock)))).to.equal('request');
      });

      it('makes the answer to a gate of a run that waits a child of the span of who answers', async () => {
        await drive(gated(clock));
        recorder.reset();
        const request = recorder.tracer.startSpan('request');
        api.context.with(api.trace.setSpan(api.context.active(), request), () => runtime.approve('run-1', 'ok'));
        request.end();
        const { parent, attributes } = recorder.span('attempt ok');
        expect([parent, attributes['lockstep.run.id']]).to.deep.equal(['request', 'run-1']);
      });

      it('makes a run the root of a trace where no span is active', async () => {
        await drive(straight(clock));
        expect(recorder.span('run straight').parent).to.equal(undefined);
      });
    });
  });
}

describe('tracingPlugin', () => {
  it('ends the spans of runs that the runtime did not wait for when it closed', async () => {
    const recorder = new SpanRecorder();
    const runtime = new AsyncLocalRuntime({ plugins: [tracingPlugin({ tracer: recorder.tracer })] });
    let release = (): void => {};
    const w = workflow('stuck', { params: {} });
    const stuck = defineNode({
      name: 'stuck',
      outputs: { n: type<number>() },
      async: true,
      run: () =>
        new Promise<{ n: number }>((resolve) => {
          release = () => resolve({ n: 1 });
        }),
    });
    w.add('stuck', stuck());
    const run = runtime.execute(w.build());
    await new Promise(setImmediate);
    expect(recorder.open).to.equal(1);

    await runtime.close({ signal: AbortSignal.abort() }).catch(() => undefined);

    expect(recorder.open).to.equal(0);
    release();
    await run;
    expect(recorder.spans.map(({ name }) => name)).to.deep.equal(['run stuck']);
  });

  it('says of an attempt that a cache answered it', () => {
    const recorder = new SpanRecorder();
    using runtime = new Telling({ plugins: [tracingPlugin({ tracer: recorder.tracer })] });
    runtime.say('started', { runId: 'r', workflow: 'caching', at: 0, resumed: false });
    runtime.say('attempt', CACHED);
    expect(recorder.span('attempt n').attributes['lockstep.attempt.cached']).to.equal(true);
    runtime.say('attempt', { ...CACHED, cached: false });
    expect(recorder.spans.at(-1)?.attributes).to.not.have.property('lockstep.attempt.cached');
  });

  it('keeps nothing of runs that are over, however they ended', () => {
    const recorder = new SpanRecorder();
    const errors: string[] = [];
    const say = (message: string) => void errors.push(message);
    api.diag.setLogger({ error: say, warn: say, info: () => {}, debug: () => {}, verbose: () => {} });
    const clock = new VirtualClock(T0);
    const flows = [straight(clock), nesting(clock), failing(clock), gated(clock)];
    const runtime = new LocalRuntime({ plugins: [tracingPlugin({ tracer: recorder.tracer })], clock });
    for (let run = 0; run < 50; run++) {
      for (const flow of flows) runtime.settle(flow);
      runtime.settle(flows[1] as Workflow, undefined, { signal: AbortSignal.abort() });
      runtime.settle(undefined as never);
      expect(recorder.open).to.equal(0);
    }
    expect(recorder.spans.filter(({ parent }) => parent === undefined)).to.have.length(50 * 5);
    runtime.close(); // ends what it still holds to be open: a span that has ended would complain
    api.diag.disable();
    expect(errors).to.deep.equal([]);
  });

  it('keeps runs of several runtimes apart, also where their ids are the same', async () => {
    const recorder = new SpanRecorder();
    const plugin = tracingPlugin({ tracer: recorder.tracer });
    using outer = new LocalRuntime({ plugins: [plugin], ids: seededIds() });
    using inner = new LocalRuntime({ plugins: [plugin], ids: seededIds() });
    const w = workflow('outer');
    w.fn('calls', {}, () => {
      inner.execute(straight(new VirtualClock()));
      return 1;
    });
    outer.execute(w.build());
    expect(recorder.span('attempt calls').parent).to.equal('run outer');
    expect(recorder.span('attempt a').parent).to.equal('run straight');
    expect(recorder.open).to.equal(0);
  });

  it('ends the span of a run whose id another run takes over', async () => {
    const recorder = new SpanRecorder();
    using runtime = new LocalRuntime({ plugins: [tracingPlugin({ tracer: recorder.tracer })] });
    const w = workflow('outer');
    w.fn('calls', {}, () => {
      runtime.execute(straight(new VirtualClock()), undefined, { runId: 'same' });
      return 1;
    });
    runtime.execute(w.build(), undefined, { runId: 'same' });
    expect(recorder.open).to.equal(0);
  });

  it('asks the API for a tracer where it is given none', () => {
    const recorder = new SpanRecorder();
    api.trace.setGlobalTracerProvider(recorder.provider);
    using runtime = new LocalRuntime({ plugins: [tracingPlugin()] });
    runtime.execute(straight(new VirtualClock()));
    api.trace.disable();
    expect(recorder.spans.map(({ name }) => name)).to.deep.equal(['run straight', 'attempt a', 'attempt b']);
  });

  it('records nothing, and fails nothing, where no SDK is registered', () => {
    using runtime = new LocalRuntime({ plugins: [tracingPlugin({ api })] });
    expect(runtime.execute(straight(new VirtualClock())).status).to.equal('completed');
  });

  it('touches no run when the tracer throws', () => {
    const broken = {
      startSpan: () => {
        throw new Error('no');
      },
    };
    using runtime = new LocalRuntime({ plugins: [tracingPlugin({ tracer: broken })], log: { log: () => {} } });
    expect(runtime.execute(straight(new VirtualClock())).status).to.equal('completed');
  });

  it('refuses what is no tracer, no API and no option', () => {
    const wrong = (options: object) => refusal(() => tracingPlugin(options));
    for (const tracer of [{}, null, 1])
      expect(wrong({ tracer })).to.include({ code: 'INVALID_OPTION', at: 'tracingPlugin.tracer' });
    for (const given of [{}, null, { trace: {} }])
      expect(wrong({ api: given })).to.include({ code: 'INVALID_OPTION', at: 'tracingPlugin.api' });
    expect(wrong({ trace: api.trace })).to.include({ code: 'UNKNOWN_OPTION' });
  });

  it('says what to install where the package is missing, and needs none where the API is passed', () => {
    withoutPackage('@opentelemetry/api', () => {
      const { code, message } = refusal(() => tracingPlugin());
      expect(code).to.equal('PACKAGE_MISSING');
      expect(message).to.contain('Run "npm install @opentelemetry/api", or pass api.');
      expect(() => tracingPlugin({ api })).to.not.throw();
    });
  });
});
