/**
 * What a frame says, by the numbers of `proto/lockstep/worker/v1/worker.proto`, which explains each.
 */
export const FRAME_KINDS = {
  HELLO: 1,
  WELCOME: 2,
  CALL: 3,
  ITEM: 4,
  END: 5,
  CREDIT: 6,
  CANCEL: 7,
  ANSWER: 8,
  FAILURE: 9,
  SAID: 10,
  PING: 11,
  PONG: 12,
  ASK: 13,
  REPLY: 14,
  WITHIN: 15,
} as const;

/** Bytes in a file that holds nothing else. */
export interface SharedFile {
  /** Absolute. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** Bytes beside the text of a frame. Those of a frame that was read are a view of what was received: copy what is to stay. */
export type Segment = Uint8Array | SharedFile;

/** One thing that one side says to the other. */
export interface Frame {
  /** The call that it is about, 1 to 2^32-1; 0: the worker as a whole. */
  readonly call: number;
  /** One of `FRAME_KINDS`; of a frame that was read, maybe one that this version does not know. */
  readonly kind: number;
  /** One list in the text of the value codec; what its items are depends on the kind. */
  readonly text: string;
  readonly segments: readonly Segment[];
}
