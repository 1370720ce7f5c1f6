import { graphScenario } from '../graph-scenario.js';
import { fan } from '../graphs.js';

/** Fan-out and fan-in of synchronous functions in LocalRuntime. */
export const scenario = graphScenario('fan-out/fan-in', fan, 'local');
