import { button, html } from './dom.js';
import type { Model, Place } from './model.js';

/** The way from the top of the run to what is shown, and to what stands beside it: other items, other visits. */
export function breadcrumb(model: Model, place: Place): readonly HTMLElement[] {
  const crumbs = wayTo(model, place);
  const items = crumbs.map(({ text, place: there }, index) => {
    const go = (): void => model.show({ place: there, selected: null });
    const last = index === crumbs.length - 1;
    return html(
      'li',
      {},
      last ? html('span', { 'aria-current': 'location' }, text) : button(text, { class: 'link' }, go),
    );
  });
  return [html('ol', {}, ...items), ...beside(model, place)];
}

interface Crumb {
  readonly text: string;
  readonly place: Place;
}

function wayTo(model: Model, place: Place): Crumb[] {
  if (place.kind === 'items') {
    const { scope, id } = model.node(place.node);
    return [...wayTo(model, { kind: 'graph', scope }), { text: id, place }];
  }
  const { child } = model.scope(place.scope);
  if (child === null) return [{ text: model.data.workflow, place }];
  const { scope, id, families } = model.node(child.owner);
  if (child.number === null) return [...wayTo(model, { kind: 'graph', scope }), { text: id, place }];
  const family = families.findIndex(({ scopes }) => scopes.includes(place.scope));
  const items: Place = { kind: 'items', node: child.owner, family };
  return [...wayTo(model, items), { text: `[${child.number}]`, place }];
}

interface Row {
  readonly what: string;
  readonly places: readonly Place[];
  readonly at: number;
  readonly name: (at: number) => string;
}

function beside(model: Model, place: Place): HTMLElement[] {
  const rows = [visitsAround(model, place), itemsAround(model, place)].filter((row) => row !== undefined);
  return rows.map(({ what, places, at, name }) => {
    const step = (sign: string, to: number, title: string): HTMLElement => {
      const there = places[to];
      return button(
        sign,
        { 'aria-label': `${title} ${what}`, title: `${title} ${what}`, disabled: there === undefined },
        () => {
          if (there !== undefined) model.show({ place: there, selected: null });
        },
      );
    };
    const text = html('span', {}, name(at));
    return html('span', { class: 'beside' }, step('‹', at - 1, 'Previous'), text, step('›', at + 1, 'Next'));
  });
}

/** Other visits and attempts of the node that holds a place. */
function visitsAround(model: Model, place: Place): Row | undefined {
  const child = place.kind === 'graph' ? model.scope(place.scope).child : null;
  const owner = place.kind === 'items' ? place.node : child?.number === null ? child.owner : undefined;
  if (owner === undefined) return undefined;
  const { families, shape } = model.node(owner);
  if (families.length < 2) return undefined;
  const at = families.findIndex(({ scopes }, index) =>
    place.kind === 'items' ? index === place.family : scopes.includes(place.scope),
  );
  const places = families.map(
    ({ scopes }, family): Place =>
      shape === 'map' ? { kind: 'items', node: owner, family } : { kind: 'graph', scope: scopes[0] as number },
  );
  const last = families.at(-1)?.visit;
  const name = (index: number): string => {
    const { visit, attempt } = families[index] as (typeof families)[number];
    return `visit ${visit} of ${last}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
  };
  return { what: 'visit', places, at, name };
}

const NONE: { readonly scopes: readonly number[] } = { scopes: [] };

/** Other items of the map that a place belongs to: as itself, or as the one thing that an item runs. */
function itemsAround(model: Model, place: Place): Row | undefined {
  if (place.kind === 'items') return undefined;
  let { scope } = place;
  for (;;) {
    const { child } = model.scope(scope);
    if (child === null) return undefined;
    const { families, scope: outer } = model.node(child.owner);
    if (child.number !== null) {
      const { scopes } = families.find((family) => family.scopes.includes(scope)) ?? NONE;
      const direct = scope === place.scope;
      const places = scopes.map((item): Place => (direct ? { kind: 'graph', scope: item } : model.placeOf(item)));
      return { what: 'item', places, at: scopes.indexOf(scope), name: (at) => `item ${at} (of ${scopes.length})` };
    }
    if (model.scope(outer).nodes.length > 1) return undefined;
    scope = outer;
  }
}
