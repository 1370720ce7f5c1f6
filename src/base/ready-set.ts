/**
 * A set of small whole numbers from which the least is taken. One bit a member; finding the least is a scan of words that
 * starts where the last one ended, so that a run over a plan in order costs a few instructions a node. An empty set is known to
 * be empty: an asynchronous run asks after every node that it starts.
 */
export class ReadySet {
  readonly #words: Int32Array;
  /** No word before this one has a bit. */
  #first: number;
  #size = 0;

  constructor(size: number) {
    this.#words = new Int32Array((size + 31) >>> 5);
    this.#first = this.#words.length;
  }

  add(member: number): void {
    const word = member >>> 5;
    const before = this.#words[word] as number;
    const after = before | (1 << (member & 31));
    if (after === before) return;
    this.#words[word] = after;
    this.#size++;
    if (word < this.#first) this.#first = word;
  }

  delete(member: number): void {
    const word = member >>> 5;
    const before = this.#words[word] as number;
    const after = before & ~(1 << (member & 31));
    if (after === before) return;
    this.#words[word] = after;
    this.#size--;
  }

  has(member: number): boolean {
    return ((this.#words[member >>> 5] as number) & (1 << (member & 31))) !== 0;
  }

  /** The members as bits, a copy: member `n` is bit `n % 32` of word `n / 32`. */
  toWords(): Int32Array {
    return this.#words.slice();
  }

  /** Holds these members and no other. @throws TypeError where they are those of a set of another size */
  setWords(words: Int32Array): void {
    if (words.length !== this.#words.length) throw new TypeError('The members are those of a set of another size.');
    this.#words.set(words);
    this.#first = 0;
    this.#size = 0;
    for (let bits of words) for (; bits !== 0; bits &= bits - 1) this.#size++;
  }

  /** The least member that is at least `from`; -1 when there is none. */
  least(from = 0): number {
    if (this.#size === 0) return -1;
    const words = this.#words;
    let word = this.#first;
    while (word < words.length && words[word] === 0) word++;
    this.#first = word;
    const start = from >>> 5;
    if (start > word) word = start;
    let mask = word === start ? -1 << (from & 31) : -1;
    for (; word < words.length; word++) {
      const bits = (words[word] as number) & mask;
      if (bits !== 0) return (word << 5) + 31 - Math.clz32(bits & -bits);
      mask = -1;
    }
    return -1;
  }
}
