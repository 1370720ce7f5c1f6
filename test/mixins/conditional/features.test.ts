import { expect } from 'chai';
import type { BaseRuntime } from '../../../src/base/base-runtime.js';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { oneOf } from '../../../src/base/ref.js';
import type { NodeDecision, RunView } from '../../../src/base/run-view.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../../src/testing/index.js';

const number = { params: { n: type<number>() } };

function fork() {
  const w = workflow('fork', number);
  const route = w.switch('route', w.params.n, { big: (n) => n >= 10, small: otherwise });
  w.fn('big', { n: route.out.big }, ({ n }) => n);
  w.fn('small', { n: route.out.small }, ({ n }) => n);
  return w.build();
}

function straight() {
  const w = workflow('straight', number);
  w.fn('only', { n: w.params.n }, ({ n }) => n);
  return w.build();
}

function tried() {
  const bad = defineNode({
    name: 'bad',
    outputs: { n: type<number>() },
    run: (): { n: number } => {
      throw Object.assign(new Error('secret payload'), { code: 'E_BAD' });
    },
  });
  const w = workflow('tried');
  w.try('allowed', bad({}));
  w.add('fatal', bad({}));
  return w.build();
}

const runtimes = { LocalRuntime: () => new LocalRuntime(), AsyncLocalRuntime: () => new AsyncLocalRuntime() };

for (const [name, create] of Object.entries(runtimes)) {
  describe(`conditional features of ${name}`, () => {
    it('hasConditionalPatterns: a switch or a node that may fail', () => {
      const runtime = create();
      expect(runtime.hasConditionalPatterns(fork())).to.equal(true);
      expect(runtime.hasConditionalPatterns(tried())).to.equal(true);
      expect(runtime.hasConditionalPatterns(straight())).to.equal(false);
    });

    it('validateConditionalExecutionPrerequisites names switches of which nothing is read, and the run warns', async () => {
      const runtime = create();
      const w = workflow('unread', number);
      const read = w.switch('read', w.params.n, { a: (n) => n > 0, b: otherwise });
      w.switch('unread', w.params.n, { a: (n) => n > 0, b: otherwise });
      w.fn('end', { n: read.out.a }, ({ n }) => n);
      const built = w.build();
      const problem = {
        code: 'unread-case',
        message: 'No node, cycle or output reads any case of switch "unread".',
        at: 'unread',
      };
      expect(runtime.validateConditionalExecutionPrerequisites(built)).to.deep.equal([problem]);
      expect(runtime.validateConditionalExecutionPrerequisites(built)).to.equal(
        runtime.validateConditionalExecutionPrerequisites(built),
      );
      expect(runtime.validateConditionalExecutionPrerequisites(straight())).to.deep.equal([]);
      const result = await runtime.execute(built, { n: 1 });
      expect(result.warnings).to.deep.equal([{ code: 'conditional', message: problem.message, at: 'unread' }]);
    });

    it('a switch read by an output, a join, a choice, a path, feedback or until counts as read', async () => {
      const runtime = create();
      const readers: Readonly<Record<string, () => ReturnType<typeof fork>>> = {
        output: () => {
          const w = workflow('output', number);
          const route = w.switch('route', w.params.n, { a: otherwise });
          return w.build({ outputs: { a: route.out.a } }) as never;
        },
        join: () => {
          const w = workflow('join', number);
          const route = w.switch('route', w.params.n, { a: otherwise });
          const other = w.fn('other', {}, () => 1);
          w.fn('end', { n: route.join({ a: other.out.value }) }, ({ n }) => n);
          return w.build();
        },
        choice: () => {
          const w = workflow('choice', number);
          const route = w.switch('route', w.params.n, { a: otherwise });
          w.fn('end', { n: oneOf(route.out.a).or(10n) }, ({ n }) => n);
          return w.build();
        },
        path: () => {
          const w = workflow('path', { params: { o: type<{ n: number }>() } });
          const route = w.switch('route', w.params.o, { a: otherwise });
          w.fn('end', { n: route.out.a.at('n') }, ({ n }) => n);
          return w.build() as never;
        },
        feedback: () => {
          const w = workflow('feedback', number);
          const step = w.fn('step', { n: w.params.n }, ({ n }) => n + 1);
          const route = w.switch('route', step.out.value, { on: (n) => n < 3, off: otherwise });
          w.cycle('loop', { feedback: [route.out.on.to(step.in.n)], maxIterations: 9 });
          return w.build();
        },
        until: () => {
          const w = workflow('until', number);
          const step = w.fn('step', { n: w.params.n }, ({ n }) => n + 1);
          const route = w.switch('route', step.out.value, { on: otherwise });
          w.cycle('loop', {
            feedback: [step.out.value.to(step.in.n)],
            until: when(route.out.on, (n) => n > 2),
            maxIterations: 9,
          });
          return w.build();
        },
        'named until': () => {
          const w = workflow('named', number);
          const step = w.fn('step', { n: w.params.n }, ({ n }) => n + 1);
          const route = w.switch('route', step.out.value, { on: otherwise });
          w.cycle('loop', {
            feedback: [step.out.value.to(step.in.n)],
            until: when({ n: route.out.on }, ({ n }) => (n ?? 0) > 2),
            maxIterations: 9,
          });
          return w.build();
        },
      };
      for (const [reader, make] of Object.entries(readers)) {
        expect(runtime.validateConditionalExecutionPrerequisites(make()), reader).to.deep.equal([]);
      }
    });

    it('a literal that looks like a reference does not count as reading', () => {
      const w = workflow('literal', number);
      const route = w.switch('route', w.params.n, { a: otherwise });
      const other = w.switch('other', w.params.n, { a: otherwise });
      w.fn('end', { n: other.out.a.or({ node: 'route' }) }, ({ n }) => n);
      expect(route.id).to.equal('route');
      const problems = create().validateConditionalExecutionPrerequisites(w.build());
      expect(problems.map(({ at }) => at)).to.deep.equal(['route']);
    });

    it('a literal that JSON cannot hold beside a switch does not stop the run', async () => {
      const w = workflow('bigint', number);
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      const end = w.fn('end', { n: route.out.big.or(10n) }, ({ n }) => n);
      const result = await create().execute(w.build({ outputs: { end: end.out.value } }), { n: 1 });
      expect(result.unwrap()).to.deep.equal({ end: 10n });
    });

    it('validateSwitchResults checks ports against cases and mode', () => {
      const runtime = create();
      const w = workflow('modes', { params: { n: type<number>(), list: type<number[]>() } });
      w.switch('first', w.params.n, { a: (n) => n > 1, b: otherwise });
      w.switch('all', w.params.n, { a: (n) => n > 1, b: otherwise }, { mode: 'all' });
      w.partition('parts', w.params.list, { a: (n) => n > 1, b: otherwise });
      w.fn('plain', {}, () => 1);
      const built = w.build();
      const codes = (id: string, output: Record<string, unknown>) =>
        runtime.validateSwitchResults(built, id, output).map(({ code, at }) => `${code} ${at}`);
      expect(codes('first', { a: 1 })).to.deep.equal([]);
      expect(codes('first', { a: 1, b: 1 })).to.deep.equal(['too-many-cases first']);
      expect(codes('first', {})).to.deep.equal(['no-case first']);
      expect(codes('first', { c: 1 })).to.deep.equal(['unknown-case first.c']);
      expect(codes('all', { a: 1, b: 1 })).to.deep.equal([]);
      expect(codes('all', {})).to.deep.equal(['no-case all']);
      expect(codes('parts', {})).to.deep.equal([]);
      expect(codes('parts', { a: [1], x: [2] })).to.deep.equal(['unknown-case parts.x']);
      expect(codes('plain', { value: 1 })).to.deep.equal(['not-a-switch plain']);
      expect(codes('nobody', {})).to.deep.equal(['not-a-switch nobody']);
    });

    it('validateConditionalExecutionResults finds nothing wrong with a real result, and what is unsettled or unexplained in a false one', async () => {
      const runtime = create();
      const result = await runtime.execute(fork(), { n: 1 });
      expect(runtime.validateConditionalExecutionResults(result)).to.deep.equal([]);
      const report = (id: string, status: string) =>
        [id, { ...result.node('big'), id, status, reason: undefined }] as const;
      const nodes = new Map([
        report('a', 'pending'),
        report('b', 'running'),
        report('c', 'skipped'),
        report('d', 'blocked'),
        report('e', 'cancelled'),
        report('f', 'completed'),
        report('g', 'failed'),
      ]);
      const wrong = Object.create(result, { nodes: { value: nodes } }) as typeof result;
      expect(runtime.validateConditionalExecutionResults(wrong).map(({ code, at }) => `${code} ${at}`)).to.deep.equal([
        'unsettled-node a',
        'unsettled-node b',
        'missing-reason c',
        'missing-reason d',
        'missing-reason e',
      ]);
    });

    it('trackConditionalExecutionPerformance counts nodes of conditional runs only, per runtime', async () => {
      const runtime = create();
      expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
        runs: 0,
        executed: 0,
        skipped: 0,
        skippedShare: 0,
      });
      await runtime.execute(fork(), { n: 1 });
      await runtime.execute(fork(), { n: 20 });
      await runtime.execute(straight(), { n: 1 });
      expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
        runs: 2,
        executed: 4,
        skipped: 2,
        skippedShare: 2 / 6,
      });
      expect(create().trackConditionalExecutionPerformance().runs).to.equal(0);
    });

    it('logConditionalExecutionFailure logs node and code, never a payload; an allowed failure as info', async () => {
      const log = new MemoryLog();
      const runtime = name === 'LocalRuntime' ? new LocalRuntime({ log }) : new AsyncLocalRuntime({ log });
      const outcome = await runtime.settle(tried(), {}, { runId: 'r1' });
      if (outcome.status === 'rejected') throw outcome.error;
      runtime.logConditionalExecutionFailure(outcome);
      expect(log.entries).to.deep.equal([
        {
          level: 'info',
          message: 'A node of a conditional run failed.',
          fields: { runId: 'r1', node: 'allowed', code: 'E_BAD' },
        },
        {
          level: 'error',
          message: 'A node of a conditional run failed.',
          fields: { runId: 'r1', node: 'fatal', code: 'E_BAD' },
        },
      ]);
    });

    it('shouldSkipConditionalNode answers as the run decides: run, skip with its reason, block with its reason', async () => {
      const decisions: Record<string, NodeDecision> = {};
      const look = (
        runtime: BaseRuntime & { shouldSkipConditionalNode(run: RunView, id: string): NodeDecision },
        run: RunView,
      ): void => {
        for (const id of ['big', 'small', 'down']) decisions[id] = runtime.shouldSkipConditionalNode(run, id);
      };
      class Local extends LocalRuntime {
        protected override finishRun(run: RunView): void {
          look(this, run);
        }
      }
      class Async extends AsyncLocalRuntime {
        protected override finishRun(run: RunView): void {
          look(this, run);
        }
      }
      const w = workflow('fork', number);
      const route = w.switch('route', w.params.n, { big: (n) => n >= 10, small: otherwise });
      w.fn('big', { n: route.out.big }, ({ n }) => n);
      const small = w.fn('small', { n: route.out.small }, (): number => {
        throw new Error('no');
      });
      w.fn('down', { n: small.out.value }, ({ n }) => n);
      await (name === 'LocalRuntime' ? new Local() : new Async()).settle(w.build(), { n: 1 });
      expect(decisions).to.deep.equal({
        big: {
          kind: 'skip',
          reason: {
            code: 'branch_not_taken',
            input: 'big.n',
            source: 'route.big',
            root: { subject: 'route', port: 'big', code: 'branch_not_taken' },
          },
        },
        small: { kind: 'run' },
        down: {
          kind: 'block',
          reason: {
            code: 'upstream_failed',
            input: 'down.n',
            source: 'small.value',
            root: { subject: 'small', port: null, code: 'upstream_failed' },
          },
        },
      });
    });
  });
}
