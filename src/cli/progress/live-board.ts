import { stripVTControlCharacters } from 'node:util';
import type { LivePart, Screen } from '../screen.js';
import type { Board, Change, NodeProgress } from './board.js';
import { liveLine } from './node-line.js';

/** How often the live part is drawn at most, in milliseconds. */
const EVERY_MS = 80;
/** Lines that are left free for what was there before. */
const MARGIN = 3;

/** The terminal that is drawn on. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** A text that takes at most so many columns: whatever is not ASCII may take two, and must not make a line wrap. */
export function cut(text: string, columns: number): string {
  let left = columns;
  let kept = '';
  for (const character of stripVTControlCharacters(text).replace(/[\r\n\t]+/g, ' ')) {
    left -= character.charCodeAt(0) < 0x7f ? 1 : 2;
    if (left < 0) return kept;
    kept += character;
  }
  return kept;
}

/** Running nodes first, then those that failed, then what is to come, then what is over: for a screen that is too small for all. */
const RANK = ['running', 'waiting', 'failed', 'pending', 'blocked', 'cancelled', 'skipped', 'completed'];

function mostTelling(nodes: readonly NodeProgress[], room: number): readonly NodeProgress[] {
  if (nodes.length <= room) return nodes;
  const rank = ({ status }: NodeProgress): number => RANK.indexOf(status);
  const chosen = new Set(nodes.toSorted((a, b) => rank(a) - rank(b)).slice(0, room - 1));
  return nodes.filter((node) => chosen.has(node));
}

/** Progress as a part of the terminal that is drawn anew: every node on a line of its own, as far as there is room. */
export class LiveBoard implements LivePart {
  readonly #board: Board;
  readonly #screen: Screen;
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;
  #drawnAt = 0;

  /** @param terminal default: stderr */
  constructor(board: Board, screen: Screen, terminal: Terminal = process.stderr) {
    this.#board = board;
    this.#screen = screen;
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#redraw(), EVERY_MS * 2).unref();
    screen.keep(this);
  }

  changed(change: Change): void {
    if (change.kind === 'line') this.#screen.note(change.text);
    else if (Date.now() - this.#drawnAt >= EVERY_MS) this.#redraw();
  }

  #redraw(): void {
    const erasure = this.#erasure();
    this.#terminal.write(erasure + this.#frame());
    this.#drawnAt = Date.now();
  }

  #frame(): string {
    const { columns, rows } = this.#terminal; // 0 where a terminal does not know its size
    const { nodes } = this.#board;
    const shown = mostTelling(nodes, Math.max(2, (rows || 24) - MARGIN));
    const width = Math.max(...shown.map(({ id }) => id.length));
    const now = Date.now();
    const lines = shown.map((node) => {
      const [sign, text] = liveLine(node, width, now, this.#screen.err);
      return `${sign} ${cut(text, (columns || 80) - 4)}\n`;
    });
    if (shown.length < nodes.length) lines.push(`  … ${nodes.length - shown.length} more\n`);
    this.#drawn = lines.length;
    return lines.join('');
  }

  #erasure(): string {
    return this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\r\x1b[J`;
  }

  show(): void {
    this.#redraw();
  }

  hide(): void {
    this.#terminal.write(this.#erasure());
    this.#drawn = 0;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#screen.keep(undefined);
  }
}
