import type { Frame } from './frame.js';

/** How many credits of a stream are given at first: so many short items may be under way. */
export const STREAM_CREDIT = 64;

/** Bytes, from which on an item costs another credit: STREAM_CREDIT of them are a mebibyte. */
const BYTES_OF_CREDIT = 16_384;

/** A character is no more than three bytes in UTF-8: of a pair of two that are four, each counts as one here. */
const BYTES_OF_CHARACTER = 3;

/**
 * What an item of a stream costs, in credits: one, and one more for every 16 KiB that it has. Whoever has a credit may send an item, whatever
 * that costs: so long ones travel one by one, and a stream has no more under way than a mebibyte and an item. Norm: python/BRIDGE.md, "Credits".
 */
export function itemCost({ text, segments }: Pick<Frame, 'text' | 'segments'>): number {
  if (segments.length === 0 && text.length * BYTES_OF_CHARACTER < BYTES_OF_CREDIT) return 1;
  const beside = segments.reduce((sum, one) => sum + (one instanceof Uint8Array ? one.byteLength : one.size), 0);
  return 1 + Math.floor((Buffer.byteLength(text) + beside) / BYTES_OF_CREDIT);
}
