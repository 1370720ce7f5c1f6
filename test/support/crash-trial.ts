import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunEvent } from '../../src/base/events.js';
import type { Durability } from '../../src/base/history/event-store.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { bundleProgram } from './crash-bundle.js';
import {
  decisionsIn,
  expectNothingRepeated,
  expectTold,
  KeptProjection,
  logIn,
  resultView,
  settledIn,
} from './crash-checks.js';
import type { CrashFlow } from './crash-flows.js';
import type { CrashOrder } from './crash-process.js';
import { CRASH_RUNTIMES, type CrashRuntime, workOn } from './crash-run.js';

/** Which run is cut off, and where. */
export interface Trial extends Pick<CrashOrder, 'flow' | 'runtime' | 'kill'> {
  /** Default `process`. */
  readonly durability?: Durability;
  /** Kills it from outside, so many milliseconds after it printed a word. */
  readonly later?: { readonly than: 'ready' | 'begun'; readonly ms: number };
}

/** How a process ended. */
interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly commits: number;
}

/** A run that nobody cut off. */
export interface Undisturbed {
  readonly commits: number;
  readonly result: object;
  readonly decisions: object;
  readonly attempts: number;
}

let program: string | undefined;

/** A folder with one store, and what the processes that worked on it left beside it. */
class Place {
  readonly path = mkdtempSync(join(tmpdir(), 'lockstep-crash-'));
  readonly file = join(this.path, 'runs.db');
  readonly #calls = join(this.path, 'calls');
  readonly #told = join(this.path, 'told');

  /** The attempts whose functions were called, in order. */
  get calls(): readonly string[] {
    return linesOf(this.#calls);
  }

  /** The events that were told, as text, in order. */
  get told(): readonly string[] {
    return linesOf(this.#told);
  }

  copy(): Place {
    const place = new Place();
    cpSync(this.path, place.path, { recursive: true });
    return place;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  /** Starts a process that works on the run, and waits for its end, whatever it is. */
  async run({ flow, runtime, kill, durability = 'process', later }: Trial): Promise<Ended> {
    program ??= bundleProgram('crash-process');
    const { file } = this;
    const order: CrashOrder = { flow, runtime, file, durability, calls: this.#calls, told: this.#told };
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const words = [program, JSON.stringify(kill === undefined ? order : { ...order, kill })];
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    let isDue = later !== undefined;
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (later === undefined || !isDue || !text.includes(later.than)) return;
      isDue = false;
      setTimeout(() => child.kill('SIGKILL'), later.ms);
    });
    const [, signal] = (await once(child, 'close')) as [number, NodeJS.Signals | null];
    return { signal, commits: Number(text.split('\n')[2]) };
  }
}

/** The complete lines of a file: the last one may have been cut off with its process. */
function linesOf(path: string): readonly string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

/** What a run comes to that nobody cuts off. */
export async function undisturbed({ flow, runtime, durability = 'process' }: Trial): Promise<Undisturbed> {
  const place = new Place();
  try {
    const { signal, commits } = await place.run({ flow, runtime, durability });
    expect(signal).to.equal(null);
    const log = logIn(place.file);
    expect(place.told.length).to.equal(log.length);
    const result = await goOn(place, { flow, runtime }, () => undefined);
    expect(result.calls).to.deep.equal([]);
    return { commits, result: result.view, decisions: decisionsIn(log), attempts: settledIn(log).size };
  } finally {
    place.remove();
  }
}

async function goOn(
  { file }: Place,
  job: { readonly flow: CrashFlow; readonly runtime: CrashRuntime },
  heard: (event: RunEvent) => void,
): Promise<{ readonly view: object; readonly calls: readonly string[] }> {
  const calls: string[] = [];
  const called = (attempt: string): unknown => calls.push(attempt);
  const result = await workOn({ ...job, file, durability: 'process' }, { called, heard });
  return { view: resultView(result), calls };
}

/**
 * Cuts a run off, goes on with copies of what is left in both runtimes, and checks everything that a crash must not change.
 *
 * @returns how many attempts were in flight and made again; `undefined` where the run was over before it could be killed
 */
export async function crash(trial: Trial, expected: Undisturbed): Promise<number | undefined> {
  const place = new Place();
  try {
    const { signal } = await place.run(trial);
    if (trial.later === undefined) expect(signal).to.equal('SIGKILL');
    for (const runtime of CRASH_RUNTIMES) await expectResumed(place.copy(), { flow: trial.flow, runtime }, expected);
    if (signal === null) return undefined;
    finishStore(place.file);
    const settled = settledIn(logIn(place.file));
    return place.calls.filter((attempt) => !settled.has(attempt)).length;
  } finally {
    place.remove();
  }
}

/** A process that was killed very early may have left a store that is not made yet. Whoever opens it to write makes it. */
function finishStore(file: string): void {
  const store = new SqliteEventStore({ file });
  store.open();
  store.close();
}

/** Goes on with a run here, which is another process than the one that was killed. */
async function expectResumed(
  place: Place,
  job: { readonly flow: CrashFlow; readonly runtime: CrashRuntime },
  expected: Undisturbed,
): Promise<void> {
  try {
    const { calls, told } = place;
    if (told.length === 0 && calls.length === 0) finishStore(place.file);
    const log = logIn(place.file);
    expectTold(told, log);
    const kept = new KeptProjection(place.file, told);
    try {
      const { view, calls: later } = await goOn(place, job, (event) => kept.heard(event));
      expect(view).to.deep.equal(expected.result);
      expectNothingRepeated(calls, log, later);
      const whole = logIn(place.file);
      expect(whole.slice(0, log.length)).to.deep.equal(log);
      expect(decisionsIn(whole)).to.deep.equal(expected.decisions);
      kept.expectRebuilt();
    } finally {
      kept.close();
    }
  } finally {
    place.remove();
  }
}

/** Cuts a run off, and goes on with it in a process that did nothing before. */
export async function resumeInProcess(trial: Trial, runtime: CrashRuntime): Promise<void> {
  const expected = await undisturbed(trial);
  const place = new Place();
  try {
    expect((await place.run(trial)).signal).to.equal('SIGKILL');
    const before = place.calls;
    const log = logIn(place.file);
    expect((await place.run({ flow: trial.flow, runtime })).signal).to.equal(null);
    expectNothingRepeated(before, log, place.calls.slice(before.length));
    expect(decisionsIn(logIn(place.file))).to.deep.equal(expected.decisions);
    const { view, calls } = await goOn(place, { flow: trial.flow, runtime }, () => undefined);
    expect([view, calls]).to.deep.equal([expected.result, []]);
  } finally {
    place.remove();
  }
}

/** Works through a list, two at a time. */
export async function twoAtATime<T>(list: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const rest = [...list];
  const worker = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await work(next);
  };
  await Promise.all([worker(), worker()]);
}
