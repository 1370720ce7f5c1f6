import type { Screen } from '../screen.js';
import type { Change, NodeProgress } from './board.js';
import { colourOf, describeNode } from './node-line.js';

/** How often a node that goes on may say how far it is, in milliseconds. */
const EVERY_MS = 1000;

/**
 * Progress as lines, for files and pipes: one when a node starts, one when it settles, and at most one a second meanwhile. Of a
 * node in a cycle, only the first visit and failures.
 */
export class PlainLines {
  readonly #screen: Screen;
  readonly #said = new Map<string, { readonly status: string; readonly at: number }>();

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  changed(change: Change): void {
    if (change.kind === 'line') return this.#screen.note(change.text);
    const { node, at } = change;
    if (!this.#isDue(node, at)) return;
    this.#said.set(node.id, { status: node.status, at });
    this.#screen.note(this.#screen.err(colourOf(node.status), `${node.id}: ${describeNode(node, at)}`));
  }

  #isDue({ id, status, visit }: NodeProgress, at: number): boolean {
    if (visit > 1) return status === 'failed';
    const last = this.#said.get(id);
    return last === undefined || last.status !== status || at - last.at >= EVERY_MS;
  }

  end(): void {
    this.#said.clear();
  }
}
