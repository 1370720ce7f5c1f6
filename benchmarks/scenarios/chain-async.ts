import { graphScenario } from '../graph-scenario.js';
import { chain } from '../graphs.js';

/** A chain of asynchronous functions in AsyncLocalRuntime. */
export const scenario = graphScenario('chain', chain, 'async, async functions');
