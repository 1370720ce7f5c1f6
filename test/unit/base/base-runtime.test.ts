import { expect } from 'chai';
import { z } from 'zod';
import { BaseRuntime } from '../../../src/base/base-runtime.js';
import { defineNode } from '../../../src/base/node.js';
import type { NodeContext } from '../../../src/base/node-context.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { ProgressUpdate } from '../../../src/base/notifications.js';
import type { ExecutedRun, RunOutcome } from '../../../src/base/outcome.js';
import type { Ports } from '../../../src/base/ports.js';
import { oneOf } from '../../../src/base/ref.js';
import { RunRejectedError } from '../../../src/base/run-errors.js';
import { type ResolvedOptions, RUNTIME_DEFAULTS, type RunOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { definePlugin } from '../../../src/plugins/plugin.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtimes/local-runtime.js';
import { nodePorts } from '../../../src/runtimes/node-ports.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { both } from '../../support/both.js';
import { caught, refusal, rejection } from '../../support/caught.js';

const ports: Ports = nodePorts({});
const RUNTIMES = { LocalRuntime, AsyncLocalRuntime } as const;

function one(run: (context: NodeContext) => unknown = () => 1) {
  const w = workflow('one');
  const node = defineNode({
    name: 'n',
    outputs: { value: type<unknown>() },
    run: (_, context) => ({ value: run(context) }),
  });
  const a = w.add('a', node());
  return w.build({ outputs: { value: a.out.value } });
}

/** Runs a workflow in both runtimes, each with options of its own, and returns both outcomes. */
async function each<P, O>(
  make: () => AsyncLocalRuntimeOptions & LocalRuntimeOptions,
  built: Workflow<P, O>,
  run: () => RunOptions = () => ({}),
) {
  const workflowOf = built as unknown as Workflow<object, O>;
  return [
    new LocalRuntime(make()).settle(workflowOf, {}, run()),
    await new AsyncLocalRuntime(make()).settle(workflowOf, {}, run()),
  ] as const;
}

describe('base runtime', () => {
  describe('cannot be used by itself', () => {
    it('cannot be instantiated', () => {
      // @ts-expect-error BaseRuntime is abstract
      const make = () => new BaseRuntime(RUNTIME_DEFAULTS, ports);
      expect(refusal(make)).to.deep.equal({
        code: 'ABSTRACT_RUNTIME',
        at: 'BaseRuntime',
        message:
          'BaseRuntime has no settle() or no execute(). Use LocalRuntime or AsyncLocalRuntime, or implement settle().',
      });
    });

    it('nor can a subclass without settle and execute', () => {
      // @ts-expect-error neither is implemented
      class Nothing extends BaseRuntime {}
      expect(refusal(() => new Nothing(RUNTIME_DEFAULTS, ports)).message).to.match(
        /^Nothing has no settle\(\) or no execute\(\)\./,
      );
    });

    it('nor a subclass without execute', () => {
      // @ts-expect-error execute is not implemented
      class Half extends BaseRuntime {
        override settle<Params, Output>(): RunOutcome<Output> & Params {
          throw new Error('never called');
        }
      }
      expect(caught(() => new Half(RUNTIME_DEFAULTS, ports)).at).to.equal('Half');
    });

    it('nor a subclass without settle', () => {
      // @ts-expect-error settle is not implemented
      class Half extends BaseRuntime {
        override execute<Params, Output>(): ExecutedRun<Output> & Params {
          throw new Error('never called');
        }
      }
      expect(caught(() => new Half(RUNTIME_DEFAULTS, ports)).at).to.equal('Half');
    });
  });

  describe('without a mixin', () => {
    /** A runtime that drives the bare hooks. */
    class Bare extends BaseRuntime {
      constructor(options: Partial<ResolvedOptions> = {}) {
        super({ ...RUNTIME_DEFAULTS, ...options }, { ...ports, clock: new VirtualClock(), ids: seededIds() });
      }
      override settle<Params, Output>(
        built: Workflow<Params, Output>,
        ...[parameters, options]: [parameters?: Params, options?: RunOptions]
      ): RunOutcome<Output> {
        const run = this.openRun(this.requestRun(built, parameters, options), () => undefined);
        this.beginRun(run, new Map());
        for (let attempt = run.execution.next(run.now); attempt !== undefined; attempt = run.execution.next(run.now))
          this.perform(run, attempt);
        return this.closeRun(run);
      }
      override execute<Params, Output>(
        built: Workflow<Params, Output>,
        ...args: [parameters?: Params, options?: RunOptions]
      ): ExecutedRun<Output> {
        return this.unwrapOutcome(this.settle(built, ...args));
      }
    }

    it('runs a plain graph with literals and connections, and takes parameters as they are', () => {
      const w = workflow('plain');
      const a = w.fn('a', { n: 2 }, ({ n }) => n + 1);
      const b = w.fn('b', { n: a.out.value, by: 3 }, ({ n, by }) => n * by);
      expect(new Bare().execute(w.build({ outputs: { b: b.out.value } }), {}).unwrap()).to.deep.equal({ b: 9 });
    });

    it('answers most carefully: a node without a live source is blocked, a cycle fails, a failure stands', () => {
      const w = workflow('careful');
      const start = w.fn('start', {}, () => 1);
      const route = w.switch('route', start.out.value, { yes: () => false, no: otherwise });
      w.fn('untaken', { n: route.out.yes }, ({ n }) => n);
      const step = w.fn('step', { n: start.out.value }, ({ n }) => n);
      w.cycle('fit', { feedback: [step.out.value.to(step.in.n)], maxIterations: 3 });
      w.fn(
        'fails',
        {},
        () => {
          throw new Error('no');
        },
        { retry: { attempts: 3 } },
      );
      const outcome = new Bare().settle(w.build());
      if (outcome.status !== 'failed') throw new Error(outcome.status);
      expect([...outcome.nodes].map(([id, { status }]) => [id, status])).to.deep.equal([
        ['start', 'completed'],
        ['route', 'completed'],
        ['untaken', 'blocked'],
        ['step', 'completed'],
        ['fails', 'failed'],
      ]);
      expect(outcome.node('untaken').reason).to.deep.equal({
        code: 'undecided',
        input: null,
        source: null,
        root: { subject: 'untaken', port: null, code: 'undecided' },
      });
      expect(outcome.cycle('fit')).to.deep.include({ failed: true, reason: 'failed', iterations: 1 });
      expect(outcome.cycle('fit').error?.code).to.equal('UNDECIDED');
      expect(outcome.node('fails').attempts).to.equal(1);
      expect(outcome.error.node).to.equal('fit');
    });
  });

  describe('options', () => {
    it('are filled in with their defaults and frozen', () => {
      expect(new LocalRuntime().options).to.deep.equal({
        onError: 'continue',
        validation: 'warn',
        skippedInResults: 'omit',
        enableCycles: true,
        contentAwareSuccess: false,
        timeoutMs: null,
        softTimeoutMs: null,
        maxConcurrency: null,
        capabilities: {},
        executors: {},
        resources: { limits: [] },
        health: {},
        retryBudget: null,
        cacheEntries: 1_000,
        performanceMonitoring: false,
        workflows: [],
        durability: 'process',
        projections: [],
      });
      const given = { onError: 'fail-fast', timeoutMs: 9 } as const;
      const { options } = new AsyncLocalRuntime({ ...given, maxConcurrency: 3 });
      expect(options).to.deep.include({ onError: 'fail-fast', timeoutMs: 9, maxConcurrency: 3 });
      expect(Object.isFrozen(options)).to.equal(true);
    });

    it('are copied: what the caller changes later has no effect', () => {
      const given = { timeoutMs: 9 };
      const { options } = new LocalRuntime(given);
      given.timeoutMs = 1;
      expect(options.timeoutMs).to.equal(9);
    });

    for (const [name, Runtime] of Object.entries(RUNTIMES)) {
      describe(`of ${name}`, () => {
        const make = (options: object) => () => new Runtime(options as never);

        for (const [option, what, values] of [
          ['onError', 'must be one of "continue", "fail-fast"', ['stop', true, null]],
          ['validation', 'must be one of "off", "warn", "strict"', ['on', false]],
          ['skippedInResults', 'must be one of "omit", "empty"', ['show', 1]],
          ['enableCycles', 'must be true or false', ['yes', 0, null]],
          ['contentAwareSuccess', 'must be true or false', ['yes', 1]],
          [
            'timeoutMs',
            'must be a finite number of milliseconds > 0',
            [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5s', null],
          ],
          ['softTimeoutMs', 'must be a finite number of milliseconds > 0', [0, '5s']],
          ['clock', 'must have the method now()', [{}, null]],
          ['clock', 'must have the method sleepSync()', [{ now: () => 1 }, Date]],
          ['ids', 'must have the method runId()', [{}, () => 'id']],
          ['random', 'must have the method keyed()', [Math.random, {}]],
          ['log', 'must have the method log()', [{ info: () => 1 }]],
          ['hash', 'must have the method sha256()', [{}]],
          ['secrets', 'must have the method load()', [{ TOKEN: 'abc' }, new Map()]],
          ['access', 'must have the method allows()', [() => true]],
        ] as const) {
          it(`${option} ${what}`, () => {
            for (const value of values) {
              expect(refusal(make({ [option]: value })), String(value)).to.deep.equal({
                code: 'INVALID_OPTION',
                at: `runtime.${option}`,
                message: `runtime.${option} ${what}. Correct the named option.`,
              });
            }
          });
        }

        it('softTimeoutMs must be less than timeoutMs', () => {
          expect(refusal(make({ timeoutMs: 10, softTimeoutMs: 10 })).message).to.equal(
            'runtime.softTimeoutMs must be less than timeoutMs (10). Correct the named option.',
          );
          expect(make({ timeoutMs: 10, softTimeoutMs: 9 })).not.to.throw();
        });

        it('are an object', () => {
          for (const options of [null, 5, 'fast', []])
            expect(refusal(make(options as never)).message).to.equal(
              'The options of a runtime must be an object. Correct the named option.',
            );
        });

        it('that do not exist are refused with a did-you-mean', () => {
          expect(refusal(make({ onErorr: 'continue' }))).to.deep.equal({
            code: 'UNKNOWN_OPTION',
            at: 'runtime',
            message: 'runtime has no option "onErorr". Did you mean "onError"? Correct its name or remove it.',
          });
          expect(refusal(make({ plugin: [] })).message).to.match(/^runtime has no option "plugin"\. /);
        });
      });
    }

    it('maxConcurrency is a whole number of at least 1', () => {
      for (const maxConcurrency of [0, 1.5, -1, Number.POSITIVE_INFINITY, '3'] as number[]) {
        for (const make of [
          () => new AsyncLocalRuntime({ maxConcurrency }),
          () => new LocalRuntime({ maxConcurrency }),
        ])
          expect(refusal(make).message).to.equal(
            'runtime.maxConcurrency must be a whole number of at least 1. Correct the named option.',
          );
      }
    });

    it('bridge is an option of LocalRuntime alone, and has the methods of the port', () => {
      expect(refusal(() => new LocalRuntime({ bridge: {} as never })).message).to.equal(
        'runtime.bridge must have the method submit(). Correct the named option.',
      );
      // @ts-expect-error AsyncLocalRuntime has no such option
      expect(refusal(() => new AsyncLocalRuntime({ bridge: {} })).code).to.equal('UNKNOWN_OPTION');
    });
  });

  describe('each option has its effect in both runtimes:', () => {
    it('onError', async () => {
      const build = () => {
        const w = workflow('w');
        w.fn('bad', {}, () => {
          throw new Error('no');
        });
        w.fn('other', {}, () => 1);
        return w.build();
      };
      const forms = ['local', 'async'] as const;
      expect((await both(build, { forms })).nodes).to.deep.equal({ bad: 'failed', other: 'completed' });
      expect((await both(build, { forms, runtime: { onError: 'fail-fast' } })).nodes).to.deep.equal({
        bad: 'failed',
        other: 'cancelled',
      });
    });

    it('validation', async () => {
      const build = () => {
        const w = workflow('w', { params: { n: type<number>() } });
        const [left, right] = [
          w.switch('left', w.params.n, { yes: () => true, no: otherwise }),
          w.switch('right', w.params.n, { yes: () => false, no: otherwise }),
        ];
        w.fn('reader', { n: oneOf(left.out.yes, right.out.yes) }, ({ n }) => n);
        return w.build();
      };
      const params = { n: 1 };
      expect((await both(build, { params, runtime: { validation: 'off' } })).warnings).to.deep.equal([]);
      expect((await both(build, { params })).warnings.map(({ code }) => code)).to.deep.equal(['unproved-fan-in']);
      expect((await both(build, { params, runtime: { validation: 'strict' } })).code).to.equal('CONTRACT_UNPROVED');
    });

    it('skippedInResults', async () => {
      const build = () => {
        const w = workflow('w', { params: { n: type<number>() } });
        const route = w.switch('route', w.params.n, { yes: () => true, no: otherwise });
        w.fn('no', { n: route.out.no }, ({ n }) => n);
        return w.build();
      };
      expect((await both(build, { params: { n: 1 } })).results).to.deep.equal({ route: { yes: 1 } });
      expect((await both(build, { params: { n: 1 }, runtime: { skippedInResults: 'empty' } })).results).to.deep.equal({
        route: { yes: 1 },
        no: {},
      });
    });

    it('enableCycles', async () => {
      const build = () => {
        const w = workflow('w');
        const a = w.fn('a', { n: 1 }, ({ n }) => n + 1);
        w.cycle('fit', { feedback: [a.out.value.to(a.in.n as never)], maxIterations: 3 });
        return w.build();
      };
      expect((await both(build)).results).to.deep.equal({ a: { value: 4 } });
      const refused = await both(build, { runtime: { enableCycles: false } });
      expect([refused.status, refused.code]).to.deep.equal(['rejected', 'CYCLES_DISABLED']);
    });

    it('contentAwareSuccess', async () => {
      const build = () => {
        const w = workflow('w');
        w.add('a', defineNode({ name: 'n', outputs: { success: type<boolean>() }, run: () => ({ success: false }) })());
        return w.build();
      };
      expect((await both(build)).nodes).to.deep.equal({ a: 'completed' });
      expect((await both(build, { runtime: { contentAwareSuccess: true } })).errors).to.deep.equal({
        a: 'NOT_SUCCESSFUL',
      });
    });

    it('timeoutMs, which the same option of a run replaces', async () => {
      let clock = new VirtualClock();
      const build = () => {
        const w = workflow('w');
        w.fn('a', {}, () => clock.advance(50));
        w.fn('b', {}, () => 1, { after: 'a' });
        return w.build();
      };
      const runtime = () => {
        clock = new VirtualClock();
        return { clock, timeoutMs: 20 };
      };
      expect((await both(build, { runtime, forms: ['local', 'async'] })).nodes).to.deep.equal({
        a: 'completed',
        b: 'cancelled',
      });
      expect((await both(build, { runtime, run: { timeoutMs: 100 }, forms: ['local', 'async'] })).status).to.equal(
        'completed',
      );
    });

    it('softTimeoutMs, which the same option of a run replaces', async () => {
      let clock = new VirtualClock();
      const build = () => {
        const w = workflow('w');
        w.fn('a', {}, () => clock.advance(50));
        w.fn('b', {}, () => 1, { after: 'a' });
        return w.build();
      };
      const runtime = () => {
        clock = new VirtualClock();
        return { clock, softTimeoutMs: 20 };
      };
      const soft = await both(build, { runtime, forms: ['local', 'async'] });
      expect([soft.status, soft.warnings.map(({ code, at }) => [code, at])]).to.deep.equal([
        'completed',
        [['soft-timeout', '']],
      ]);
      expect(
        (await both(build, { runtime, run: { softTimeoutMs: 100 }, forms: ['local', 'async'] })).warnings,
      ).to.deep.equal([]);
    });

    it('clock', async () => {
      for (const outcome of await each(() => ({ clock: new VirtualClock(5_000) }), one()))
        expect(outcome.status === 'completed' && outcome.startedAt).to.equal(5_000);
    });

    it('ids, which runId of a run replaces', async () => {
      for (const outcome of await each(
        () => ({ ids: seededIds('mine') }),
        one(({ runId }) => runId),
      )) {
        expect(outcome.status === 'completed' && [outcome.runId, outcome.output]).to.deep.equal([
          'mine-1',
          { value: 'mine-1' },
        ]);
      }
      for (const outcome of await each(
        () => ({}),
        one(({ runId }) => runId),
        () => ({ runId: 'my own' }),
      ))
        expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ value: 'my own' });
    });

    it('random', async () => {
      const asked: string[] = [];
      const random = { keyed: (key: string): number => asked.push(key) * 0 };
      let calls = 0;
      const w = workflow('w');
      w.fn(
        'a',
        {},
        () => {
          calls++;
          if (calls % 2 === 1) throw new Error('once');
          return 1;
        },
        { retry: { attempts: 2, delayMs: 1, jitter: 1 } },
      );
      const built = w.build();
      await each(() => ({ random, ids: seededIds() }), built);
      expect(asked).to.deep.equal(['run-1/a/1/1', 'run-1/a/1/1']);
    });

    it('log', async () => {
      const logs: MemoryLog[] = [];
      const log = () => {
        logs.push(new MemoryLog());
        return { log: logs.at(-1) as MemoryLog, ids: seededIds() };
      };
      await each(
        log,
        one(({ log: own }) => own.log('warn', 'from the node', { rows: 3 })),
      );
      const entry = {
        level: 'warn',
        message: 'from the node',
        fields: { rows: 3, runId: 'run-1', node: 'a', visit: 1, attempt: 1 },
      };
      expect(logs.map(({ entries }) => entries)).to.deep.equal([[entry], [entry]]);
    });

    it('secrets', async () => {
      const w = workflow('w');
      const node = defineNode({
        name: 'n',
        outputs: { length: type<number>() },
        secrets: ['TOKEN'],
        run: (_, { secret }) => ({ length: secret('TOKEN').length }),
      });
      const a = w.add('a', node());
      const built = w.build({ outputs: { length: a.out.length } });
      for (const outcome of await each(() => ({ secrets: { load: () => ({ TOKEN: 'abc' }) } }), built))
        expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ length: 3 });
      for (const outcome of await each(() => ({}), built))
        expect(outcome.status === 'rejected' && outcome.error.code).to.equal('SECRET_MISSING');
    });

    it('access', async () => {
      const asked: unknown[] = [];
      const access = { allows: (request: unknown): string => (asked.push(request) > 0 ? 'not you' : '') };
      const outcomes = await each(
        () => ({ access, ids: seededIds() }),
        one(),
        () => ({ context: { tenant: 'acme' } }),
      );
      for (const outcome of outcomes)
        expect(outcome.status === 'rejected' && outcome.error.code).to.equal('ACCESS_DENIED');
      expect(asked).to.deep.equal(
        Array.from({ length: 2 }, () => ({ workflow: 'one', runId: 'run-1', context: { tenant: 'acme' } })),
      );
    });

    it('maxConcurrency, in AsyncLocalRuntime', async () => {
      let running = 0;
      let most = 0;
      const w = workflow('w');
      for (let index = 0; index < 6; index++) {
        w.fn(`n${index}`, {}, async () => {
          running++;
          most = Math.max(most, running);
          await null;
          running--;
        });
      }
      const built = w.build();
      const clock = new VirtualClock(); // a turn of the event loop is over when time passes
      await new AsyncLocalRuntime({ clock }).settle(built);
      expect(most).to.equal(6);
      most = 0;
      await new AsyncLocalRuntime({ clock, maxConcurrency: 2 }).settle(built);
      expect(most).to.equal(2);
    });
  });

  describe('options of a run', () => {
    const wrong = async (
      options: unknown,
      runtime: LocalRuntimeOptions & AsyncLocalRuntimeOptions = {},
    ): Promise<string> => {
      const error = caught(() =>
        new LocalRuntime({ ...runtime, ids: seededIds() }).execute(one(), {}, options as never),
      );
      expect(error).to.be.instanceOf(RunRejectedError);
      const other = await rejection(
        new AsyncLocalRuntime({ ...runtime, ids: seededIds() }).execute(one(), {}, options as never),
      );
      expect(other.message).to.equal(error.message);
      return error.message;
    };
    const says = (what: string): string => `Run of "one" refused: ${what} Correct the named option.`;

    it('with values they cannot have reject the run', async () => {
      expect(await wrong({ runId: '' })).to.equal(says('run.runId must be a non-empty string.'));
      expect(await wrong({ runId: 7 })).to.equal(says('run.runId must be a non-empty string.'));
      expect(await wrong({ runId: 'r\ud83d' })).to.equal(says('run.runId must not hold half of a surrogate pair.'));
      for (const signal of [{}, { aborted: false }, new AbortController(), null])
        expect(await wrong({ signal })).to.equal(says('run.signal must be an AbortSignal.'));
      expect(await wrong({ onEvent: 'log' })).to.equal(says('run.onEvent must be a function.'));
      expect(await wrong({ context: 'acme' })).to.equal(says('run.context must be an object.'));
      expect(await wrong({ timeoutMs: 0 })).to.equal(
        says('run.timeoutMs must be a finite number of milliseconds > 0.'),
      );
      expect(await wrong({ timeoutMs: 5, softTimeoutMs: 6 })).to.equal(
        says('run.softTimeoutMs must be less than timeoutMs (5).'),
      );
      expect(await wrong({ timeoutMs: 500 }, { softTimeoutMs: 500 })).to.equal(
        says('run.timeoutMs must be more than runtime.softTimeoutMs (500) and is 500.'),
      );
      expect(await wrong({ softTimeoutMs: 50 }, { timeoutMs: 50 })).to.equal(
        says('run.softTimeoutMs must be less than runtime.timeoutMs (50) and is 50.'),
      );
      for (const options of [5, 'fast', []])
        expect(await wrong(options)).to.equal(says('The options of a run must be an object.'));
    });

    it('may replace one limit of the runtime, or both', () => {
      const limited = new LocalRuntime({ softTimeoutMs: 1_000, timeoutMs: 2_000 });
      for (const options of [
        { timeoutMs: 1_001 },
        { softTimeoutMs: 1_999 },
        { timeoutMs: 9_000, softTimeoutMs: 8_000 },
      ])
        expect(limited.execute(one(), {}, options).status).to.equal('completed');
      const error = caught(() => limited.execute(one(), {}, { timeoutMs: 1_000 }));
      expect([error.code, error.at, error.value]).to.deep.equal(['INVALID_OPTION', 'run.timeoutMs', 1_000]);
    });

    it('that do not exist reject the run, with a did-you-mean', async () => {
      expect(await wrong({ timeout: 5 })).to.equal(
        'Run of "one" refused: run has no option "timeout". Did you mean "timeoutMs"? Correct its name or remove it.',
      );
    });

    it('that throw when they are read: what they throw comes out as it is, no outcome', async () => {
      const broken = new RangeError('unreadable');
      const options = {
        get timeoutMs(): number {
          throw broken;
        },
      };
      expect(() => new LocalRuntime().settle(one(), {}, options)).to.throw(broken);
      const late = await new AsyncLocalRuntime().settle(one(), {}, options).catch((error: unknown) => error);
      expect(late).to.equal(broken);
    });

    it('what is no workflow, and parameters that are no object, reject the run', async () => {
      for (const nothing of [undefined, null, {}, workflow('unbuilt'), { data: {}, bindings: {} }]) {
        const error = caught(() => new LocalRuntime().execute(nothing as never));
        expect([error.code, error.message]).to.deep.equal([
          'NOT_A_WORKFLOW',
          'Run of "?" refused: execute() was given something that is not a workflow. Pass the value that build() returned.',
        ]);
        expect((await rejection(new AsyncLocalRuntime().execute(nothing as never))).code).to.equal('NOT_A_WORKFLOW');
      }
      for (const parameters of [5, 'a.csv', [], null]) {
        const { message, value } = caught(() => new LocalRuntime().execute(one(), parameters as never));
        expect([message, value]).to.deep.equal([
          'Run of "one" refused: The parameters of a run are an object. Pass a value that the schema accepts.',
          parameters,
        ]);
      }
    });
  });

  describe('listeners', () => {
    const talk = ({ progress, emit }: NodeContext): number => {
      progress(1, 2, 'half');
      emit({ token: 'a' });
      return 1;
    };

    it('hear progress and data, with the place they come from', async () => {
      const outcome = await both(() => one(talk));
      const place = { runId: 'run-1', scope: '', node: 'a', visit: 1, attempt: 1 };
      expect(outcome.progress).to.deep.equal([{ ...place, current: 1, total: 2, message: 'half' }]);
      expect(outcome.data).to.deep.equal([{ ...place, data: { token: 'a' } }]);
    });

    it('hear progress without a total or a message', () => {
      const heard: ProgressUpdate[] = [];
      const runtime = new LocalRuntime({ ids: seededIds() });
      runtime.on('progress', (update) => heard.push(update));
      runtime.execute(one(({ progress }) => progress(3)));
      expect(heard).to.deep.equal([
        {
          runId: 'run-1',
          scope: '',
          node: 'a',
          visit: 1,
          attempt: 1,
          current: 3,
          total: undefined,
          message: undefined,
        },
      ]);
    });

    it('hear warnings at the end of a run', () => {
      const heard: unknown[] = [];
      const runtime = new LocalRuntime({ ids: seededIds() });
      runtime.on('warning', (warning) => heard.push(warning));
      const w = workflow('w');
      w.fn('a', {}, () => 1);
      runtime.execute(w.build(), { nobody: 1 } as never);
      expect(heard).to.have.length(1);
      expect(heard[0]).to.deep.include({ runId: 'run-1' });
    });

    it('that throw never touch the run, and are logged', async () => {
      for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
        const log = new MemoryLog();
        const runtime = new Runtime({ log });
        const heard: string[] = [];
        for (const name of ['event', 'progress', 'data'] as const) {
          runtime.on(name, () => {
            throw Object.assign(new Error(`bad ${name}`), { code: 'E_LISTENER' });
          });
          runtime.on(name, () => heard.push(name));
        }
        const outcome = await runtime.settle(one(talk));
        expect(outcome.status).to.equal('completed');
        expect(heard).to.deep.equal(['event', 'event', 'progress', 'data', 'event', 'event']);
        expect(log.entries.map(({ level, message }) => `${level}: ${message}`)).to.deep.equal([
          'error: The listener of "event" threw; the run goes on.',
          'error: The listener of "event" threw; the run goes on.',
          'error: The listener of "progress" threw; the run goes on.',
          'error: The listener of "data" threw; the run goes on.',
          'error: The listener of "event" threw; the run goes on.',
          'error: The listener of "event" threw; the run goes on.',
        ]);
        expect(log.entries[2]?.fields).to.deep.equal({
          error: { name: 'Error', code: 'E_LISTENER', message: 'bad progress' },
        });
      }
    });

    it('onEvent that throws never touches the run, and is logged', async () => {
      const log = new MemoryLog();
      const onEvent = (): never => {
        throw undefined;
      };
      for (const outcome of await each(
        () => ({ log }),
        one(),
        () => ({ onEvent }),
      ))
        expect(outcome.status).to.equal('completed');
      expect(log.entries).to.have.length(8);
      expect(log.entries[0]).to.deep.equal({
        level: 'error',
        message: 'The onEvent threw; the run goes on.',
        fields: { error: { name: 'NonError', code: 'NODE_THREW', message: 'undefined' } },
      });
    });

    it('may stop listening while they are told', () => {
      const runtime = new LocalRuntime();
      const heard: string[] = [];
      const stop = runtime.on('event', () => {
        heard.push('once');
        stop();
      });
      runtime.on('event', ({ kind }) => heard.push(kind));
      runtime.execute(one());
      expect(heard).to.deep.equal(['once', 'run.started', 'attempt.started', 'attempt.completed', 'run.completed']);
    });
  });

  describe('a runtime is open until its last user closes it', () => {
    it('counts its users', () => {
      const runtime = new LocalRuntime();
      expect(runtime.acquire()).to.equal(runtime);
      runtime.close();
      expect(runtime.isClosed).to.equal(false);
      expect(runtime.execute(one()).unwrap()).to.deep.equal({ value: 1 });
      runtime.close();
      expect(runtime.isClosed).to.equal(true);
    });

    const closed = {
      code: 'RUNTIME_CLOSED',
      message:
        'The runtime has been closed by its last user. Create a new runtime, or acquire() it before it is closed.',
    };

    it('refuses runs and users afterwards, in LocalRuntime', () => {
      const runtime = new LocalRuntime();
      runtime.close();
      for (const call of [() => runtime.execute(one()), () => runtime.settle(one()), () => runtime.acquire()])
        expect(refusal(call)).to.deep.include(closed);
    });

    it('refuses runs, users and starts afterwards, in AsyncLocalRuntime', async () => {
      const runtime = new AsyncLocalRuntime();
      await runtime.close();
      for (const promise of [runtime.execute(one()), runtime.settle(one()), runtime.start()])
        expect(await rejection(promise)).to.deep.include(closed);
      expect(refusal(() => runtime.acquire())).to.deep.include(closed);
    });

    it('closes once, however often it is asked', async () => {
      const runtime = new LocalRuntime();
      runtime.close();
      runtime.close();
      expect(runtime.isClosed).to.equal(true);
      const other = new AsyncLocalRuntime();
      await Promise.all([other.close(), other.close()]);
      await other.close();
      expect(other.isClosed).to.equal(true);
    });

    it('closes at the end of a using block', () => {
      let kept: LocalRuntime;
      {
        using runtime = new LocalRuntime();
        kept = runtime;
        expect(runtime.isClosed).to.equal(false);
      }
      expect(kept.isClosed).to.equal(true);
    });

    it('closes at the end of an await using block, also after an error', async () => {
      let kept: AsyncLocalRuntime | undefined;
      const block = async (): Promise<void> => {
        await using runtime = new AsyncLocalRuntime();
        kept = runtime;
        throw new Error('inside');
      };
      await block().catch(() => undefined);
      expect(kept?.isClosed).to.equal(true);
    });

    it('a using block over an acquired runtime leaves it open to its owner', () => {
      const owner = new LocalRuntime();
      {
        using runtime = owner.acquire();
        runtime.execute(one());
      }
      expect(owner.isClosed).to.equal(false);
      owner.close();
    });

    it('stops its plugins only after the runs in flight', async () => {
      const order: string[] = [];
      const plugin = definePlugin({ name: 'p', stop: () => void order.push('plugin stopped') });
      const clock = new VirtualClock();
      const runtime = new AsyncLocalRuntime({ plugins: [plugin], clock });
      const slow = one(() => undefined);
      const w = workflow('slow');
      w.fn('a', {}, async () => {
        await new Promise<void>((resolve) => clock.setTimer(5, resolve));
        order.push('node ended');
      });
      const run = runtime.execute(w.build()).then(() => order.push('run ended'));
      for (let turn = 0; clock.timers === 0 && turn < 100; turn++) await new Promise((next) => setImmediate(next));
      const closed = runtime.close();
      expect(await rejection(runtime.execute(slow))).to.include({ code: 'RUNTIME_CLOSED' });
      clock.advance(5);
      await Promise.all([run, closed]);
      expect(order.indexOf('plugin stopped')).to.be.greaterThan(order.indexOf('node ended'));
      expect(order).to.have.members(['node ended', 'run ended', 'plugin stopped']);
    });

    it('waits for a run that was called right before it, and had not begun', async () => {
      const order: string[] = [];
      const plugin = definePlugin({ name: 'p', stop: () => void order.push('plugin stopped') });
      const runtime = new AsyncLocalRuntime({ plugins: [plugin] });
      await runtime.start();
      const run = runtime.execute(one(() => order.push('node ran')));
      await runtime.close();
      expect((await run).status).to.equal('completed');
      expect(order).to.deep.equal(['node ran', 'plugin stopped']);
    });

    it('stops its plugins once the run is over that a node closed it in', () => {
      const order: string[] = [];
      const plugin = definePlugin({ name: 'p', stop: () => void order.push('plugin stopped') });
      const runtime: LocalRuntime = new LocalRuntime({ plugins: [plugin] });
      const run = runtime.execute(
        one(() => {
          runtime.close();
          order.push('node ended');
          return 1;
        }),
      );
      expect([run.status, order]).to.deep.equal(['completed', ['node ended', 'plugin stopped']]);
      expect(refusal(() => runtime.execute(one()))).to.include({ code: 'RUNTIME_CLOSED' });
      expect(order).to.have.lengthOf(2);
    });

    it('hashes a workflow by its Hash port', () => {
      const runtime = new LocalRuntime({ hash: { sha256: (text) => `${text.length} characters` } });
      expect(runtime.hashOf(one())).to.match(/^\d+ characters$/);
    });

    it('tells its listeners nothing any more', () => {
      const runtime = new LocalRuntime();
      let heard = 0;
      runtime.on('event', () => heard++);
      runtime.execute(one());
      expect(heard).to.equal(4);
      runtime.close();
      expect(runtime.isClosed).to.equal(true);
      expect(heard).to.equal(4);
    });
  });

  describe('the context of a node', () => {
    it('can be destructured', async () => {
      const node = defineNode({
        name: 'n',
        outputs: { seen: type<unknown>() },
        secrets: ['TOKEN'],
        state: z.number().default(5),
        run: (
          _,
          {
            signal,
            progress,
            emit,
            log,
            secret,
            setState,
            state,
            runId,
            nodeId,
            attempt,
            visit,
            failures,
            iteration,
            iterations,
            maxIterations,
            deadline,
            idempotencyKey,
            context,
          },
        ) => {
          progress(1);
          emit('x');
          log.log('info', 'hello');
          setState(6);
          return {
            seen: {
              aborted: signal.aborted,
              secret: secret('TOKEN').length,
              state,
              runId,
              nodeId,
              attempt,
              visit,
              failures,
              iteration,
              iterations,
              maxIterations,
              deadline,
              idempotencyKey,
              context,
            },
          };
        },
      });
      const build = () => {
        const w = workflow('w');
        const a = w.add('a', node());
        return w.build({ outputs: { seen: a.out.seen } });
      };
      const outcome = await both(build, {
        runtime: { secrets: { load: () => ({ TOKEN: 'abc' }) } },
        run: { context: { tenant: 'acme' } },
      });
      expect(outcome.output).to.deep.equal({
        seen: {
          aborted: false,
          secret: 3,
          state: 5,
          runId: 'run-1',
          nodeId: 'a',
          attempt: 1,
          visit: 1,
          failures: 0,
          iteration: 0,
          iterations: [],
          maxIterations: undefined,
          deadline: undefined,
          idempotencyKey: 'run-1/a/1',
          context: { tenant: 'acme' },
        },
      });
      expect([outcome.progress.length, outcome.data.length, outcome.logged.length]).to.deep.equal([1, 1, 1]);
    });

    it('has one idempotency key for all attempts of a visit, and another for the next visit', async () => {
      const build = () => {
        const keys: string[] = [];
        const node = defineNode({
          name: 'n',
          inputs: { list: type<readonly string[]>() },
          outputs: { list: type<readonly string[]>() },
          run: (_, { idempotencyKey, attempt, failures }) => {
            keys.push(`${idempotencyKey} #${attempt} after ${failures}`);
            if (attempt === 1) throw new Error('again');
            return { list: [...keys] };
          },
        });
        const w = workflow('w');
        const a = w.add('a', node({ list: [] }), { retry: { attempts: 2 } });
        w.cycle('fit', { feedback: [a.out.list.to(a.in.list)], maxIterations: 2 });
        return w.build({ outputs: { list: a.out.list } });
      };
      expect((await both(build)).output).to.deep.equal({
        list: ['run-1/a/1 #1 after 0', 'run-1/a/1 #2 after 1', 'run-1/a/2 #1 after 0', 'run-1/a/2 #2 after 1'],
      });
    });

    it('tells the iterations of all cycles around it, outermost first, and the cap of the innermost', async () => {
      const build = () => {
        const node = defineNode({
          name: 'n',
          inputs: { list: type<readonly string[]>() },
          outputs: { list: type<readonly string[]>() },
          run: ({ list }, { iterations, iteration, maxIterations, visit }) => ({
            list: [...list, `${iterations.join('.')} (${iteration} of ${maxIterations}) visit ${visit}`],
          }),
        });
        const w = workflow('w');
        const a = w.add('a', node({ list: [] }));
        const outer = w.cycle('outer', { feedback: [a.out.list.to(a.in.list)], maxIterations: 2 });
        w.cycle('inner', { feedback: [a.out.list.to(a.in.list)], maxIterations: 3, within: outer });
        return w.build({ outputs: { list: a.out.list } });
      };
      expect((await both(build)).output).to.deep.equal({
        list: [
          '0.0 (0 of 3) visit 1',
          '0.1 (1 of 3) visit 2',
          '0.2 (2 of 3) visit 3',
          '1.0 (0 of 3) visit 4',
          '1.1 (1 of 3) visit 5',
          '1.2 (2 of 3) visit 6',
        ],
      });
    });

    it('tells its deadline as epoch milliseconds, the nearest of its limits', async () => {
      const node = defineNode({
        name: 'n',
        outputs: { deadline: type<unknown>() },
        run: (_, { deadline }) => ({ deadline }),
      });
      const build = (options: object) => () => {
        const w = workflow('w');
        const a = w.add('a', node(), options);
        return w.build({ outputs: { deadline: a.out.deadline } });
      };
      const runtime = () => ({ clock: new VirtualClock(1_000) });
      const deadline = async (options: object): Promise<unknown> =>
        (await both(build(options), { runtime, forms: ['local', 'async'] })).output.deadline;
      expect(await deadline({ timeoutMs: 50 })).to.equal(1_050);
      expect(await deadline({ timeoutMs: 50, totalTimeoutMs: 20 })).to.equal(1_020);
      expect(await deadline({ softTimeoutMs: 20 })).to.equal(undefined);
    });

    it('tells the deadline of its run, or of a subworkflow around it, where that is nearer', async () => {
      const node = defineNode({
        name: 'n',
        outputs: { deadline: type<unknown>() },
        run: (_, { deadline }) => ({ deadline }),
      });
      const child = (own: object) => {
        const w = workflow('child');
        const a = w.add('a', node(), own);
        return w.build({ outputs: { deadline: a.out.deadline } });
      };
      const deadline = async (own: object, around: object, run: object): Promise<unknown> => {
        const build = () => {
          const w = workflow('w');
          const sub = w.add('sub', child(own)(), around);
          return w.build({ outputs: { deadline: sub.out.deadline } });
        };
        const runtime = () => ({ clock: new VirtualClock(1_000), ...run });
        return (await both(build, { runtime, forms: ['local', 'async'] })).output.deadline;
      };
      expect(await deadline({}, {}, { timeoutMs: 70 })).to.equal(1_070);
      expect(await deadline({}, { timeoutMs: 30 }, { timeoutMs: 70 })).to.equal(1_030);
      expect(await deadline({ timeoutMs: 20 }, { timeoutMs: 30 }, {})).to.equal(1_020);
      expect(await deadline({ timeoutMs: 90 }, { timeoutMs: 30 }, {})).to.equal(1_030);
    });

    it('has an empty context where the caller gave none', () => {
      expect(new LocalRuntime().execute(one(({ context }) => context)).unwrap()).to.deep.equal({ value: {} });
    });

    it('refuses a secret that the node does not declare', () => {
      const outcome = new LocalRuntime({ secrets: { load: () => ({ TOKEN: 'abc' }) } }).settle(
        one(({ secret }) => secret('TOKEN')),
      );
      expect(outcome.status === 'failed' && outcome.error.failure).to.deep.equal({
        name: 'AttemptError',
        code: 'SECRET_UNDECLARED',
        message: 'Node "a" asked for secret "TOKEN", which it does not declare. Declare it in the node definition.',
      });
    });

    it('refuses a state that does not fit its schema, and keeps the last of several', async () => {
      const build =
        (...states: unknown[]) =>
        () => {
          const node = defineNode({
            name: 'n',
            outputs: {},
            state: z.number().default(0),
            run: (_, { setState }) => {
              for (const state of states) setState(state as number);
              return {};
            },
          });
          const w = workflow('w');
          w.add('a', node());
          return w.build();
        };
      const failed = await both(build('many'));
      expect(failed.errors).to.deep.equal({ a: 'STATE_INVALID' });
      expect(failed.messages.a).to.equal(
        'What setState() was given does not fit the state of a: Invalid input: expected number, received string. Pass setState() a value that the schema accepts.',
      );
      expect(failed.error?.cause).to.include({ code: 'STATE_INVALID', at: 'the state of a' });
      const done = await both(build('many', 3));
      expect(done.events.find(({ kind }) => kind === 'attempt.completed')?.data).to.deep.include({ state: 3 });
    });
  });
});
