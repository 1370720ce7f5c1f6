/** Where the items go that a call is fed with. */
export interface FeedOwner {
  /** @returns what it costs, in credits */
  send(value: unknown): number;
  end(): void;
  /** The source threw, or yielded what cannot be sent. */
  fail(error: unknown): void;
}

/** Feeds a call from an iterable: takes an item only when the worker has said that it wants one. */
export class Feed {
  readonly #source: AsyncIterable<unknown>;
  readonly #owner: FeedOwner;
  #iterator: AsyncIterator<unknown> | undefined;
  #credit = 0;
  #isPumping = false;
  #isOver = false;

  constructor(source: AsyncIterable<unknown>, owner: FeedOwner) {
    this.#source = source;
    this.#owner = owner;
  }

  /** The worker wants more items. */
  grant(credits: number): void {
    this.#credit += credits;
    if (!this.#isPumping) void this.#pump();
  }

  /** Nothing more is wanted: the call has ended. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    try {
      this.#iterator ??= this.#source[Symbol.asyncIterator]();
      while (this.#credit > 0 && !this.#isOver) {
        const { done, value } = await this.#iterator.next();
        if (this.#isOver) return;
        if (done === true) {
          this.#isOver = true;
          this.#owner.end();
          return;
        }
        this.#credit -= this.#owner.send(value);
      }
    } catch (error) {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#leave();
      this.#owner.fail(error);
    } finally {
      this.#isPumping = false;
    }
  }

  /** Tells the source that nobody takes more of it. What it throws then concerns nobody. */
  #leave(): void {
    try {
      void Promise.resolve(this.#iterator?.return?.()).catch(() => undefined);
    } catch {
      // Not even a promise.
    }
  }
}
