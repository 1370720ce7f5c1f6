/** Round numbers between two others, about `wanted` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(from: number, to: number, wanted: number): number[] {
  if (!(to > from)) return [from];
  const raw = (to - from) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Steps that clocks like: beyond seconds, tens give way to sixties. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Round times in milliseconds between two others. */
export function timeTicks(from: number, to: number, wanted: number): number[] {
  const raw = (to - from) / Math.max(1, wanted) / 1000;
  const step = STEPS.find((seconds) => seconds >= raw);
  if (raw <= 1 || step === undefined) return ticks(from, to, wanted);
  const first = Math.ceil(from / 1000 / step);
  const last = Math.floor(to / 1000 / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step * 1000);
}

/** Powers of ten around positive values, thinned out to about `wanted`. */
export function logTicks(least: number, most: number, wanted: number): number[] {
  const from = Math.floor(Math.log10(least) + 1e-9);
  const to = Math.ceil(Math.log10(most) - 1e-9);
  const step = Math.max(1, Math.ceil((to - from) / wanted));
  const powers: number[] = [];
  for (let power = from; power <= to; power += step) powers.push(10 ** power);
  return powers;
}

/** Values that spread so far are better seen on a logarithmic scale: a decade and a half. */
const SPREAD = 30;

/** Whether values are better seen on a logarithmic scale: all positive, and far apart. */
export function spansDecades(values: readonly number[]): boolean {
  return values.length > 1 && values.every((value) => value > 0) && Math.max(...values) / Math.min(...values) >= SPREAD;
}

/** Times on an axis share a unit: that of the longest. */
export function timeLabel(ms: number, most: number): string {
  const trim = (value: number): string => String(Number(value.toPrecision(6)));
  if (ms === 0) return '0';
  if (most < 1) return `${trim(ms * 1000)} µs`;
  if (most < 1000) return `${trim(ms)} ms`;
  if (most < 120_000) return `${trim(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
