import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { StoredEvent } from '../../base/history/event-store.js';

/** Most events of a block. */
const MOST_EVENTS = 256;
/** Length, in characters, from which a block is complete. */
const LONG_ENOUGH = 262_144;
/** How many values the head of a block holds of each event: ts, kind, v, key, length and CRC-32 of its data. */
const FIELDS = 6;

/** Events of one run that were committed together, as one text. */
export interface EventBlock {
  /** Position in the run of its first event. */
  readonly seq: number;
  readonly events: number;
  /** `ts` of its last event. */
  readonly ts: number;
  /** How much the data of its events takes, in characters. */
  readonly bytes: number;
  /** A line of JSON with what is known of each event, then their data, one after another. */
  readonly text: string;
}

/** SHA-256, in hexadecimal digits. */
export function sha256(text: string): string {
  return hash('sha256', text);
}

/** What the first block of a run follows. */
export function chainStart(runId: string): string {
  return sha256(runId);
}

/** The hash of a block: of the hash before it, its place and its text. */
export function blockHash(previous: string, { seq, text }: Pick<EventBlock, 'seq' | 'text'>): string {
  return sha256(`${previous}${seq}\n${text}`);
}

/** Events as blocks: one for a commit, more where they are very many or long. */
export function blocksOf(events: readonly StoredEvent[]): readonly EventBlock[] {
  const blocks: EventBlock[] = [];
  for (let from = 0; from < events.length; ) {
    let [to, length] = [from, 0];
    while (to < events.length && to - from < MOST_EVENTS && length < LONG_ENOUGH)
      length += (events[to++] as StoredEvent).data.length;
    blocks.push(blockOf(from === 0 && to === events.length ? events : events.slice(from, to)));
    from = to;
  }
  return blocks;
}

function blockOf(events: readonly StoredEvent[]): EventBlock {
  let head = '';
  let all = '';
  let [time, timeText] = [Number.NaN, ''];
  for (const { ts, kind, v, key, data } of events) {
    if (ts !== time) [time, timeText] = [ts, `${ts}`]; // many share it, and writing a fraction takes long
    const keyText = key === null ? 'null' : JSON.stringify(key);
    head += `${head === '' ? '[' : ','}${timeText},"${kind}",${v},${keyText},${data.length},${crc32(data)}`;
    all += data;
  }
  const { seq } = events[0] as StoredEvent;
  return { seq, events: events.length, ts: time, bytes: all.length, text: `${head}]\n${all}` };
}

/** The events of a block. Its hash was compared before. */
export function eventsOf({ seq, text }: Pick<EventBlock, 'seq' | 'text'>): StoredEvent[] {
  const end = text.indexOf('\n');
  const head = JSON.parse(text.slice(0, end)) as unknown[];
  const events: StoredEvent[] = [];
  let at = end + 1;
  for (let field = 0; field < head.length; field += FIELDS) {
    const length = head[field + 4] as number;
    events.push({
      seq: seq + events.length,
      ts: head[field] as number,
      kind: head[field + 1] as StoredEvent['kind'],
      v: head[field + 2] as number,
      key: head[field + 3] as string | null,
      data: text.slice(at, at + length),
    });
    at += length;
  }
  return events;
}

/**
 * Position in the run of the event of a damaged block whose data is not what was written; `undefined` where it is something else
 * that changed. That the block is damaged, its hash has said.
 */
export function firstBad({ seq, text }: Pick<EventBlock, 'seq' | 'text'>): number | undefined {
  try {
    const head = JSON.parse(text.slice(0, text.indexOf('\n'))) as unknown[];
    return eventsOf({ seq, text }).find(({ data }, index) => crc32(data) !== head[index * FIELDS + 5])?.seq;
  } catch {
    return undefined; // the head itself
  }
}
