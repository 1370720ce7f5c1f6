import type { Point, Rect } from '../layout/geometry.js';
import { svg } from './dom.js';
import type { PageCycle, PageNode } from './expand.js';

/** What of a graph is drawn small. */
interface Drawn {
  readonly nodes: readonly PageNode[];
  readonly cycles: readonly PageCycle[];
  readonly width: number;
  readonly height: number;
}

const LARGEST = { width: 190, height: 150 };

/** The whole graph in a corner, and what of it is seen: shown while that is not everything. */
export class Minimap {
  readonly element: SVGSVGElement;
  readonly #seen = svg('rect', { class: 'seen' });
  readonly #size: { readonly width: number; readonly height: number };

  /** @param go is told where to go */
  constructor({ nodes, cycles, width, height }: Drawn, go: (point: Point) => void) {
    this.#size = { width, height };
    const paths = new Map<string, string>();
    for (const { status, rect } of nodes)
      paths.set(status, `${paths.get(status) ?? ''}M${rect.x} ${rect.y}h${rect.width}v${rect.height}h-${rect.width}z`);
    const scale = Math.min(LARGEST.width / width, LARGEST.height / height);
    this.element = svg(
      'svg',
      {
        class: 'minimap',
        viewBox: `0 0 ${width} ${height}`,
        'aria-hidden': 'true',
        width: width * scale,
        height: height * scale,
      },
      ...cycles.map(({ rect }) => svg('rect', { class: 'box', ...rect })),
      ...[...paths].map(([status, d]) => svg('path', { class: `is-${status}`, d })),
      this.#seen,
    );
    const follow = (event: PointerEvent): void => {
      if (event.buttons !== 1) return;
      const { left, top } = this.element.getBoundingClientRect();
      go({ x: (event.clientX - left) / scale, y: (event.clientY - top) / scale });
    };
    this.element.addEventListener('pointerdown', follow);
    this.element.addEventListener('pointermove', follow);
  }

  update({ x, y, width, height }: Rect): void {
    const whole = x <= 1 && y <= 1 && x + width >= this.#size.width - 1 && y + height >= this.#size.height - 1;
    this.element.classList.toggle('whole', whole);
    for (const [name, value] of Object.entries({ x, y, width, height }))
      this.#seen.setAttribute(name, value.toFixed(1));
  }
}
