import { LockstepError } from '../../../base/errors.js';

/** The last number that a call can have. */
const LAST_CALL = 2 ** 32 - 1;

/** The calls of a stream that wait for their last frame, by their numbers, of which none is used twice: a late answer finds nobody. */
export class CallTable<C> {
  readonly #calls = new Map<number, C>();
  #last: number;

  /** @param first the number of the first call */
  constructor(first = 1) {
    this.#last = first - 1;
  }

  /** How many there are. */
  get size(): number {
    return this.#calls.size;
  }

  /** How many there have been. */
  get begun(): number {
    return this.#last;
  }

  get values(): readonly C[] {
    return [...this.#calls.values()];
  }

  get(id: number): C | undefined {
    return this.#calls.get(id);
  }

  /**
   * Gives a call its number.
   *
   * @throws LockstepError WORKER_NOT_READY where none is left
   */
  nextId(): number {
    if (this.#last === LAST_CALL)
      throw new LockstepError('WORKER_NOT_READY', `The worker has had ${LAST_CALL} calls, and no number is left.`);
    return ++this.#last;
  }

  add(id: number, call: C): void {
    this.#calls.set(id, call);
  }

  /** Its last frame has come. */
  delete(id: number): void {
    this.#calls.delete(id);
  }
}
