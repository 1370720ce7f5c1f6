import { errorChain } from './details.js';
import { button, html, section, svg } from './dom.js';
import type { PageCycle } from './expand.js';
import { count, duration, measure, words } from './format.js';
import { cycleTone } from './graph-shapes.js';
import { icon } from './icons.js';
import type { Model } from './model.js';
import { logTicks, spansDecades, ticks } from './ticks.js';

const WIDTH = 420;
const HEIGHT = 170;
const INSET = { left: 58, right: 12, top: 12, bottom: 30 };

/** Cycles of a thousand items would be a thousand cards: the rest is found through the graph. */
const MOST_CARDS = 60;

/** A card for each cycle: how often it turned, why it stopped, and how its metric went. */
export function cyclesSection(model: Model): HTMLElement | null {
  const { cycles } = model.data;
  if (cycles.length === 0) return null;
  const shown = cycles.slice(0, MOST_CARDS);
  const note = cycles.length > shown.length ? `The first ${shown.length} of ${count(cycles.length, 'cycle')}.` : '';
  return section(
    'cycles',
    'Cycles',
    note,
    html('div', { class: 'cards' }, ...shown.map((cycle, index) => card(model, cycle, index))),
  );
}

function card(model: Model, cycle: PageCycle, index: number): HTMLElement {
  const { path, scope, iterations, totalIterations, maxIterations, reason, root, error, history, elapsedMs } = cycle;
  const rootPart = root === null ? undefined : model.at(root, scope);
  const name = button(`↻ ${path}`, { class: 'link' }, () => model.show({ selected: ~index }));
  const stop = html(
    'p',
    { class: `badge is-${cycleTone(cycle)}` },
    icon(cycleTone(cycle)),
    reason === null ? 'never ran' : words(reason),
  );
  const facts: (readonly [string, Node | string])[] = [
    [
      'Iterations',
      `${iterations.toLocaleString('en')}${maxIterations === null ? '' : ` of at most ${maxIterations.toLocaleString('en')}`}`,
    ],
    ...(totalIterations === iterations ? [] : [['In all entries', totalIterations.toLocaleString('en')] as const]),
    ['Took', duration(elapsedMs)],
    ...(root === null
      ? []
      : [
          [
            'Because of',
            rootPart === undefined ? root : button(root, { class: 'link' }, () => model.show({ selected: rootPart })),
          ] as const,
        ]),
  ];
  return html(
    'article',
    { class: 'cycle-card' },
    html('header', {}, html('h3', {}, name), stop),
    html('dl', {}, ...facts.flatMap(([term, value]) => [html('dt', {}, term), html('dd', {}, value)])),
    error === null ? null : errorChain(error),
    history.some(Number.isFinite) ? curve(cycle) : html('p', { class: 'note' }, 'No metric was recorded.'),
  );
}

/** The metric over the iterations, the last one marked. */
function curve({ path: id, iterations, history }: PageCycle): HTMLElement {
  const first = Math.max(1, iterations - history.length + 1);
  const points = history.flatMap((value, index) =>
    Number.isFinite(value) ? [{ iteration: first + index, value }] : [],
  );
  const values = points.map(({ value }) => value);
  const logarithmic = spansDecades(values);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const marks = logarithmic ? logTicks(least, most, 4) : ticks(...widened(least, most), 4);
  const scale = (value: number): number => (logarithmic ? Math.log10(value) : value);
  const bottom = scale(Math.min(least, ...marks));
  const top = scale(Math.max(most, ...marks));
  const last = first + history.length - 1;
  const x = (iteration: number): number =>
    INSET.left + ((iteration - first) / Math.max(1, last - first)) * (WIDTH - INSET.left - INSET.right);
  const y = (value: number): number =>
    HEIGHT - INSET.bottom - ((scale(value) - bottom) / (top - bottom || 1)) * (HEIGHT - INSET.top - INSET.bottom);
  const line = points.map(
    ({ iteration, value }, index) => `${index === 0 ? 'M' : 'L'}${x(iteration).toFixed(1)} ${y(value).toFixed(1)}`,
  );
  const end = points.at(-1) as (typeof points)[number];
  const across = [...new Set(ticks(first, last, 5).filter((iteration) => Number.isInteger(iteration)))];
  const description = `Metric of ${id}: from ${measure(values[0] as number)} to ${measure(end.value)} over ${count(history.length, 'iteration')}, ${logarithmic ? 'logarithmic' : 'linear'} scale.`;
  const picture = svg(
    'svg',
    { class: 'curve', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': description },
    svg('path', {
      class: 'grid',
      d: marks.map((mark) => `M${INSET.left} ${y(mark).toFixed(1)}H${WIDTH - INSET.right}`).join(''),
    }),
    ...marks.map((mark) => svg('text', { x: INSET.left - 8, y: y(mark) + 4, 'text-anchor': 'end' }, measure(mark))),
    ...across.map((iteration) =>
      svg('text', { x: x(iteration), y: HEIGHT - 10, 'text-anchor': 'middle' }, String(iteration)),
    ),
    svg('path', { class: 'line', d: line.join('') }),
    svg('circle', { class: 'end', cx: x(end.iteration), cy: y(end.value), r: 3.5 }),
  );
  const shown =
    history.length < iterations
      ? `the last ${history.length} of ${iterations} iterations`
      : count(history.length, 'iteration');
  return html(
    'figure',
    {},
    picture,
    html(
      'figcaption',
      {},
      `Metric over ${shown}${logarithmic ? ', logarithmic' : ''}; at the end ${measure(end.value)}`,
    ),
  );
}

/** A range that a flat line can be drawn in. */
function widened(least: number, most: number): [number, number] {
  if (most > least) return [least, most];
  const half = Math.abs(least) / 2 || 1;
  return [least - half, most + half];
}
