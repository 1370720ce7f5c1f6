import { checkCount } from '../option-checks.js';

/** What a projection made of the first events of one run. */
export interface ProjectedKey {
  readonly projection: string;
  readonly version: number;
  readonly runId: string;
  /** How many events. */
  readonly events: number;
}

const DEFAULT_ENTRIES = 256;

/** Remembers what projections made of single runs, so that asking twice does not fold twice. What was used longest ago goes first. */
export class ProjectionCache {
  readonly #entries: number;
  readonly #values = new Map<string, { readonly key: ProjectedKey; readonly value: unknown }>();

  /**
   * @param options `entries`: how many values it holds at most; 0 for none. Default 256
   * @throws ConfigurationError INVALID_OPTION
   */
  constructor({ entries = DEFAULT_ENTRIES }: { readonly entries?: number } = {}) {
    checkCount(entries, 0, 'entries');
    this.#entries = entries;
  }

  /** How many values it holds. */
  get size(): number {
    return this.#values.size;
  }

  /** The value, made now where it is not known. Whoever gets it must not change it. */
  get<V>(key: ProjectedKey, make: () => V): V {
    const name = JSON.stringify([key.projection, key.version, key.runId, key.events]);
    const known = this.#values.get(name) ?? { key, value: make() };
    this.#values.delete(name); // what is put in last is the youngest
    this.#values.set(name, known);
    if (this.#values.size > this.#entries) {
      const [oldest] = this.#values.keys();
      this.#values.delete(oldest as string);
    }
    return known.value as V;
  }

  /** Forgets what it knows of a projection, or of a run. */
  forget(what: { readonly projection: string } | { readonly runId: string }): void {
    for (const [name, { key }] of this.#values) {
      if ('runId' in what ? key.runId === what.runId : key.projection === what.projection) this.#values.delete(name);
    }
  }
}
