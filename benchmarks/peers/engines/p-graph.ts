import { type DependencyList, PGraph, type PGraphNodeMap } from 'p-graph';
import { type Engine, first, type Run, stepAt, sum } from '../engine.js';

/** p-graph orders functions and hands nothing from one to the next: they leave their values where the next one looks. */
function runOf(nodes: PGraphNodeMap, dependencies: DependencyList, values: readonly number[]): Run {
  const graph = new PGraph(nodes, dependencies);
  return async () => {
    await graph.run();
    return values.at(-1);
  };
}

/** p-graph: a map of functions and a list of dependencies. It awaits every function, and has no loops. */
export const engine: Engine = {
  chain(size) {
    const values: number[] = [];
    const nodes: PGraphNodeMap = new Map([['node0', { run: () => (values[0] = first()) }]]);
    const dependencies: DependencyList = [];
    for (let index = 1; index < size; index++) {
      const step = stepAt(index);
      nodes.set(`node${index}`, { run: () => (values[index] = step(values[index - 1] as number)) });
      dependencies.push([`node${index - 1}`, `node${index}`]);
    }
    return runOf(nodes, dependencies, values);
  },

  fan(size) {
    const values: number[] = [];
    const last = size - 1;
    const nodes: PGraphNodeMap = new Map([['node0', { run: () => (values[0] = first()) }]]);
    const dependencies: DependencyList = [];
    for (let index = 1; index < last; index++) {
      const step = stepAt(index);
      nodes.set(`node${index}`, { run: () => (values[index] = step(values[0] as number)) });
      dependencies.push(['node0', `node${index}`], [`node${index}`, `node${last}`]);
    }
    nodes.set(`node${last}`, { run: () => (values[last] = sum(values.slice(1, last))) });
    return runOf(nodes, dependencies, values);
  },
};
