import { unreadable } from './unreadable.js';

/**
 * What stands before each message of gRPC: whether it is compressed, and its length
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message).
 */
const PREFIX = 5;

/** Messages as one piece with the prefix of gRPC: one frame of HTTP/2, where it fits. */
export function prefixed(...parts: readonly Buffer[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const message = Buffer.allocUnsafe(PREFIX + length);
  message[0] = 0;
  message.writeUInt32BE(length, 1);
  let at = PREFIX;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

/** Puts messages together again from pieces, of which each may hold a part of one, or several. */
export class MessageReader {
  readonly #longest: number;
  /** What has come of a message that is not complete, the prefix included. */
  #pieces: Buffer[] = [];
  #length = 0;

  /** @param longest how long a message may be, in bytes */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /**
   * Takes a piece, and answers with the messages that it completes. Each is a view of what came.
   *
   * @throws LockstepError FRAME_UNREADABLE for what is compressed or too long
   */
  read(piece: Buffer): readonly Buffer[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const messages: Buffer[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) messages.push(next);
    return messages;
  }

  #next(): Buffer | undefined {
    if (this.#length < PREFIX) return undefined;
    const length = this.#expected();
    if (this.#length < PREFIX + length) return undefined;
    const whole = this.#whole();
    const rest = whole.subarray(PREFIX + length);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return whole.subarray(PREFIX, PREFIX + length);
  }

  /** The length of the message that comes. */
  #expected(): number {
    const [first] = this.#pieces;
    const prefix = first !== undefined && first.length >= PREFIX ? first : this.#whole();
    if (prefix[0] !== 0) throw unreadable('compressed', prefix[0]);
    const length = prefix.readUInt32BE(1);
    if (length > this.#longest) throw unreadable(`a message of ${length} bytes: ${this.#longest} may be`, length);
    return length;
  }

  #whole(): Buffer {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && first !== undefined) return first;
    const whole = Buffer.concat(this.#pieces, this.#length);
    this.#pieces = [whole];
    return whole;
  }
}
