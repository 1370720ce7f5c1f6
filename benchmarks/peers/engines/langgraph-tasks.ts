import { entrypoint, task } from '@langchain/langgraph';
import { type Engine, first, increment, isDone, type Run, stepAt, sum } from '../engine.js';

/** An entrypoint with a name, which nobody looks at here. */
function runOf(program: () => Promise<number>): Run {
  const compiled = entrypoint('program', program);
  // An entrypoint takes an input.
  return () => compiled.invoke(0);
}

/** LangGraph.js, the functional way: tasks, called by a function that decides which. It awaits every function. */
export const engine: Engine = {
  chain(size) {
    const source = task('node0', first);
    const tasks = Array.from({ length: size - 1 }, (_, index) => task(`node${index + 1}`, stepAt(index + 1)));
    return runOf(async () => {
      let value = await source();
      for (const next of tasks) value = await next(value);
      return value;
    });
  },

  fan(size) {
    const source = task('node0', first);
    const tasks = Array.from({ length: size - 2 }, (_, index) => task(`node${index + 1}`, stepAt(index + 1)));
    const last = task('last', sum);
    return runOf(async () => {
      const value = await source();
      return last(await Promise.all(tasks.map((next) => next(value))));
    });
  },

  loop(size) {
    const next = task('node', increment);
    return runOf(async () => {
      let value = 0;
      while (!isDone(value, size)) value = await next(value);
      return value;
    });
  },
};
