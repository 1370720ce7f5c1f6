import type { ActiveRun } from './active-run.js';
import { didYouMean } from './did-you-mean.js';
import { LockstepError, textOf } from './errors.js';
import type { RunEvent } from './events.js';
import type { Execution } from './execution.js';
import type { GraphExecution } from './graph-execution.js';
import type { RecordedRun } from './history/recorded-runs.js';
import type { Plan } from './plan.js';
import { ask, formatIssues } from './schema.js';
import type { StandardSchema } from './standard-schema.js';

/** A gate that waits. */
export interface GateReport {
  /** Its scope and id: `review`, or `each[3]/review` inside a map. */
  readonly gate: string;
  /** What whoever answers is shown. */
  readonly shows: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds. */
  readonly openedAt: number;
  /** Epoch milliseconds at which it times out; `undefined`: never. */
  readonly expiresAt: number | undefined;
}

/** A run that waits for an answer from outside: what is needed to answer it and to go on with it. */
export interface WaitingRecord {
  readonly plan: Plan;
  /** Its secrets, so that an answer that holds one is told masked. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Everything that has been recorded of it. Answers are added. */
  readonly events: RunEvent[];
  /** Where it was found, if in a store. */
  readonly found?: RecordedRun;
}

/** The gates of a run that wait, in the order in which they opened. */
export function openGates(execution: GraphExecution): readonly GateReport[] {
  const open = [...execution.core.gates].map(([gate, { graph, node }]) => {
    const state = graph.state.gates?.get(node.index);
    if (state === undefined) throw new TypeError(`gate ${gate} does not wait`);
    return { gate, state };
  });
  open.sort((a, b) => a.state.seq - b.state.seq);
  return open.map(({ gate, state: { shows, openedAt, expiresAt } }) => ({ gate, shows, openedAt, expiresAt }));
}

/** The runs of a runtime that may wait: those that are driven, and those that wait until they are resumed. Forgotten when they end. */
export class WaitingRuns {
  readonly #records = new Map<string, WaitingRecord>();
  readonly #driven = new Map<string, ActiveRun>();
  /** Those that are about to go on: nobody else can go on with them. */
  readonly #taken = new Set<string>();

  /** A run is driven: it can be answered, not resumed. */
  drive(run: ActiveRun): void {
    this.#records.delete(run.execution.runId);
    this.#taken.delete(run.execution.runId);
    this.#driven.set(run.execution.runId, run);
  }

  /** A run that is driven, where it is one. */
  driven(runId: string): ActiveRun | undefined {
    return this.#driven.get(runId);
  }

  keep(runId: string, record: WaitingRecord): void {
    this.#driven.delete(runId);
    this.#records.set(runId, record);
    this.#taken.delete(runId);
  }

  drop(runId: string): void {
    this.#driven.delete(runId);
    this.#records.delete(runId);
    this.#taken.delete(runId);
  }

  /** A run goes on: it cannot be answered, and nobody else can go on with it. */
  take(runId: string): void {
    this.#taken.add(runId);
  }

  /** Whether somebody goes on with a run, or is about to. */
  isTaken(runId: string): boolean {
    return this.#taken.has(runId) || this.#driven.has(runId);
  }

  /** A run that was taken could not go on: it waits as before. */
  giveBack(runId: string): void {
    this.#taken.delete(runId);
  }

  /** Nobody drives a run any more: something broke. */
  abandon(runId: string): void {
    this.#driven.delete(runId);
  }

  has(runId: string): boolean {
    return this.#records.has(runId) || this.#driven.has(runId);
  }

  /** @throws LockstepError RUN_UNKNOWN */
  record(runId: string): WaitingRecord {
    const record = this.#records.get(runId);
    if (record !== undefined && !this.#taken.has(runId)) return record;
    const known = [...this.#records.keys()].filter((id) => !this.#taken.has(id));
    const at = textOf(runId);
    throw new LockstepError('RUN_UNKNOWN', `No run "${at}" waits here. ${didYouMean(at, known)}`, { at, value: runId });
  }
}

/** What a run was started with that counts again when it goes on: who asked for it, and its time limits. */
export function startOf(started: RunEvent | undefined) {
  if (started?.kind !== 'run.started') throw new TypeError('a history that does not begin');
  const { context, options } = started.data;
  const { timeoutMs, softTimeoutMs } = options;
  return {
    context,
    ...(timeoutMs === null ? {} : { timeoutMs }),
    ...(softTimeoutMs === null ? {} : { softTimeoutMs }),
  };
}

function waitingGate(execution: Execution, gate: string, now: number) {
  const attempt = execution.core.gates.get(gate);
  const known = [...execution.core.gates.keys()];
  const details = { at: gate, value: gate };
  if (attempt === undefined)
    throw new LockstepError(
      'GATE_NOT_OPEN',
      `Gate "${gate}" of run ${execution.runId} does not wait. ${didYouMean(gate, known)}`,
      details,
    );
  const { expiresAt } = attempt.graph.state.gates?.get(attempt.node.index) ?? {};
  if (expiresAt !== undefined && now >= expiresAt)
    throw new LockstepError('GATE_NOT_OPEN', `Gate "${gate}" of run ${execution.runId} has timed out.`, details);
  return attempt;
}

/** Asks the schema of a gate. @throws LockstepError WORKFLOW_UNKNOWN where only the description of its workflow is there, SCHEMA_ASYNC, SCHEMA_THREW */
function askGate({ runId, plan }: Execution, schema: StandardSchema, answer: unknown, gate: string) {
  try {
    return ask(schema, answer, `the answer of ${gate}`);
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof LockstepError) || cause.code !== 'HOLLOW_WORKFLOW') throw error;
    const { name } = plan.workflow;
    const what = `Gate "${gate}" of run ${runId} checks its answers, and workflow "${name}" is not registered.`;
    throw new LockstepError('WORKFLOW_UNKNOWN', what, { at: name, value: name });
  }
}

/**
 * Approves a gate.
 *
 * @param accept throws where the answer cannot be recorded
 * @throws LockstepError GATE_NOT_OPEN, GATE_ANSWER_INVALID, WORKFLOW_UNKNOWN, and what `accept` throws
 */
export function approveGate(
  execution: Execution,
  gate: string,
  answer: unknown,
  by: string | null,
  now: number,
  accept: (value: unknown) => void,
): void {
  const attempt = waitingGate(execution, gate, now);
  const schema = attempt.node.implementation.gate?.answer;
  let value: unknown = answer ?? null;
  if (schema !== undefined) {
    const asked = askGate(execution, schema, answer, gate);
    if (asked.issues !== undefined) {
      const what = `The answer does not fit gate "${gate}": ${formatIssues(asked.issues)}.`;
      throw new LockstepError('GATE_ANSWER_INVALID', what, { at: gate, value: answer });
    }
    value = asked.value ?? null;
  }
  accept(value);
  attempt.graph.closeGate(attempt, { kind: 'gate.approved', answer: value, by }, now);
}

/** Rejects a gate. @throws LockstepError GATE_NOT_OPEN */
export function rejectGate(
  execution: Execution,
  gate: string,
  reason: string | null,
  by: string | null,
  now: number,
): void {
  const attempt = waitingGate(execution, gate, now);
  attempt.graph.closeGate(attempt, { kind: 'gate.rejected', reason, by }, now);
}
