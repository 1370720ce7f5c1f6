import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import type { RunView } from '../../../src/base/run-view.js';
import { type } from '../../../src/base/schema.js';
import { COMPLETED } from '../../../src/base/status.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import type { Convergence } from '../../../src/mixins/cycles/convergence.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog, VirtualClock } from '../../../src/testing/index.js';
import { codeThrownBy, everyWay } from '../../support/every-way.js';

const halve = defineNode({
  name: 'halve',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n: n / 2 }),
});

function fits(onMaxIterations: 'accept' | 'fail' = 'accept') {
  const w = workflow('fits');
  const a = w.add('a', halve({ n: 16 }));
  w.cycle('first', { feedback: [a.out.n.to(a.in.n)], until: when(a.out.n, (n) => n < 3), maxIterations: 9 });
  const b = w.add('b', halve({ n: 16 }));
  w.cycle('second', { feedback: [b.out.n.to(b.in.n)], maxIterations: 2, onMaxIterations });
  return w.build();
}

function straight() {
  const w = workflow('straight');
  w.add('a', halve({ n: 16 }));
  return w.build();
}

const makers: Readonly<Record<string, (options?: LocalRuntimeOptions) => LocalRuntime | AsyncLocalRuntime>> = {
  LocalRuntime: (options) => new LocalRuntime(options),
  AsyncLocalRuntime: (options) => new AsyncLocalRuntime(options as never),
};

for (const [name, create] of Object.entries(makers)) {
  describe(`cycle features of ${name}`, () => {
    it('workflowHasCycles', () => {
      expect(create().workflowHasCycles(fits())).to.equal(true);
      expect(create().workflowHasCycles(straight())).to.equal(false);
    });

    it('validateCycleConfiguration finds nothing, or each cycle that is disabled', () => {
      expect(create().validateCycleConfiguration(fits())).to.deep.equal([]);
      const problems = create({ enableCycles: false }).validateCycleConfiguration(fits());
      expect(problems.map(({ code, at }) => `${code} ${at}`)).to.deep.equal([
        'CYCLES_DISABLED first',
        'CYCLES_DISABLED second',
      ]);
      expect(create({ enableCycles: false }).validateCycleConfiguration(straight())).to.deep.equal([]);
    });

    it('trackCycleIteration counts iterations and stops of all runs', async () => {
      const runtime = create();
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 0, stopped: 0 });
      await runtime.execute(fits());
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 5, stopped: 2 });
      await runtime.execute(fits());
      await runtime.execute(straight());
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 10, stopped: 4 });
    });

    it('logCycleDiagnostics logs each cycle at debug, or warn where it failed, and returns the reports', async () => {
      const log = new MemoryLog();
      const runtime = create({ log, clock: new VirtualClock() });
      const outcome = await runtime.settle(fits('fail'), {}, { runId: 'r1' });
      if (outcome.status === 'rejected') throw outcome.error;
      const reports = runtime.logCycleDiagnostics(outcome);
      expect(reports).to.deep.equal([outcome.cycle('first'), outcome.cycle('second')]);
      expect(log.entries).to.deep.equal([
        {
          level: 'debug',
          message: 'A cycle stopped.',
          fields: { runId: 'r1', cycle: 'first', iterations: 3, reason: 'converged', metric: 2, elapsedMs: 0 },
        },
        {
          level: 'warn',
          message: 'A cycle failed.',
          fields: {
            runId: 'r1',
            cycle: 'second',
            iterations: 2,
            reason: 'max_iterations',
            metric: undefined,
            elapsedMs: 0,
          },
        },
      ]);
    });

    it('checkCycleConvergence asks the test about what a run left; without a test it is not asked', async () => {
      const answers: Convergence[] = [];
      const thrown: (string | undefined)[] = [];
      const asked: unknown[] = [];
      const look = (runtime: LocalRuntime | AsyncLocalRuntime, run: RunView): void => {
        const { enteredAt } = run.state.regions[0] as { readonly enteredAt: number };
        answers.push(
          runtime.checkCycleConvergence(run, 'fit', enteredAt + 25),
          runtime.checkCycleConvergence(run, 'plain', 0),
        );
        thrown.push(codeThrownBy(() => runtime.checkCycleConvergence(run, 'nobody', 0)));
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
      const w = workflow('asked');
      const a = w.add('a', halve({ n: 16 }));
      w.cycle('fit', {
        feedback: [a.out.n.to(a.in.n)],
        until: when(a.out.n, (n, { iteration, elapsedMs }) => {
          asked.push([n, iteration, elapsedMs]);
          return n <= 4;
        }),
        maxIterations: 9,
      });
      const b = w.add('b', halve({ n: 16 }));
      w.cycle('plain', { feedback: [b.out.n.to(b.in.n)], maxIterations: 2 });
      const clock = new VirtualClock();
      await (name === 'LocalRuntime' ? new Local({ clock }) : new Async({ clock })).execute(w.build());
      expect(answers).to.deep.equal([
        { met: true, metric: 4 },
        { met: undefined, metric: undefined },
      ]);
      expect(asked.at(-1)).to.deep.equal([4, 1, 25]);
      expect(thrown).to.deep.equal(['UNKNOWN_NODE']);
    });

    it('checkCycleConvergence of a cycle that was never entered: no time has passed', async () => {
      const elapsed: number[] = [];
      const look = (runtime: LocalRuntime | AsyncLocalRuntime, run: RunView): void => {
        run.state.outputs[1] = { n: 5 };
        run.state.status[1] = COMPLETED;
        runtime.checkCycleConvergence(run, 'fit', 1e15);
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
      const w = workflow('neverEntered', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
      const a = w.add('a', halve({ n: route.out.big }));
      w.cycle('fit', {
        feedback: [a.out.n.to(a.in.n)],
        until: when(a.out.n, (_, { elapsedMs }) => {
          elapsed.push(elapsedMs);
          return true;
        }),
        maxIterations: 9,
      });
      const runtime = name === 'LocalRuntime' ? new Local() : new Async();
      await runtime.execute(w.build(), { n: 1 });
      expect(elapsed).to.deep.equal([0]);
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 0, stopped: 1 });
    });
  });
}

describe('enableCycles', () => {
  it(
    'false refuses a workflow with a cycle before any node runs, naming every cycle; others run',
    everyWay(async (run) => {
      let ran = 0;
      const w = workflow('disabled');
      const a = w.fn('a', { n: 1 as number }, ({ n }) => ++ran + n);
      w.cycle('loop', { feedback: [a.out.value.to(a.in.n)], maxIterations: 2 });
      const built = w.build();
      const refused = await run.reject(built, { runtime: { enableCycles: false } });
      expect(refused.error.code).to.equal('CYCLES_DISABLED');
      expect(refused.error.problems.map(({ code, at }) => [code, at])).to.deep.equal([['CYCLES_DISABLED', 'loop']]);
      expect(ran).to.equal(0);
      await run.complete(straight(), { runtime: { enableCycles: false } });
      await run.complete(built, { runtime: { enableCycles: true } });
    }),
  );
});
