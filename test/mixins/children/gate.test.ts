import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { rejection } from '../../support/caught.js';
import { plus } from '../../support/child-nodes.js';
import { everyWay, reasonOf, SYNC_WAYS, statuses } from '../../support/every-way.js';
import { schemaThat } from '../../support/nodes.js';
import { Session } from '../../support/session.js';

const START = 1_704_067_200_000;

/** What a call throws, or a promise is rejected with: `resume` does one or the other. */
function thrownBy(call: () => unknown) {
  return rejection((async () => call())());
}

/** A draft, a gate that shows it, and a way for each answer. */
function review(timeoutMs?: number) {
  const w = workflow('review', { params: { n: type<number>() } });
  const draft = w.fn('draft', { n: w.params.n }, ({ n }) => `draft ${n}`);
  const ok = w.gate('ok', {
    shows: { text: draft.out.value, hint: 'read it' },
    answer: z.object({ stars: z.number().int().default(3) }),
    timeoutMs: timeoutMs ?? 1e9,
  });
  const yes = w.fn(
    'yes',
    { text: draft.out.value, stars: ok.out.approved.at('stars') },
    ({ text, stars }) => `${text}: ${stars}`,
  );
  const no = w.fn('no', { why: ok.out.rejected }, ({ why }) => `rejected: ${why.reason} by ${why.by}`);
  const late = w.fn('late', { at: ok.out.timedOut.at('at') }, ({ at }) => `late at ${at}`);
  return w.build({
    outputs: { way: ok.join({ approved: yes.out.value, rejected: no.out.value, timedOut: late.out.value }) },
  });
}

/** Two gates without a time limit, and what comes after both. */
function pair() {
  const w = workflow('pair');
  const a = w.gate('a');
  const b = w.gate('b', { answer: z.number() });
  const both = w.fn('both', { a: a.out.approved, b: b.out.approved }, ({ a: left, b: right }) => [left, right]);
  return w.build({ outputs: { both: both.out.value } });
}

describe('A gate', () => {
  it(
    'makes the run wait, and says what it shows',
    everyWay(async (run) => {
      const session = new Session(run);
      const result = await session.wait(review(500), { n: 1 });
      expect(result.gates).to.deep.equal([
        { gate: 'ok', shows: { text: 'draft 1', hint: 'read it' }, openedAt: START, expiresAt: START + 500 },
      ]);
      expect(session.runtime.gates('run-1')).to.deep.equal(result.gates);
      expect(result.wakeAt).to.equal(START + 500);
      expect(statuses(result)).to.deep.equal({
        draft: 'completed',
        ok: 'waiting',
        yes: 'pending',
        no: 'pending',
        late: 'pending',
      });
      expect(result.output).to.equal(undefined);
      expect(result).to.not.have.property('error');
      expect(() => result.unwrap())
        .to.throw()
        .with.property('code', 'NOT_COMPLETED');
      expect(session.events.map(({ kind }) => kind)).to.deep.equal([
        'run.started',
        'attempt.started',
        'attempt.completed',
        'attempt.started',
        'gate.opened',
        'run.waiting',
      ]);
      await session.close();
    }),
  );

  it(
    'approved: its answer goes through the schema, the other ways are dead',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = review();
      await session.wait(built, { n: 1 });
      const kindsSince = (start: number): string[] => {
        const kinds = session.events.slice(start).map(({ kind }) => kind);
        return run.asyncNodes ? kinds.sort() : kinds;
      };
      session.runtime.approve('run-1', 'ok', {}, 'ada');
      expect(session.runtime.gates('run-1')).to.deep.equal([]);
      const done = await session.resume(built);
      expect(done.status).to.equal('completed');
      expect(done.output).to.deep.equal({ way: 'draft 1: 3' });
      expect(statuses(done)).to.deep.equal({
        draft: 'completed',
        ok: 'completed',
        yes: 'completed',
        no: 'skipped',
        late: 'skipped',
      });
      expect(reasonOf(done, 'no')).to.deep.include({ code: 'branch_not_taken', source: 'ok.rejected' });
      expect(done.gates).to.deep.equal([]);
      expect(done.wakeAt).to.equal(undefined);
      expect(kindsSince(6)).to.deep.equal(
        [
          'gate.approved',
          'run.resumed',
          'attempt.started',
          'attempt.completed',
          'node.skipped',
          'node.skipped',
          'run.completed',
        ].sort((left, right) => (run.asyncNodes ? left.localeCompare(right) : 0)),
      );
      expect(session.events[6]?.data).to.deep.equal({
        scope: '',
        node: 'ok',
        visit: 1,
        attempt: 1,
        answer: { stars: 3 },
        by: 'ada',
      });
      await session.close();
    }),
  );

  it(
    'rejected: with a reason or without one',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = review();
      await session.wait(built, { n: 1 });
      session.runtime.reject('run-1', 'ok', 'too short', 'bob');
      expect((await session.resume(built)).output).to.deep.equal({ way: 'rejected: too short by bob' });
      await session.wait(built, { n: 2 });
      session.runtime.reject('run-2', { id: 'ok' });
      expect((await session.resume(built, 'run-2')).output).to.deep.equal({ way: 'rejected: null by null' });
      await session.close();
    }),
  );

  it(
    'times out at the next resume, by the wall clock; an answer before that counts, one after is refused',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = review(500);
      await session.wait(built, { n: 1 });
      session.clock.advance(499);
      expect((await session.resume(built)).status).to.equal('waiting');
      session.clock.advance(1);
      expect((await thrownBy(() => session.runtime.approve('run-1', 'ok', {}))).code).to.equal('GATE_NOT_OPEN');
      expect((await thrownBy(() => session.runtime.reject('run-1', 'ok'))).message).to.include('has timed out');
      session.clock.advance(100);
      const done = await session.resume(built);
      expect(done.output).to.deep.equal({ way: `late at ${START + 600}` });

      await session.wait(built, { n: 2 });
      session.clock.advance(499);
      session.runtime.approve('run-2', 'ok', { stars: 5 });
      session.clock.advance(1_000);
      expect((await session.resume(built, 'run-2')).output).to.deep.equal({ way: 'draft 2: 5' });
      await session.close();
    }),
  );

  it(
    'times out while the run is busy with something else',
    everyWay(async (run) => {
      const session = new Session(run);
      const w = workflow('busy');
      const ok = w.gate('ok', { timeoutMs: 50 });
      const late = w.fn('late', { at: ok.out.timedOut.at('at') }, ({ at }) => at);
      let calls = 0;
      w.fn(
        'slow',
        {},
        () => {
          if (++calls === 1) throw new Error('once');
        },
        { retry: { attempts: 2, delayMs: 200 } },
      );
      const outcome = await session.settle(w.build({ outputs: { late: late.out.value } }));
      expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ late: START + 50 });
      expect(session.events.some(({ kind }) => kind === 'run.waiting')).to.equal(false);
      await session.close();
    }),
  );

  it(
    'refuses an answer that does not fit, and nothing changes',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = review();
      await session.wait(built, { n: 1 });
      const before = session.events.length;
      const error = await thrownBy(() => session.runtime.approve('run-1', 'ok', { stars: 'many' }));
      expect([error.code, error.at]).to.deep.equal(['GATE_ANSWER_INVALID', 'ok']);
      expect(session.events.length).to.equal(before);
      expect(session.runtime.gates('run-1').length).to.equal(1);
      session.runtime.approve('run-1', 'ok', { stars: 1 });
      expect((await session.resume(built)).output).to.deep.equal({ way: 'draft 1: 1' });

      const odd = workflow('odd');
      odd.gate('late', { answer: schemaThat(() => Promise.resolve({ value: 1 })) });
      odd.gate('sick', {
        answer: schemaThat(() => {
          throw new Error('sick');
        }),
      });
      await session.wait(odd.build());
      expect((await thrownBy(() => session.runtime.approve('run-2', 'late', 1))).code).to.equal('SCHEMA_ASYNC');
      expect((await thrownBy(() => session.runtime.approve('run-2', 'sick', 1))).code).to.equal('SCHEMA_THREW');
      expect(session.runtime.gates('run-2').length).to.equal(2);
      await session.close();
    }),
  );

  it(
    'refuses an answer for an unknown run or gate, naming what was probably meant, and a second answer',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built);
      const { runtime } = session;
      const run1 = await thrownBy(() => runtime.approve('run-l', 'a'));
      expect([run1.code, run1.at]).to.deep.equal(['RUN_UNKNOWN', 'run-l']);
      expect(run1.message).to.include('run-1');
      expect((await thrownBy(() => runtime.gates('nope'))).code).to.equal('RUN_UNKNOWN');
      expect((await thrownBy(() => runtime.reject('nope', 'a'))).code).to.equal('RUN_UNKNOWN');
      expect((await thrownBy(() => session.resume(built, 'nope'))).code).to.equal('RUN_UNKNOWN');
      const gate = await thrownBy(() => runtime.approve('run-1', 'aa'));
      expect(gate.code).to.equal('GATE_NOT_OPEN');
      expect(gate.message).to.include('"a"');
      runtime.approve('run-1', 'a', 1);
      expect((await thrownBy(() => runtime.approve('run-1', 'a', 2))).code).to.equal('GATE_NOT_OPEN');
      expect((await thrownBy(() => runtime.reject('run-1', 'a'))).code).to.equal('GATE_NOT_OPEN');
      runtime.approve('run-1', 'b', 2);
      expect((await session.resume(built)).output).to.deep.equal({ both: [1, 2] });
      expect((await thrownBy(() => session.resume(built))).code).to.equal('RUN_UNKNOWN');
      await session.close();
    }),
  );

  it(
    'two gates, one answered: the run waits again, and the old result stays what it was',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      const first = await session.wait(built);
      session.clock.advance(1_000);
      session.runtime.approve('run-1', 'a');
      const second = await session.resume(built);
      expect(second.status).to.equal('waiting');
      expect(second.gates.map(({ gate }) => gate)).to.deep.equal(['b']);
      expect(second.durationMs).to.equal(1_000);
      expect(first.gates.map(({ gate }) => gate)).to.deep.equal(['a', 'b']);
      expect([first.status, first.durationMs, statuses(first)]).to.deep.equal([
        'waiting',
        0,
        { a: 'waiting', b: 'waiting', both: 'pending' },
      ]);
      session.runtime.approve('run-1', 'b', 7);
      session.clock.advance(500);
      const done = await session.resume(built);
      expect(done.output).to.deep.equal({ both: [null, 7] });
      expect(done.durationMs).to.equal(1_500);
      expect([second.status, statuses(second)]).to.deep.equal([
        'waiting',
        { a: 'completed', b: 'waiting', both: 'pending' },
      ]);
      await session.close();
    }),
  );

  it(
    'nothing answered: resumed, the run waits again',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built);
      for (let turn = 0; turn < 3; turn++) expect((await session.resume(built)).gates.length).to.equal(2);
      const kinds = session.events.flatMap(({ kind }) => (kind.startsWith('run.') ? [kind] : []));
      expect(kinds).to.deep.equal([
        'run.started',
        'run.waiting',
        ...Array(3).fill(['run.resumed', 'run.waiting']).flat(),
      ]);
      expect(session.events.map(({ seq }) => seq)).to.deep.equal(session.events.map((_, index) => index));
      await session.close();
    }),
  );

  it(
    'beside a failed branch: the run waits until it settles, then it has failed',
    everyWay(async (run) => {
      const session = new Session(run);
      const w = workflow('beside');
      w.fn('broken', {}, () => {
        throw new TypeError('no');
      });
      const ok = w.gate('ok');
      w.fn('after', { ok: ok.out.approved }, () => 1);
      const built = w.build();
      const waiting = await session.wait(built);
      expect(statuses(waiting)).to.deep.equal({ broken: 'failed', ok: 'waiting', after: 'pending' });
      expect(waiting.failures.map(({ node }) => node)).to.deep.equal(['broken']);
      session.runtime.approve('run-1', 'ok');
      const done = await session.resume(built);
      expect(done.status).to.equal('failed');
      expect(done.status === 'failed' && done.error.message).to.include('no');
      expect(statuses(done)).to.deep.equal({ broken: 'failed', ok: 'completed', after: 'completed' });
      await session.close();
    }),
  );

  it(
    'is cancelled where another node fails and the run fails fast',
    everyWay(async (run) => {
      const session = new Session(run, { onError: 'fail-fast' });
      const w = workflow('fast');
      w.gate('ok');
      w.fn('broken', {}, () => {
        throw new Error('no');
      });
      const outcome = await session.settle(w.build());
      expect(outcome.status).to.equal('failed');
      if (outcome.status === 'rejected') return;
      expect(statuses(outcome)).to.deep.equal({ ok: 'cancelled', broken: 'failed' });
      expect(reasonOf(outcome, 'ok')).to.deep.include({ code: 'fail_fast' });
      expect((await thrownBy(() => session.runtime.gates('run-1'))).code).to.equal('RUN_UNKNOWN');
      await session.close();
    }),
  );

  it(
    'in a subworkflow and in a map is named by its scope',
    everyWay(async (run) => {
      const session = new Session(run);
      const inner = workflow('inner', { params: { n: type<number>() } });
      const ok = inner.gate('ok', { shows: { n: inner.params.n }, answer: z.number() });
      const out = inner.add('out', plus({ n: ok.out.approved }));
      const child = inner.build({ outputs: { n: out.out.n } });
      const w = workflow('outer');
      const list = w.fn('list', {}, () => [10, 20]);
      const sub = w.add('sub', child({ n: 1 }));
      const each = w.map('m', list.out.value, (n) => child({ n }));
      const built = w.build({ outputs: { sub: sub.out.n, each: each.out.n } });
      const first = await session.wait(built);
      expect(first.gates.map(({ gate, shows }) => [gate, shows]).sort()).to.deep.equal([
        ['m[0]/inner/ok', { n: 10 }],
        ['m[1]/inner/ok', { n: 20 }],
        ['sub/ok', { n: 1 }],
      ]);
      expect(statuses(first)).to.deep.equal({ list: 'completed', sub: 'running', m: 'running' });
      expect(first.children('m').map(({ status }) => status)).to.deep.equal(['running', 'running']);
      session.runtime.approve('run-1', 'm[1]/inner/ok', 200);
      const second = await session.resume(built);
      expect(second.children('m').map(({ status }) => status)).to.deep.equal(['running', 'completed']);
      session.runtime.approve('run-1', 'sub/ok', 1);
      session.runtime.approve('run-1', 'm[0]/inner/ok', 100);
      expect((await session.resume(built)).output).to.deep.equal({ sub: 2, each: [101, 201] });
      await session.close();
    }),
  );

  it(
    'in a map of one item at a time: the next item begins once its gate has settled',
    everyWay(async (run) => {
      const session = new Session(run);
      const inner = workflow('inner', { params: { n: type<number>() } });
      const ok = inner.gate('ok', { shows: { n: inner.params.n } });
      const child = inner.build({ outputs: { why: ok.out.rejected.at('reason') } });
      const w = workflow('outer', { params: { list: type<number[]>() } });
      const each = w.map('m', w.params.list, (n) => child({ n }), { maxConcurrency: 1 });
      const built = w.build({ outputs: { why: each.out.why } });
      let result = await session.wait(built, { list: [1, 2, 3] });
      for (const [index, status] of [['pending', 'pending'], ['pending'], []].entries()) {
        expect(result.gates.map(({ gate }) => gate)).to.deep.equal([`m[${index}]/inner/ok`]);
        expect(
          result
            .children('m')
            .slice(index + 1)
            .map((child) => child.status),
        ).to.deep.equal(status);
        session.runtime.reject('run-1', `m[${index}]/inner/ok`, `no ${index}`);
        result = (await session.resume(built)) as never;
      }
      expect(result.output).to.deep.equal({ why: ['no 0', 'no 1', 'no 2'] });
      await session.close();
    }),
  );

  it(
    'in a cycle opens anew in every iteration',
    everyWay(async (run) => {
      const session = new Session(run);
      const w = workflow('loop');
      const draft = w.add('draft', plus({ n: 0 }));
      const ok = w.gate('ok', { shows: { n: draft.out.n }, answer: z.boolean() });
      const judge = w.fn('judge', { n: draft.out.n, good: ok.out.approved }, ({ n, good }) => ({ n, good }));
      w.cycle('loop', {
        feedback: [judge.out.value.at('n').to(draft.in.n)],
        until: when(judge.out.value.at('good'), (good) => good),
        maxIterations: 5,
      });
      const built = w.build({ outputs: { n: judge.out.value.at('n') } });
      const first = await session.wait(built);
      expect(first.gates.map(({ gate, shows }) => [gate, shows])).to.deep.equal([['ok', { n: 1 }]]);
      session.runtime.approve('run-1', 'ok', false);
      const second = await session.resume(built);
      expect(second.gates.map(({ gate, shows }) => [gate, shows])).to.deep.equal([['ok', { n: 2 }]]);
      expect(second.node('ok')).to.deep.include({ visits: 2, attempts: 1, status: 'waiting' });
      session.runtime.approve('run-1', 'ok', true);
      const done = await session.resume(built);
      expect(done.output).to.deep.equal({ n: 2 });
      expect(done.cycle('loop')).to.deep.include({ iterations: 2, reason: 'converged' });
      await session.close();
    }),
  );

  it(
    'behind a branch that is not taken never opens; one that shows nothing live is skipped, and oneOf takes its ways',
    everyWay(async (run) => {
      const session = new Session(run);
      const w = workflow('branch', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { ask: (n) => n > 0, go: (n) => n <= 0 });
      const ok = w.gate('ok', { shows: { n: route.out.ask } });
      const yes = w.fn('yes', { a: ok.out.approved }, () => 'yes');
      const no = w.fn('no', { a: ok.out.rejected }, () => 'no');
      const go = w.fn('go', { n: route.out.go }, () => 'go');
      const built = w.build({ outputs: { way: oneOf(yes.out.value, no.out.value, go.out.value) } });
      const gone = await session.settle(built, { n: 0 });
      expect(gone.status === 'completed' && gone.output).to.deep.equal({ way: 'go' });
      expect(gone.status === 'completed' && statuses(gone).ok).to.equal('skipped');
      await session.wait(built, { n: 1 });
      session.runtime.reject('run-2', 'ok');
      expect((await session.resume(built, 'run-2')).output).to.deep.equal({ way: 'no' });
      await session.close();
    }),
  );

  it(
    'is cancelled by a signal at resume',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built);
      session.runtime.approve('run-1', 'a', 1);
      const done = await session.resume(built, 'run-1', { signal: AbortSignal.abort(new Error('enough')) });
      expect(done.status).to.equal('cancelled');
      expect(done.status === 'cancelled' && done.error.reason).to.equal('enough');
      expect(statuses(done)).to.deep.equal({ a: 'completed', b: 'cancelled', both: 'cancelled' });
      expect(reasonOf(done, 'b')).to.deep.include({ code: 'run_cancelled' });
      expect((await thrownBy(() => session.runtime.gates('run-1'))).code).to.equal('RUN_UNKNOWN');
      await session.close();
    }),
  );

  it(
    'of a workflow that is not that of the run: refused, and the run still waits',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built);
      expect((await thrownBy(() => session.resume(review()))).code).to.equal('PLAN_MISMATCH');
      session.runtime.approve('run-1', 'a', 1);
      session.runtime.approve('run-1', 'b', 2);
      expect((await session.resume(pair())).output).to.deep.equal({ both: [1, 2] });
      await session.close();
    }),
  );

  it(
    'keeps the id of its run: another run cannot take it until this one has ended',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built, {}, { runId: 'mine' });
      const refused = await session.settle(built, {}, { runId: 'mine' });
      expect(refused.status === 'rejected' && refused.error.problems.map(({ code }) => code)).to.deep.equal([
        'RUN_EXISTS',
      ]);
      expect(session.runtime.gates('mine').length).to.equal(2);
      session.runtime.reject('mine', 'a');
      session.runtime.reject('mine', 'b');
      expect((await session.resume(built, 'mine')).status).to.equal('completed');
      expect((await session.settle(built, {}, { runId: 'mine' })).status).to.equal('waiting');
      await session.close();
    }),
  );

  it(
    'goes with its runtime: closing does not wait for it, and nothing can be asked afterwards',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built);
      await session.close();
      const { runtime } = session;
      for (const call of [
        () => runtime.gates('run-1'),
        () => runtime.approve('run-1', 'a'),
        () => runtime.reject('run-1', 'a'),
        () => session.resume(built),
      ])
        expect((await thrownBy(call)).code).to.equal('RUNTIME_CLOSED');
    }),
  );

  it(
    'refuses options that resume does not have',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      await session.wait(built);
      expect((await thrownBy(() => session.resume(built, 'run-1', { timeoutMs: 5 } as never))).code).to.equal(
        'UNKNOWN_OPTION',
      );
      expect((await session.resume(built)).status).to.equal('waiting');
      await session.close();
    }),
  );

  it(
    'tells its listeners at once, and the onEvent of whoever resumes before the run goes on',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = pair();
      const own: string[] = [];
      await session.wait(built, {}, { onEvent: ({ kind }) => own.push(kind) });
      expect(own.at(-1)).to.equal('run.waiting');
      session.runtime.reject('run-1', 'a', 'why', 'eve');
      session.runtime.approve('run-1', 'b', 3);
      expect(session.events.slice(-2).map(({ kind, data }) => [kind, data])).to.deep.equal([
        ['gate.rejected', { scope: '', node: 'a', visit: 1, attempt: 1, reason: 'why', by: 'eve' }],
        ['gate.approved', { scope: '', node: 'b', visit: 1, attempt: 1, answer: 3, by: null }],
      ]);
      const later: string[] = [];
      await session.resume(built, 'run-1', { onEvent: ({ kind }) => later.push(kind) });
      expect(own.at(-1)).to.equal('run.waiting');
      expect(later).to.deep.equal(['gate.rejected', 'gate.approved', 'run.resumed', 'node.skipped', 'run.completed']);
      await session.close();
    }),
  );

  it(
    'hears an answer that a listener gives as soon as the run waits',
    everyWay(async (run) => {
      const session = new Session(run);
      session.runtime.on('event', ({ kind, runId }) => {
        if (kind === 'run.waiting') for (const gate of ['a', 'b']) session.runtime.approve(runId, gate, 9);
      });
      const built = pair();
      expect((await session.wait(built)).gates.map(({ gate }) => gate)).to.deep.equal(['a', 'b']);
      expect((await session.resume(built)).output).to.deep.equal({ both: [9, 9] });
      await session.close();
    }),
  );

  it(
    'parameters, context and warnings are still there after resume',
    everyWay(async (run) => {
      const session = new Session(run);
      const w = workflow('kept', { params: { n: type<number>() } });
      const early = w.fn('early', {}, (): { x?: number } => ({}));
      w.add('warned', plus({ n: 1, by: early.out.value.at('x') as never }));
      const ok = w.gate('ok');
      const seen: unknown[] = [];
      const look = defineNode({
        name: 'look',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }, { context }) => {
          seen.push(context);
          return { n: n + 1 };
        },
      });
      const last = w.add('last', look({ n: w.params.n }), { after: ok });
      const built = w.build({ outputs: { n: last.out.n, x: early.out.value.at('x') } });
      const before = await session.wait(built, { n: 4 }, { context: { tenant: 'acme' } });
      session.runtime.approve('run-1', 'ok');
      expect(before.warnings.map(({ code }) => code)).to.deep.equal(['missing-path']);
      const done = await session.resume(built);
      expect(done.output).to.deep.equal({ n: 5 });
      expect(done.warnings.map(({ code }) => code)).to.deep.equal(['missing-path', 'missing-output']);
      expect(seen).to.deep.equal([{ tenant: 'acme' }]);
      await session.close();
    }),
  );

  /** 600 ms before the gate, and as many after it as its answer says. */
  function spending(session: Session) {
    const spend = (ms: number): number => {
      session.clock.advance(ms);
      return ms;
    };
    const w = workflow('limited');
    const before = w.fn('before', {}, () => spend(600));
    const ok = w.gate('ok', { shows: { before: before.out.value }, answer: z.number() });
    const after = w.fn('after', { ms: ok.out.approved }, ({ ms }) => spend(ms));
    w.fn('end', { after: after.out.value }, () => 1);
    return w.build();
  }

  it(
    'waiting does not count against the time limit of the run',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = spending(session);
      const waiting = await session.wait(built, {}, { timeoutMs: 1_000, softTimeoutMs: 999 });
      expect(waiting.wakeAt).to.equal(undefined);
      session.clock.advance(1e6);
      session.runtime.approve('run-1', 'ok', 398);
      const done = await session.resume(built);
      expect(done.status).to.equal('completed');
      expect(done.warnings).to.deep.equal([]);
      expect(done.durationMs).to.equal(600 + 1e6 + 398);
      await session.close();
    }),
  );

  it(
    'what was spent before the run waited counts',
    everyWay(async (run) => {
      const session = new Session(run);
      const built = spending(session);
      await session.wait(built, {}, { timeoutMs: 1_000 });
      session.clock.advance(1e6);
      session.runtime.approve('run-1', 'ok', 400);
      const late = await session.resume(built);
      expect(late.status === 'failed' && late.error.message).to.include('1000 ms');
      expect(reasonOf(late, 'end')).to.deep.include({ code: 'run_timeout' });
      await session.close();
    }, SYNC_WAYS),
  );

  it(
    'can be asked for again: who may not run it now may not resume it, and who may is known by the context of the run',
    everyWay(async (run) => {
      let open = true;
      const access = {
        allows: ({ context }: { readonly context: Readonly<Record<string, unknown>> }) =>
          open && context.tenant === 'acme',
      };
      const session = new Session(run, { access } as never);
      const built = pair();
      await session.wait(built, {}, { context: { tenant: 'acme' } });
      open = false;
      expect((await thrownBy(() => session.resume(built))).code).to.equal('ACCESS_DENIED');
      open = true;
      expect((await session.resume(built)).status).to.equal('waiting');
      await session.close();
    }),
  );

  it(
    'shows and answers belong to the run: who changes what an event or a report shows does not change them',
    everyWay(async (run) => {
      const session = new Session(run);
      const write = (value: unknown): void => {
        for (const name of ['shows', 'items', 'parameters']) {
          const part = (value as Record<string, Record<string, unknown>>)[name];
          try {
            if (typeof part === 'object' && part !== null) part.n = 99;
            if (Array.isArray(part)) part[0] = 99;
          } catch {}
        }
      };
      session.runtime.on('event', ({ data }) => write(data));
      const w = workflow('mine', { params: { n: type<number>() } });
      const list = w.fn('list', { n: w.params.n }, ({ n }) => [n, n]);
      const each = w.map('each', list.out.value, (n) => plus({ n }));
      w.gate('ok', { shows: { n: w.params.n, each: each.out.n } });
      const built = w.build({ outputs: { each: each.out.n } });
      const first = await session.wait(built, { n: 1 });
      write(first.gates[0]);
      write(session.runtime.gates('run-1')[0]);
      expect(session.runtime.gates('run-1')[0]?.shows).to.deep.equal({ n: 1, each: [2, 2] });
      session.runtime.approve('run-1', 'ok');
      expect((await session.resume(built)).output).to.deep.equal({ each: [2, 2] });
      await session.close();
    }),
  );

  it(
    'lists those that wait in the order in which they opened, also after an answer',
    everyWay(async (run) => {
      const session = new Session(run);
      const inner = workflow('inner', { params: { n: type<number>() } });
      const slow = inner.fn('slow', { n: inner.params.n }, ({ n }) => n, {});
      let calls = 0;
      const again = inner.fn(
        'again',
        { n: slow.out.value },
        ({ n }) => {
          if (calls++ === 0) throw new Error('once');
          return n;
        },
        { retry: { attempts: 2, delayMs: 5 } },
      );
      inner.gate('in', { shows: { n: again.out.value } });
      const w = workflow('order');
      w.add('sub', inner.build()({ n: 1 }));
      w.gate('b');
      w.gate('a');
      const built = w.build();
      const waiting = await session.wait(built);
      expect(waiting.gates.map(({ gate }) => gate)).to.deep.equal(['b', 'a', 'sub/in']);
      expect(session.runtime.gates('run-1').map(({ gate }) => gate)).to.deep.equal(['b', 'a', 'sub/in']);
      session.runtime.approve('run-1', 'a');
      const again2 = await session.resume(built);
      expect(again2.gates.map(({ gate }) => gate)).to.deep.equal(['b', 'sub/in']);
      await session.close();
    }),
  );
});

describe('A run that is being resumed', () => {
  it('cannot be resumed a second time; it can be answered, at once, and no answer is lost', async () => {
    await using runtime = new AsyncLocalRuntime();
    let go = (): void => undefined;
    let calls = 0;
    const w = workflow('slow');
    const a = w.gate('a');
    const b = w.gate('b');
    const c = w.gate('c');
    const slow = w.fn('slow', { a: a.out.approved }, async () => {
      calls++;
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return calls;
    });
    const fast = w.fn('fast', { b: b.out.approved }, ({ b: answer }) => `took ${String(answer)}`);
    const built = w.build({ outputs: { slow: slow.out.value, fast: fast.out.value, c: c.out.approved } });
    const { runId } = await runtime.execute(built);
    runtime.approve(runId, 'a');
    const resumed = runtime.resume(built, runId);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await rejection(runtime.resume(built, runId))).code).to.equal('RUN_UNKNOWN');
    runtime.approve(runId, 'b', 1);
    expect((await thrownBy(() => runtime.approve(runId, 'b', 2))).code).to.equal('GATE_NOT_OPEN');
    expect(runtime.gates(runId).map(({ gate }) => gate)).to.deep.equal(['c']);
    const taken = await runtime.settle(built, {}, { runId });
    expect(taken.status === 'rejected' && taken.error.problems.map(({ code }) => code)).to.deep.equal(['RUN_EXISTS']);
    go();
    const waiting = await resumed;
    expect([waiting.status, waiting.node(fast).status]).to.deep.equal(['waiting', 'completed']);
    runtime.approve(runId, 'c', 3);
    const done = await runtime.resume(built, runId);
    expect(done.status === 'completed' && done.output).to.deep.equal({ slow: 1, fast: 'took 1', c: 3 });
    expect(calls).to.equal(1);
  });

  it('is refused in LocalRuntime where a node has become asynchronous, and waits on', () => {
    using runtime = new LocalRuntime();
    const make = (run: () => unknown) => {
      const w = workflow('changed');
      const ok = w.gate('ok');
      const next = w.fn('next', { ok: ok.out.approved }, run);
      return w.build({ outputs: { next: next.out.value } });
    };
    const { runId } = runtime.execute(make(() => 1));
    runtime.approve(runId, 'ok');
    expect(() =>
      runtime.resume(
        make(async () => 1),
        runId,
      ),
    )
      .to.throw()
      .with.property('code', 'ASYNC_NODE');
    const done = runtime.resume(
      make(() => 2),
      runId,
    );
    expect(done.status === 'completed' && done.output).to.deep.equal({ next: 2 });
  });
});
