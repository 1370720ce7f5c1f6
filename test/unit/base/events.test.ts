import { expect } from 'chai';
import { z } from 'zod';
import { compile } from '../../../src/base/compile.js';
import { when } from '../../../src/base/condition.js';
import { canonicalLog, EVENT_VERSION, type RunEvent, subjectOf } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds, seededRandom } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

const START = 1_704_067_200_000;

function settings() {
  return { clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1) };
}

/** A flaky node, a switch of which one case is taken, a cycle of two iterations, a node that fails. */
function everything() {
  let calls = 0;
  const counter = defineNode({
    name: 'counter',
    inputs: { value: type<number>() },
    outputs: { value: type<number>() },
    state: z.number().optional(),
    run: ({ value }, { setState }) => {
      setState(value);
      return { value: value + 1 };
    },
  });
  const w = workflow('everything', { params: { n: type<number>() } });
  const flaky = w.fn(
    'flaky',
    { n: w.params.n },
    ({ n }) => {
      calls++;
      if (calls === 1) throw Object.assign(new Error('once'), { code: 'E_ONCE' });
      return n;
    },
    { retry: { attempts: 2, delayMs: 10 } },
  );
  const route = w.switch('route', flaky.out.value, { big: (n) => n > 10, small: otherwise });
  w.fn('big', { n: route.out.big }, ({ n }) => n);
  const step = w.add('step', counter({ value: route.out.small }));
  w.cycle('fit', {
    feedback: [step.out.value.to(step.in.value)],
    until: when(step.out.value, (value) => value > 4),
    maxIterations: 9,
  });
  const bad = w.fn('bad', {}, (): number => {
    throw new TypeError('bad');
  });
  w.fn('after', { n: bad.out.value }, ({ n }) => n);
  return w.build({ outputs: { value: step.out.value } });
}

const key = (node: string, attempt = 1, visit = 1) => ({ scope: '', node, visit, attempt });

describe('events', () => {
  it('record every decision of a run, numbered from 0, each in its envelope', () => {
    const events: RunEvent[] = [];
    new LocalRuntime(settings()).settle(
      everything(),
      { n: 3 },
      { onEvent: (event) => events.push(event), set: { big: { n: 1 } }, context: { tenant: 'acme' } },
    );
    const root = { subject: 'route', port: 'big', code: 'branch_not_taken' };
    const blocked = { subject: 'bad', port: null, code: 'upstream_failed' };
    const error = { name: 'TypeError', code: 'NODE_THREW', message: 'bad' };
    const expected = [
      {
        kind: 'run.started',
        data: {
          workflow: 'everything',
          plan: { nodes: ['flaky', 'route', 'big', 'step', 'bad', 'after'], cycles: ['fit'] },
          parameters: { n: 3 },
          set: [{ node: 'big', port: 'n', value: 1 }],
          options: {
            onError: 'continue',
            maxConcurrency: null,
            timeoutMs: null,
            softTimeoutMs: null,
            retryBudget: null,
          },
          context: { tenant: 'acme' },
        },
      },
      { kind: 'attempt.started', data: key('flaky') },
      {
        kind: 'attempt.failed',
        data: {
          ...key('flaky'),
          error: { name: 'Error', code: 'E_ONCE', message: 'once' },
          then: { kind: 'retry', at: START + 10 },
        },
      },
      { kind: 'attempt.started', data: key('bad') },
      { kind: 'attempt.failed', data: { ...key('bad'), error, then: { kind: 'fail' } } },
      {
        kind: 'node.blocked',
        data: {
          scope: '',
          node: 'after',
          visit: 1,
          reason: { code: 'upstream_failed', input: 'after.n', source: 'bad.value', root: blocked },
        },
      },
      { kind: 'attempt.started', data: key('flaky', 2) },
      { kind: 'attempt.completed', data: { ...key('flaky', 2), output: { value: 3 } } },
      { kind: 'attempt.started', data: key('route') },
      { kind: 'attempt.completed', data: { ...key('route'), output: { small: 3 } } },
      {
        kind: 'node.skipped',
        data: {
          scope: '',
          node: 'big',
          visit: 1,
          reason: { code: 'branch_not_taken', input: 'big.n', source: 'route.big', root },
        },
      },
      { kind: 'attempt.started', data: key('step') },
      { kind: 'attempt.completed', data: { ...key('step'), output: { value: 4 }, state: 3 } },
      { kind: 'cycle.iterated', data: { scope: '', cycle: 'fit', iteration: 0, elapsedMs: 0, metric: 4 } },
      { kind: 'attempt.started', data: key('step', 1, 2) },
      { kind: 'attempt.completed', data: { ...key('step', 1, 2), output: { value: 5 }, state: 4 } },
      {
        kind: 'cycle.stopped',
        data: {
          scope: '',
          cycle: 'fit',
          iterations: 2,
          elapsedMs: 0,
          metric: 5,
          reason: 'converged',
          failed: false,
          root: null,
          error: null,
        },
      },
      { kind: 'run.failed', data: { error, node: 'bad' } },
    ];
    expect(events.map(({ kind, data }) => ({ kind, data }))).to.deep.equal(expected);
    expect(events.map(({ seq }) => seq)).to.deep.equal(expected.map((_, index) => index));
    expect(new Set(events.map(({ runId, v }) => `${runId} ${v}`))).to.deep.equal(new Set([`run-1 ${EVENT_VERSION}`]));
    expect(events.map(({ ts }) => ts - START)).to.deep.equal(expected.map((_, index) => (index < 6 ? 0 : 10)));
  });

  it('are plain data, and the same in both runtimes', async () => {
    const sync: RunEvent[] = [];
    const async: RunEvent[] = [];
    new LocalRuntime(settings()).settle(everything(), { n: 3 }, { onEvent: (event) => sync.push(event) });
    const { clock, ...rest } = settings();
    const running = new AsyncLocalRuntime({ ...rest, clock, maxConcurrency: 1 }).settle(
      everything(),
      { n: 3 },
      { onEvent: (event) => async.push(event) },
    );
    while (!clock.advanceToNext()) await null;
    await running;
    expect(JSON.parse(JSON.stringify(sync))).to.deep.equal(sync);
    expect(canonicalLog(async).slice(1)).to.deep.equal(canonicalLog(sync).slice(1));
  });

  it('hold each warning once, where it was given, after the event that it belongs to', () => {
    const maybe = defineNode({
      name: 'maybe',
      inputs: { v: type<number | undefined>() },
      outputs: { v: type<number>() },
      run: ({ v }) => ({ v: v ?? 0 }),
    });
    const w = workflow('warned');
    const source = w.fn('source', {}, (): { n?: number } => ({}));
    w.node('step', maybe, { v: 1 });
    w.connect('source.value.n', 'step.v');
    const events: RunEvent[] = [];
    const run = new LocalRuntime(settings()).execute(w.build(), { odd: 1 }, { onEvent: (event) => events.push(event) });
    const found = events.map(({ kind, data }) => (kind === 'run.warned' ? `${data.code} ${data.at}` : kind));
    expect(found).to.deep.equal([
      'run.started',
      'unmatched-name odd',
      'attempt.started',
      'attempt.completed',
      'attempt.started',
      'missing-path source.value.n → step.v',
      'attempt.completed',
      'run.completed',
    ]);
    expect(run.warnings.map(({ code, at }) => `${code} ${at}`)).to.deep.equal([found[1], found[5]]);
    expect(source.id).to.equal('source');
  });

  it('cannot be used to change the run: what they hold of a decision is frozen, the caller’s own objects are not', () => {
    const context = { tenant: 'acme' };
    const parameters = { n: 3 };
    const refused: string[] = [];
    const write = (what: string, target: object | undefined, name: string): void => {
      if (target !== undefined && !Reflect.set(target, name, 'changed')) refused.push(what);
    };
    const run = new LocalRuntime(settings()).settle(everything(), parameters, {
      context,
      onEvent: (event) => {
        write('event', event, 'ts');
        if (event.kind === 'run.started') {
          write('options', event.data.options, 'onError');
          write('parameters', event.data.parameters, 'n');
          write('context', event.data.context, 'tenant');
        } else if (event.kind === 'attempt.failed') write('then', event.data.then, 'kind');
        else if (event.kind === 'node.skipped') write('root', event.data.reason.root, 'subject');
      },
    });
    expect(new Set(refused)).to.deep.equal(new Set(['event', 'options', 'parameters', 'context', 'then', 'root']));
    expect([run.status, context, parameters]).to.deep.equal(['failed', { tenant: 'acme' }, { n: 3 }]);
    expect(Object.isFrozen(context) || Object.isFrozen(parameters)).to.equal(false);
  });

  describe('cost nothing when nobody listens', () => {
    /** Counts how often the id of a node is read: on the way of a run without a failure, events alone read it. */
    function counted() {
      const w = workflow('counted');
      const a = w.fn('a', {}, () => 1);
      const route = w.switch('route', a.out.value, { yes: otherwise });
      w.fn('b', { n: route.out.yes }, ({ n }) => n);
      const built = w.build();
      let reads = 0;
      for (const node of compile(built).nodes) {
        const { id } = node;
        Object.defineProperty(node, 'id', {
          get: () => {
            reads++;
            return id;
          },
        });
      }
      return { built, reads: (): number => reads };
    }

    it('in LocalRuntime', () => {
      const { built, reads } = counted();
      const runtime = new LocalRuntime();
      runtime.execute(built);
      expect(reads()).to.equal(0);
      const stop = runtime.on('event', () => undefined);
      runtime.execute(built);
      expect(reads()).to.be.greaterThan(0);
      const before = reads();
      stop();
      runtime.execute(built);
      expect(reads()).to.equal(before);
    });

    it('in AsyncLocalRuntime, also for a run beside one that is listened to', async () => {
      const { built, reads } = counted();
      const runtime = new AsyncLocalRuntime();
      await runtime.execute(built);
      expect(reads()).to.equal(0);
      await runtime.execute(built, {}, { onEvent: () => undefined });
      const before = reads();
      expect(before).to.be.greaterThan(0);
      await runtime.execute(built);
      expect(reads()).to.equal(before);
    });
  });

  it('reach every listener, and only until it stops listening', () => {
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    const built = w.build();
    const runtime = new LocalRuntime();
    const seen: string[] = [];
    const stop = runtime.on('event', ({ kind }) => seen.push(`one ${kind}`));
    runtime.on('event', ({ kind }) => seen.push(`two ${kind}`));
    runtime.execute(built, {}, { onEvent: ({ kind }) => seen.push(`own ${kind}`) });
    expect(seen).to.deep.equal(
      ['run.started', 'attempt.started', 'attempt.completed', 'run.completed'].flatMap((kind) => [
        `own ${kind}`,
        `one ${kind}`,
        `two ${kind}`,
      ]),
    );
    stop();
    seen.length = 0;
    runtime.execute(built);
    expect(seen.every((line) => line.startsWith('two '))).to.equal(true);
  });

  describe('the canonical log', () => {
    const event = (kind: string, data: object, seq: number): RunEvent =>
      ({ seq, ts: seq * 10, runId: 'r', kind, v: 1, data }) as unknown as RunEvent;

    it('knows the subject of every kind of event', () => {
      expect(subjectOf(event('run.started', { workflow: 'w' }, 0))).to.equal('');
      expect(subjectOf(event('run.failed', { node: 'a', error: {} }, 0))).to.equal('');
      expect(subjectOf(event('attempt.started', { scope: 'map[1]/', node: 'a' }, 0))).to.equal('map[1]/a');
      expect(subjectOf(event('cycle.iterated', { scope: '', cycle: 'fit' }, 0))).to.equal('fit');
      expect(subjectOf(event('deadline.expired', { scope: '', subject: 'a', level: 'soft' }, 0))).to.equal('a');
      expect(subjectOf(event('run.warned', { scope: 'sub/', code: 'c', message: 'm', at: 'a' }, 0))).to.equal('sub/a');
    });

    it('sorts by subject, keeps the order of each, and leaves out positions, times and retry times', () => {
      const log = [
        event('run.started', { workflow: 'w' }, 0),
        event('attempt.started', { scope: '', node: 'b' }, 1),
        event('attempt.started', { scope: '', node: 'a' }, 2),
        event('attempt.failed', { scope: '', node: 'b', error: { message: 'x' }, then: { kind: 'retry', at: 99 } }, 3),
        event('cycle.iterated', { scope: '', cycle: 'a', iteration: 0, elapsedMs: 7, metric: 1 }, 4),
        event('gate.opened', { scope: '', node: 'c', shows: {}, expiresAt: 99 }, 5),
        event('run.completed', { output: {} }, 6),
      ];
      const expected = [
        { kind: 'run.started', v: 1, data: { workflow: 'w' } },
        { kind: 'run.completed', v: 1, data: { output: {} } },
        { kind: 'attempt.started', v: 1, data: { scope: '', node: 'a' } },
        { kind: 'cycle.iterated', v: 1, data: { scope: '', cycle: 'a', iteration: 0, metric: 1 } },
        { kind: 'attempt.started', v: 1, data: { scope: '', node: 'b' } },
        {
          kind: 'attempt.failed',
          v: 1,
          data: { scope: '', node: 'b', error: { message: 'x' }, then: { kind: 'retry' } },
        },
        { kind: 'gate.opened', v: 1, data: { scope: '', node: 'c', shows: {} } },
      ];
      expect(canonicalLog(log)).to.deep.equal(expected);
      const other = [log[5], log[0], log[2], log[4], log[1], log[3], log[6]].map(
        (each, seq) => ({ ...(each as RunEvent), seq, ts: 0 }) as RunEvent,
      );
      expect(canonicalLog(other)).to.deep.equal(expected);
    });
  });
});
