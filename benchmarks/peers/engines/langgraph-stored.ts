import { createRequire } from 'node:module';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite';
import { type Engine, first, stepAt } from '../engine.js';
import { storeFile } from './stored.js';

/** The one of the project: packages here are installed without running their scripts, which would fetch its binary. */
const Sqlite = createRequire(import.meta.resolve('lockstep'))('better-sqlite3');
const checkpointer = new SqliteSaver(new Sqlite(storeFile()));
const State = Annotation.Root({ value: Annotation<number>() });

type Builder = {
  addNode(id: string, run: (state: typeof State.State) => typeof State.Update): void;
  addEdge(from: string, to: string): void;
};

let threads = 0;

/** LangGraph.js with its checkpointer for SQLite: each superstep is stored before the next one begins. */
export const engine: Engine = {
  chain(size) {
    const graph = new StateGraph(State);
    const author = graph as unknown as Builder;
    author.addNode('node0', () => ({ value: first() }));
    author.addEdge(START, 'node0');
    for (let index = 1; index < size; index++) {
      const step = stepAt(index);
      author.addNode(`node${index}`, ({ value }) => ({ value: step(value) }));
      author.addEdge(`node${index - 1}`, `node${index}`);
    }
    author.addEdge(`node${size - 1}`, END);
    const compiled = graph.compile({ checkpointer });
    return async () => {
      const config = {
        recursionLimit: size + 2,
        durability: 'sync',
        configurable: { thread_id: `${threads++}` },
      } as const;
      return (await compiled.invoke({ value: 0 }, config)).value;
    };
  },
};
