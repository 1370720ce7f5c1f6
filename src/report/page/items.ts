import type { ErrorData } from '../../base/errors.js';
import type { NodeStatus } from '../../base/status.js';
import { button, html, oncePerFrame, svg } from './dom.js';
import type { PageScope } from './expand.js';
import { count, duration } from './format.js';
import { icon, urgencyOf } from './icons.js';
import type { Model } from './model.js';
import type { Tooltip } from './tooltip.js';

/** More cells than these cannot be told apart: then a cell stands for several items. */
const MOST_CELLS = 4000;
const MOST_LISTED = 100;
const SLOWEST = 10;
const GAP = 3;

/** An item of a map. */
interface Item {
  readonly scope: number;
  readonly status: NodeStatus;
  readonly error: PageScope['error'];
  /** `null` where it did nothing. */
  readonly durationMs: number | null;
}

/** The items of a map: a cell for each, with one tab stop, and lists of those that failed and those that took longest. */
export class ItemsView {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #tooltip: Tooltip;
  readonly #items: readonly Item[];
  /** Items that share a cell. */
  readonly #perCell: number;
  readonly #size: number;
  readonly #cursor = svg('rect', { class: 'cursor', rx: 3 });
  readonly #grid = svg('svg', { class: 'cells', tabindex: 0, role: 'slider', 'aria-valuemin': 0 });
  readonly #observer: ResizeObserver;
  #columns = 1;
  #at = 0;

  constructor(model: Model, tooltip: Tooltip, node: number, family: number) {
    this.#model = model;
    this.#tooltip = tooltip;
    const { families, id, collects, use } = model.node(node);
    this.#items = (families[family]?.scopes ?? []).map((scope) => itemOf(model, scope));
    const { length } = this.#items;
    this.#perCell = Math.max(1, Math.ceil(length / MOST_CELLS));
    this.#size = length <= 400 ? 18 : length <= 1500 ? 12 : 8;
    this.#grid.setAttribute('aria-label', `Items of ${id}. Arrow keys move between items, Enter opens one.`);
    this.#grid.setAttribute('aria-valuemax', String(Math.max(0, length - 1)));
    const several = this.#perCell === 1 ? '' : `, ${this.#perCell} to a cell: the worst of them is seen`;
    const notes = [
      `${count(length, 'item')} of ${id}${use === null ? '' : ` (${use})`}${several}.`,
      collects ? 'Failed items are collected: the map completes with the others.' : '',
    ];
    this.element = html(
      'div',
      { class: 'items' },
      html('p', { class: 'note' }, notes.join(' ').trim()),
      this.#counts(),
      html('div', { class: 'cells-frame' }, this.#grid),
      html('div', { class: 'item-lists' }, this.#failed(), this.#slowest()),
    );
    this.#listen();
    this.#observer = new ResizeObserver(oncePerFrame(() => this.#draw()));
    this.#observer.observe(this.#grid);
  }

  /** Puts the cursor on an item. */
  open(item: number | undefined): void {
    this.#move(
      item ??
        Math.max(
          0,
          this.#items.findIndex(({ status }) => status === 'failed'),
        ),
    );
  }

  focus(item: number | undefined): void {
    if (item !== undefined) this.#move(item);
    this.#grid.focus();
  }

  /** Nothing to be moved or scaled here. */
  fit(): void {}

  zoom(_direction: 'in' | 'out'): void {}

  dispose(): void {
    this.#observer.disconnect();
  }

  #counts(): HTMLElement {
    const statuses = [...new Set(this.#items.map(({ status }) => status))].sort((a, b) => urgencyOf(a) - urgencyOf(b));
    const parts = statuses.map((status) => {
      const number = this.#items.filter((item) => item.status === status).length;
      return html('li', { class: `is-${status}` }, icon(status), `${number.toLocaleString('en')} ${status}`);
    });
    return html('ul', { class: 'item-counts', 'aria-label': 'Items by status' }, ...parts);
  }

  #draw(): void {
    const { width } = this.#grid.getBoundingClientRect();
    const step = this.#size + GAP;
    this.#columns = Math.max(1, Math.floor((width - 2) / step));
    const cells = Math.ceil(this.#items.length / this.#perCell);
    this.#grid.style.height = `${Math.ceil(cells / this.#columns) * step + 2}px`;
    const paths = new Map<NodeStatus, string>();
    for (let cell = 0; cell < cells; cell++) {
      const { x, y } = this.#cornerOf(cell);
      const status = this.#worst(cell).status;
      paths.set(status, `${paths.get(status) ?? ''}M${x} ${y}h${this.#size}v${this.#size}h-${this.#size}z`);
    }
    const drawn = [...paths].map(([status, d]) => svg('path', { class: `cell-of is-${status}`, d }));
    this.#grid.replaceChildren(...drawn, this.#cursor);
    this.#move(this.#at);
  }

  #cornerOf(cell: number): { readonly x: number; readonly y: number } {
    const step = this.#size + GAP;
    return { x: 1 + (cell % this.#columns) * step, y: 1 + Math.floor(cell / this.#columns) * step };
  }

  /** What a cell shows: of its items the most urgent. */
  #worst(cell: number): Item & { readonly number: number } {
    let number = cell * this.#perCell;
    const end = Math.min(this.#items.length, number + this.#perCell);
    for (let next = number + 1; next < end; next++)
      if (urgencyOf(this.#item(next).status) < urgencyOf(this.#item(number).status)) number = next;
    return { ...this.#item(number), number };
  }

  #item(number: number): Item {
    return this.#items[number] as Item;
  }

  #move(number: number): void {
    if (this.#items.length === 0) return;
    this.#at = Math.min(this.#items.length - 1, Math.max(0, number));
    const { x, y } = this.#cornerOf(Math.floor(this.#at / this.#perCell));
    const place = { x: x - 1, y: y - 1, width: this.#size + 2, height: this.#size + 2 };
    for (const [name, value] of Object.entries(place)) this.#cursor.setAttribute(name, String(value));
    const { status, error } = this.#item(this.#at);
    this.#grid.setAttribute('aria-valuenow', String(this.#at));
    this.#grid.setAttribute('aria-valuetext', `item ${this.#at}, ${status}${error === null ? '' : `, ${error.code}`}`);
  }

  #listen(): void {
    const grid = this.#grid;
    grid.addEventListener('keydown', (event) => {
      const row = this.#columns * this.#perCell;
      const steps: Readonly<Record<string, number>> = {
        ArrowRight: 1,
        ArrowLeft: -1,
        ArrowDown: row,
        ArrowUp: -row,
        Home: -this.#at,
        End: this.#items.length,
      };
      const step = steps[event.key];
      if (event.key === 'Enter' || event.key === ' ') this.#enter(this.#at);
      else if (step !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
        this.#move(this.#at + step);
        this.#tell(this.#at);
        this.#cursor.scrollIntoView({ block: 'nearest' });
      } else return;
      event.preventDefault();
    });
    grid.addEventListener('pointermove', (event) => {
      const number = this.#under(event);
      if (number === undefined) this.#tooltip.hide();
      else this.#tell(number);
    });
    grid.addEventListener('pointerleave', () => this.#tooltip.hide());
    grid.addEventListener('blur', () => this.#tooltip.hide());
    grid.addEventListener('click', (event) => {
      const number = this.#under(event);
      if (number !== undefined) this.#enter(number);
    });
  }

  #enter(number: number): void {
    const item = this.#items[number];
    if (item === undefined) return;
    this.#tooltip.hide();
    this.#model.show({ place: this.#model.placeOf(item.scope), selected: null });
  }

  /** The item under the pointer; of several in a cell the most urgent. */
  #under({ clientX, clientY }: MouseEvent): number | undefined {
    const { left, top } = this.#grid.getBoundingClientRect();
    const step = this.#size + GAP;
    const [column, row] = [Math.floor((clientX - left - 1) / step), Math.floor((clientY - top - 1) / step)];
    const cell = row * this.#columns + column;
    if (column < 0 || column >= this.#columns || cell < 0 || cell * this.#perCell >= this.#items.length)
      return undefined;
    return this.#worst(cell).number;
  }

  #tell(number: number): void {
    const { status, error, durationMs } = this.#item(number);
    const { x, y } = this.#cornerOf(Math.floor(number / this.#perCell));
    const { left, top } = this.#grid.getBoundingClientRect();
    this.#tooltip.show(
      new DOMRect(left + x, top + y, this.#size, this.#size),
      html('strong', {}, `item ${number}`),
      html(
        'span',
        { class: `status-line is-${status}` },
        icon(status),
        durationMs === null ? status : `${status} · ${duration(durationMs)}`,
      ),
      error === null ? null : html('span', { class: 'why is-failed' }, `${error.code}: ${error.message}`),
    );
  }

  #failed(): HTMLElement | null {
    const failed = [...this.#items.keys()].filter((number) => this.#item(number).status === 'failed');
    if (failed.length === 0) return null;
    const rows = failed.slice(0, MOST_LISTED).map((number) => {
      const { error } = this.#item(number);
      return this.#row(number, html('span', { class: 'why' }, error === null ? '' : `${error.code}: ${error.message}`));
    });
    const rest = failed.length - rows.length;
    const more = rest > 0 ? html('li', { class: 'note' }, `and ${rest.toLocaleString('en')} more`) : null;
    return html(
      'div',
      {},
      html('h3', {}, `Failed (${failed.length})`),
      html('ul', { class: 'item-rows' }, ...rows, more),
    );
  }

  #slowest(): HTMLElement | null {
    const timed = [...this.#items.entries()].filter(([, { durationMs }]) => durationMs !== null);
    if (timed.length < 2) return null;
    const longest = timed.toSorted(([, a], [, b]) => (b.durationMs ?? 0) - (a.durationMs ?? 0)).slice(0, SLOWEST);
    const most = longest[0]?.[1].durationMs || 1;
    const rows = longest.map(([number, { durationMs }]) => {
      const meter = svg(
        'svg',
        { class: 'meter', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        svg('rect', { width: (100 * (durationMs ?? 0)) / most, height: 8 }),
      );
      return this.#row(number, html('span', { class: 'took' }, duration(durationMs ?? 0)), meter);
    });
    return html('div', {}, html('h3', {}, 'Slowest'), html('ul', { class: 'item-rows' }, ...rows));
  }

  #row(number: number, ...children: readonly (HTMLElement | SVGElement)[]): HTMLElement {
    const { status } = this.#item(number);
    const name = html('span', {}, icon(status), `[${number}]`);
    const open = button(name, { class: `link is-${status}`, 'aria-label': `Open item ${number}` }, () =>
      this.#enter(number),
    );
    return html('li', {}, open, ...children);
  }
}

/** What a child failed of: not that it failed. */
function rootOf(error: ErrorData): ErrorData {
  return error.code === 'CHILD_FAILED' && error.cause !== undefined ? rootOf(error.cause) : error;
}

function itemOf(model: Model, scope: number): Item {
  const { status, error, firstNode, nodes } = model.scope(scope);
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = firstNode; index < firstNode + nodes.length; index++)
    for (const { start, end } of model.attemptsOf(index)) [from, to] = [Math.min(from, start), Math.max(to, end)];
  return { scope, status, error: error === null ? null : rootOf(error), durationMs: to >= from ? to - from : null };
}
