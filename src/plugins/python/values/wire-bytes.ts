import { type BytesPort, plainBytes } from '../../../base/history/bytes.js';

/** Bytes in the text of values that pass to a worker: short ones, because longer ones travel beside the text. */
export const wireBytes: BytesPort = {
  ...plainBytes,
  asBuffer: ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength),
};
