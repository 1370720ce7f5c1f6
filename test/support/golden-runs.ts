import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExportedRun } from '../../src/base/history/exported-run.js';
import { encodeValue } from '../../src/base/history/value-codec.js';
import type { RunResult } from '../../src/base/run-result.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { MemoryEventStore } from '../../src/plugins/event-store/memory-event-store.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { branching, cycling, failing, gated, nesting, retrying, straight } from './metered-workflows.js';
import { repository } from './packed-project.js';

/** A recorded run, and what it came to in the version that recorded it. */
export interface GoldenRun {
  readonly exported: ExportedRun;
  readonly expected: ReturnType<typeof outcomeOf>;
}

/** Where they are kept. A file that is there is never written again: every later version replays it. */
export const GOLDEN = join(repository, 'test/golden');

/** What must be read from a history for ever. */
export function outcomeOf(run: RunResult) {
  return {
    status: run.status,
    output: encodeValue(run.output ?? null, 'output'),
    durationMs: run.durationMs,
    nodes: [...run.nodes.values()].map(({ id, status, attempts, visits, reason, error }) => ({
      id,
      status,
      attempts,
      visits,
      reason: reason?.code ?? null,
      error: error?.code ?? null,
    })),
    cycles: [...run.cycles.values()].map(({ id, iterations, reason }) => ({ id, iterations, reason: reason ?? null })),
    gates: run.gates.map(({ gate }) => gate),
  };
}

/** Values that JSON cannot hold, on their way through two nodes. */
function values(): Workflow {
  const w = workflow('values');
  const many = w.fn('many', {}, () => ({
    at: new Date(0),
    map: new Map<unknown, unknown>([
      ['n', Number.NaN],
      [1, new Set([-0])],
    ]),
    bytes: new Uint8Array([0, 128, 255]),
    floats: new Float32Array([1.5, -2]),
    big: 2n ** 70n,
    gap: [undefined, null],
    text: '\ud800 $ "',
    $: 'a key of the codec',
  }));
  const next = w.fn('next', { many: many.out.value }, ({ many }) => many.map.size + many.bytes.length);
  return w.build({ outputs: { many: many.out.value, next: next.out.value } });
}

const WORKFLOWS: Readonly<Record<string, (clock: VirtualClock) => Workflow>> = {
  straight,
  branching,
  cycling,
  retrying,
  failing,
  nesting,
  gated,
  values,
};

/** Records each of them anew. */
export function recordGolden(): ReadonlyMap<string, GoldenRun> {
  const found = new Map<string, GoldenRun>();
  for (const [name, make] of Object.entries(WORKFLOWS)) {
    const clock = new VirtualClock(1_800_000_000_000);
    const own = { clock, ids: seededIds(), random: seededRandom(1), store: new MemoryEventStore() };
    using runtime = new LocalRuntime(own);
    const outcome = runtime.settle(make(clock), {}, { runId: name });
    if (outcome.status === 'rejected') throw outcome.error;
    found.set(name, { exported: runtime.exportRun(name), expected: outcomeOf(outcome) });
  }
  return found;
}

/** Writes those that are not there yet. Called by hand: `node build/test/support/golden-runs.js`. */
function writeMissing(): void {
  mkdirSync(GOLDEN, { recursive: true });
  for (const [name, golden] of recordGolden()) {
    const file = join(GOLDEN, `${name}-v1.json`);
    if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`);
  }
}

if (process.argv[1]?.endsWith('golden-runs.js') === true) writeMissing();
