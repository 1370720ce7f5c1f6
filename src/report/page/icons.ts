import type { AttemptStatus, NodeStatus } from '../../base/status.js';
import { svg } from './dom.js';

/** Any status that the page shows. */
export type AnyStatus = NodeStatus | AttemptStatus;

/** What is looked for first stands first. */
const URGENCY: Readonly<Record<NodeStatus, number>> = {
  failed: 0,
  blocked: 1,
  cancelled: 2,
  waiting: 3,
  running: 4,
  pending: 5,
  skipped: 6,
  completed: 7,
};

/** Where nodes of a status stand among others: failures first. */
export function urgencyOf(status: NodeStatus): number {
  return URGENCY[status];
}

/** The sign of each status, as a path in a square of 16: shape says what colour says. */
const PATHS: Readonly<Record<AnyStatus, string>> = {
  pending: 'M8 2.5a5.5 5.5 0 1 0 .01 0',
  running: 'M5 3.5v9l7-4.5z',
  waiting: 'M5.5 3.5v9M10.5 3.5v9',
  completed: 'M3.2 8.6l3.2 3.2 6.6-7.4',
  failed: 'M4 4l8 8M12 4l-8 8',
  skipped: 'M3.5 4l4 4-4 4M8.5 4l4 4-4 4',
  blocked: 'M8 2.5a5.5 5.5 0 1 0 .01 0M4.2 4.2l7.6 7.6',
  cancelled: 'M4 4h8v8H4z',
  lost: 'M5.6 6.2a2.4 2.4 0 1 1 3.3 2.3c-.6.3-.9.7-.9 1.4M8 12.6v.2',
};

/** Just the path, for pictures that place it themselves. */
export function iconPath(status: AnyStatus): string {
  return PATHS[status];
}

/** A sign that stands in text. Hidden from readers of screens: the word stands beside it. */
export function icon(status: AnyStatus): SVGElement {
  const path = svg('path', { d: PATHS[status] });
  return svg(
    'svg',
    { class: `icon is-${status}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    path,
  );
}
