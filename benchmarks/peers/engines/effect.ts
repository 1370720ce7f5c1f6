import { Effect } from 'effect';
import { type Engine, type Form, first, increment, isDone, type Run, stepAt, sum } from '../engine.js';

type Program = Effect.Effect<number>;

/** Effects with synchronous functions run synchronously; all others need a promise. */
function runOf(program: Program, form: Form): Run {
  return form === 'sync' ? () => Effect.runSync(program) : () => Effect.runPromise(program);
}

/** An effect that calls a function each time it is run. */
function call(compute: () => number, form: Form): Program {
  return form === 'sync' ? Effect.sync(compute) : Effect.promise(async () => compute());
}

/** Effect: composes programs. It has no nodes with names, and keeps no output or status of a part of a program. */
export const engine: Engine = {
  chain(size, form) {
    let program = call(first, form);
    for (let index = 1; index < size; index++) {
      const step = stepAt(index);
      program =
        form === 'sync'
          ? Effect.map(program, step)
          : Effect.flatMap(program, (value) => Effect.promise(async () => step(value)));
    }
    return runOf(program, form);
  },

  fan(size, form) {
    const steps = Array.from({ length: size - 2 }, (_, index) => stepAt(index + 1));
    // Synchronous effects gain nothing from concurrency, and cost more with it.
    const options = form === 'sync' ? {} : ({ concurrency: 'unbounded' } as const);
    const program = call(first, form).pipe(
      Effect.flatMap((value) => Effect.forEach(steps, (step) => call(() => step(value), form), options)),
      Effect.flatMap((values) => call(() => sum(values), form)),
    );
    return runOf(program, form);
  },

  loop(size, form) {
    const program = Effect.gen(function* () {
      let value = 0;
      while (!isDone(value, size)) {
        const current = value;
        value = yield* call(() => increment(current), form);
      }
      return value;
    });
    return runOf(program, form);
  },
};
