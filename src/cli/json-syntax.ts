const SPACE = /[ \t\n\r]*/y;
const TEXT = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy;
const OTHER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Walks through a JSON text as far as it is one. */
class Scanner {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Goes on behind a pattern; `false` where something else stands. */
  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.at += found[0].length;
    return found !== null;
  }

  #mark(mark: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  value(): boolean {
    this.#take(SPACE);
    if (this.#mark('{')) return this.#members('}', () => this.#member());
    if (this.#mark('[')) return this.#members(']', () => this.value());
    return this.#take(TEXT) || this.#take(OTHER);
  }

  #member(): boolean {
    this.#take(SPACE);
    return this.#take(TEXT) && this.#mark(':') && this.value();
  }

  #members(end: string, member: () => boolean): boolean {
    if (this.#mark(end)) return true;
    do {
      if (!member()) return false;
    } while (this.#mark(','));
    return this.#mark(end);
  }

  end(): void {
    this.#take(SPACE);
  }
}

/**
 * Where a text stops to be JSON: the offset of the first character, or of the text or number, that cannot stand there. What the
 * parser of Node says differs between versions, and often names no place.
 *
 * Source: RFC 8259
 */
export function badOffset(text: string): number {
  const scanner = new Scanner(text);
  if (scanner.value()) scanner.end();
  return scanner.at;
}
