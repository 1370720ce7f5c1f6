import type { Frame, Segment, SharedFile } from './frame.js';
import { ProtobufReader, tagOf } from './protobuf-reader.js';
import { unreadable } from './unreadable.js';

/** The largest number that a kind can have. */
const MAX_KIND = 0x7fffffff;

const FIRST_BYTES = tagOf(1, 'bytes');
const SECOND_BYTES = tagOf(2, 'bytes');
const CALL = tagOf(1, 'fixed32');
const KIND = tagOf(2, 'varint');
const TEXT = tagOf(3, 'bytes');
const SEGMENT = tagOf(4, 'bytes');
const SIZE = tagOf(2, 'fixed64');

function readFile(reader: ProtobufReader): SharedFile {
  let path = '';
  let size = 0;
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === FIRST_BYTES) path = reader.text();
    else if (tag === SIZE) size = reader.fixed64();
    else reader.skip(tag);
  }
  return { path, size };
}

function readSegment(reader: ProtobufReader): Segment {
  let segment: Segment | undefined;
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === FIRST_BYTES) segment = reader.bytes();
    else if (tag === SECOND_BYTES) segment = readFile(reader.message());
    else reader.skip(tag);
  }
  if (segment === undefined) throw unreadable('a segment that is nowhere', undefined);
  return segment;
}

function readKind(reader: ProtobufReader): number {
  const kind = reader.varint();
  if (kind > MAX_KIND) throw unreadable('a frame of an impossible kind', kind);
  return kind;
}

function readFrame(reader: ProtobufReader): Frame {
  let call = 0;
  let kind = 0;
  let text = '';
  const segments: Segment[] = [];
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === CALL) call = reader.fixed32();
    else if (tag === KIND) kind = readKind(reader);
    else if (tag === TEXT) text = reader.text();
    else if (tag === SEGMENT) segments.push(readSegment(reader.message()));
    else reader.skip(tag);
  }
  return { call, kind, text, segments };
}

/**
 * The frames of a protobuf message `Batch`, whoever wrote it: fields may be in any order, missing ones are zero or empty, of those
 * that occur twice the last one counts, and unknown ones are passed over.
 *
 * @throws LockstepError FRAME_UNREADABLE for bytes that are no such message
 */
export function decodeBatch(bytes: Uint8Array): Frame[] {
  const { buffer, byteOffset, byteLength } = bytes;
  const reader = new ProtobufReader(Buffer.from(buffer, byteOffset, byteLength));
  const frames: Frame[] = [];
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === FIRST_BYTES) frames.push(readFrame(reader.message()));
    else reader.skip(tag);
  }
  return frames;
}
