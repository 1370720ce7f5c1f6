/** FNV-1a over UTF-16 code units, 32 bits. Source: G. Fowler, L. C. Noll, K.-P. Vo (1991). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** Mixes 32 bits so that near keys give far numbers. Source: M. O'Neill's review of "hash prospector" constants (C. Wellons, 2018). */
function mix(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A number in [0, 1), evenly spread, that depends on `text` only. No secret: anybody can find texts for a number. */
export function unitOf(text: string): number {
  return mix(fnv1a(text)) / 2 ** 32;
}
