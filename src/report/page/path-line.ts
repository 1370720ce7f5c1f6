import { button, html } from './dom.js';
import { count } from './format.js';
import { icon } from './icons.js';
import type { Model } from './model.js';

const MOST_NAMES = 14;

/** The critical path in words, with links: shown while it is highlighted. */
export function pathLine(model: Model): HTMLElement {
  const { critical } = model.data;
  const links = critical.slice(0, MOST_NAMES).map((index) =>
    html(
      'li',
      {},
      button(html('span', {}, icon(model.node(index).status), model.pathOf(index)), { class: 'link' }, () =>
        model.show({ selected: index }),
      ),
    ),
  );
  const rest = critical.length - links.length;
  const more = rest > 0 ? html('li', { class: 'note' }, `and ${rest} more`) : null;
  const line = html(
    'div',
    { class: 'path-line' },
    html('p', {}, `Critical path: ${count(critical.length, 'node')}, each waited for by the next`),
    html('ol', {}, ...links, more),
  );
  model.listen((view) => {
    line.hidden = !view.critical;
  });
  return line;
}
