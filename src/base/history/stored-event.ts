import { LockstepError } from '../errors.js';
import { sealed } from '../event-data.js';
import type { EventKind, RunEvent } from '../events.js';
import type { Hash } from '../ports.js';
import { pathStep } from '../value-path.js';
import { type BytesPort, plainBytes } from './bytes.js';
import type { StoredBlob, StoredEvent } from './event-store.js';
import { decodeValue, encodeValue } from './value-codec.js';
import { quoted } from './value-frames.js';

/** Default length of text, in characters, above which an event's large values are kept as blobs. */
export const BLOB_THRESHOLD = 65_536;

/** A value whose text is known already. */
export interface EncodedValue {
  readonly value: object;
  /** What `encodeValue` wrote of it. */
  readonly text: string;
}

/** What `storeEvent` is given beside the event. */
export interface StoringParts {
  /** The longest text, in characters, that stays in the event. Default `BLOB_THRESHOLD`. */
  readonly blobThreshold?: number;
  readonly hash: Hash;
  /** Called with each blob that the event refers to, as often as it does. */
  readonly blobs: (blob: StoredBlob) => void;
  /** The output, where it was encoded before the event existed: used if it is the very object that the event holds. */
  readonly known?: EncodedValue | undefined;
  /** Default: by ECMAScript alone. */
  readonly bytes?: BytesPort;
}

type Fields = Readonly<Record<string, unknown>>;

/** The text of an object whose members have been written. It has at least one. */
function objectText(members: readonly (readonly [name: string, text: string])[]): string {
  let whole = '';
  for (const [name, text] of members) whole += `${whole === '' ? '{' : ','}${quoted(name)}:${text}`;
  return `${whole}}`;
}

/** Whether an object is written by its keys, so that a member of it can be replaced. */
function isRecord(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !Object.hasOwn(value, '$')
  );
}

/** Length of the text of a reference. */
const REFERENCE_LENGTH = reference('0'.repeat(64)).length;

function reference(hash: string): string {
  return `{"$":"blob","v":"${hash}"}`;
}

/** Writes the data of one event whose text is too long. */
class LargeData {
  readonly #parts: StoringParts;
  readonly #threshold: number;

  constructor(parts: StoringParts, threshold: number) {
    this.#parts = parts;
    this.#threshold = threshold;
  }

  /** The text of a field: as it is, with references in the place of its large entries, or as one reference. */
  field(value: unknown, text: string, at: string): string {
    if (text.length <= this.#threshold) return text;
    const entries = isRecord(value) ? this.#entriesOf(value, text, at) : [];
    const large = entries.filter(([, own]) => own.length > this.#threshold);
    const rest = large.reduce((length, [, own]) => length - own.length + REFERENCE_LENGTH, text.length);
    if (rest > this.#threshold) return this.#blob(text);
    return objectText(
      entries.map(([name, own]) => [name, own.length > this.#threshold ? this.#blob(own) : own] as const),
    );
  }

  #entriesOf(record: Fields, text: string, at: string): (readonly [name: string, text: string])[] {
    const names = Object.keys(record);
    const [only] = names;
    // Of an object with one entry, as most outputs are, the entry's text is known.
    if (only !== undefined && names.length === 1) return [[only, text.slice(quoted(only).length + 2, -1)] as const];
    return names.map((name) => [name, encodeValue(record[name], at + pathStep(name), this.#parts.bytes)] as const);
  }

  #blob(text: string): string {
    const hash = this.#parts.hash.sha256(text);
    this.#parts.blobs({ hash, text });
    return reference(hash);
  }
}

/** Names of fields as they stand in a text. Events have a closed set of them. */
const namesInText = new Map<string, string>();

function nameInText(name: string): string {
  let text = namesInText.get(name);
  if (text === undefined) {
    text = `${quoted(name)}:`;
    namesInText.set(name, text);
  }
  return text;
}

/** The text of one field of an event's data. Most are strings and counts, which take longer to hand to an encoder than to write. */
function fieldText(name: string, value: unknown, kind: EventKind, { known, bytes }: StoringParts): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && value > 0 && value <= Number.MAX_VALUE) return `${value}`;
  return known !== undefined && value === known.value ? known.text : encodeValue(value, `${kind}.${name}`, bytes);
}

function dataText({ data, kind }: RunEvent, parts: StoringParts): string {
  const fields = data as Fields;
  const { blobThreshold = BLOB_THRESHOLD } = parts;
  let text = '';
  for (const name of Object.keys(fields))
    text += `${text === '' ? '{' : ','}${nameInText(name)}${fieldText(name, fields[name], kind, parts)}`;
  return text.length < blobThreshold ? `${text === '' ? '{' : text}}` : largeText(fields, kind, parts, blobThreshold);
}

function largeText(fields: Fields, kind: EventKind, parts: StoringParts, threshold: number): string {
  const members = Object.keys(fields).map((name) => [name, fieldText(name, fields[name], kind, parts)] as const);
  const text = objectText(members);
  if (text.length <= threshold) return text;
  const large = new LargeData(parts, threshold);
  return objectText(members.map(([name, own]) => [name, large.field(fields[name], own, `${kind}.${name}`)] as const));
}

/**
 * An event as a store holds it. Where the text of its data is longer than the threshold, each field of the data that is longer by
 * itself is replaced: its large entries if it is a plain object and they are what makes it long, or else the field as a whole. In
 * their place stand references to blobs.
 *
 * @throws LockstepError VALUE_NOT_STORABLE with the path, which begins with the kind of the event
 */
export function storeEvent(event: RunEvent, parts: StoringParts): StoredEvent {
  const { seq, ts, kind, v, key = null } = event;
  return { seq, ts, kind, v, key, data: dataText(event, parts) };
}

/**
 * The event of what a store holds, frozen as live ones are. Values in it are shared with no other event.
 *
 * @param blobOf the text of a blob, by its hash
 * @throws LockstepError BLOB_MISSING naming the hash, VALUE_UNREADABLE
 */
export function readStoredEvent(
  stored: StoredEvent,
  runId: string,
  blobOf: (hash: string) => string | undefined,
  bytes: BytesPort = plainBytes,
): RunEvent {
  const { seq, ts, kind, v, key } = stored;
  const blob = (hash: string): unknown => {
    const text = blobOf(hash);
    if (text === undefined)
      throw new LockstepError('BLOB_MISSING', `Event ${seq} of run "${runId}" refers to the blob ${hash}.`, {
        at: hash,
      });
    return decodeValue(text, { bytes });
  };
  const data = decodeValue(stored.data, { bytes, blob });
  if (!isRecord(data)) {
    const what = `The data of event ${seq} of run "${runId}" is no object.`;
    throw new LockstepError('VALUE_UNREADABLE', what, { value: stored.data });
  }
  return sealed(
    (key === null ? { seq, ts, runId, kind, v, data } : { seq, ts, runId, kind, v, key, data }) as RunEvent,
  );
}
