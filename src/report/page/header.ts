import { errorChain, statusBadge } from './details.js';
import { button, html } from './dom.js';
import { count, duration } from './format.js';
import { icon, urgencyOf } from './icons.js';
import type { Model, Part } from './model.js';
import { Search } from './search.js';
import { waitingBanner } from './waiting-banner.js';

/** The top of the page: what ran, how it ended, counts that filter, search and switches; the primary error before anything else. */
export class Header {
  readonly element: HTMLElement;
  readonly search: Search;
  readonly #model: Model;

  constructor(model: Model, showKeys: () => void) {
    this.#model = model;
    const { data } = model;
    this.search = new Search(model);
    const named = data.title !== `${data.workflow}: ${data.status}`;
    const critical = button(
      'Critical path',
      { class: 'toggle', 'aria-pressed': 'false', title: 'Highlight the critical path (c)', id: 'critical' },
      () => model.show({ critical: !model.view.critical }),
    );
    model.listen(({ critical: on }) => critical.setAttribute('aria-pressed', String(on)));
    const controls = html(
      'div',
      { class: 'controls' },
      this.search.element,
      critical,
      button('Theme', { id: 'theme', title: 'Light or dark (t)' }, toggleTheme),
      button('?', { id: 'help', 'aria-label': 'Keyboard keys', title: 'Keys (?)' }, showKeys),
    );
    const started = new Date(data.startedAt);
    const facts = html(
      'p',
      { class: 'run-facts' },
      named ? html('span', {}, 'Workflow ', html('code', {}, data.workflow)) : null,
      html('span', {}, 'Run ', html('code', {}, data.runId)),
      html('span', {}, html('time', { datetime: started.toISOString() }, started.toLocaleString())),
      html('span', {}, duration(data.durationMs)),
    );
    this.element = html(
      'header',
      { class: 'top' },
      html(
        'div',
        { class: 'top-line' },
        html(
          'div',
          { class: 'titles' },
          html('h1', {}, named ? data.title : data.workflow),
          statusBadge(data.status, data.status),
        ),
        controls,
      ),
      facts,
      this.#primary(),
      waitingBanner(model),
      this.#counts(),
    );
  }

  #primary(): HTMLElement | null {
    const { primary, status } = this.#model.data;
    if (primary === null) return null;
    const part = primary.part === null ? undefined : this.#model.find(primary.part);
    const where =
      part === undefined
        ? null
        : button(primary.part as string, { class: 'link' }, () => this.#model.show({ selected: part }));
    const heading = where === null ? (status === 'failed' ? 'The run failed' : 'The run was cancelled') : 'Failed at ';
    return html(
      'div',
      { class: `primary is-${status}`, role: 'alert' },
      html('h2', {}, icon(status), heading, where),
      errorChain(primary.error),
      part === undefined ? null : this.#owners(part),
    );
  }

  /** The maps and subworkflows that failed with what failed in them. */
  #owners(part: Part): HTMLElement | null {
    const links: HTMLElement[] = [];
    for (let { child } = this.#model.scope(this.#model.scopeOf(part)); child !== null; ) {
      const { owner } = child;
      links.push(button(this.#model.pathOf(owner), { class: 'link' }, () => this.#model.show({ selected: owner })));
      ({ child } = this.#model.scope(this.#model.scopeOf(owner)));
    }
    const listed = links.flatMap((link, index) => (index === 0 ? [link] : [', ', link]));
    return links.length === 0 ? null : html('p', { class: 'with-it' }, 'and with it ', ...listed);
  }

  /** How many nodes are in each status; each filters by it. */
  #counts(): HTMLElement {
    const { nodes } = this.#model.data;
    const numbers = new Map<(typeof nodes)[number]['status'], number>();
    for (const { status } of nodes) numbers.set(status, (numbers.get(status) ?? 0) + 1);
    const counted = [...numbers].sort(([a], [b]) => urgencyOf(a) - urgencyOf(b));
    const chips = counted.map(([status, number]) => {
      const text = html('span', {}, icon(status), `${number.toLocaleString('en')} ${status}`);
      const chip = button(
        text,
        {
          class: `chip is-${status}`,
          'data-status': status,
          'aria-pressed': 'false',
          title: `Show only ${status} nodes`,
        },
        () => this.#toggle(status),
      );
      this.#model.listen(({ statuses }) => chip.setAttribute('aria-pressed', String(statuses.has(status))));
      return chip;
    });
    return html(
      'div',
      { class: 'chips', role: 'group', 'aria-label': `${count(nodes.length, 'node')} by status` },
      ...chips,
    );
  }

  #toggle(status: string): void {
    const statuses = new Set(this.#model.view.statuses);
    if (!statuses.delete(status)) statuses.add(status);
    this.#model.show({ statuses });
  }
}

/** Switches between light and dark, whichever the system asked for. */
export function toggleTheme(): void {
  const root = document.documentElement;
  const dark =
    root.dataset.theme === undefined
      ? matchMedia('(prefers-color-scheme: dark)').matches
      : root.dataset.theme === 'dark';
  root.dataset.theme = dark ? 'light' : 'dark';
}
