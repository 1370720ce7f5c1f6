/**
 * The Damerau-Levenshtein distance (optimal string alignment) between two short names, cut off at `limit`.
 *
 * Source: E. Ukkonen, "Algorithms for approximate string matching" (1985), the banded row form.
 */
function distance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? limit + 1;
}

/** The candidate nearest to `name`, or `undefined` when none is near enough to be a likely slip of the keyboard. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let nearest: string | undefined;
  let best = Math.max(1, Math.floor(name.length * 0.4)) + 1;
  for (const candidate of candidates) {
    const found = distance(wanted, candidate.toLowerCase(), best - 1);
    if (found < best) {
      best = found;
      nearest = candidate;
    }
  }
  return nearest;
}

/** `Did you mean "tidy"?`, or a list of what exists, or a sentence that nothing does: the tail of every "unknown name" message. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  if (candidates.length === 0) return 'There are none.';
  const shown = candidates.slice(0, 8).map((candidate) => `"${candidate}"`);
  const more = candidates.length - shown.length;
  return `Known: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}
