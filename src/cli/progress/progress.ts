import { compile } from '../../base/compile.js';
import type { RunEvent } from '../../base/events.js';
import type { ProgressUpdate } from '../../base/notifications.js';
import type { Workflow } from '../../base/workflow.js';
import type { Screen } from '../screen.js';
import { Board, type Change } from './board.js';
import { LiveBoard } from './live-board.js';
import { PlainLines } from './plain-lines.js';

/** What shows the progress of a run. */
export interface ProgressView {
  changed(change: Change): void;
  end(): void;
}

/** Shows how a run proceeds, as far as the screen wants to know. */
export class Progress {
  readonly #board: Board;
  readonly #view: ProgressView | undefined;

  constructor(workflow: Workflow, screen: Screen) {
    this.#board = new Board(compile(workflow));
    const silent = screen.quiet || screen.json;
    this.#view = silent ? undefined : screen.isLive ? new LiveBoard(this.#board, screen) : new PlainLines(screen);
  }

  /** Takes what happened before, without telling it. */
  seed(event: RunEvent): void {
    if (this.#view !== undefined) this.#board.take(event);
  }

  take(event: RunEvent): void {
    if (this.#view !== undefined) this.#tell(this.#view, this.#board.take(event));
  }

  report(update: ProgressUpdate): void {
    if (this.#view !== undefined) this.#tell(this.#view, this.#board.report(update, Date.now()));
  }

  #tell(view: ProgressView, change: Change | undefined): void {
    if (change !== undefined) view.changed(change);
  }

  /** Takes the live part away. */
  end(): void {
    this.#view?.end();
  }
}
