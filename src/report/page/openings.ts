import { button, type Child, html } from './dom.js';
import type { PageNode } from './expand.js';
import { count, duration } from './format.js';
import { icon, urgencyOf } from './icons.js';
import { OUTCOMES } from './meta.js';
import type { Model } from './model.js';

const MOST_FAMILIES = 40;
const MOST_GATES = 40;

/** What a map or subworkflow opened, with a button for each time it did; what a gate waits or waited for. */
export function openings(model: Model, index: number): readonly HTMLElement[] {
  const node = model.node(index);
  return [...children(model, index, node), ...waits(model, node)];
}

function children(model: Model, index: number, { families, shape }: PageNode): readonly HTMLElement[] {
  if (families.length === 0) return [];
  const shown = families.slice(-MOST_FAMILIES);
  const rows = shown.map(({ visit, attempt, scopes }, position) => {
    const family = families.length - shown.length + position;
    const times = families.length === 1 ? '' : ` of visit ${visit}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
    const what = shape === 'map' ? `Open items${times}` : `Open graph${times}`;
    return html(
      'li',
      {},
      button(what, { class: 'open', disabled: scopes.length === 0 }, () => {
        const place = model.inside(index, family);
        if (place !== undefined) model.show({ place, selected: null });
      }),
      html('span', { class: 'ports' }, ...summary(model, scopes)),
    );
  });
  return [block(shape === 'map' ? 'Items' : 'Its graph', html('ul', { class: 'links' }, ...rows))];
}

/** How many of what status. */
function summary(model: Model, scopes: readonly number[]): readonly Child[] {
  const statuses = scopes.map((scope) => model.scope(scope).status);
  const kinds = [...new Set(statuses)].sort((a, b) => urgencyOf(a) - urgencyOf(b));
  if (kinds.length === 0) return ['no items'];
  return kinds.map((status) => {
    const number = statuses.filter((one) => one === status).length;
    return html(
      'span',
      { class: `is-${status} tally` },
      icon(status),
      scopes.length === 1 ? status : `${number} ${status}`,
    );
  });
}

function waits(model: Model, { gates }: PageNode): readonly HTMLElement[] {
  if (gates.length === 0) return [];
  const at = (ms: number): string => new Date(model.data.startedAt + ms).toLocaleString();
  const rows = gates.slice(-MOST_GATES).flatMap(({ visit, outcome, openedAt, closedAt, expiresAt, by }) => {
    const facts: (readonly [string, string | null])[] = [
      [gates.length > 1 ? `Visit ${visit}` : 'Answer', OUTCOMES[outcome]],
      ['By', by],
      ['Opened', at(openedAt)],
      [outcome === 'timedOut' ? 'Timed out' : 'Answered', closedAt === null ? null : at(closedAt)],
      ['Waited', closedAt === null ? null : duration(closedAt - openedAt)],
      ['Times out', outcome === 'open' ? (expiresAt === null ? 'never' : at(expiresAt)) : null],
    ];
    return facts.flatMap(([name, value]) => (value === null ? [] : [html('dt', {}, name), html('dd', {}, value)]));
  });
  const hidden = gates.length - MOST_GATES;
  const note = hidden > 0 ? html('p', { class: 'note' }, `${count(hidden, 'older wait')} left out.`) : null;
  return [block('Gate', html('dl', {}, ...rows), note)];
}

function block(title: string, ...content: readonly Child[]): HTMLElement {
  return html('div', { class: 'block' }, html('h3', {}, title), ...content);
}
