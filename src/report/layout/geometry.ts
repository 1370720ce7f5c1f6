/** A rectangle; `x` and `y` are its upper left corner. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A point. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A stretch of an edge that runs straight down at `x`; between two stretches it swings from one `x` to the next. */
export interface Stretch {
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** An edge from top to bottom as an SVG path: straight where it passes between other things, a smooth swing in between. */
export function downwardPath(stretches: readonly Stretch[]): string {
  const [first, ...rest] = stretches as readonly [Stretch, ...Stretch[]];
  let path = `M${n(first.x)} ${n(first.top)}`;
  let last = first;
  if (first.bottom > first.top) path += `V${n(first.bottom)}`;
  for (const next of rest) {
    const middle = (last.bottom + next.top) / 2;
    path +=
      Math.abs(next.x - last.x) < 0.5
        ? `V${n(next.top)}`
        : `C${n(last.x)} ${n(middle)} ${n(next.x)} ${n(middle)} ${n(next.x)} ${n(next.top)}`;
    if (next.bottom > next.top) path += `V${n(next.bottom)}`;
    last = next;
  }
  return path;
}

const RADIUS = 8;

/** An edge along right angles as an SVG path with rounded corners. */
export function roundedPath(points: readonly Point[]): string {
  const [first, ...rest] = points as readonly [Point, ...Point[]];
  let path = `M${n(first.x)} ${n(first.y)}`;
  let last = first;
  for (const [index, corner] of rest.entries()) {
    const next = rest[index + 1];
    if (next === undefined) {
      path += `L${n(corner.x)} ${n(corner.y)}`;
      break;
    }
    const radius = Math.min(RADIUS, distance(last, corner) / 2, distance(corner, next) / 2);
    const [before, after] = [towards(corner, last, radius), towards(corner, next, radius)];
    path += `L${n(before.x)} ${n(before.y)}Q${n(corner.x)} ${n(corner.y)} ${n(after.x)} ${n(after.y)}`;
    last = corner;
  }
  return path;
}

function distance(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

function towards(from: Point, to: Point, by: number): Point {
  return { x: from.x + Math.sign(to.x - from.x) * by, y: from.y + Math.sign(to.y - from.y) * by };
}
