import { html, svg } from './dom.js';
import type { PageCycle, PageEdge, PageNode } from './expand.js';
import { count, shortened, words } from './format.js';
import { iconPath } from './icons.js';

const LONGEST_NAME = 30;

/** The heads of arrows. */
export function markers(): SVGDefsElement {
  const arrow = (id: string): SVGMarkerElement =>
    svg(
      'marker',
      {
        id,
        class: id,
        viewBox: '0 0 10 10',
        refX: 9,
        refY: 5,
        markerWidth: 7,
        markerHeight: 7,
        orient: 'auto-start-reverse',
        markerUnits: 'userSpaceOnUse',
      },
      svg('path', { d: 'M0 0.8L10 5L0 9.2z' }),
    );
  return svg('defs', {}, arrow('arrow'), arrow('arrow-near'), arrow('arrow-path'));
}

/** An edge as a line. */
export function drawEdge({ kind, taken, critical, path }: PageEdge): SVGPathElement {
  const classes = ['edge', `is-${kind}`, taken ? '' : 'untaken', critical ? 'on-path' : ''];
  return svg('path', { class: classes.join(' '), d: path });
}

/** What stands beside an edge. */
export function drawCaption({ caption, captionAt, taken }: PageEdge): SVGTextElement {
  return svg(
    'text',
    { class: taken ? 'caption' : 'caption untaken', x: captionAt.x, y: captionAt.y + 4 },
    shortened(caption, 30),
  );
}

function outline({ shape, rect: { x, y, width, height } }: PageNode): string {
  const right = x + width;
  const bottom = y + height;
  const middle = y + height / 2;
  const cut = 14;
  switch (shape) {
    case 'function':
      return box(x, y, width, height);
    case 'try':
      return `${box(x, y, width, height)}M${right - 6} ${y + 1}V${bottom - 1}`;
    case 'switch':
    case 'gate':
      return `M${x + cut} ${y}H${right - cut}L${right} ${middle}L${right - cut} ${bottom}H${x + cut}L${x} ${middle}z${
        shape === 'gate' ? `M${x + 19} ${y + 4}H${right - 19}M${x + 19} ${bottom - 4}H${right - 19}` : ''
      }`;
    case 'map':
      // Sheets behind a sheet.
      return `${box(x, y, width - 8, height - 8)}M${right - 8} ${y + 4}h4v${height - 8}H${x + 4}v-4M${right - 4} ${y + 8}h4v${height - 8}H${x + 8}v-4`;
    case 'subworkflow':
      return `M${x} ${y}H${right}V${bottom}H${x}zM${x + 6} ${y}V${bottom}M${right - 6} ${y}V${bottom}`;
  }
}

function box(x: number, y: number, width: number, height: number): string {
  const [r, right, bottom] = [8, x + width, y + height];
  return `M${x + r} ${y}H${right - r}a${r} ${r} 0 0 1 ${r} ${r}V${bottom - r}a${r} ${r} 0 0 1 -${r} ${r}H${x + r}a${r} ${r} 0 0 1 -${r} -${r}V${y + r}a${r} ${r} 0 0 1 ${r} -${r}z`;
}

/** A node with its sign and two lines of text. */
export function drawNode(node: PageNode, index: number): SVGGElement {
  const { id, status, rect, shape } = node;
  const inset = shape === 'switch' || shape === 'gate' ? 20 : shape === 'subworkflow' ? 16 : 12;
  const top = shape === 'map' ? rect.y - 4 : rect.y;
  const opens = node.families.length > 0 ? ', Enter opens it' : '';
  const label = `${id}, ${shape === 'function' ? '' : `${shape}, `}${status}${opens}`;
  return svg(
    'g',
    {
      class: node.families.length > 0 ? `node is-${status} opens` : `node is-${status}`,
      'data-part': index,
      tabindex: -1,
      role: 'button',
      'aria-label': label,
      'aria-describedby': 'tooltip',
    },
    svg('path', { class: 'shape', d: outline(node) }),
    svg('path', {
      class: 'sign',
      d: iconPath(status),
      transform: `translate(${rect.x + inset} ${top + rect.height / 2 - 8})`,
    }),
    svg('text', { class: 'name', x: rect.x + inset + 24, y: top + 20 }, shortened(id, LONGEST_NAME)),
    svg('text', { class: 'meta', x: rect.x + inset + 24, y: top + 36 }, node.meta),
  );
}

/** The look of how a cycle ended: one that only came to its limit is neither well nor failed. */
export function cycleTone({ failed, reason }: PageCycle): 'failed' | 'lost' | 'skipped' | 'completed' {
  if (failed) return 'failed';
  if (reason === 'max_iterations' || reason === 'timeout') return 'lost';
  return reason === null || reason === 'skipped' ? 'skipped' : 'completed';
}

/** How a cycle ended, in short. */
export function cycleSummary({ iterations, maxIterations, reason }: PageCycle): string {
  const cap = maxIterations === null ? '' : ` of at most ${maxIterations}`;
  return `${count(iterations, 'iteration')}${cap}${reason === null ? '' : ` · ${words(reason)}`}`;
}

/** The box of a cycle. */
export function drawCycle(cycle: PageCycle, index: number): SVGGElement {
  const { id, rect, failed } = cycle;
  return svg(
    'g',
    {
      class: failed ? 'cycle is-failed' : 'cycle',
      'data-part': ~index,
      tabindex: -1,
      role: 'button',
      'aria-label': `cycle ${id}, ${cycleSummary(cycle)}`,
    },
    svg('rect', { class: 'box', x: rect.x, y: rect.y, width: rect.width, height: rect.height, rx: 12 }),
  );
}

/** Stands above the edges that enter the box. */
export function drawTitle({ id, rect, iterations, reason }: PageCycle): SVGTextElement {
  const room = Math.floor((rect.width - 46 - 8.3 * Math.min(id.length, 40)) / 6.6);
  const end = reason === null ? '' : `${iterations}× · ${words(reason)}`;
  const title = svg('text', { class: 'box-title', x: rect.x + 14, y: rect.y + 20 }, `↻ ${shortened(id, 40)}`);
  title.append(svg('tspan', { class: 'sub', dx: 8 }, shortened(end, Math.max(4, room))));
  return title;
}

/** What the lines mean. */
export function legend(): HTMLElement {
  const line = (kind: string, text: string): HTMLElement =>
    html(
      'span',
      {},
      svg(
        'svg',
        { viewBox: '0 0 30 10', 'aria-hidden': 'true', class: 'legend-line' },
        svg('path', { class: `edge is-${kind}`, d: 'M1 5H29' }),
      ),
      text,
    );
  return html(
    'p',
    { class: 'legend' },
    line('data', 'data'),
    line('feedback', 'feedback'),
    line('after', 'after, join'),
    line('data untaken', 'not taken'),
  );
}
