import { AsyncLocalRuntime } from 'lockstep';
import type { Engine } from '../engine.js';
import { chain, fan, loop } from './lockstep-workflows.js';

const runtime = new AsyncLocalRuntime();
const runOf = (workflow: ReturnType<typeof chain>) => async () => (await runtime.execute(workflow)).unwrap().last;

/** AsyncLocalRuntime, as it is by default. */
export const engine: Engine = {
  chain: (size, form) => runOf(chain(size, form)),
  fan: (size, form) => runOf(fan(size, form)),
  loop: (size, form) => runOf(loop(size, form)),
};
