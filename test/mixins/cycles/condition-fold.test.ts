import { expect } from 'chai';
import { type Condition, when } from '../../../src/base/condition.js';
import { allOf, anyOf, budget, plateau, tolerance } from '../../../src/base/convergence.js';
import type { RunEvent } from '../../../src/base/events.js';
import type { CycleReport } from '../../../src/base/graph-result.js';
import { defineNode } from '../../../src/base/node.js';
import type { Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { cel } from '../../../src/forms/index.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog, seededIds, seededRandom, VirtualClock } from '../../../src/testing/index.js';

class Continuing extends LocalRuntime {
  past: readonly RunEvent[] | undefined;

  protected override loadHistory(): readonly RunEvent[] | undefined {
    return this.past;
  }
}

const VALUES = [9, 5, Number.NaN, 4, 4.5, 4.25, 4.2, 4.19, 4.19, 1];

function series(until: (loss: Ref<number>, turn: Ref<number>) => Condition) {
  const give = defineNode({
    name: 'give',
    version: '1',
    inputs: { turn: type<number>() },
    outputs: { turn: type<number>(), loss: type<number>() },
    run: ({ turn }) => ({ turn: turn + 1, loss: VALUES[turn] ?? 0 }),
  });
  const w = workflow('series');
  const step = w.add('step', give({ turn: 0 }));
  const fit = w.cycle('fit', {
    feedback: [step.out.turn.to(step.in.turn)],
    until: until(step.out.loss, step.out.turn),
    maxIterations: 10,
  });
  return w.build({ outputs: { turns: fit.out.iterations, why: fit.out.reason } });
}

/** Runs a workflow, from the beginning or continued from a copy of a history. */
function run(built: ReturnType<typeof series>, past?: readonly RunEvent[]) {
  const clock = new VirtualClock(past?.at(-1)?.ts);
  using runtime = new Continuing({ clock, ids: seededIds(), random: seededRandom(1), log: new MemoryLog() });
  if (past !== undefined) runtime.past = structuredClone(past);
  const events: RunEvent[] = [];
  const { output, cycles } = runtime.execute(built, {}, { onEvent: (event) => events.push(event) });
  const { iterations, reason, metric, history } = cycles.get('fit') as CycleReport;
  return { seen: { output, iterations, reason, metric, history }, events };
}

describe('a run that is continued in the middle of a cycle', () => {
  const conditions: Readonly<Record<string, readonly [number, Parameters<typeof series>[0]]>> = {
    tolerance: [7, (loss) => tolerance(loss, 0.1)],
    plateau: [7, (loss) => plateau(loss, { patience: 3 })],
    budget: [4, () => budget({ iterations: 4 })],
    'a combination': [
      8,
      (loss, turn) =>
        anyOf(
          allOf(plateau(loss, { patience: 2 }), tolerance(turn, 1), tolerance(loss, 0.015)),
          when({ turn }, ({ turn: now }, { previous }) => now === 9 && previous !== undefined),
        ),
    ],
    'an expression': [6, (loss) => cel({ loss }, 'previous != null && size(history) >= 4 && loss < previous.loss')],
  };
  for (const [name, [turns, until]] of Object.entries(conditions)) {
    it(`decides ${name} as if it had never been interrupted, wherever that was`, () => {
      const built = series(until);
      const whole = run(built);
      expect(whole.seen.output).to.deep.equal({ turns, why: 'converged' });
      for (let length = 1; length < whole.events.length; length++)
        expect(run(built, whole.events.slice(0, length)).seen, `after ${length} events`).to.deep.equal(whole.seen);
    });
  }
});
