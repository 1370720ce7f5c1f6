/** So many places of those who have left are kept in any case. */
const FEW = 32;

/**
 * Those who stand in line: first come, first served. Each comes and is served at the same cost, however many there are; to take the first
 * item out of an array costs as much as the array is long.
 */
export class Line<T> {
  /** Who has left is `undefined`. */
  #places: (T | undefined)[] = [];
  /** The first place at which somebody may stand. */
  #front = 0;
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Comes last. */
  push(one: T): void {
    if (this.#places.length > 2 * this.#length + FEW) {
      this.#places = this.#places.filter((each) => each !== undefined);
      this.#front = 0;
    }
    this.#places.push(one);
    this.#length++;
  }

  /** Takes the first one out. `undefined` when there is none. */
  shift(): T | undefined {
    let first: T | undefined;
    while (first === undefined && this.#front < this.#places.length) {
      first = this.#places[this.#front];
      this.#places[this.#front++] = undefined;
    }
    if (first !== undefined) this.#length--;
    return first;
  }

  /** Takes one out, wherever it stands; quickly where it is among the first. `false` when it is not there. */
  remove(one: T): boolean {
    const place = this.#places.indexOf(one, this.#front);
    if (place === -1) return false;
    this.#places[place] = undefined;
    if (place === this.#front) this.#front++;
    this.#length--;
    return true;
  }
}
