import { inspect, isDeepStrictEqual } from 'node:util';
import { describeReason, type RunEvent, type RunResult } from 'lockstep';
import { canonicalLog } from 'lockstep/testing';

/** A run, with its history. */
export interface RecordedRun {
  readonly run: RunResult;
  readonly events: readonly RunEvent[];
}

/** Everything about a run that must not depend on the runtime: no times, no order of execution. */
function factsOf({ run, events }: RecordedRun) {
  return {
    status: run.status,
    output: run.output,
    results: Object.fromEntries(run.results),
    warnings: run.warnings,
    nodes: [...run.nodes.values()].map(({ id, status, reason, attempts, visits, error }) => {
      return { id, status, reason: reason && describeReason(reason), attempts, visits, error };
    }),
    cycles: [...run.cycles.values()].map(({ id, iterations, totalIterations, reason, root, history }) => {
      return { id, iterations, totalIterations, reason, root, history };
    }),
    canonicalLog: canonicalLog(events),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Walks down to the smallest parts that differ. */
function* differencesAt(path: string, left: unknown, right: unknown): Generator<string> {
  if (isDeepStrictEqual(left, right)) return;
  if (!isObject(left) || !isObject(right)) {
    yield `${path}: ${inspect(left)} and ${inspect(right)}`;
    return;
  }
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    yield* differencesAt(`${path}.${key}`, left[key], right[key]);
  }
}

/** What differs between two runs, in words: one text for each part; empty when nothing does. */
export function differences(left: RecordedRun, right: RecordedRun): string[] {
  return [...differencesAt('run', factsOf(left), factsOf(right))];
}
