/** Something that is kept by name as long as it is used. */
export interface Kept {
  /** When it was used last: the higher, the later. Owned by `Recent`. */
  used: number;
  /** It was forgotten: what is counted in it is seen by nobody. */
  forgotten: boolean;
}

/** Things by name, so many at most: those that were used longest ago are forgotten, a tenth at a time. */
export class Recent<V extends Kept> {
  readonly #most: number;
  readonly #forget: (name: string, value: V) => void;
  readonly #kept = new Map<string, V>();
  #turn = 0;
  #forgotten = 0;

  /** @param forget told of each that is forgotten */
  constructor(most: number, forget: (name: string, value: V) => void) {
    this.#most = most;
    this.#forget = forget;
  }

  /** How many were forgotten. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** What is kept, without order. */
  values(): Iterable<V> {
    return this.#kept.values();
  }

  /** What is kept under a name, without using it. */
  peek(name: string): V | undefined {
    return this.#kept.get(name);
  }

  /** What is kept under a name, and is used now; made where there is none. */
  use(name: string, make: () => V): V {
    let value = this.#kept.get(name);
    if (value === undefined) {
      if (this.#kept.size >= this.#most) this.#makeRoom();
      value = make();
      this.#kept.set(name, value);
    }
    this.touch(value);
    return value;
  }

  /** What is kept is used now. */
  touch(value: V): void {
    value.used = ++this.#turn;
  }

  /** Forgets one. */
  drop(name: string): void {
    const value = this.#kept.get(name);
    if (value === undefined) return;
    this.#kept.delete(name);
    this.#forgotten++;
    value.forgotten = true;
    this.#forget(name, value);
  }

  #makeRoom(): void {
    const oldest = [...this.#kept].sort(([, a], [, b]) => a.used - b.used).slice(0, Math.ceil(this.#most / 10));
    for (const [name] of oldest) this.drop(name);
  }
}
