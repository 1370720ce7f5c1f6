import type { RunEvent } from '../../src/base/events.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { asyncForm } from './every-way.js';

/** The runtimes that a history is given to. */
export const SHAPES = ['LocalRuntime', 'AsyncLocalRuntime'] as const;

/** One of them. */
export type Shape = (typeof SHAPES)[number];

class Local extends LocalRuntime {
  past: readonly RunEvent[] | undefined;

  protected override loadHistory(): readonly RunEvent[] | undefined {
    return this.past;
  }
}

class Async extends AsyncLocalRuntime {
  past: readonly RunEvent[] | undefined;

  protected override loadHistory(): readonly RunEvent[] | undefined {
    return this.past;
  }
}

/** How a run is begun, or continued. */
export interface Continuing {
  readonly history?: readonly RunEvent[];
  readonly params?: object;
  readonly onError?: 'continue' | 'fail-fast';
  readonly signal?: AbortSignal;
  /** Answers of gates, by their names. */
  readonly answers?: Readonly<Record<string, unknown>>;
}

type Run = Exclude<RunOutcome<Readonly<Record<string, unknown>>>, { readonly status: 'rejected' }>;

/** A run with what was recorded of it: of one that was continued, only what was added. */
export interface ContinuedRun {
  readonly run: Run;
  readonly events: readonly RunEvent[];
  /** What was started, by scope and node, in order. */
  readonly started: readonly string[];
}

/** Runs a workflow, or continues it from a history, until it ends or waits for an answer that is not given. */
export async function go(
  shape: Shape,
  workflow: Workflow<never, unknown> | Workflow,
  how: Continuing = {},
): Promise<ContinuedRun> {
  const { history, params = {}, onError = 'continue', signal, answers = {} } = how;
  const clock = new VirtualClock(history?.at(-1)?.ts ?? 0);
  const events: RunEvent[] = [];
  const options = { clock, ids: seededIds(), random: seededRandom(1), onError };
  await using runtime = shape === 'LocalRuntime' ? new Local(options) : new Async({ ...options, maxConcurrency: 4 });
  runtime.past = history;
  runtime.on('event', (event) => events.push(event));
  const form = (shape === 'LocalRuntime' ? workflow : asyncForm(workflow as Workflow)) as Workflow<object, never>;
  const run = { runId: 'r', ...(signal === undefined ? {} : { signal }) };
  let outcome = (await advanceUntil(async () => runtime.settle(form, params, run), clock)) as RunOutcome<never>;
  while (outcome.status === 'waiting') {
    const open = outcome.gates.filter(({ gate }) => gate in answers);
    if (open.length === 0) break;
    for (const { gate } of open) runtime.approve('r', gate, answers[gate]);
    outcome = (await advanceUntil(async () => runtime.resume(form, 'r'), clock)) as RunOutcome<never>;
  }
  if (outcome.status === 'rejected') throw outcome.error;
  const started = events.flatMap(({ kind, data }) => (kind === 'attempt.started' ? [`${data.scope}${data.node}`] : []));
  return { run: outcome, events, started };
}
