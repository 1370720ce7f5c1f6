import { breadcrumb } from './breadcrumb.js';
import { html, section } from './dom.js';
import { GraphDrawing } from './graph-drawing.js';
import { ItemsView } from './items.js';
import type { Model, Part, Place } from './model.js';
import { pathLine } from './path-line.js';
import type { Tooltip } from './tooltip.js';

/** What the first section shows: the graph of a scope, or the items of a map, and the way there. */
export class GraphPanel {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #tooltip: Tooltip;
  readonly #way = html('nav', { class: 'breadcrumb', 'aria-label': 'Place in the run', hidden: true });
  readonly #room = html('div', { class: 'room' });
  #shown: GraphDrawing | ItemsView;

  constructor(model: Model, tooltip: Tooltip) {
    this.#model = model;
    this.#tooltip = tooltip;
    this.#shown = this.#made(model.view.place);
    this.#room.append(this.#shown.element);
    const note = 'Drag to move. Click the graph, then turn the wheel to zoom.';
    this.element = section('graph', 'Graph', note, pathLine(model), this.#way, this.#room);
    model.listen(({ place, selected }, before) => {
      if (isSame(place, before.place)) return;
      this.#go(place, before.place, selected);
    });
  }

  /** Everything, or, where everything would be too small to read, the place where the run failed. */
  open(): void {
    this.#shown.open(this.#model.find(this.#model.data.primary?.part ?? ''));
  }

  fit(): void {
    this.#shown.fit();
  }

  zoom(direction: 'in' | 'out'): void {
    this.#shown.zoom(direction);
  }

  /** Brings a part into view and puts the focus on it. */
  focus(part: Part): void {
    this.#shown.focus(part);
  }

  /** One level out, to the node that holds what is shown. `false` at the top. */
  up(): boolean {
    const { place } = this.#model.view;
    const owner = place.kind === 'items' ? place.node : (this.#model.scope(place.scope).child?.owner ?? null);
    if (owner === null) return false;
    this.#tooltip.hide();
    const { number = null } = place.kind === 'items' ? {} : (this.#model.scope(place.scope).child ?? {});
    const family = this.#model
      .node(owner)
      .families.findIndex(({ scopes }) => place.kind === 'graph' && scopes.includes(place.scope));
    if (number !== null) this.#model.show({ place: { kind: 'items', node: owner, family }, selected: null });
    else this.#model.show({ place: this.#model.homeOf(owner), selected: null });
    return true;
  }

  #made(place: Place): GraphDrawing | ItemsView {
    return place.kind === 'graph'
      ? new GraphDrawing(this.#model, this.#tooltip, place.scope)
      : new ItemsView(this.#model, this.#tooltip, place.node, place.family);
  }

  #go(place: Place, before: Place, selected: Part | null): void {
    const held = this.#room.contains(document.activeElement) || this.#way.contains(document.activeElement);
    this.#shown.dispose();
    this.#tooltip.hide();
    this.#shown = this.#made(place);
    this.#room.replaceChildren(this.#shown.element);
    this.#way.replaceChildren(...breadcrumb(this.#model, place));
    this.#way.hidden = place.kind === 'graph' && place.scope === 0;
    const from = this.#cameFrom(place, before);
    this.#shown.open(selected ?? from);
    if (held) this.#shown.focus(selected ?? from);
  }

  /** What of a place holds the place that was shown before: its owner, or its number among the items. */
  #cameFrom(place: Place, before: Place): Part | undefined {
    let scope = before.kind === 'graph' ? before.scope : this.#model.node(before.node).scope;
    let owner: Part | undefined = before.kind === 'items' ? before.node : undefined;
    for (;;) {
      if (place.kind === 'graph' && place.scope === scope) return owner;
      const { child } = this.#model.scope(scope);
      if (child === null) return undefined;
      if (place.kind === 'items' && place.node === child.owner) return child.number ?? undefined;
      owner = child.owner;
      scope = this.#model.node(owner).scope;
    }
  }
}

function isSame(a: Place, b: Place): boolean {
  if (a.kind === 'graph') return b.kind === 'graph' && a.scope === b.scope;
  return b.kind === 'items' && a.node === b.node && a.family === b.family;
}
