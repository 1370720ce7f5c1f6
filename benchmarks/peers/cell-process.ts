/**
 * The process of one cell: builds its graph, runs it once and compares the result with that of the bare loop, then times both
 * building and running. Sends what it is doing, and at last how that ended, to the process that started it.
 *
 * Usage: node --expose-gc cell-process.js PEER SHAPE SIZE sync|async full|quick
 */
import type { Shape } from './catalog.js';
import type { Message, Outcome, Phase } from './cell.js';
import type { Engine, Form, Run } from './engine.js';
import { FULL, leastOf, QUICK, timed } from './measure-cell.js';

/** The part of the time that is for runs; what is left of it is for building again and again. */
const SHARE_OF_RUNS = 0.75;

const [peer, shape, size, form, effort] = process.argv.slice(2) as [string, Shape, string, Form, string];
let phase: Phase = 'importing';

send(await outcomeOf(Number(size)).catch(failed));

async function outcomeOf(size: number): Promise<Outcome> {
  enter('importing');
  const [bare, engine] = [await engineOf('bare'), await engineOf(peer)];
  const expected = await builder(bare, size)()();
  const most = effort === 'quick' ? QUICK : FULL;
  enter('building');
  const build = builder(engine, size);
  const built = await timed(build, 1);
  enter('first run');
  const run = built.result as Run;
  const ran = await timed(run, 1);
  if (!Object.is(ran.result, expected)) return { kind: 'differs', expected, actual: ran.result };
  enter('measuring');
  const { budgetMs, warmMs } = most;
  const forRuns = { ...most, budgetMs: budgetMs * SHARE_OF_RUNS, warmMs: warmMs * SHARE_OF_RUNS };
  const forBuilds = { ...most, warmMs: warmMs * (1 - SHARE_OF_RUNS) };
  const times = await leastOf(run, ran, forRuns);
  return { kind: 'measured', run: times, build: await leastOf(build, built, forBuilds) };
}

async function engineOf(name: string): Promise<Engine> {
  const { engine } = (await import(`./engines/${name}.js`)) as { readonly engine: Engine };
  return engine;
}

function builder(engine: Engine, size: number): () => Run {
  return () => {
    const run = engine[shape]?.(size, form);
    if (run === undefined) throw new Error(`${peer} has no ${shape}.`);
    return run;
  };
}

function failed(error: unknown): Outcome {
  return { kind: 'failed', during: phase, message: String(error).split('\n')[0] as string };
}

function enter(next: Phase): void {
  phase = next;
  send({ kind: 'phase', phase });
}

function send(message: Message): void {
  if (process.send === undefined) console.log(message);
  else process.send(message);
}
