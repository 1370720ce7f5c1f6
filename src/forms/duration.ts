const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof UNITS;

const PART = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g;
const WHOLE = /^\s*(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+$/;

/** A duration such as `10s`, `1m 30s` or `1.5h` in milliseconds; `undefined` for any other text. */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(PART)) sum += Number(count) * UNITS[unit as Unit];
  return sum;
}

/** Milliseconds as a text that `parseDuration` reads back as the same number; `undefined` where there is none. */
export function formatDuration(ms: number): string | undefined {
  const unit = (['h', 'm', 's'] as const).find((each) => ms % UNITS[each] === 0) ?? 'ms';
  const text = `${ms / UNITS[unit]}${unit}`;
  return parseDuration(text) === ms ? text : undefined;
}
