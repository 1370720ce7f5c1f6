import type { Rect, Stretch } from './geometry.js';
import type { Level } from './levels.js';
import { neighboursOf, orderRows } from './order.js';
import { type Attachment, placeItems } from './positions.js';
import { type Item, type Rows, rowsOf } from './ranks.js';

/** Width of a lane for feedback. */
export const LANE = 16;

/** Space between two rows; more where edges have far to go sideways. */
const ROW_SPACE = 38;
const MOST_ROW_SPACE = 120;
const PORT_ROW_SPACE = 18;
/** Inside a box: at its sides, above for the title, below. */
const PADDING = { side: 18, top: 46, bottom: 12 };

/** A level with a place for each of its items, relative to its own corner. */
export class DrawnLevel {
  readonly id: string;
  readonly rows: Rows;
  readonly index: ReadonlyMap<string, number>;
  readonly width: number;
  readonly height: number;
  /** Where the lanes for feedback begin. */
  readonly right: number;
  readonly #x: Float64Array;
  readonly #rowOf: Int32Array;
  readonly #tops: number[] = [];
  readonly #bottoms: number[] = [];

  /**
   * @param lanes how many edges of feedback run at its side
   * @param drawn the levels inside it, drawn already
   */
  constructor(level: Level, lanes: number, drawn: ReadonlyMap<string, DrawnLevel>) {
    this.id = level.id;
    this.index = level.index;
    const box = level.id !== '';
    const rows = rowsOf(level.items, level.links);
    const neighbours = neighboursOf(rows);
    const order = orderRows(rows.rows, neighbours, rows.items.length);
    this.rows = { ...rows, rows: order };
    this.#rowOf = new Int32Array(rows.items.length);
    for (const [row, members] of order.entries()) for (const item of members) this.#rowOf[item] = row;
    this.#x = placeItems(order, rows.items, neighbours, attachments(level, rows, drawn));
    const { left, right } = this.#extent();
    const needed = right - left + lanes * LANE + (box ? 2 * PADDING.side : 0);
    this.width = Math.max(needed, box ? titleWidth(level.id) : 0);
    // Where the title is wider than the body, the body stands in the middle.
    const side = (box ? PADDING.side : 0) + (this.width - needed) / 2;
    for (let item = 0; item < this.#x.length; item++) this.#x[item] = (this.#x[item] as number) - left + side;
    this.right = right - left + side;
    this.height = this.#placeRows(box ? PADDING.top : 0) + (box ? PADDING.bottom : 0) + (lanes > 0 ? LANE : 0);
  }

  /** From the leftmost to the rightmost end of any item. */
  #extent(): { readonly left: number; readonly right: number } {
    const { items } = this.rows;
    let [left, right] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const [item, { width }] of items.entries()) {
      left = Math.min(left, (this.#x[item] as number) - width / 2);
      right = Math.max(right, (this.#x[item] as number) + width / 2);
    }
    return { left, right };
  }

  #placeRows(start: number): number {
    const sideways = this.#sideways();
    let y = start;
    for (const [row, members] of this.rows.rows.entries()) {
      const ports = this.#isPorts(row) || this.#isPorts(row - 1);
      const space = Math.min(MOST_ROW_SPACE, (ports ? PORT_ROW_SPACE : ROW_SPACE) + (sideways[row] as number) * 0.06);
      if (row > 0) y += space;
      this.#tops.push(y);
      y += members.reduce((tallest, item) => Math.max(tallest, (this.rows.items[item] as Item).height), 0);
      this.#bottoms.push(y);
    }
    return y;
  }

  #isPorts(row: number): boolean {
    return this.rows.rows[row]?.every((item) => this.rows.items[item]?.role !== 'body') === true;
  }

  /** How far edges swing on their way into each row, at most. */
  #sideways(): number[] {
    const most = this.rows.rows.map(() => 0);
    for (const route of this.rows.routes) {
      for (let index = 1; index < route.length; index++) {
        const [from, to] = [route[index - 1] as number, route[index] as number];
        const row = this.#rowOf[to] as number;
        most[row] = Math.max(most[row] as number, Math.abs((this.#x[from] as number) - (this.#x[to] as number)));
      }
    }
    return most;
  }

  /** The stretch of an edge at an item: through its row, or between the rim of the item and that of the row. */
  stretch(item: number, part: 'through' | 'below' | 'above'): Stretch {
    const { y, height } = this.rectOf(item);
    const row = this.#rowOf[item] as number;
    const { role } = this.rows.items[item] as Item;
    const x = this.#x[item] as number;
    const top = role === 'in' ? 0 : (this.#tops[row] as number);
    const bottom = role === 'out' ? this.height : (this.#bottoms[row] as number);
    if (part === 'below') return { x, top: y + height, bottom };
    return part === 'above' ? { x, top, bottom: y } : { x, top, bottom };
  }

  rectOf(item: number): Rect {
    const { width, height } = this.rows.items[item] as Item;
    const row = this.#rowOf[item] as number;
    const middle = ((this.#tops[row] as number) + (this.#bottoms[row] as number)) / 2;
    return { x: (this.#x[item] as number) - width / 2, y: middle - height / 2, width, height };
  }

  /** Where an item stands, as seen from the middle of the level. */
  offsetOf(key: string): number {
    return (this.#x[this.index.get(key) as number] as number) - this.width / 2;
  }
}

/** Edges meet a node in its middle, and a box where its port is. */
function attachments({ links }: Level, { items, routes }: Rows, drawn: ReadonlyMap<string, DrawnLevel>): Attachment {
  const offsets = new Map<number, number>();
  const key = (item: number, neighbour: number): number => item * items.length + neighbour;
  for (const [number, { from, to, leaves, enters }] of links.entries()) {
    const route = routes[number] as readonly number[];
    const [left, entered] = [drawn.get(items[from]?.key ?? ''), drawn.get(items[to]?.key ?? '')];
    if (left !== undefined && leaves !== undefined) offsets.set(key(from, route[1] as number), left.offsetOf(leaves));
    if (entered !== undefined && enters !== undefined)
      offsets.set(key(to, route.at(-2) as number), entered.offsetOf(enters));
  }
  return (item, neighbour) => offsets.get(key(item, neighbour)) ?? 0;
}

/** Room for the title of a box: its name, and how the cycle ended. */
function titleWidth(id: string): number {
  return 190 + 8.3 * Math.min(id.length, 40);
}
