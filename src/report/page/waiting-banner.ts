import { button, html } from './dom.js';
import { count } from './format.js';
import { icon } from './icons.js';
import type { Model } from './model.js';

const MOST_GATES = 12;

/** Says of a waiting run since when it waits, and for which gates. `null` for any other run. */
export function waitingBanner(model: Model): HTMLElement | null {
  const { status, gates, waits, startedAt, wakeAt } = model.data;
  if (status !== 'waiting') return null;
  const open = gates.filter(({ outcome }) => outcome === 'open');
  const since = waits.findLast(({ to }) => to === null)?.from ?? model.data.durationMs;
  const moment = (ms: number): HTMLElement => {
    const date = new Date(startedAt + ms);
    return html('time', { datetime: date.toISOString() }, date.toLocaleString());
  };
  const rows = open.slice(0, MOST_GATES).map(({ node, openedAt, expiresAt }) =>
    html(
      'li',
      {},
      button(model.pathOf(node), { class: 'link' }, () => model.show({ selected: node })),
      html('span', { class: 'note' }, 'open since ', moment(openedAt)),
      html(
        'span',
        { class: 'note' },
        ...(expiresAt === null ? ['never times out'] : ['times out ', moment(expiresAt)]),
      ),
    ),
  );
  const rest = open.length - rows.length;
  return html(
    'div',
    { class: 'primary is-waiting', role: 'status' },
    html('h2', {}, icon('waiting'), `The run waits for ${count(open.length, 'gate')}`),
    html(
      'p',
      {},
      'since ',
      moment(since),
      wakeAt === null ? '' : ', and goes on by itself ',
      wakeAt === null ? '' : moment(wakeAt),
    ),
    html('ul', { class: 'open-gates' }, ...rows, rest > 0 ? html('li', { class: 'note' }, `and ${rest} more`) : null),
  );
}
