import type { PerformanceReport } from '../../src/mixins/analytics/analytics-types.js';

/** What a report counts: everything but times, memory and what depends on them. */
export function countsIn({ analytics, runtime, sections }: PerformanceReport): Readonly<Record<string, unknown>> {
  const { runs, attempts, visits, iterations, unfinished, planCache, workflows, forgotten } = analytics;
  return {
    runs,
    attempts,
    visits,
    iterations,
    unfinished,
    planCache,
    forgotten,
    timed: [analytics.runDurationMs.count, analytics.attemptDurationMs.count],
    workflows: workflows.map(({ workflow, runs: own, durationMs }) => ({
      workflow,
      runs: own,
      timed: durationMs.count,
    })),
    runtime: { runs: runtime.runs, attempts: runtime.attempts, warnings: runtime.warnings },
    validation: sections.validation,
    cycles: sections.cycles,
  };
}
