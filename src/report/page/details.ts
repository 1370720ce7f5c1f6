import type { ErrorData } from '../../base/errors.js';
import { button, type Child, html } from './dom.js';
import type { PageEdge } from './expand.js';
import { count, duration, words } from './format.js';
import { cycleSummary, cycleTone } from './graph-shapes.js';
import { icon } from './icons.js';
import type { Model, Part } from './model.js';
import { openings } from './openings.js';

const MOST_ATTEMPTS = 100;

/** The panel that says everything about one node or cycle, with links to its neighbours. */
export class DetailsPanel {
  readonly element = html('aside', { id: 'details', 'aria-label': 'Details', tabindex: -1, hidden: true });
  readonly #model: Model;

  /** @param leave puts the focus back where the part stands in the graph */
  constructor(model: Model, leave: (part: Part) => void) {
    this.#model = model;
    model.listen(({ selected }, before) => {
      if (selected === before.selected) return;
      this.element.hidden = selected === null;
      document.body.classList.toggle('with-details', selected !== null);
      if (selected === null) return;
      const close = button('×', { class: 'close', 'aria-label': 'Close details', title: 'Close (Esc)' }, () => {
        model.show({ selected: null });
        leave(selected);
      });
      this.element.replaceChildren(close, ...(selected >= 0 ? this.#node(selected) : this.#cycle(~selected)));
      this.element.scrollTop = 0;
    });
  }

  #node(index: number): HTMLElement[] {
    const { id, path, scope, shape, use, status, allowed, attempts, visits } = this.#model.node(index);
    const { durationMs, startedAt, endedAt, reason, error, cycle } = this.#model.node(index);
    const ran = visits > 0;
    const warnings = this.#model.data.warnings.filter(({ at }) => at === path || at.startsWith(`${path}.`));
    const root = reason === null ? undefined : this.#model.find(reason.root, scope);
    return [
      html('p', { class: 'kind' }, shape === 'function' ? 'node' : shape === 'try' ? 'node that may fail' : shape),
      html('h2', {}, id),
      statusBadge(status, allowed ? 'failed, as it may' : status),
      facts([
        ['In', scope === 0 ? null : this.#owner(scope)],
        ['Uses', use],
        ['In cycle', cycle === null ? null : this.#link(~cycle)],
        ['Visits', ran ? String(visits) : null],
        ['Attempts', ran ? (visits > 1 ? `${attempts} in the last visit` : String(attempts)) : null],
        ['Busy', ran && shape !== 'gate' && status !== 'running' ? duration(durationMs) : null],
        [
          'Started',
          startedAt === null ? null : `${duration(startedAt)} after the start${visits > 1 ? ', last visit' : ''}`,
        ],
        ['Ended', endedAt === null ? null : `${duration(endedAt)} after the start`],
      ]),
      ...openings(this.#model, index),
      ...(reason === null
        ? []
        : [
            block(
              'Why it did not run',
              html('p', {}, reason.text),
              root === undefined || root === index ? null : html('p', {}, 'It began at ', this.#link(root), '.'),
            ),
          ]),
      ...(error === null ? [] : [block('Error', errorChain(error))]),
      ...(warnings.length === 0
        ? []
        : [
            block(
              'Warnings',
              ...warnings.map(({ code, message }) => html('p', {}, html('code', {}, code), ` ${message}`)),
            ),
          ]),
      this.#neighbours('Depends on', this.#model.incoming(index), 'from'),
      this.#neighbours('Read by', this.#model.outgoing(index), 'to'),
      ...this.#attempts(index),
    ];
  }

  #cycle(index: number): HTMLElement[] {
    const cycle = this.#model.cycle(index);
    const { nodes, cycles } = this.#model.data;
    const root = cycle.root === null ? undefined : this.#model.at(cycle.root, cycle.scope);
    const inside: Part[] = [
      ...nodes.flatMap((node, number) => (node.cycle === index ? [number] : [])),
      ...cycles.flatMap(({ parent }, number) => (parent === index ? [~number] : [])),
    ];
    return [
      html('p', { class: 'kind' }, 'cycle'),
      html('h2', {}, cycle.id),
      html('p', { class: `badge is-${cycleTone(cycle)}` }, icon(cycleTone(cycle)), cycleSummary(cycle)),
      facts([
        ['Stopped', cycle.reason === null ? 'it never ran' : words(cycle.reason)],
        ['Because of', cycle.root === null ? null : root === undefined ? cycle.root : this.#link(root, cycle.root)],
        ['In all', cycle.totalIterations === cycle.iterations ? null : count(cycle.totalIterations, 'iteration')],
        ['Took', duration(cycle.elapsedMs)],
        ['Inside', cycle.parent === null ? null : this.#link(~cycle.parent)],
      ]),
      ...(cycle.error === null ? [] : [block('Error', errorChain(cycle.error))]),
      block('Body', html('ul', { class: 'links' }, ...inside.map((part) => html('li', {}, this.#link(part))))),
      this.#neighbours('Read by', this.#model.outgoing(~index), 'to'),
    ];
  }

  /** The node whose child a scope is. */
  #owner(scope: number): HTMLElement | null {
    const { child, scope: path } = this.#model.scope(scope);
    return child === null ? null : this.#link(child.owner, path.slice(0, -1));
  }

  #link(part: Part, text = this.#model.nameOf(part)): HTMLElement {
    const status = part >= 0 ? this.#model.node(part).status : this.#model.cycle(~part).failed ? 'failed' : 'completed';
    return button(html('span', {}, icon(status), text), { class: `link is-${status}`, 'data-to': part }, () => {
      this.#model.show({ selected: part });
      this.element.focus();
    });
  }

  #neighbours(title: string, edges: readonly PageEdge[], end: 'from' | 'to'): HTMLElement {
    const seen = edges.filter(({ kind }) => kind !== 'choice');
    if (seen.length === 0) return html('div', { hidden: true });
    const rows = seen.map((edge) => {
      const how = [edge.kind === 'feedback' ? 'feedback' : '', edge.label].filter((text) => text !== '').join(': ');
      return html(
        'li',
        { class: edge.taken ? '' : 'untaken' },
        this.#link(edge[end]),
        html('span', { class: 'ports' }, how),
      );
    });
    return block(title, html('ul', { class: 'links' }, ...rows));
  }

  #attempts(index: number): HTMLElement[] {
    const all = this.#model.attemptsOf(index);
    if (all.length < 2) return [];
    const shown = all.slice(-MOST_ATTEMPTS);
    const rows = shown.map(({ visit, attempt, status, start, end, error }) =>
      html(
        'tr',
        {},
        html('td', {}, `${visit}.${attempt}`),
        html('td', { class: `is-${status}` }, icon(status), error?.code ?? status),
        html('td', { class: 'number' }, duration(start)),
        html('td', { class: 'number' }, duration(end - start)),
      ),
    );
    const head = html(
      'tr',
      {},
      ...['Visit', 'Outcome', 'At', 'Took'].map((text) => html('th', { scope: 'col' }, text)),
    );
    const note =
      all.length > shown.length ? html('p', { class: 'note' }, `The last ${shown.length} of ${all.length}.`) : null;
    return [
      block(
        'Attempts',
        html('table', { class: 'attempt-table' }, html('thead', {}, head), html('tbody', {}, ...rows)),
        note,
      ),
    ];
  }
}

function block(title: string, ...children: readonly Child[]): HTMLElement {
  return html('div', { class: 'block' }, html('h3', {}, title), ...children);
}

function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== null);
  return html('dl', {}, ...shown.flatMap(([name, value]) => [html('dt', {}, name), html('dd', {}, value)]));
}

/** A status as a sign and a word. */
export function statusBadge(status: Parameters<typeof icon>[0], text: string): HTMLElement {
  return html('p', { class: `badge is-${status}` }, icon(status), text);
}

/** An error and what caused it, outermost first. */
export function errorChain(error: ErrorData): HTMLElement {
  return html(
    'div',
    { class: 'error' },
    html(
      'p',
      {},
      html('code', {}, error.code),
      error.name === 'NonError' ? null : html('span', { class: 'note' }, ` ${error.name}`),
    ),
    html('p', { class: 'message' }, error.message),
    error.cause === undefined
      ? null
      : html('div', { class: 'cause' }, html('p', { class: 'note' }, 'caused by'), errorChain(error.cause)),
  );
}
