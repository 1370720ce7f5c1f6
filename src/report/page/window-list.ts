import { html, oncePerFrame } from './dom.js';

/** Rows kept above and below what is seen. */
const MARGIN = 6;

/** A list of which only the rows in sight exist: a thousand rows cost no more than thirty. */
export class WindowList {
  readonly element: HTMLElement;
  readonly #rows = html('div', { class: 'rows', role: 'presentation' });
  readonly #rowHeight: number;
  readonly #row: (position: number) => HTMLElement;
  #length = 0;
  #whole = false;

  /**
   * @param attributes of the scrolling element
   * @param head stays at the top while rows scroll
   * @param row makes the row at a position
   */
  constructor(
    attributes: Readonly<Record<string, string>>,
    rowHeight: number,
    head: HTMLElement | null,
    row: (position: number) => HTMLElement,
  ) {
    this.#rowHeight = rowHeight;
    this.#row = row;
    this.element = html('div', attributes, head, this.#rows);
    const draw = oncePerFrame(() => this.draw());
    this.element.addEventListener('scroll', draw, { passive: true });
    new ResizeObserver(draw).observe(this.element);
    // Paper does not scroll.
    window.addEventListener('beforeprint', () => this.#drawWhole(true));
    window.addEventListener('afterprint', () => this.#drawWhole(false));
  }

  set length(length: number) {
    this.#length = length;
    this.#rows.style.height = `${length * this.#rowHeight}px`;
    this.draw();
  }

  /** Scrolls a row into view and draws it. */
  reveal(position: number): void {
    const top = position * this.#rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop || top + this.#rowHeight > scrollTop + clientHeight - this.#rowHeight)
      this.element.scrollTop = Math.max(0, top - clientHeight / 2);
    this.draw();
  }

  draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = this.#whole ? 0 : Math.max(0, Math.floor(scrollTop / this.#rowHeight) - MARGIN);
    const seen = this.#whole ? this.#length : Math.ceil((clientHeight || 600) / this.#rowHeight) + 2 * MARGIN;
    const last = Math.min(this.#length, first + seen);
    const focused = document.activeElement;
    const kept = this.#rows.contains(focused)
      ? focused?.closest('[data-position]')?.getAttribute('data-position')
      : undefined;
    const rows: HTMLElement[] = [];
    for (let position = first; position < last; position++) {
      const row = this.#row(position);
      row.dataset.position = String(position);
      row.style.top = `${position * this.#rowHeight}px`;
      row.style.height = `${this.#rowHeight}px`;
      rows.push(row);
    }
    this.#rows.replaceChildren(...rows);
    if (typeof kept !== 'string') return;
    const again = this.#rows.querySelector<HTMLElement>(`[data-position="${kept}"] button`);
    again?.focus({ preventScroll: true });
  }

  #drawWhole(whole: boolean): void {
    this.#whole = whole;
    this.draw();
  }
}
