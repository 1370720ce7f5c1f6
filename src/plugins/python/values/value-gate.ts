import { AttemptError } from '../../../base/errors.js';
import type { Segment, SharedFile } from '../wire/frame.js';
import { unreadable } from '../wire/unreadable.js';
import type { SharedFiles } from './shared-files.js';
import { readWireValue } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

/** What values pass by. */
export interface ValueLimits {
  /** How long the text of a value may be, and the bytes beside it together. */
  readonly maxValueBytes: number;
  /** From how many bytes on a segment becomes a file. */
  readonly sharedFromBytes: number;
}

/** What a frame carries beside its text. */
export interface Beside {
  readonly segments: readonly Segment[];
  /** Those of the segments that are files: to be removed if nobody fetches them. */
  readonly files: readonly SharedFile[];
}

/** Nothing beside a text. */
export const NOTHING_BESIDE: Beside = Object.freeze({ segments: Object.freeze([]), files: Object.freeze([]) });

/** How many values a frame holds at most: what a tool returns, and the state that it sets. */
const MOST_VALUES = 2;
/** What is in the text of a frame around its values, in bytes, at most. */
const AROUND_VALUES = 1_024;

/** A character is no more than three bytes in UTF-8: of a pair of two that are four, each counts as one here. */
const BYTES_OF_CHARACTER = 3;

/** Through which all values pass that go to a worker or come from it: how long they may be, and which of them become files. */
export class ValueGate {
  readonly #limits: ValueLimits;
  readonly #files: SharedFiles;

  constructor(limits: ValueLimits, files: SharedFiles) {
    this.#limits = limits;
    this.#files = files;
  }

  /** Writes the values of one frame. */
  writer(): FrameValues {
    return new FrameValues(this.#limits, this.#files);
  }

  /** Removes files that nobody has fetched. */
  remove(files: readonly SharedFile[]): void {
    if (files.length > 0) this.#files.remove(files);
  }

  /** Removes the files of a frame that nobody reads. */
  discard(segments: readonly Segment[]): void {
    for (const segment of segments) if (!(segment instanceof Uint8Array)) this.#files.discard(segment);
  }

  /**
   * Reads the list of a frame. How long each of its values may be is for the worker to see to; here it is looked at what no worker
   * sends that does.
   *
   * @throws LockstepError FRAME_UNREADABLE; AttemptError PAYLOAD_TOO_LARGE
   */
  readList(text: string, segments: readonly Segment[]): readonly unknown[] {
    try {
      checkSize(text, segments, { limit: MOST_VALUES * this.#limits.maxValueBytes + AROUND_VALUES, at: 'answer' });
      const list = readWireValue(text, segments, (file) => this.#files.read(file));
      if (!Array.isArray(list)) throw unreadable('no list', text);
      return list;
    } catch (error) {
      this.discard(segments);
      throw error;
    }
  }
}

/** Writes the values of one frame, and puts what is long beside them. */
export class FrameValues {
  readonly #limits: ValueLimits;
  readonly #files: SharedFiles;
  readonly #writer = new WireWriter();

  constructor(limits: ValueLimits, files: SharedFiles) {
    this.#limits = limits;
    this.#files = files;
  }

  /**
   * The text of a value.
   *
   * @param at what it is called in errors; the path inside it follows
   * @throws AttemptError PAYLOAD_TOO_LARGE; LockstepError VALUE_NOT_ENCODABLE
   */
  write(value: unknown, at: string): string {
    const before = this.#writer.segments.length;
    const text = this.#writer.write(value, at);
    const own = before === 0 ? this.#writer.segments : this.#writer.segments.slice(before);
    checkSize(text, own, { limit: this.#limits.maxValueBytes, at });
    return text;
  }

  /** What the texts refer to. To be asked once, after the last one. */
  beside(): Beside {
    if (this.#writer.segments.length === 0) return NOTHING_BESIDE;
    const files: SharedFile[] = [];
    const segments = this.#writer.segments.map((bytes) => {
      const file = bytes.length < this.#limits.sharedFromBytes ? undefined : this.#files.write(bytes);
      if (file === undefined) return bytes;
      files.push(file);
      return file;
    });
    return { segments, files };
  }
}

function checkSize(text: string, segments: readonly Segment[], about: { readonly limit: number; readonly at: string }) {
  const beside = segments.reduce((sum, one) => sum + (one instanceof Uint8Array ? one.length : one.size), 0);
  if (beside > about.limit) refuseSize(beside, about);
  if (text.length * BYTES_OF_CHARACTER <= about.limit) return;
  const length = Buffer.byteLength(text);
  if (length > about.limit) refuseSize(length, about);
}

function refuseSize(size: number, { limit, at }: { readonly limit: number; readonly at: string }): never {
  const what = `The value at ${at} has ${size} bytes, and ${limit} may pass.`;
  throw new AttemptError('PAYLOAD_TOO_LARGE', what, { at, value: { size, limit } });
}
