import { button, html, section } from './dom.js';
import { count, duration } from './format.js';
import { icon, urgencyOf } from './icons.js';
import type { Model } from './model.js';
import { ScopeChoice } from './scope-choice.js';
import { WindowList } from './window-list.js';

const ROW = 34;

/** By what the table can be sorted. */
const COLUMNS = [
  { key: 'name', title: 'Node' },
  { key: 'status', title: 'Status' },
  { key: 'visits', title: 'Visits' },
  { key: 'attempts', title: 'Attempts' },
  { key: 'duration', title: 'Busy' },
  { key: 'start', title: 'Started' },
  { key: 'remark', title: 'Remark' },
] as const;

type ColumnKey = (typeof COLUMNS)[number]['key'];

/** All nodes of all scopes, sortable by every column; a choice of scope, the search and the statuses of the header filter it. */
export class TablePanel {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #list: WindowList;
  readonly #note = html('p', { class: 'note', role: 'status' });
  readonly #headers: ReadonlyMap<ColumnKey, HTMLElement>;
  readonly #scopes: ScopeChoice;
  #order: readonly number[] = [];
  #sort: { readonly by: ColumnKey | null; readonly direction: 1 | -1 } = { by: null, direction: 1 };

  constructor(model: Model) {
    this.#model = model;
    this.#headers = new Map(
      COLUMNS.map(({ key, title }) => [
        key,
        html(
          'span',
          { role: 'columnheader', class: `cell ${key}` },
          button(title, {}, () => this.#sortBy(key)),
        ),
      ]),
    );
    const head = html('div', { class: 'table-row head', role: 'row' }, ...this.#headers.values());
    const attributes = {
      class: 'table',
      role: 'table',
      'aria-label': 'All nodes',
      'aria-rowcount': String(model.data.nodes.length + 1),
    };
    this.#list = new WindowList(attributes, ROW, head, (position) => this.#row(position));
    this.#scopes = new ScopeChoice(model, () => this.#arrange());
    this.element = section('nodes', 'Nodes', '', this.#scopes.element, this.#note, this.#list.element);
    model.listen((view, before) => {
      const refiltered = view === before || view.query !== before.query || view.statuses !== before.statuses;
      if (refiltered || view.place !== before.place) this.#arrange();
      else if (view.selected !== before.selected) this.#list.draw();
      if (view.selected === null || view.selected === before.selected) return;
      const position = this.#order.indexOf(view.selected);
      if (position >= 0) this.#list.reveal(position);
    });
  }

  #sortBy(by: ColumnKey): void {
    const same = this.#sort.by === by;
    this.#sort = same && this.#sort.direction === -1 ? { by: null, direction: 1 } : { by, direction: same ? -1 : 1 };
    this.#arrange();
  }

  #arrange(): void {
    const { nodes } = this.#model.data;
    const { by, direction } = this.#sort;
    const shown = nodes.flatMap((_, index) => (this.#scopes.holds(index) && this.#model.matches(index) ? [index] : []));
    this.#order =
      by === null ? shown : shown.toSorted((a, b) => direction * compare(this.#value(a, by), this.#value(b, by)));
    for (const [key, header] of this.#headers) {
      const sorted = key !== by ? 'none' : direction === 1 ? 'ascending' : 'descending';
      header.setAttribute('aria-sort', sorted);
    }
    this.#note.textContent =
      this.#model.isFiltered || shown.length < nodes.length
        ? `${shown.length.toLocaleString('en')} of ${count(nodes.length, 'node')} shown.`
        : `${count(nodes.length, 'node')}, in the order of the plan. Click a heading to sort.`;
    this.#list.length = this.#order.length;
  }

  #value(index: number, by: ColumnKey): string | number {
    const node = this.#model.node(index);
    switch (by) {
      case 'name':
        return node.path.toLowerCase();
      case 'status':
        return urgencyOf(node.status);
      case 'visits':
        return -node.visits;
      case 'attempts':
        return -node.attempts;
      case 'duration':
        return -node.durationMs;
      case 'start':
        return node.startedAt ?? Number.POSITIVE_INFINITY;
      case 'remark':
        return this.#remark(index) || '\uffff';
    }
  }

  #remark(index: number): string {
    const { reason, error } = this.#model.node(index);
    if (reason !== null) return reason.text;
    return error === null ? '' : `${error.code}: ${error.message}`;
  }

  #row(position: number): HTMLElement {
    const index = this.#order[position] as number;
    const { path, status, visits, attempts, durationMs, startedAt, shape, allowed } = this.#model.node(index);
    const remark = this.#remark(index);
    const cell = (key: ColumnKey, ...children: readonly (Node | string)[]): HTMLElement =>
      html('span', { role: 'cell', class: `cell ${key}` }, ...children);
    const name = button(path, { class: 'link', title: path }, () => this.#model.show({ selected: index }));
    const row = html(
      'div',
      {
        class: this.#model.view.selected === index ? 'table-row selected' : 'table-row',
        role: 'row',
        'aria-rowindex': position + 2,
      },
      cell('name', name, shape === 'function' ? '' : html('span', { class: 'note' }, shape)),
      cell('status', html('span', { class: `is-${status}` }, icon(status), allowed ? 'failed (may)' : status)),
      cell('visits', visits === 0 ? '–' : visits.toLocaleString('en')),
      cell('attempts', attempts === 0 ? '–' : attempts.toLocaleString('en')),
      cell('duration', visits === 0 || status === 'running' || status === 'waiting' ? '–' : duration(durationMs)),
      cell('start', startedAt === null ? '–' : duration(startedAt)),
      html('span', { role: 'cell', class: 'cell remark', title: remark }, remark),
    );
    return row;
  }
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
