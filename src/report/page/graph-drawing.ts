import { button, html, svg } from './dom.js';
import type { PageCycle, PageEdge, PageNode } from './expand.js';
import { count } from './format.js';
import { drawCaption, drawCycle, drawEdge, drawNode, drawTitle, legend, markers } from './graph-shapes.js';
import { Minimap } from './minimap.js';
import type { Model, Part, View } from './model.js';
import { PanZoom } from './pan-zoom.js';
import { glance, type Tooltip } from './tooltip.js';

/** A graph that would have to be smaller to be seen as a whole is opened at one place. */
const READABLE = 0.4;

/** The graph of a scope: nodes, boxes and edges where they were laid out, with one tab stop; arrow keys go from node to node. */
export class GraphDrawing {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #tooltip: Tooltip;
  readonly #frame: SVGSVGElement;
  readonly #parts = new Map<Part, SVGGElement>();
  readonly #nodes: readonly PageNode[];
  readonly #first: number;
  readonly #edges: readonly (readonly [PageEdge, SVGPathElement])[];
  readonly #view: PanZoom;
  readonly #stop: () => void;
  #tabStop: number;

  constructor(model: Model, tooltip: Tooltip, scope: number) {
    this.#model = model;
    this.#tooltip = tooltip;
    const { firstNode, firstCycle, plan, nodes } = model.scope(scope);
    const { width, height, cycles } = model.data.plans[plan] as Model['data']['plans'][number];
    this.#first = firstNode;
    this.#tabStop = firstNode;
    this.#nodes = model.data.nodes.slice(firstNode, firstNode + nodes.length);
    const boxes = model.data.cycles.slice(firstCycle, firstCycle + cycles.length);
    this.#edges = model.edgesOf(scope).map((edge) => [edge, drawEdge(edge)]);
    for (const [index, cycle] of boxes.entries())
      this.#parts.set(~(firstCycle + index), drawCycle(cycle, firstCycle + index));
    for (const [index, node] of this.#nodes.entries())
      this.#parts.set(firstNode + index, drawNode(node, firstNode + index));
    this.#frame = this.#draw(boxes, width, height);
    const map = new Minimap({ nodes: this.#nodes, cycles: boxes, width, height }, (point) => this.#view.centre(point));
    const content = this.#frame.lastElementChild as SVGGElement;
    this.#view = new PanZoom(this.#frame, content, { width, height }, (visible) => map.update(visible));
    const tools = html(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': 'Graph' },
      button('+', { 'aria-label': 'Zoom in', title: 'Zoom in (+)' }, () => this.#view.zoom('in')),
      button('−', { 'aria-label': 'Zoom out', title: 'Zoom out (-)' }, () => this.#view.zoom('out')),
      button('Fit', { title: 'Show everything (0)' }, () => this.#view.fit()),
    );
    this.element = html(
      'div',
      { class: 'graph-frame' },
      html('div', { class: 'stage' }, this.#frame, map.element, tools),
      legend(),
    );
    this.#listen();
    this.#moveStop(firstNode);
    this.#stop = model.listen((view, before) => this.#update(view, before));
  }

  #draw(boxes: readonly PageCycle[], width: number, height: number): SVGSVGElement {
    const groups = [...this.#parts];
    const content = svg(
      'g',
      {},
      ...groups.flatMap(([part, group]) => (part < 0 ? [group] : [])),
      ...this.#edges.map(([, path]) => path),
      ...boxes.map(drawTitle),
      ...this.#edges.flatMap(([edge]) => (edge.caption === '' ? [] : [drawCaption(edge)])),
      ...groups.flatMap(([part, group]) => (part >= 0 ? [group] : [])),
    );
    const label = `Graph of ${count(this.#nodes.length, 'node')}. Arrow keys move between nodes, Space shows details, Enter opens maps and subworkflows.`;
    const frame = svg('svg', { class: 'graph', role: 'group', 'aria-label': label }, markers(), content);
    frame.style.height = `min(82vh, ${Math.max(Math.min(260, width), height + 8, 190)}px)`;
    return frame;
  }

  /** Everything, or, where everything would be too small to read, one part. */
  open(part: Part | undefined): void {
    this.#view.fit();
    if (this.#view.scale >= READABLE) return;
    this.#view.reveal(this.#rectOf(part !== undefined && this.#parts.has(part) ? part : this.#first));
  }

  fit(): void {
    this.#view.fit();
  }

  zoom(direction: 'in' | 'out'): void {
    this.#view.zoom(direction);
  }

  /** Brings a node into view and puts the focus on it; on the first node where it is none of them. */
  focus(part: Part | undefined): void {
    const index = part !== undefined && this.#parts.has(part) && part >= 0 ? part : this.#first;
    this.#view.reveal(this.#rectOf(index));
    this.#moveStop(index);
    this.#parts.get(index)?.focus({ preventScroll: true });
  }

  dispose(): void {
    this.#stop();
  }

  #rectOf(part: Part): PageNode['rect'] {
    return (part >= 0 ? this.#model.node(part) : this.#model.cycle(~part)).rect;
  }

  #listen(): void {
    const indexOf = (target: EventTarget | null): number | undefined => {
      const group = target instanceof Element ? target.closest('[data-part]') : null;
      return group === null ? undefined : Number(group.getAttribute('data-part'));
    };
    const tell = (event: Event): void => {
      const part = indexOf(event.target);
      if (part === undefined || part < 0) return;
      const group = this.#parts.get(part) as SVGGElement;
      if (!group.isConnected) return;
      this.#tooltip.show(group.getBoundingClientRect(), ...glance(this.#model.node(part)));
      this.#highlight(part);
    };
    const hush = (): void => {
      this.#tooltip.hide();
      this.#highlight(this.#model.view.selected ?? undefined);
    };
    this.#frame.addEventListener('pointerover', tell);
    this.#frame.addEventListener('pointerout', hush);
    this.#frame.addEventListener('pointerdown', () => this.#tooltip.hide());
    this.#frame.addEventListener('focusin', (event) => {
      const part = indexOf(event.target);
      if (part === undefined) return;
      if (part >= 0) {
        this.#moveStop(part);
        // A click says where it is looked at already.
        if (!(event.target as Element).matches(':focus-visible')) return;
        this.#view.reveal(this.#model.node(part).rect);
      }
      // After the drawing has moved, so that the words stand where the node stands; the focus may have gone on meanwhile.
      const tellIfThere = (): void => {
        if (document.activeElement === event.target) tell(event);
      };
      requestAnimationFrame(() => requestAnimationFrame(tellIfThere));
    });
    this.#frame.addEventListener('focusout', hush);
    this.#frame.addEventListener('click', (event) => {
      const part = indexOf(event.target);
      if (part === undefined) return;
      this.#model.show({ selected: part });
      this.#parts.get(part)?.focus({ preventScroll: true });
    });
    this.#frame.addEventListener('dblclick', (event) => {
      const part = indexOf(event.target);
      if (part !== undefined && part >= 0) this.#open(part);
    });
    this.#frame.addEventListener('keydown', (event) => this.#key(event, indexOf(event.target)));
  }

  #open(part: number): boolean {
    const place = this.#model.inside(part);
    if (place === undefined) return false;
    this.#tooltip.hide();
    this.#model.show({ place, selected: null });
    return true;
  }

  #key(event: KeyboardEvent, part: number | undefined): void {
    if (part === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      if (event.key === ' ' || part < 0 || !this.#open(part)) this.#model.show({ selected: part });
    } else if (part >= 0 && event.key.startsWith('Arrow')) {
      const next = this.#beside(part, event.key);
      if (next !== undefined) this.focus(next);
    } else return;
    event.preventDefault();
  }

  /** The node that lies nearest in a direction: sideways in the same row before anything else. */
  #beside(index: number, key: string): number | undefined {
    const { rect } = this.#model.node(index);
    const middle = { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 };
    let found: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [local, { rect: there }] of this.#nodes.entries()) {
      const right = there.x + there.width / 2 - middle.x;
      const down = there.y + there.height / 2 - middle.y;
      const [along, across] =
        key === 'ArrowDown'
          ? [down, right]
          : key === 'ArrowUp'
            ? [-down, right]
            : key === 'ArrowRight'
              ? [right, down]
              : [-right, down];
      const distance = along + 3 * Math.abs(across);
      if (this.#first + local === index || along < 8 || distance >= least) continue;
      [found, least] = [this.#first + local, distance];
    }
    return found;
  }

  #moveStop(index: number): void {
    this.#parts.get(this.#tabStop)?.setAttribute('tabindex', '-1');
    this.#parts.get(index)?.setAttribute('tabindex', '0');
    this.#tabStop = index;
  }

  #highlight(part: number | undefined): void {
    for (const [{ from, to }, path] of this.#edges)
      path.classList.toggle('near', part !== undefined && (from === part || to === part));
  }

  #update(view: View, before: View): void {
    const filtered = this.#model.isFiltered;
    const first = view === before;
    if (first || view.query !== before.query || view.statuses !== before.statuses)
      for (const [local] of this.#nodes.entries()) {
        const index = this.#first + local;
        const group = this.#parts.get(index) as SVGGElement;
        const hit = this.#model.matches(index);
        group.classList.toggle('faint', filtered && !hit && !this.#model.holdsMatch(index));
        group.classList.toggle('hit', filtered && hit);
      }
    if (first || view.selected !== before.selected) {
      for (const part of [before.selected, view.selected])
        if (part !== null) this.#parts.get(part)?.classList.toggle('selected', part === view.selected);
      this.#highlight(view.selected ?? undefined);
      if (!first && view.selected !== null && this.#parts.has(view.selected))
        this.#view.reveal(this.#rectOf(view.selected));
    }
    if (first) for (const index of this.#model.data.critical) this.#parts.get(index)?.classList.add('on-path');
    this.#frame.classList.toggle('searching', filtered);
    this.#frame.classList.toggle('show-path', view.critical);
  }
}
