import { type BytesPort, base64Length } from '../base/history/bytes.js';

/** Bytes by Node: what was a Buffer comes back as one. */
export const nodeBytes: BytesPort = {
  toBase64: ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  fromBase64(text) {
    const bytes = new Uint8Array(base64Length(text));
    Buffer.from(bytes.buffer).write(text, 'base64');
    return bytes;
  },
  asBuffer: ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength),
};
