import type { Point, Rect } from '../layout/geometry.js';
import { oncePerFrame } from './dom.js';

const CLOSEST = 2.5;
const STEP = 1.25;
/** Below these scales text is too small to be read, and is left out. */
const FAR = 0.5;
const VERY_FAR = 0.3;
/** The scale at which something is brought into view that would be too small to read. */
const NEAR = 0.75;

/** Moves and scales the contents of a drawing: by wheel, drag and touch, and by calls. */
export class PanZoom {
  readonly #frame: SVGSVGElement;
  readonly #content: SVGGElement;
  readonly #size: { readonly width: number; readonly height: number };
  readonly #draw: () => void;
  readonly #moved: (visible: Rect) => void;
  #x = 0;
  #y = 0;
  #scale = 1;
  /** Everything is shown, and has not been moved since: so it stays when the frame changes its size. */
  #fitted = false;

  /** @param moved is told what part of the drawing is seen, whenever that changes */
  constructor(
    frame: SVGSVGElement,
    content: SVGGElement,
    size: { readonly width: number; readonly height: number },
    moved: (visible: Rect) => void,
  ) {
    this.#moved = moved;
    this.#frame = frame;
    this.#content = content;
    this.#size = size;
    this.#draw = oncePerFrame(() => this.#apply());
    new ResizeObserver(() => (this.#fitted ? this.fit() : this.#apply())).observe(frame);
    this.#listen();
  }

  get scale(): number {
    return this.#scale;
  }

  /** Shows everything, but never larger than drawn. */
  fit(): void {
    const { width, height } = this.#frame.getBoundingClientRect();
    if (width === 0) return;
    this.#fitted = true;
    this.#scale = Math.min(1, width / this.#size.width, height / this.#size.height);
    this.#x = (width - this.#size.width * this.#scale) / 2;
    this.#y = (height - this.#size.height * this.#scale) / 2;
    this.#apply();
  }

  /** Scales around a point of the frame; around its middle without one. */
  zoom(direction: 'in' | 'out', at?: { readonly x: number; readonly y: number }): void {
    this.#zoomBy(direction === 'in' ? STEP : 1 / STEP, at);
  }

  move(right: number, down: number): void {
    this.#fitted = false;
    this.#x -= right;
    this.#y -= down;
    this.#draw();
  }

  /** Puts a point of the drawing into the middle. */
  centre({ x, y }: Point): void {
    this.#fitted = false;
    const { width, height } = this.#frame.getBoundingClientRect();
    this.#x = width / 2 - x * this.#scale;
    this.#y = height / 2 - y * this.#scale;
    this.#draw();
  }

  /** Brings a part of the drawing into view, close enough to read. What is in view and readable stays where it is. */
  reveal(rect: Rect): void {
    const frame = this.#frame.getBoundingClientRect();
    const scale = this.#scale >= FAR * 0.8 ? this.#scale : Math.min(NEAR, frame.width / (rect.width + 40));
    const left = rect.x * this.#scale + this.#x;
    const top = rect.y * this.#scale + this.#y;
    const inside =
      left >= 0 && top >= 0 && left + rect.width * scale <= frame.width && top + rect.height * scale <= frame.height;
    if (inside && scale === this.#scale) return;
    this.#scale = scale;
    this.centre({ x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 });
  }

  #zoomBy(factor: number, at?: { readonly x: number; readonly y: number }): void {
    const { width, height } = this.#frame.getBoundingClientRect();
    const { x, y } = at ?? { x: width / 2, y: height / 2 };
    this.#fitted = false;
    const least = Math.min(0.05, width / this.#size.width / 2);
    const scale = Math.min(CLOSEST, Math.max(least, this.#scale * factor));
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#draw();
  }

  #apply(): void {
    this.#content.setAttribute(
      'transform',
      `translate(${this.#x.toFixed(1)} ${this.#y.toFixed(1)}) scale(${this.#scale.toFixed(4)})`,
    );
    this.#frame.classList.toggle('far', this.#scale < FAR);
    this.#frame.classList.toggle('very-far', this.#scale < VERY_FAR);
    const { width, height } = this.#frame.getBoundingClientRect();
    const [x, y] = [-this.#x / this.#scale, -this.#y / this.#scale];
    this.#moved({ x, y, width: width / this.#scale, height: height / this.#scale });
  }

  #listen(): void {
    const frame = this.#frame;
    frame.addEventListener(
      'wheel',
      (event) => {
        // A page that is scrolled past must go on scrolling: the wheel zooms what has been touched, or with a key held.
        if (!event.ctrlKey && !event.metaKey && !frame.contains(document.activeElement)) return;
        event.preventDefault();
        const { left, top } = frame.getBoundingClientRect();
        this.#zoomBy(Math.exp(-event.deltaY * 0.0016), { x: event.clientX - left, y: event.clientY - top });
      },
      { passive: false },
    );
    const pointers = new Map<number, PointerEvent>();
    let moved = 0;
    frame.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      pointers.set(event.pointerId, event);
      moved = 0;
    });
    frame.addEventListener('pointermove', (event) => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) return;
      const [right, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
      moved += Math.abs(right) + Math.abs(down);
      if (moved < 4) return;
      // Only now: a captured pointer would take the click away from the node below it.
      frame.setPointerCapture(event.pointerId);
      frame.classList.add('dragging');
      const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
      pointers.set(event.pointerId, event);
      if (other === undefined) {
        this.move(-right, -down);
        return;
      }
      const { left, top } = frame.getBoundingClientRect();
      const apart = (one: PointerEvent): number => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const middle = { x: (event.clientX + other.clientX) / 2 - left, y: (event.clientY + other.clientY) / 2 - top };
      this.#zoomBy(apart(event) / Math.max(1, apart(before)), middle);
    });
    const end = (event: PointerEvent): void => {
      pointers.delete(event.pointerId);
      frame.classList.remove('dragging');
    };
    frame.addEventListener('pointerup', end);
    frame.addEventListener('pointercancel', end);
  }
}
