import { button, html } from './dom.js';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search'],
  ['Tab', 'go through the page'],
  ['← ↑ → ↓', 'in the graph: go to the next node'],
  ['Enter', 'open a map, subworkflow or item; of anything else show details; in the search: next hit'],
  ['Space', 'show details of what has the focus'],
  ['Backspace', 'one level out'],
  ['Esc', 'close details, clear the search'],
  ['+  −', 'zoom the graph'],
  ['0', 'show the whole graph'],
  ['c', 'critical path'],
  ['t', 'light or dark'],
  ['?', 'these keys'],
];

/** The dialog that lists the keys. */
export function keysDialog(): HTMLDialogElement {
  const rows = KEYS.map(([key, what]) =>
    html('tr', {}, html('th', { scope: 'row' }, html('kbd', {}, key)), html('td', {}, what)),
  );
  const dialog = html('dialog', { id: 'keys', 'aria-labelledby': 'keys-title' });
  dialog.append(
    html('h2', { id: 'keys-title' }, 'Keys'),
    html('table', {}, html('tbody', {}, ...rows)),
    button('Close', {}, () => dialog.close()),
  );
  return dialog;
}

/** What keys do outside of fields. */
export type KeyActions = Readonly<Record<string, () => void>>;

/** Listens for keys on the whole page. Keys with Ctrl, Alt or Meta belong to the browser; fields keep theirs, but for Escape. */
export function listenForKeys(actions: KeyActions): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (inField && event.key !== 'Escape') return;
    const act = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (act === undefined || document.querySelector('dialog[open]') !== null) return;
    event.preventDefault();
    act();
  });
}
