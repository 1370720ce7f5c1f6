import { type Child, html } from './dom.js';
import type { PageNode } from './expand.js';
import { count, duration } from './format.js';
import { icon } from './icons.js';

const GAP = 10;

/** The one panel that says what is under the pointer or the focus. */
export class Tooltip {
  readonly element = html('div', { id: 'tooltip', role: 'tooltip', hidden: true });

  /** Shows it near a rectangle of the window, inside the window. */
  show(near: DOMRect, ...content: readonly Child[]): void {
    this.element.replaceChildren(...content.filter((child) => child !== null));
    this.element.hidden = false;
    const { width, height } = this.element.getBoundingClientRect();
    const [right, bottom] = [document.documentElement.clientWidth, window.innerHeight];
    const below = near.bottom + GAP + height <= bottom;
    const left = Math.min(Math.max(GAP, near.left + near.width / 2 - width / 2), Math.max(GAP, right - width - GAP));
    const top = below ? near.bottom + GAP : Math.max(GAP, near.top - GAP - height);
    this.element.style.left = `${left}px`;
    this.element.style.top = `${top}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}

/** What a node says of itself at a glance. */
export function glance(node: PageNode): Child[] {
  const { id, status, attempts, visits, durationMs, reason, error, allowed } = node;
  const facts =
    visits === 0
      ? []
      : [
          ...(status === 'running' || status === 'waiting' ? [] : [duration(durationMs)]),
          ...(visits > 1 ? [count(visits, 'visit')] : []),
          ...(attempts > 1 ? [count(attempts, 'attempt')] : []),
        ];
  return [
    html('strong', {}, id),
    html(
      'span',
      { class: `status-line is-${status}` },
      icon(status),
      [allowed ? 'failed, as it may' : status, ...facts].join(' · '),
    ),
    reason === null ? null : html('span', { class: 'why' }, reason.text),
    error === null ? null : html('span', { class: 'why is-failed' }, `${error.code}: ${error.message}`),
  ];
}
