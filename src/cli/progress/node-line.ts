import type { NodeStatus } from '../../base/status.js';
import { durationText } from '../duration.js';
import type { Colour, Paint } from '../paint.js';
import type { NodeProgress } from './board.js';

/** How a status is shown. */
const LOOK: Readonly<Record<NodeStatus, readonly [string, Colour]>> = {
  pending: ['·', 'dim'],
  running: ['▸', 'cyan'],
  waiting: ['?', 'yellow'],
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  skipped: ['-', 'dim'],
  blocked: ['!', 'yellow'],
  cancelled: ['×', 'yellow'],
};

/** The colour of a status. */
export function colourOf(status: NodeStatus): Colour {
  return LOOK[status][1];
}

/** What there is to say about a node, without its name: its status, how long it took, its items, why. */
export function describeNode({ status, since, ms, visit, attempt, items, remark }: NodeProgress, now: number): string {
  const again = [visit > 1 ? `visit ${visit}` : '', attempt > 1 ? `attempt ${attempt}` : ''];
  const counted =
    items === undefined ? '' : `${items.done}/${items.total}${items.failed > 0 ? ` (${items.failed} failed)` : ''}`;
  const elapsed = status === 'running' && now - since >= 1000 ? `since ${durationText(now - since)}` : '';
  const took = status === 'completed' || status === 'failed' ? `in ${durationText(ms)}` : '';
  // Pending with a remark is a node that waits to be tried again.
  const head = [status === 'pending' && remark !== '' ? '' : status, took, elapsed]
    .filter((text) => text !== '')
    .join(' ');
  return [head, counted, ...again, remark].filter((text) => text !== '').join(', ');
}

/** A node as a line of the live part. */
export function liveLine(node: NodeProgress, width: number, now: number, paint: Paint): readonly [string, string] {
  const [sign, colour] = LOOK[node.status];
  return [paint(colour, sign), `${node.id.padEnd(width)}  ${describeNode(node, now)}`];
}
