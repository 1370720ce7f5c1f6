/** What keeps this process alive unless it is told not to. */
export interface Referenced {
  ref(): void;
  unref(): void;
}

/**
 * Counts what is under way with a worker. While it is anything, the worker keeps this process alive; an idle worker does not, so
 * that a program which forgets to stop it ends, and a runtime that waits for nothing is told so.
 */
export class References {
  readonly #handles = new Set<Referenced>();
  #count = 0;

  /** Takes something in that belongs to the worker. */
  add(handle: Referenced): void {
    this.#handles.add(handle);
    if (this.#count === 0) handle.unref();
    else handle.ref();
  }

  /** What belonged to the worker is gone, or is to be waited for by itself. */
  delete(handle: Referenced): void {
    this.#handles.delete(handle);
    handle.ref();
  }

  /** Something begins. To be followed by one `release`. */
  hold(): void {
    this.#count++;
    if (this.#count === 1) for (const handle of this.#handles) handle.ref();
  }

  /** Something has ended. */
  release(): void {
    this.#count--;
    if (this.#count === 0) for (const handle of this.#handles) handle.unref();
  }

  /** Keeps this process alive until something has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.hold();
    try {
      return await work;
    } finally {
      this.release();
    }
  }
}
