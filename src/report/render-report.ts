import { createHash } from 'node:crypto';
import { type RunResult, requireRun } from '../base/run-result.js';
import { checkReportOptions } from './arguments.js';
import type { RecordedEvents } from './chrome-trace.js';
import { escapeHtml, jsonInScript } from './escape.js';
import { pageScript, pageStyle } from './page-bundle.js';
import { reportData } from './report-data.js';

/** What a report may be told beside the result of a run. */
export interface ReportOptions extends RecordedEvents {
  /** Title of the page. Default: the name of the workflow and the status of the run. */
  readonly title?: string;
}

/**
 * A run as one HTML page that needs nothing else: the graph, a timeline, the cycles, errors and warnings, and a table of all nodes.
 * The page loads nothing and sends nothing, and its policy forbids it to. It shows statuses, reasons, errors, counts and times,
 * and no payload: inputs and outputs never enter it.
 *
 * @throws ConfigurationError NOT_A_RUN, INVALID_OPTION, UNKNOWN_OPTION
 */
export function renderReport(run: RunResult, options: ReportOptions = {}): string {
  requireRun('renderReport', run);
  checkReportOptions(options, ['events', 'title'], 'report');
  const title = options.title ?? `${run.workflow}: ${run.status}`;
  const data = jsonInScript(reportData(run, title, options));
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(pageScript)}'`,
    `style-src '${hashOf(pageStyle)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="lockstep">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<noscript>This report is drawn by a script inside this file, which needs no network. Allow it to run.</noscript>
<script type="application/json" id="data">${data}</script>
<script type="module">${pageScript}</script>
</body>
</html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
