import type { PageData } from '../page-data.js';
import { cyclesSection } from './cycles.js';
import { DetailsPanel } from './details.js';
import { html } from './dom.js';
import { GraphPanel } from './graph.js';
import { Header, toggleTheme } from './header.js';
import { keysDialog, listenForKeys } from './keys.js';
import { Model } from './model.js';
import { problemsSection } from './problems.js';
import { TablePanel } from './table.js';
import { TimelinePanel } from './timeline.js';
import { Tooltip } from './tooltip.js';

const data = JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
const model = new Model(data);
const tooltip = new Tooltip();
const dialog = keysDialog();
const pageHeader = new Header(model, () => dialog.showModal());
const graph = new GraphPanel(model, tooltip);
const details = new DetailsPanel(model, (part) => {
  if (part >= 0) graph.focus(part);
});

const sections = [
  graph.element,
  new TimelinePanel(model, tooltip).element,
  cyclesSection(model),
  problemsSection(model),
  new TablePanel(model).element,
].filter((section) => section !== null);

const links = sections.map((section) =>
  html('a', { href: `#${section.id}` }, section.querySelector('h2')?.textContent ?? section.id),
);
pageHeader.element.append(html('nav', { 'aria-label': 'Sections' }, ...links));
document.body.append(pageHeader.element, html('main', {}, ...sections), details.element, tooltip.element, dialog);

listenForKeys({
  '/': () => pageHeader.search.focus(),
  '?': () => dialog.showModal(),
  '+': () => graph.zoom('in'),
  '=': () => graph.zoom('in'),
  '-': () => graph.zoom('out'),
  '0': () => graph.fit(),
  Backspace: () => void graph.up(),
  c: () => model.show({ critical: !model.view.critical }),
  t: toggleTheme,
  Escape: () => {
    tooltip.hide();
    const { selected } = model.view;
    if (selected !== null) {
      const within = details.element.contains(document.activeElement);
      model.show({ selected: null });
      if (within && selected >= 0) graph.focus(selected);
      return;
    }
    model.show({ query: '', statuses: new Set() });
  },
});

graph.open();
addEventListener('beforeprint', () => graph.fit());
