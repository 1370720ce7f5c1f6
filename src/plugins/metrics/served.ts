/**
 * What a plugin keeps for each runtime that it was given to. `stop` does not say which of them stops, so what is left of all is
 * ended with the last.
 */
export class Served<T> {
  readonly #parts: T[] = [];
  #running = 0;

  /** Called in `setup`. */
  add(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** Called in `start`. */
  started(): void {
    this.#running++;
  }

  /** Called in `stop`: what nobody uses any more. */
  stopped(): readonly T[] {
    this.#running--;
    return this.#running === 0 ? this.#parts.splice(0) : [];
  }
}
