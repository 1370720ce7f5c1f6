import { readFileSync } from 'node:fs';
import type { Frame, SharedFile } from '../../src/plugins/python/wire/frame.js';

type GoldenSegment = { readonly data: string } | SharedFile;

interface WrittenFrame {
  readonly call: number;
  readonly kind: number;
  readonly text: string;
  readonly segments: readonly GoldenSegment[];
}

interface GoldenBatch {
  readonly name: string;
  /** The message, two hexadecimal digits a byte. */
  readonly hex: string;
}

interface GoldenFrames {
  readonly kinds: Readonly<Record<string, number>>;
  /** What is written exactly so, and read back. */
  readonly written: readonly (GoldenBatch & { readonly frames: readonly WrittenFrame[] })[];
  /** What is only read: messages of other implementations. */
  readonly read: readonly (GoldenBatch & { readonly frames: readonly WrittenFrame[] })[];
  readonly refused: readonly GoldenBatch[];
}

/** The examples of `proto/golden/frames.json`, which every implementation of the wire is tested with. */
export const goldenFrames: GoldenFrames = JSON.parse(
  readFileSync(new URL('../../../proto/golden/frames.json', import.meta.url), 'utf8'),
);

/** The frame that an example describes. */
export function frameOf(written: WrittenFrame): Frame {
  const segments = written.segments.map((one) => ('data' in one ? Buffer.from(one.data, 'hex') : one));
  return { ...written, segments };
}
