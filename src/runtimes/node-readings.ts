import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Readings } from '../base/ports.js';

/** How often the event loop is looked at, in milliseconds. */
const RESOLUTION_MS = 20;
/** How long a reading looks back at most, in milliseconds. */
const WINDOW_MS = 1_000;

let histogram: IntervalHistogram | undefined;
let windowSince = 0;
let lastWindowMs = 0;

/** The 99th percentile of what the loop was late by, in the window. */
function delayOf({ count, percentile }: { readonly count: number; readonly percentile: number }): number {
  return count === 0 ? 0 : Math.max(0, percentile / 1e6 - RESOLUTION_MS);
}

/** Memory and event loop of this process. The event loop is watched from the first time that somebody asks. */
export const nodeReadings: Readings = {
  memory() {
    const { rss, heapUsed } = process.memoryUsage();
    return { rssBytes: rss, heapUsedBytes: heapUsed, heapLimitBytes: getHeapStatistics().heap_size_limit };
  },
  eventLoopDelayMs() {
    const now = performance.now();
    if (histogram === undefined) {
      histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      histogram.enable();
      windowSince = now;
      return 0;
    }
    const current = delayOf({ count: histogram.count, percentile: histogram.percentile(99) });
    if (now - windowSince < WINDOW_MS) return Math.max(current, lastWindowMs);
    lastWindowMs = current;
    windowSince = now;
    histogram.reset();
    return current;
  },
};
