/** Something that stands in a row of a level: a node, a box, a port at the rim, or a place where an edge passes. */
export interface Item {
  readonly key: string;
  /** Ports stand in rows of their own: those that lead in above everything else, those that lead out below. */
  readonly role: 'body' | 'in' | 'out' | 'pass';
  readonly width: number;
  readonly height: number;
}

/** An edge between two items of one level. */
export interface Link {
  readonly from: number;
  readonly to: number;
  /** Where `from` is a box: the key of the port inside it. */
  readonly leaves: string | undefined;
  /** Where `to` is a box: the key of the port inside it. */
  readonly enters: string | undefined;
}

/** A level in rows, every link now leading from one row to the next. */
export interface Rows {
  readonly items: readonly Item[];
  /** Items of each row. */
  readonly rows: number[][];
  /** For each given link, the items along it, both ends included: one in each row that it passes. */
  readonly routes: readonly (readonly number[])[];
}

/** How wide the place is where an edge passes through a row. */
const PASS_WIDTH = 10;

/** A row holds at least this many items before a longer one is broken. */
const LEAST_CAPACITY = 8;

/**
 * Puts items into rows: each below everything it depends on (longest path), sources close to their first reader, rows that
 * would be much wider than the whole is high broken into several. Links over several rows are cut by passes; links with the
 * same start, or the same end, share them.
 *
 * Source: the layering of K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of Hierarchical System
 * Structures" (1981).
 *
 * @param items in an order in which every link between two of the body leads forward
 */
export function rowsOf(items: readonly Item[], links: readonly Link[]): Rows {
  const rank = broken(items, longestPaths(items, links));
  const all = [...items];
  const rows = membersOf(rank);
  const passes = new Map<string, number>();
  const [outgoing, incoming] = [degrees(links, 'from'), degrees(links, 'to')];
  const routes = links.map(({ from, to }) => {
    const shared = (outgoing.get(from) ?? 0) >= (incoming.get(to) ?? 0) ? `from ${from}` : `to ${to}`;
    const route = [from];
    for (let row = (rank[from] as number) + 1; row < (rank[to] as number); row++) {
      const key = `${shared} at ${row}`;
      let pass = passes.get(key);
      if (pass === undefined) {
        pass = all.push({ key, role: 'pass', width: PASS_WIDTH, height: 0 }) - 1;
        passes.set(key, pass);
        rows[row]?.push(pass);
      }
      route.push(pass);
    }
    return [...route, to];
  });
  return { items: all, rows, routes };
}

function degrees(links: readonly Link[], end: 'from' | 'to'): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const link of links) counts.set(link[end], (counts.get(link[end]) ?? 0) + 1);
  return counts;
}

function longestPaths(items: readonly Item[], links: readonly Link[]): number[] {
  const first = items.some(({ role }) => role === 'in') ? 1 : 0;
  const rank: number[] = items.map(({ role }) => (role === 'in' ? 0 : first));
  const forward = links.toSorted((a, b) => a.from - b.from);
  for (const { from, to } of forward) rank[to] = Math.max(rank[to] as number, (rank[from] as number) + 1);
  const fed = new Set(links.map(({ to }) => to));
  const nearest = new Map<number, number>();
  for (const { from, to } of forward) nearest.set(from, Math.min(nearest.get(from) ?? Infinity, rank[to] as number));
  for (const [index, { role }] of items.entries()) {
    const reader = nearest.get(index);
    if (role === 'body' && !fed.has(index) && reader !== undefined) rank[index] = Math.max(first, reader - 1);
  }
  let bottom = 0;
  for (const [index, { role }] of items.entries())
    if (role === 'body') bottom = Math.max(bottom, (rank[index] as number) + 1);
  return rank.map((row, index) => (items[index]?.role === 'out' ? bottom : row));
}

function membersOf(rank: readonly number[]): number[][] {
  const rows: number[][] = [];
  for (const [index, row] of rank.entries()) {
    while (rows.length <= row) rows.push([]);
    rows[row]?.push(index);
  }
  return rows;
}

/** Breaks rows that hold too many, in the given order of items. Nothing in a row depends on anything else in it. */
function broken(items: readonly Item[], rank: readonly number[]): number[] {
  const capacity = Math.max(LEAST_CAPACITY, Math.ceil(Math.sqrt(items.length)));
  const result = [...rank];
  let row = 0;
  for (const members of membersOf(rank)) {
    if (members.length === 0) continue;
    const chunks = items[members[0] as number]?.role === 'body' ? Math.ceil(members.length / capacity) : 1;
    const size = Math.ceil(members.length / chunks);
    for (const [position, member] of members.entries()) result[member] = row + Math.floor(position / size);
    row += chunks;
  }
  return result;
}
