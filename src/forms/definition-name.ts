/** A name with an optional version, as documents write it: `clean` or `clean@2.1.0`. */
export interface DefinitionName {
  readonly name: string;
  readonly version: string | undefined;
}

/** Reads `name` or `name@version`. */
export function parseName(text: string): DefinitionName {
  const at = text.indexOf('@');
  return at === -1 ? { name: text, version: undefined } : { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** Writes `name` or `name@version`. */
export function formatName({
  name,
  version,
}: {
  readonly name: string;
  readonly version?: string | undefined;
}): string {
  return version === undefined ? name : `${name}@${version}`;
}

const SEMANTIC = /^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/;

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareNumbers(left: readonly string[], right: readonly string[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = Number(left[index] ?? 0) - Number(right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Identifiers of a pre-release: numeric ones by number and below others, a shorter list first. */
function comparePrerelease(left: readonly string[], right: readonly string[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)];
    const order = x && y ? Number(a) - Number(b) : x === y ? compareText(a, b) : x ? -1 : 1;
    if (order !== 0) return order;
  }
  return 0;
}

/**
 * Orders versions: by Semantic Versioning 2.0.0 (https://semver.org, section 11) where both are of that form, with any number of
 * parts; those that are not come before them, ordered as text.
 */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [SEMANTIC.exec(left), SEMANTIC.exec(right)];
  if (a === null || b === null) return a === b ? compareText(left, right) : a === null ? -1 : 1;
  const numbers = compareNumbers((a[1] as string).split('.'), (b[1] as string).split('.'));
  if (numbers !== 0) return numbers;
  const [early, late] = [a[2], b[2]];
  if (early === late) return compareText(left, right);
  if (early === undefined || late === undefined) return early === undefined ? 1 : -1;
  return comparePrerelease(early.split('.'), late.split('.'));
}
