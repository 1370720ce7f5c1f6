import { errorChain } from './details.js';
import { button, html, section } from './dom.js';
import { count, duration } from './format.js';
import { icon } from './icons.js';
import type { Model } from './model.js';

/** What is beyond is found in the table. */
const MOST_LISTED = 200;

/** What went wrong: errors that stayed, failed attempts that a retry made good, warnings. */
export function problemsSection(model: Model): HTMLElement | null {
  const { nodes, cycles, attempts, warnings } = model.data;
  const link = (id: string): HTMLElement => {
    const part = model.at(id);
    return part === undefined
      ? html('span', {}, id)
      : button(id, { class: 'link' }, () => model.show({ selected: part }));
  };
  const failed = [
    // What failed because a child did says nothing that the child does not say.
    ...nodes.flatMap(({ path, error, allowed, families }) =>
      error === null || (error.code === 'CHILD_FAILED' && families.length > 0)
        ? []
        : [{ id: path, error, note: allowed ? 'It may fail: the run went on.' : '' }],
    ),
    ...cycles.flatMap(({ path, error }) => (error === null ? [] : [{ id: path, error, note: 'The cycle failed.' }])),
  ];
  const retried = attempts.filter(({ error, retryAt }) => error !== null && retryAt !== null);
  if (failed.length + retried.length + warnings.length === 0) return null;
  const items = failed
    .slice(0, MOST_LISTED)
    .map(({ id, error, note }) =>
      html(
        'li',
        {},
        html('p', { class: 'is-failed where' }, icon('failed'), link(id), html('span', { class: 'note' }, note)),
        errorChain(error),
      ),
    );
  const waited = retried
    .slice(0, MOST_LISTED)
    .map(({ node, visit, attempt, error, end, retryAt }) =>
      html(
        'li',
        {},
        html(
          'p',
          { class: 'where' },
          icon('lost'),
          link(model.pathOf(node)),
          html(
            'span',
            { class: 'note' },
            `visit ${visit}, attempt ${attempt}, tried again after ${duration((retryAt ?? end) - end)}`,
          ),
        ),
        html('p', { class: 'message' }, html('code', {}, error?.code ?? ''), ` ${error?.message ?? ''}`),
      ),
    );
  const warned = warnings
    .slice(0, MOST_LISTED)
    .map(({ code, message, at }) =>
      html(
        'li',
        {},
        html('p', { class: 'where' }, html('code', {}, code), at === '' ? null : link(at)),
        html('p', { class: 'message' }, message),
      ),
    );
  return section(
    'problems',
    'Errors and warnings',
    '',
    list('Errors', items, failed.length),
    retried.length === 0
      ? null
      : html(
          'details',
          {},
          html(
            'summary',
            {},
            `${count(retried.length, 'failed attempt')} that ${retried.length === 1 ? 'was' : 'were'} tried again`,
          ),
          html('ul', { class: 'problems' }, ...waited),
        ),
    list('Warnings', warned, warnings.length),
  );
}

function list(title: string, items: readonly HTMLElement[], all: number): HTMLElement | null {
  return items.length === 0
    ? null
    : html(
        'div',
        {},
        html('h3', {}, `${title} (${all.toLocaleString('en')})`),
        html('ul', { class: 'problems' }, ...items),
        all > items.length ? html('p', { class: 'note' }, `The first ${items.length}: the table below has all.`) : null,
      );
}
