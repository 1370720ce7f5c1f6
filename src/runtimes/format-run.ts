import type { ChildResult, CycleReport, GraphResult, NodeReport } from '../base/graph-result.js';
import { describeReason } from '../base/reason.js';
import { type RunResult, requireRun } from '../base/run-result.js';

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

/** How the children of a map went, in short. */
function summary(children: readonly ChildResult[]): string {
  const counts = new Map<string, number>();
  for (const { status } of children) counts.set(status, (counts.get(status) ?? 0) + 1);
  return `${children.length} item${children.length === 1 ? '' : 's'}: ${[...counts].map(([status, count]) => `${count} ${status}`).join(', ')}`;
}

/** The rows of a graph, those of a subworkflow below it. A map is one row: it may have thousands of items. */
function rowsOf(graph: GraphResult, scope: string): string[][] {
  return [...graph.nodes.values()].flatMap((node) => {
    const ran = node.startedAt !== undefined;
    const children = graph.children(node.id);
    const [only] = children;
    const isMap = only?.scope.endsWith(']/') === true;
    const row = [
      `${scope}${node.id}`,
      node.status,
      ran ? String(node.visits) : '-',
      String(node.attempts),
      ran && (node.endedAt !== undefined || node.durationMs > 0) ? duration(node.durationMs) : '-',
      isMap ? [remark(node), summary(children)].filter((text) => text !== '').join('; ') : remark(node),
    ];
    return [row, ...(only === undefined || isMap ? [] : rowsOf(only, `${scope}${node.id}/`))];
  });
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

/**
 * A run as a table for people: every node with its status, visits, attempts and duration, and why it did not run; cycles; warnings. No payloads.
 *
 * @throws ConfigurationError NOT_A_RUN
 */
export function formatRun(run: RunResult): string {
  requireRun('formatRun', run);
  const rows = [['node', 'status', 'visits', 'attempts', 'duration', ''], ...rowsOf(run, '')];
  const lines = [
    `${run.workflow}: ${run.status} in ${duration(run.durationMs)} (run ${run.runId})`,
    '',
    ...table(rows),
  ];
  const cycles = [...run.cycles.values()].map(cycleLine);
  if (cycles.length > 0) lines.push('', ...cycles);
  const gates = run.gates.map(({ gate }) => `waits for an answer to gate ${gate}`);
  if (gates.length > 0) lines.push('', ...gates);
  const warnings = run.warnings.map(({ code, message }) => `warning ${code}: ${message}`);
  if (warnings.length > 0) lines.push('', ...warnings);
  return lines.join('\n');
}
