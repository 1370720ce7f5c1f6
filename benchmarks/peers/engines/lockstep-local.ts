import { LocalRuntime } from 'lockstep';
import type { Engine } from '../engine.js';
import { chain, fan, loop } from './lockstep-workflows.js';

const runtime = new LocalRuntime();
const runOf = (workflow: ReturnType<typeof chain>) => () => runtime.execute(workflow).unwrap().last;

/** LocalRuntime, as it is by default. */
export const engine: Engine = {
  chain: (size, form) => runOf(chain(size, form)),
  fan: (size, form) => runOf(fan(size, form)),
  loop: (size, form) => runOf(loop(size, form)),
};
