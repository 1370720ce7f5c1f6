import { canonicalJson } from '../../base/canonical-json.js';
import type { CacheOptions } from '../../base/capability-options.js';
import type { NodeImplementation } from '../../base/node.js';
import type { Hash } from '../../base/ports.js';

type Output = Readonly<Record<string, unknown>>;

interface Entry {
  readonly output: Output;
  /** Epoch milliseconds until which it may be given. */
  readonly until: number;
}

/** What a cache shows of itself. Counts are since the runtime was created. */
export interface CacheReport {
  /** Outputs that it holds. */
  readonly entries: number;
  readonly maxEntries: number;
  readonly hits: number;
  readonly misses: number;
  /** Outputs that had to go because there were too many. */
  readonly evicted: number;
}

/**
 * Outputs of nodes by what the node is and what it was given. The output that was used longest ago goes first. Values are shared,
 * not copied.
 */
export class ResultCache {
  readonly #hash: Hash;
  readonly #maxEntries: number;
  /** In the order of their use, the one used longest ago first. */
  readonly #entries = new Map<string, Entry>();
  readonly #identities = new WeakMap<NodeImplementation, string>();
  /** Definitions without a version that have been met. */
  #unversioned = 0;
  #hits = 0;
  #misses = 0;
  #evicted = 0;

  constructor(hash: Hash, maxEntries: number) {
    this.#hash = hash;
    this.#maxEntries = maxEntries;
  }

  /**
   * The key of some inputs of a node: its name and version, and the canonical JSON of what it was given. Without a version it is this
   * very definition: two of one text may have captured different values.
   *
   * @throws LockstepError UNHASHABLE_LITERAL when JSON cannot hold an input
   */
  keyOf(implementation: NodeImplementation, inputs: Output): string {
    let identity = this.#identities.get(implementation);
    if (identity === undefined) {
      const { name, version } = implementation.identity;
      identity = JSON.stringify(version === undefined ? [name, ++this.#unversioned] : [name, version, 'version']);
      this.#identities.set(implementation, identity);
    }
    return this.#hash.sha256(`${identity}\n${canonicalJson(inputs, 'inputs')}`);
  }

  /** The output that is kept under a key, unless it is too old. */
  find(key: string, now: number): Output | undefined {
    const found = this.#entries.get(key);
    if (found !== undefined && now < found.until) {
      this.#entries.delete(key);
      this.#entries.set(key, found);
      this.#hits++;
      return found.output;
    }
    this.#misses++;
    return undefined;
  }

  /** Keeps an output. */
  keep(key: string, output: Output, { ttlMs = Number.POSITIVE_INFINITY }: CacheOptions, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { output, until: now + ttlMs });
    if (this.#entries.size <= this.#maxEntries) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest as string);
    this.#evicted++;
  }

  /** Forgets outputs that are too old. */
  trim(now: number): void {
    for (const [key, { until }] of this.#entries) if (now >= until) this.#entries.delete(key);
  }

  /** Forgets every output. */
  clear(): void {
    this.#entries.clear();
  }

  report(): CacheReport {
    return {
      entries: this.#entries.size,
      maxEntries: this.#maxEntries,
      hits: this.#hits,
      misses: this.#misses,
      evicted: this.#evicted,
    };
  }
}
