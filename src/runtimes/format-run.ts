import { describeReason } from '../base/reason.js';
import type { CycleReport, NodeReport, RunResult } from '../base/run-result.js';

/** A duration for people: `812 µs`, `3.4 ms`, `2.50 s`. */
function duration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function remark(node: NodeReport): string {
  if (node.reason !== undefined) return describeReason(node.reason);
  if (node.error !== undefined) return `${node.error.code}: ${node.error.message}`;
  if (node.failures.length > 0)
    return `after ${node.failures.length} failed attempt${node.failures.length > 1 ? 's' : ''}`;
  return '';
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] as number)))
      .join('  ')
      .trimEnd(),
  );
}

function cycleLine({ id, iterations, totalIterations, reason, root, metric, error }: CycleReport): string {
  const total = totalIterations === iterations ? '' : ` (${totalIterations} in all)`;
  const cause = root === undefined ? '' : ` at ${root}`;
  const measured = metric === undefined ? '' : `, metric ${metric.toPrecision(6)}`;
  const failed = error === undefined ? '' : `, ${error.code}: ${error.message}`;
  return `cycle ${id}: ${iterations} iteration${iterations === 1 ? '' : 's'}${total}, stopped: ${reason ?? 'never'}${cause}${measured}${failed}`;
}

/** A run as a table for people: every node with its status, visits, attempts and duration, and why it did not run; cycles; warnings. No payloads. */
export function formatRun(run: RunResult): string {
  const rows = [['node', 'status', 'visits', 'attempts', 'duration', '']];
  for (const node of run.nodes.values()) {
    const ran = node.startedAt !== undefined;
    rows.push([
      node.id,
      node.status,
      ran ? String(node.visits) : '-',
      String(node.attempts),
      ran ? duration(node.durationMs) : '-',
      remark(node),
    ]);
  }
  const lines = [
    `${run.workflow}: ${run.status} in ${duration(run.durationMs)} (run ${run.runId})`,
    '',
    ...table(rows),
  ];
  const cycles = [...run.cycles.values()].map(cycleLine);
  if (cycles.length > 0) lines.push('', ...cycles);
  const warnings = run.warnings.map(({ code, message }) => `warning ${code}: ${message}`);
  if (warnings.length > 0) lines.push('', ...warnings);
  return lines.join('\n');
}
