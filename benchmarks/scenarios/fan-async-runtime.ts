import { graphScenario } from '../graph-scenario.js';
import { fan } from '../graphs.js';

/** Fan-out and fan-in of synchronous functions in AsyncLocalRuntime. */
export const scenario = graphScenario('fan-out/fan-in', fan, 'async, sync functions');
