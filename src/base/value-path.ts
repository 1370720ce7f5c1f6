const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const LONGEST_PATH = 120;

/** One step of a path into a value, as it is written in JavaScript: `.rows`, `["two words"]`, `[3]`. */
export function pathStep(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** A path as a message shows it: the middle of a very long one is left out. */
export function shortPath(path: string): string {
  if (path.length <= LONGEST_PATH) return path;
  return `${path.slice(0, LONGEST_PATH / 2)}…${path.slice(-LONGEST_PATH / 2)}`;
}
