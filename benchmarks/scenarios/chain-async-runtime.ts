import { graphScenario } from '../graph-scenario.js';
import { chain } from '../graphs.js';

/** A chain of synchronous functions in AsyncLocalRuntime. */
export const scenario = graphScenario('chain', chain, 'async, sync functions');
