import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { type Engine, first, increment, isDone, type Run, stepAt } from '../engine.js';

/** What the nodes share: the last value, and the values of a fan, added up as they arrive. */
const State = Annotation.Root({
  value: Annotation<number>(),
  total: Annotation<number>({ reducer: (total, value) => total + value, default: () => 0 }),
});

type Update = typeof State.Update;

/** A graph whose nodes have names that are made while it is built, which the types of the builder do not know. */
class Author {
  readonly #graph = new StateGraph(State);

  node(id: string, run: (state: typeof State.State) => Update): void {
    this.#graph.addNode(id, run);
  }

  /** An edge; from several nodes to one, the edge waits for all of them. */
  edge(from: string | string[], to: string): void {
    this.#graph.addEdge(from as typeof START, to as typeof END);
  }

  /** Repeats a node for as long as a condition does not hold. */
  until(id: string, test: (state: typeof State.State) => boolean): void {
    this.#graph.addConditionalEdges(id as typeof START, (state) => (test(state) ? END : id) as typeof END, [
      id as typeof END,
      END,
    ]);
  }

  /** Compiles it. `steps` are its supersteps, of which there may be 25 by default. */
  finish(steps: number): Run {
    const compiled = this.#graph.compile();
    const config = { recursionLimit: steps + 2 };
    return async () => (await compiled.invoke({ value: 0 }, config)).value;
  }
}

/** LangGraph.js: a graph over shared state. It awaits every function. No checkpointer: nothing is stored. */
export const engine: Engine = {
  chain(size) {
    const author = new Author();
    author.node('node0', () => ({ value: first() }));
    author.edge(START, 'node0');
    for (let index = 1; index < size; index++) {
      const step = stepAt(index);
      author.node(`node${index}`, ({ value }) => ({ value: step(value) }));
      author.edge(`node${index - 1}`, `node${index}`);
    }
    author.edge(`node${size - 1}`, END);
    return author.finish(size);
  },

  fan(size) {
    const author = new Author();
    const gathered: string[] = [];
    author.node('node0', () => ({ value: first() }));
    author.edge(START, 'node0');
    for (let index = 1; index < size - 1; index++) {
      const step = stepAt(index);
      const id = `node${index}`;
      author.node(id, ({ value }) => ({ total: step(value) }));
      author.edge('node0', id);
      gathered.push(id);
    }
    author.node('last', ({ total }) => ({ value: total }));
    author.edge(gathered, 'last');
    author.edge('last', END);
    return author.finish(3);
  },

  loop(size) {
    const author = new Author();
    author.node('node', ({ value }) => ({ value: increment(value) }));
    author.edge(START, 'node');
    author.until('node', ({ value }) => isDone(value, size));
    return author.finish(size);
  },
};
