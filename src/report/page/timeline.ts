import { button, html, oncePerFrame, section, svg } from './dom.js';
import { count, duration, shortened } from './format.js';
import { icon } from './icons.js';
import type { Model } from './model.js';
import { timeLabel, timeTicks } from './ticks.js';
import { TimeAxis } from './time-axis.js';
import { type Lane, LaneTree } from './timeline-lanes.js';
import type { Tooltip } from './tooltip.js';
import { WindowList } from './window-list.js';

const ROW = 28;
const BAR = { top: 7, height: 14 };
const LEAST_WIDTH = 2;
const TICK_EVERY = 100;

/** When what ran: a lane for each node that started, cycles above what they hold, children below their owner once it is opened. */
export class TimelinePanel {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #tooltip: Tooltip;
  readonly #tree: LaneTree;
  readonly #time: TimeAxis;
  #lanes: readonly Lane[];
  readonly #list: WindowList;
  readonly #axis = svg('svg', { class: 'axis', 'aria-hidden': 'true' });
  readonly #head = html('div', { class: 'lane head' }, html('span', { class: 'lane-name' }, 'Node'), this.#axis);
  readonly #draw: () => void;
  #from = 0;
  #to: number;

  constructor(model: Model, tooltip: Tooltip) {
    this.#model = model;
    this.#tooltip = tooltip;
    this.#time = new TimeAxis(model.data.durationMs, model.data.waits);
    this.#to = this.#time.length;
    this.#tree = new LaneTree(model);
    this.#lanes = this.#tree.shown;
    const attributes = { class: 'timeline', role: 'list', 'aria-label': 'Timeline', tabindex: '-1' };
    this.#list = new WindowList(attributes, ROW, this.#head, (position) => this.#row(position));
    this.#draw = oncePerFrame(() => {
      this.#drawAxis();
      this.#list.draw();
    });
    const tools = html(
      'div',
      { class: 'tools inline', role: 'toolbar', 'aria-label': 'Timeline' },
      button('+', { 'aria-label': 'Zoom the timeline in', title: 'Zoom in' }, () => this.#zoom(0.5, 0.5)),
      button('−', { 'aria-label': 'Zoom the timeline out', title: 'Zoom out' }, () => this.#zoom(2, 0.5)),
      button('All', { 'aria-label': 'Show the whole run', title: 'Show the whole run' }, () =>
        this.#zoom(Number.POSITIVE_INFINITY, 0.5),
      ),
    );
    const still = model.scope(0).nodes.length - this.#tree.topNodes;
    const waited = this.#time.cuts.reduce((sum, { from, to }) => sum + to - from, 0);
    const notes = [
      model.data.complete
        ? 'Every attempt.'
        : 'Of nodes in cycles the last visit and failed attempts: pass events to see all.',
      still === 0 ? '' : `${count(still, 'node')} did not run.`,
      waited === 0
        ? ''
        : `Waits of the run are cut short, and the axis counts without them: ${duration(waited)} in all.`,
    ];
    this.element = section(
      'timeline',
      'Timeline',
      notes.filter((text) => text !== '').join(' '),
      tools,
      this.#list.element,
      key(),
    );
    this.#listen();
    model.listen((view, before) => {
      if (
        view === before ||
        view.critical !== before.critical ||
        view.selected !== before.selected ||
        model.isFiltered ||
        view.query !== before.query ||
        view.statuses !== before.statuses
      )
        this.#draw();
    });
    new ResizeObserver(this.#draw).observe(this.#axis);
    this.#list.length = this.#lanes.length;
  }

  #listen(): void {
    const element = this.#list.element;
    element.addEventListener(
      'wheel',
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const { left, width } = this.#axis.getBoundingClientRect();
        this.#zoom(Math.exp(event.deltaY * 0.002), Math.min(1, Math.max(0, (event.clientX - left) / width)));
      },
      { passive: false },
    );
    element.addEventListener('click', (event) => {
      const lane = this.#laneAt(event.target);
      if (lane === undefined) return;
      if (event.target instanceof Element && event.target.closest('.opener') !== null) this.#toggle(lane);
      else this.#model.show({ selected: lane.part });
    });
    element.addEventListener('keydown', (event) => {
      const lane = this.#laneAt(event.target);
      if (lane === undefined || lane.inside === null) return;
      if (event.key !== (this.#tree.isOpen(lane) ? 'ArrowLeft' : 'ArrowRight')) return;
      event.preventDefault();
      this.#toggle(lane);
    });
    element.addEventListener('pointermove', (event) => this.#tell(event));
    element.addEventListener('pointerleave', () => this.#tooltip.hide());
    element.addEventListener('focusin', (event) => {
      const lane = this.#laneAt(event.target);
      if (lane !== undefined && (event.target as Element).matches(':focus-visible'))
        this.#tooltip.show((event.target as Element).getBoundingClientRect(), ...this.#summary(lane));
    });
    element.addEventListener('focusout', () => this.#tooltip.hide());
  }

  #laneAt(target: EventTarget | null): Lane | undefined {
    const position =
      target instanceof Element ? target.closest('[data-position]')?.getAttribute('data-position') : undefined;
    return typeof position === 'string' ? this.#lanes[Number(position)] : undefined;
  }

  #toggle(lane: Lane): void {
    this.#tree.toggle(lane);
    this.#lanes = this.#tree.shown;
    this.#list.length = this.#lanes.length;
  }

  #zoom(factor: number, at: number): void {
    const whole = this.#time.length;
    const pivot = this.#from + (this.#to - this.#from) * at;
    const span = Math.min(whole, Math.max(whole / 1e6, (this.#to - this.#from) * factor));
    this.#from = Number.isFinite(factor) ? Math.min(Math.max(0, pivot - span * at), whole - span) : 0;
    this.#to = this.#from + span;
    this.#draw();
  }

  #x(time: number, width: number): number {
    return ((this.#time.shown(time) - this.#from) / (this.#to - this.#from)) * width;
  }

  /** Round times at work, and where they are. */
  #ticks(width: number): readonly { readonly worked: number; readonly x: number }[] {
    const [from, to] = [this.#time.worked(this.#from), this.#time.worked(this.#to)];
    return timeTicks(from, to, Math.max(3, width / TICK_EVERY)).map((worked) => {
      const place = this.#time.placeOf(worked);
      return { worked, x: ((place - this.#from) / (this.#to - this.#from)) * width };
    });
  }

  /** Waits of the run, as bands. */
  #bands(width: number): string {
    return this.#time.cuts
      .map(({ from, to }) => {
        const [left, right] = [Math.max(-4, this.#x(from, width)), Math.min(width + 4, this.#x(to, width))];
        return right <= left ? '' : `M${left.toFixed(1)} 0H${right.toFixed(1)}V${ROW}H${left.toFixed(1)}z`;
      })
      .join('');
  }

  #drawAxis(): void {
    const { width } = this.#axis.getBoundingClientRect();
    if (width === 0) return;
    const labels = this.#ticks(width).map(({ worked, x }) => {
      const anchor = x < 20 ? 'start' : x > width - 30 ? 'end' : 'middle';
      return svg(
        'text',
        { x: Math.max(4, x), y: 18, 'text-anchor': anchor },
        timeLabel(worked, this.#time.worked(this.#to)),
      );
    });
    this.#axis.replaceChildren(svg('path', { class: 'wait-band', d: this.#bands(width) }), ...labels);
  }

  #row(position: number): HTMLElement {
    const lane = this.#lanes[position] as Lane;
    const { part, depth, name, status, nodes, inside } = lane;
    const { view } = this.#model;
    const { width } = this.#axis.getBoundingClientRect();
    const sign = status !== null ? icon(status) : html('span', { class: 'icon', 'aria-hidden': 'true' }, '↻');
    const label = html(
      'button',
      { type: 'button', class: 'lane-name', title: name, 'aria-description': this.#words(lane) },
      html('span', {}, sign, shortened(name, 34)),
    );
    const opened = this.#tree.isOpen(lane);
    const opener =
      inside === null
        ? null
        : html(
            'button',
            {
              type: 'button',
              class: 'opener',
              'aria-expanded': String(opened),
              'aria-label': `${opened ? 'Hide' : 'Show'} what is inside ${name}`,
            },
            opened ? '▾' : '▸',
          );
    const head = html('span', { class: 'lane-head' }, opener, label);
    head.style.paddingLeft = `${(inside === null ? 8 : 0) + depth * 14}px`;
    const found = (node: number): boolean => this.#model.matches(node) || this.#model.holdsMatch(node);
    const faint = part >= 0 && this.#model.isFiltered && !nodes.some(found);
    const classes = [
      'lane',
      part < 0 ? 'of-cycle' : '',
      faint ? 'faint' : '',
      view.selected !== null && (view.selected === part || nodes.includes(view.selected)) ? 'selected' : '',
    ];
    return html('div', { class: classes.join(' '), role: 'listitem' }, head, this.#bars(lane, width));
  }

  /** A lane as few paths, one for each status, however many attempts there are. */
  #bars({ attempts, iterations }: Lane, width: number): SVGSVGElement {
    const grid = this.#ticks(width).map(({ x }) => `M${x.toFixed(1)} 0V${ROW}`);
    const paths = new Map<string, string>();
    const add = (name: string, d: string): void => void paths.set(name, (paths.get(name) ?? '') + d);
    const rect = (start: number, end: number, top: number, height: number): string => {
      const from = Math.max(-4, Math.min(this.#x(start, width), width - LEAST_WIDTH));
      const to = Math.min(width + 4, this.#x(end, width));
      return `M${from.toFixed(1)} ${top}h${Math.max(LEAST_WIDTH, to - from - (to - from > 4 ? 0.6 : 0)).toFixed(1)}v${height}H${from.toFixed(1)}z`;
    };
    const seen = <T extends { readonly start: number; readonly end: number }>(span: T): boolean =>
      this.#time.shown(span.end) >= this.#from && this.#time.shown(span.start) <= this.#to;
    for (const [index, span] of iterations.entries())
      if (seen(span))
        add(index % 2 === 0 ? 'iteration' : 'iteration odd', rect(span.start, span.end, BAR.top + 3, BAR.height - 6));
    for (const { node, start, end, retryAt, status, critical } of attempts) {
      const last = Math.max(end, retryAt ?? end);
      if (!seen({ start, end: last })) continue;
      if (retryAt !== null && retryAt > end) {
        const middle = BAR.top + BAR.height / 2;
        add(
          'wait',
          `M${Math.max(-4, this.#x(end, width)).toFixed(1)} ${middle}H${Math.min(width + 4, this.#x(retryAt, width)).toFixed(1)}`,
        );
      }
      const waits = this.#model.node(node).shape === 'gate' && status !== 'cancelled';
      add(`bar is-${waits ? 'waiting' : status}`, rect(start, end, BAR.top, BAR.height));
      if (critical && this.#model.view.critical) add('path-mark', rect(start, end, BAR.top + BAR.height + 2, 3));
    }
    return svg(
      'svg',
      { class: 'bars', 'aria-hidden': 'true', height: ROW },
      svg('path', { class: 'grid', d: grid.join('') }),
      svg('path', { class: 'wait-band', d: this.#bands(width) }),
      ...[...paths].map(([name, d]) => svg('path', { class: name, d })),
    );
  }

  #words({ part, attempts, iterations }: Lane): string {
    if (part < 0) return count(iterations.length, 'iteration');
    const failed = attempts.filter(({ status }) => status === 'failed' || status === 'lost').length;
    const busy = attempts.reduce((sum, { start, end }) => sum + end - start, 0);
    return [count(attempts.length, 'attempt'), failed === 0 ? '' : `${failed} failed`, duration(busy)]
      .filter((text) => text !== '')
      .join(', ');
  }

  #summary(lane: Lane): (HTMLElement | string)[] {
    return [html('strong', {}, lane.name), html('span', {}, this.#words(lane))];
  }

  /** Says what lies under the pointer: lanes hold too many bars to make each an element. */
  #tell(event: PointerEvent): void {
    const lane = this.#laneAt(event.target);
    const { left, width, right } = this.#axis.getBoundingClientRect();
    if (lane === undefined || event.clientX < left || event.clientX > right) return this.#tooltip.hide();
    const time = this.#time.moment(this.#from + ((event.clientX - left) / width) * (this.#to - this.#from));
    const slack = ((this.#to - this.#from) / width) * 3;
    const attempt = nearest(lane.attempts, time, slack);
    const iteration = nearest(lane.iterations, time, slack);
    const near = new DOMRect(event.clientX, event.clientY, 0, 12);
    const name = attempt === undefined ? lane.name : this.#model.pathOf(attempt.node);
    const wait = this.#time.cuts.find(({ from, to }) => time > from && time < to);
    if (attempt !== undefined) {
      const { visit, attempt: number, status, start, end, error } = attempt;
      const waits = time > end + slack;
      this.#tooltip.show(
        near,
        html('strong', {}, name),
        html(
          'span',
          { class: `status-line is-${status}` },
          icon(status),
          waits ? 'waits to retry' : `visit ${visit}, attempt ${number}: ${status}`,
        ),
        html('span', {}, `${duration(start)} + ${duration(end - start)}`),
        error === null ? null : html('span', { class: 'why is-failed' }, `${error.code}: ${error.message}`),
      );
    } else if (iteration !== undefined) {
      const text = `iteration ${iteration.iteration}: ${duration(iteration.start)} + ${duration(iteration.end - iteration.start)}`;
      this.#tooltip.show(near, html('strong', {}, name), html('span', {}, text));
    } else if (wait !== undefined)
      this.#tooltip.show(near, html('strong', {}, `The run waited ${duration(wait.to - wait.from)}`));
    else this.#tooltip.hide();
  }
}

function nearest<T extends { readonly start: number; readonly end: number; readonly retryAt?: number | null }>(
  spans: readonly T[],
  time: number,
  slack: number,
): T | undefined {
  return (
    spans.find(({ start, end }) => time >= start && time <= end) ??
    spans.find(({ start, end, retryAt }) => time >= start - slack && time <= Math.max(end, retryAt ?? end) + slack)
  );
}

function key(): HTMLElement {
  const swatch = (name: string, text: string, d: string): HTMLElement =>
    html(
      'span',
      {},
      svg('svg', { viewBox: '0 0 22 14', class: 'swatch', 'aria-hidden': 'true' }, svg('path', { class: name, d })),
      text,
    );
  const box = 'M1 1h20v12H1z';
  return html(
    'p',
    { class: 'legend' },
    swatch('bar is-completed', 'completed', box),
    swatch('bar is-failed', 'failed', box),
    swatch('bar is-waiting', 'gate waits', box),
    swatch('wait', 'waits to retry', 'M0 7H22'),
    swatch('wait-band', 'the run waited', box),
    swatch('iteration', 'iteration', 'M1 4h20v6H1z'),
    swatch('path-mark', 'critical path (c)', 'M1 6h20v3H1z'),
  );
}
