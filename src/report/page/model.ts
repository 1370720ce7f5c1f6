import type { PageAttempt, PageData } from '../page-data.js';
import { type Expanded, expand, type PageCycle, type PageEdge, type PageNode, type PageScope } from './expand.js';

/** A node as its number, or a cycle as the complement of its number. */
export type Part = number;

/** What the first section shows: the graph of a scope, or the items of a map. */
export type Place =
  | { readonly kind: 'graph'; readonly scope: number }
  | { readonly kind: 'items'; readonly node: number; readonly family: number };

/** What the page shows at the moment. */
export interface View {
  readonly place: Place;
  readonly selected: Part | null;
  readonly query: string;
  /** Statuses to be seen; empty for all. */
  readonly statuses: ReadonlySet<string>;
  readonly critical: boolean;
}

const TOP: Place = { kind: 'graph', scope: 0 };

/** The data of the page, and what of it is shown. Parts of the page listen and redraw themselves. */
export class Model {
  readonly data: PageData & Expanded;
  readonly #byPath = new Map<string, Part>();
  readonly #edges = new Map<number, readonly PageEdge[]>();
  readonly #attempts = new Map<number, PageAttempt[]>();
  readonly #texts: (string | undefined)[] = [];
  readonly #listeners = new Set<(view: View, before: View) => void>();
  #hits: Uint8Array | undefined;
  #view: View = { place: TOP, selected: null, query: '', statuses: new Set(), critical: false };

  constructor(data: PageData) {
    this.data = { ...data, ...expand(data) };
    for (const [index, { path }] of this.data.nodes.entries()) this.#byPath.set(path, index);
    for (const [index, { path }] of this.data.cycles.entries()) this.#byPath.set(path, ~index);
    for (const attempt of data.attempts) {
      const known = this.#attempts.get(attempt.node);
      if (known === undefined) this.#attempts.set(attempt.node, [attempt]);
      else known.push(attempt);
    }
  }

  get view(): View {
    return this.#view;
  }

  /** Changes what is shown and tells everyone. What is selected is shown where it is. */
  show(change: Partial<View>): void {
    const before = this.#view;
    const { selected = null } = change;
    const place = change.place ?? (selected === null || this.#isShown(selected) ? before.place : this.homeOf(selected));
    this.#view = { ...before, ...change, place };
    if (before.query !== this.#view.query || before.statuses !== this.#view.statuses) this.#hits = undefined;
    for (const listener of this.#listeners) listener(this.#view, before);
  }

  #isShown(part: Part): boolean {
    const { place } = this.#view;
    return place.kind === 'graph' ? place.scope === this.scopeOf(part) : place.node === part;
  }

  /**
   * Calls back now and with every change.
   *
   * @returns stops that
   */
  listen(listener: (view: View, before: View) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#view, this.#view);
    return () => void this.#listeners.delete(listener);
  }

  node(index: number): PageNode {
    return this.data.nodes[index] as PageNode;
  }

  cycle(index: number): PageCycle {
    return this.data.cycles[index] as PageCycle;
  }

  scope(index: number): PageScope {
    return this.data.scopes[index] as PageScope;
  }

  scopeOf(part: Part): number {
    return part >= 0 ? this.node(part).scope : this.cycle(~part).scope;
  }

  homeOf(part: Part): Place {
    return { kind: 'graph', scope: this.scopeOf(part) };
  }

  /** The name of a part in its graph. */
  nameOf(part: Part): string {
    return part >= 0 ? this.node(part).id : this.cycle(~part).id;
  }

  /** The name of a part with its scope. */
  pathOf(part: Part): string {
    return part >= 0 ? this.node(part).path : this.cycle(~part).path;
  }

  attemptsOf(index: number): readonly PageAttempt[] {
    return this.#attempts.get(index) ?? [];
  }

  edgesOf(scope: number): readonly PageEdge[] {
    const edges = this.#edges.get(scope) ?? this.data.edgesOf(scope);
    this.#edges.set(scope, edges);
    return edges;
  }

  incoming(index: number): readonly PageEdge[] {
    return this.edgesOf(this.scopeOf(index)).filter(({ to }) => to === index);
  }

  outgoing(part: Part): readonly PageEdge[] {
    return this.edgesOf(this.scopeOf(part)).filter(({ from }) => from === part);
  }

  /** The part at a path, as seen from a scope: there first, then from the top. */
  find(path: string, scope = 0): Part | undefined {
    return this.#byPath.get(`${this.scope(scope).scope}${path}`) ?? this.#byPath.get(path);
  }

  /** The part that a place names: itself, or one of its ports as `node.port`. */
  at(place: string, scope = 0): Part | undefined {
    return this.find(place, scope) ?? this.find(place.replace(/\.[^./]*$/, ''), scope);
  }

  /** Where a node opens to: the items of a map, the graph of a subworkflow; that of its last attempt. */
  inside(index: number, family = this.node(index).families.length - 1): Place | undefined {
    const { families, shape } = this.node(index);
    const opened = families[family];
    if (opened === undefined || opened.scopes.length === 0) return undefined;
    return shape === 'map' ? { kind: 'items', node: index, family } : this.placeOf(opened.scopes[0] as number);
  }

  /** Where a scope is best seen: an item that only calls a subworkflow is that subworkflow. */
  placeOf(scope: number): Place {
    const { firstNode, nodes } = this.scope(scope);
    const only = nodes.length === 1 ? this.node(firstNode) : undefined;
    const inner = only?.shape === 'subworkflow' ? only.families.at(-1)?.scopes[0] : undefined;
    return inner === undefined ? { kind: 'graph', scope } : this.placeOf(inner);
  }

  get isFiltered(): boolean {
    return this.#view.query !== '' || this.#view.statuses.size > 0;
  }

  /** Whether a node is among what is searched for: its name, implementation, status, reason or error holds the words. */
  matches(index: number): boolean {
    return !this.isFiltered || ((this.#flags()[index] as number) & HIT) !== 0;
  }

  /** Whether something in the children of a node is among what is searched for. */
  holdsMatch(index: number): boolean {
    return this.isFiltered && ((this.#flags()[index] as number) & HOLDS) !== 0;
  }

  #flags(): Uint8Array {
    if (this.#hits !== undefined) return this.#hits;
    const flags = new Uint8Array(this.data.nodes.length);
    for (let index = flags.length - 1; index >= 0; index--) {
      if (!this.#isHit(index)) continue;
      flags[index] = (flags[index] as number) | HIT;
      let { child } = this.scope(this.node(index).scope);
      while (child !== null && ((flags[child.owner] as number) & HOLDS) === 0) {
        flags[child.owner] = (flags[child.owner] as number) | HOLDS;
        child = this.scope(this.node(child.owner).scope).child;
      }
    }
    this.#hits = flags;
    return flags;
  }

  #isHit(index: number): boolean {
    const { query, statuses } = this.#view;
    if (statuses.size > 0 && !statuses.has(this.node(index).status)) return false;
    return query === '' || this.#textOf(index).includes(query.toLowerCase());
  }

  #textOf(index: number): string {
    const { path, use, status, reason, error } = this.node(index);
    const text =
      this.#texts[index] ?? [path, use, status, reason?.text, error?.code, error?.message].join('\n').toLowerCase();
    this.#texts[index] = text;
    return text;
  }
}

const HIT = 1;
const HOLDS = 2;
