/** A series as one line, so that backends can be compared: `name{label=value,…} value`, labels sorted. */
export function seriesText(name: string, labels: Readonly<Record<string, unknown>>, value: string): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
  return `${name}{${pairs.sort().join(',')}} ${value}`;
}

/** A histogram as text: `count in sum`, and how many values are in each bucket that is not empty. */
export function distributionText(
  count: number,
  sum: number,
  cumulated: readonly { readonly le: number; readonly count: number }[],
): string {
  const filled = cumulated.flatMap(({ le, count: below }, at) => {
    const inside = below - (cumulated[at - 1]?.count ?? 0);
    return inside === 0 ? [] : [`, ${inside} to ${le}`];
  });
  return `${count} in ${Number(sum.toFixed(9))}${filled.join('')}`;
}
