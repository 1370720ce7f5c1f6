import type { NodeStatus } from '../../base/status.js';
import type { GateOutcome } from '../gates.js';
import type { NodeShape } from '../workflow-graph.js';
import { count, duration } from './format.js';

/** What a node says of itself in its box, beside its name. */
export interface MetaFacts {
  readonly shape: NodeShape;
  readonly status: NodeStatus;
  readonly visits: number;
  readonly attempts: number;
  readonly durationMs: number;
  readonly started: boolean;
  /** Items of a map. */
  readonly items: number;
  readonly failedItems: number;
  /** The last answer of a gate. */
  readonly outcome: GateOutcome | undefined;
}

/** The second line of a box: shape, outcome, time. */
export function metaOf(facts: MetaFacts): string {
  const { shape, status, visits, attempts, durationMs, started, items, failedItems, outcome } = facts;
  const words: string[] = shape === 'function' ? [] : [shape];
  if (shape === 'map' && started) words.push(count(items, 'item'));
  if (failedItems > 0) words.push(`${failedItems.toLocaleString('en')} failed`);
  if (status !== 'completed') words.push(status);
  else if (outcome !== undefined && outcome !== 'open') words.push(OUTCOMES[outcome]);
  if (started && status !== 'waiting' && status !== 'running') words.push(duration(durationMs));
  if (started && visits > 1) words.push(`${visits}×`);
  if (attempts > 1) words.push(`${attempts} attempts`);
  return words.join(' · ');
}

/** How a gate went, in words. */
export const OUTCOMES: Readonly<Record<GateOutcome, string>> = {
  open: 'waits for an answer',
  answered: 'answered',
  approved: 'approved',
  rejected: 'rejected',
  timedOut: 'timed out',
  cancelled: 'cancelled',
};
