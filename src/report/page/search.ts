import { html } from './dom.js';
import type { Model } from './model.js';

/** The field that finds nodes: while it is typed in everything else is dimmed, Enter goes from hit to hit. */
export class Search {
  readonly element: HTMLElement;
  readonly #field = html('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search nodes  /',
    'aria-label': 'Search nodes by name, status, reason or error',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  readonly #hits = html('output', { for: 'search', class: 'hits' });

  constructor(model: Model) {
    this.element = html('div', { class: 'search' }, this.#field, this.#hits);
    this.#field.addEventListener('input', () => model.show({ query: this.#field.value.trim() }));
    this.#field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#next(model);
    });
    model.listen(({ query }, before) => {
      if (query === before.query) return;
      if (query === '') this.#field.value = '';
      this.#hits.textContent = query === '' ? '' : String(hitsOf(model).length);
    });
  }

  focus(): void {
    this.#field.focus();
    this.#field.select();
  }

  /** The hit after the one that is selected, the first after the last. */
  #next(model: Model): void {
    const hits = hitsOf(model);
    const { selected } = model.view;
    const next = hits.find((hit) => selected !== null && hit > selected) ?? hits[0];
    if (next !== undefined) model.show({ selected: next });
  }
}

function hitsOf(model: Model): number[] {
  return model.data.nodes.flatMap((_, index) => (model.matches(index) ? [index] : []));
}
