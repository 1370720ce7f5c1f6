import { html } from './dom.js';
import type { Model } from './model.js';

/** Chooses of which scopes something is shown. Without children there is nothing to choose. */
export class ScopeChoice {
  readonly element: HTMLElement | null;
  readonly #model: Model;
  readonly #select = html('select', { id: 'scope' });
  /** For each scope the number of its family of scopes, and those around it. */
  readonly #kinds: readonly ReadonlySet<string>[];

  /** @param chosen is called after every choice */
  constructor(model: Model, chosen: () => void) {
    this.#model = model;
    const kinds: Set<string>[] = [];
    for (const { child } of model.data.scopes) {
      if (child === null) kinds.push(new Set());
      else {
        const { scope } = model.node(child.owner);
        kinds.push(new Set([...(kinds[scope] ?? []), kindOf(model, child.owner)]));
      }
    }
    this.#kinds = kinds;
    const all = [...new Set(kinds.flatMap((own) => [...own]))];
    const option = (value: string, text: string): HTMLElement => html('option', { value }, text);
    this.#select.append(
      option('all', 'the whole run'),
      option('top', 'the top level'),
      option('place', 'what the graph shows, and inside'),
      ...all.map((kind) => option(`in ${kind}`, `inside ${kind}`)),
    );
    this.#select.addEventListener('change', chosen);
    this.element =
      all.length === 0
        ? null
        : html('p', { class: 'scope-choice' }, html('label', { for: 'scope' }, 'Of '), this.#select);
  }

  /** Whether a node is in a chosen scope. */
  holds(index: number): boolean {
    const { value } = this.#select;
    const { scope } = this.#model.node(index);
    if (value === 'all') return true;
    if (value === 'top') return scope === 0;
    if (value === 'place') return this.#isShown(index);
    return this.#kinds[scope]?.has(value.slice(3)) === true;
  }

  #isShown(index: number): boolean {
    const { place } = this.#model.view;
    const owner = place.kind === 'items' ? place.node : null;
    for (let { scope } = this.#model.node(index); ; ) {
      if (place.kind === 'graph' && place.scope === scope) return true;
      const { child } = this.#model.scope(scope);
      if (child === null) return false;
      if (child.owner === owner) return true;
      ({ scope } = this.#model.node(child.owner));
    }
  }
}

/** A map or subworkflow wherever it ran, as `all › call`. */
function kindOf(model: Model, owner: number): string {
  const { id, scope } = model.node(owner);
  const { child } = model.scope(scope);
  return child === null ? id : `${kindOf(model, child.owner)} › ${id}`;
}
