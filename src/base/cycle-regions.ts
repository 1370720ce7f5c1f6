import { WorkflowBuildError } from './errors.js';
import { Graph } from './graph.js';
import { type CycleData, leavesOf, type Source, type WorkflowData, watchedSources } from './workflow-data.js';

/** The body of a cycle and where it lies. */
export interface Body {
  readonly cycle: CycleData;
  /** Declaration numbers of its nodes, those of inner cycles included. */
  readonly nodes: ReadonlySet<number>;
  /** Number of the enclosing body in the list of bodies; -1 at the top. */
  parent: number;
}

/** What the connections of a workflow amount to. */
export interface Structure {
  /** Declaration number of each node id. */
  readonly nodeNumbers: ReadonlyMap<string, number>;
  /** Number of each cycle id, in order of declaration. */
  readonly cycleNumbers: ReadonlyMap<string, number>;
  /** Forward connections between nodes, also through the end of a cycle; feedback is not among them. */
  readonly forward: Graph;
  /** One body for each cycle, in order of declaration. */
  readonly bodies: readonly Body[];
  /** The innermost body of each node; -1 outside any cycle. */
  readonly innermost: Int32Array;
  /** Declaration numbers in plan order: topological, ties by declaration, every body contiguous. */
  readonly order: readonly number[];
}

/** Ids of the subjects that a source waits for. */
export function subjectsOf(source: Source): string[] {
  const subjects = leavesOf(source).flatMap((leaf) => (leaf.kind === 'output' ? [leaf.node] : []));
  const owners: string[] = [];
  const open: Source[] = [source];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    if (current.kind === 'join') {
      owners.push(current.owner);
      open.push(...Object.values(current.cases));
    } else if (current.kind === 'path' || current.kind === 'required') open.push(current.of);
    else if ('of' in current) open.push(...current.of);
  }
  return [...subjects, ...owners];
}

/** Forward dependencies as pairs: a subject id, and the declaration number of the node that waits for it. */
function* dependencies(
  data: WorkflowData,
  nodeNumbers: ReadonlyMap<string, number>,
): Generator<readonly [string, number]> {
  for (const { from, to } of data.connections) {
    const target = nodeNumbers.get(to.node) as number;
    if (from.kind === 'output') yield [from.node, target];
    else for (const subject of subjectsOf(from)) yield [subject, target];
  }
  for (let number = 0; number < data.nodes.length; number++) {
    for (const subject of data.nodes[number]?.after ?? []) yield [subject, number];
  }
}

function idOf(data: WorkflowData, number: number): string {
  return data.nodes[number]?.id ?? '?';
}

function readsOwnCycle(data: WorkflowData, cycle: number, reader: number): never {
  const at = idOf(data, reader);
  const what = `"${at}" reads how cycle "${data.cycles[cycle]?.id}" ended, but is part of it.`;
  throw new WorkflowBuildError('UNMARKED_CYCLE', what, { at });
}

/** The nodes after which a subject has settled: itself, or for a cycle those that feed it, of inner cycles too. */
function endsOf(data: WorkflowData, subject: string, numbers: ReadonlyMap<string, number>): readonly number[] {
  const ends = new Set<number>();
  const seen = new Set<string>();
  const open = [subject];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const node = numbers.get(id);
    if (node !== undefined) ends.add(node);
    else
      open.push(
        ...data.cycles.flatMap((cycle) =>
          cycle.id === id ? cycle.feedback.flatMap(({ from }) => subjectsOf(from)) : [],
        ),
      );
  }
  return [...ends];
}

function bodyOf(
  cycle: CycleData,
  forward: Graph,
  position: Int32Array,
  ends: (subject: string) => readonly number[],
): Set<number> {
  const targets = cycle.feedback.flatMap(({ to }) => ends(to.node));
  const watched = cycle.until === undefined ? [] : watchedSources(cycle.until);
  const sources = [...cycle.feedback.map(({ from }) => from), ...watched].flatMap((source) =>
    subjectsOf(source).flatMap(ends),
  );
  const last = Math.max(...sources.map((number) => position[number] as number));
  const first = Math.min(...targets.map((number) => position[number] as number));
  const between = (number: number): boolean =>
    (position[number] as number) >= first && (position[number] as number) <= last;
  const reached = forward.reach(targets, 'forward', between);
  const body = forward.reach(sources, 'backward', (number) => reached.has(number));
  for (const { from, to } of cycle.feedback) {
    const within = (number: number): boolean => body.has(number);
    const inside = ends(to.node).every(within) && subjectsOf(from).flatMap(ends).some(within);
    if (!inside) {
      const at = `${cycle.id}: ${to.node}.${to.port}`;
      throw new WorkflowBuildError(
        'EMPTY_CYCLE',
        `Cycle "${cycle.id}": the output fed back to "${to.node}.${to.port}" is not reached from there.`,
        { at },
      );
    }
  }
  return body;
}

/** Everything on a path between two nodes of the set, the set included. */
function closure(nodes: ReadonlySet<number>, forward: Graph): Set<number> {
  const after = forward.reach(nodes, 'forward', () => true);
  return forward.reach(nodes, 'backward', (number) => after.has(number));
}

function overlap(data: WorkflowData, left: Body, right: Body, shared: number): never {
  const [a, b] = [left.cycle.id, right.cycle.id];
  throw new WorkflowBuildError(
    'OVERLAPPING_CYCLES',
    `Cycles "${a}" and "${b}" both contain "${idOf(data, shared)}" and neither encloses the other.`,
    {
      at: `${a}, ${b}`,
    },
  );
}

/** Widens bodies by the cycles declared `within` them, innermost first. */
function widen(bodies: Body[], numbers: ReadonlyMap<string, number>, forward: Graph): Body[] {
  const depth = (body: Body): number => {
    let levels = 0;
    for (let outer = body.cycle.within; outer !== undefined && levels <= bodies.length; levels++) {
      outer = bodies[numbers.get(outer) ?? -1]?.cycle.within;
    }
    if (levels > bodies.length) {
      throw new WorkflowBuildError('OVERLAPPING_CYCLES', `Cycle "${body.cycle.id}" lies within itself.`, {
        at: body.cycle.id,
      });
    }
    return levels;
  };
  const widened = [...bodies];
  for (const { cycle } of [...bodies].sort((a, b) => depth(b) - depth(a))) {
    if (cycle.within === undefined) continue;
    const inner = widened[numbers.get(cycle.id) as number] as Body;
    const outerNumber = numbers.get(cycle.within) as number;
    const outer = widened[outerNumber] as Body;
    widened[outerNumber] = { ...outer, nodes: closure(new Set([...outer.nodes, ...inner.nodes]), forward) };
  }
  return widened;
}

/** Finds which body encloses which, and each node's innermost one. */
function nest(data: WorkflowData, bodies: readonly Body[], cycleNumbers: ReadonlyMap<string, number>): Int32Array {
  const innermost = new Int32Array(data.nodes.length).fill(-1);
  const numbers = bodies.map((_, number) => number);
  const declaredInside = (inner: Body, outer: Body): boolean => inner.cycle.within === outer.cycle.id;
  numbers.sort((a, b) => {
    const [left, right] = [bodies[a] as Body, bodies[b] as Body];
    return (
      right.nodes.size - left.nodes.size || Number(declaredInside(left, right)) - Number(declaredInside(right, left))
    );
  });
  for (const number of numbers) {
    const body = bodies[number] as Body;
    const [sample] = body.nodes;
    const parent = innermost[sample as number] as number;
    const outer = bodies[parent];
    for (const node of body.nodes) {
      const around = innermost[node] as number;
      if (around !== parent) overlap(data, body, bodies[around === -1 ? parent : around] as Body, node);
      if (outer !== undefined && outer.nodes.size === body.nodes.size && !declaredInside(body, outer))
        overlap(data, body, outer, node);
    }
    for (const node of body.nodes) innermost[node] = number;
    body.parent = parent;
    const declared = body.cycle.within === undefined ? undefined : cycleNumbers.get(body.cycle.within);
    if (declared !== undefined && !enclosed(bodies, number, declared)) {
      throw new WorkflowBuildError(
        'OVERLAPPING_CYCLES',
        `Cycle "${body.cycle.id}" does not lie within "${body.cycle.within}".`,
        { at: body.cycle.id },
      );
    }
  }
  return innermost;
}

function enclosed(bodies: readonly Body[], inner: number, outer: number): boolean {
  for (let number = bodies[inner]?.parent ?? -1; number !== -1; number = bodies[number]?.parent ?? -1)
    if (number === outer) return true;
  return false;
}

/** The chain of items that stand for a node, outermost first: bodies around it (as `size + body`), then itself. */
function chainOf(node: number, innermost: Int32Array, bodies: readonly Body[], size: number): number[] {
  const chain = [node];
  for (let body = innermost[node] as number; body !== -1; body = (bodies[body] as Body).parent)
    chain.unshift(size + body);
  return chain;
}

/** Orders every level on its own, a body standing for its nodes, and puts the levels into one another. */
function planOrder(
  data: WorkflowData,
  edges: readonly (readonly [number, number])[],
  bodies: readonly Body[],
  innermost: Int32Array,
): number[] {
  const size = data.nodes.length;
  const items = new Map<number, number[]>([[-1, []]]);
  for (let body = 0; body < bodies.length; body++) items.set(body, []);
  const rank = new Map<number, number>();
  for (let node = 0; node < size; node++) (items.get(innermost[node] as number) as number[]).push(node);
  for (let body = 0; body < bodies.length; body++) {
    const { parent, nodes } = bodies[body] as Body;
    rank.set(size + body, Math.min(...nodes));
    (items.get(parent) as number[]).push(size + body);
  }
  const lifted = new Map<number, (readonly [number, number])[]>();
  for (const [from, to] of edges) {
    const [left, right] = [
      from >= size ? [...chainOfBody(from - size, bodies, size)] : chainOf(from, innermost, bodies, size),
      chainOf(to, innermost, bodies, size),
    ];
    let level = 0;
    while (level < left.length && left[level] === right[level]) level++;
    const [a, b] = [left[level], right[level]];
    if (a === undefined || b === undefined) {
      readsOwnCycle(data, from - size, to);
    }
    const around = level === 0 ? -1 : (left[level - 1] as number) - size;
    const list = lifted.get(around);
    if (list === undefined) lifted.set(around, [[a, b]]);
    else list.push([a, b]);
  }
  const orders = new Map<number, number[]>();
  for (const [level, members] of items) {
    const byRank = members
      .map((item) => [rank.get(item) ?? item, item] as const)
      .sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    const slots = new Map(byRank.map(([, item], slot) => [item, slot]));
    const graph = new Graph(byRank.length);
    for (const [a, b] of lifted.get(level) ?? []) graph.add(slots.get(a) as number, slots.get(b) as number);
    const order = graph.topologicalOrder();
    if (order.length < graph.size) {
      const entangled = graph.findCycle(order).map((slot) => (byRank[slot] as readonly [number, number])[1]);
      const names = entangled.map((item) => (item < size ? idOf(data, item) : (bodies[item - size] as Body).cycle.id));
      throw new WorkflowBuildError(
        'OVERLAPPING_CYCLES',
        `Cycles and nodes wait for each other: ${names.join(' → ')}.`,
        { at: names.join(', ') },
      );
    }
    orders.set(
      level,
      order.map((slot) => (byRank[slot] as readonly [number, number])[1]),
    );
  }
  const flat: number[] = [];
  const open = [...(orders.get(-1) as number[])].reverse();
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (item < size) flat.push(item);
    else for (const inner of [...(orders.get(item - size) as number[])].reverse()) open.push(inner);
  }
  return flat;
}

function chainOfBody(body: number, bodies: readonly Body[], size: number): number[] {
  const chain: number[] = [];
  for (let current = body; current !== -1; current = (bodies[current] as Body).parent) chain.unshift(size + current);
  return chain;
}

/**
 * Works out the structure of a workflow whose names have been checked.
 *
 * @throws WorkflowBuildError UNMARKED_CYCLE, EMPTY_CYCLE, OVERLAPPING_CYCLES
 */
export function structureOf(data: WorkflowData): Structure {
  const size = data.nodes.length;
  const nodeNumbers = new Map(data.nodes.map((node, number) => [node.id, number]));
  const cycleNumbers = new Map(data.cycles.map((cycle, number) => [cycle.id, number]));
  const ends = (subject: string): readonly number[] => endsOf(data, subject, nodeNumbers);
  const forward = new Graph(size);
  const edges: (readonly [number, number])[] = [];
  for (const [subject, target] of dependencies(data, nodeNumbers)) {
    const from = nodeNumbers.get(subject) ?? size + (cycleNumbers.get(subject) as number);
    edges.push([from, target]);
    if (from < size) forward.add(from, target);
    else for (const end of ends(subject)) forward.add(end, target);
  }
  const straight = forward.topologicalOrder();
  if (straight.length < size) {
    const loop = new Set(forward.findCycle(straight));
    for (const [from, to] of edges) {
      const cycle = data.cycles[from - size];
      if (cycle !== undefined && loop.has(to) && ends(cycle.id).some((end) => loop.has(end))) {
        readsOwnCycle(data, from - size, to);
      }
    }
    const ids = [...loop].map((number) => idOf(data, number));
    throw new WorkflowBuildError('UNMARKED_CYCLE', `These nodes form a loop: ${[...ids, ids[0]].join(' → ')}.`, {
      at: ids.join(', '),
    });
  }
  if (data.cycles.length === 0) {
    return {
      nodeNumbers,
      cycleNumbers,
      forward,
      bodies: [],
      innermost: new Int32Array(size).fill(-1),
      order: straight,
    };
  }
  const position = new Int32Array(size);
  straight.forEach((number, place) => {
    position[number] = place;
  });
  const narrow = data.cycles.map(
    (cycle): Body => ({ cycle, nodes: bodyOf(cycle, forward, position, ends), parent: -1 }),
  );
  const bodies = widen(narrow, cycleNumbers, forward);
  const innermost = nest(data, bodies, cycleNumbers);
  return { nodeNumbers, cycleNumbers, forward, bodies, innermost, order: planOrder(data, edges, bodies, innermost) };
}
