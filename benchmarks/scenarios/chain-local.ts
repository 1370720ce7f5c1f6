import { graphScenario } from '../graph-scenario.js';
import { chain } from '../graphs.js';

/** A chain of synchronous functions in LocalRuntime. */
export const scenario = graphScenario('chain', chain, 'local');
