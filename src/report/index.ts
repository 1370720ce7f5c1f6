export { type RecordedEvents, toChromeTrace } from './chrome-trace.js';
export { toDot } from './dot.js';
export { toMermaid } from './mermaid.js';
export type { PictureOptions } from './node-status.js';
export { type ReportOptions, renderReport } from './render-report.js';
export type { ChromeTrace, TraceArgs, TraceEvent, TracePlace } from './trace-event.js';
export { type WriteReportOptions, writeReport } from './write-report.js';
