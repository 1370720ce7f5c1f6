/** What a code means and what to do about it. `docs/errors.md` is compared with this table, both ways. */
export interface ErrorEntry {
  /** One sentence: what went wrong. */
  readonly meaning: string;
  /** One sentence: what to do about it. Ends every message that carries the code. */
  readonly remedy: string;
}

/** An entry of the catalogue. */
export function entry(meaning: string, remedy: string): ErrorEntry {
  return { meaning, remedy };
}
