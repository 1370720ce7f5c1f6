import { createHash } from 'node:crypto';
import type {
  EventBatch,
  RunHeader,
  StoredBlob,
  StoredEvent,
  StoredSnapshot,
} from '../../src/base/history/event-store.js';

/** An event made by hand: its data says its place. */
export function storedEvent(seq: number, change: Partial<StoredEvent> = {}): StoredEvent {
  const kind = seq % 2 === 0 ? 'attempt.completed' : 'attempt.started';
  return { seq, ts: 1_000 + seq, kind, v: 1, key: null, data: `{"node":"n${seq}"}`, ...change };
}

/** Events made by hand. */
export function storedEvents(from: number, to: number): readonly StoredEvent[] {
  return Array.from({ length: to - from }, (_, index) => storedEvent(from + index));
}

/** The header of a run that goes on. */
export function header(change: Partial<RunHeader> = {}): RunHeader {
  return {
    workflow: 'flow',
    workflowHash: 'f'.repeat(64),
    status: 'running',
    startedAt: 1_000,
    endedAt: null,
    errorCode: null,
    wakeAt: null,
    forkedFrom: null,
    ...change,
  };
}

/** A batch that begins a run with so many events. */
export function firstBatch(runId: string, events = 1, change: Partial<EventBatch> = {}): EventBatch {
  const workflow = { hash: 'f'.repeat(64), name: 'flow', description: '{"flow":1}' };
  return { runId, events: storedEvents(0, events), blobs: [], header: header(), workflow, ...change };
}

/** A batch of further events. */
export function nextBatch(runId: string, from: number, to: number, change: Partial<EventBatch> = {}): EventBatch {
  return { runId, events: storedEvents(from, to), blobs: [], ...change };
}

/** A batch that begins a run and ends it. */
export function endedBatch(runId: string, events: number, endedAt = 2_000): EventBatch {
  return firstBatch(runId, events, { header: header({ status: 'completed', endedAt }) });
}

/** A large value. */
export function blob(text: string): StoredBlob {
  return { hash: createHash('sha256').update(text).digest('hex'), text };
}

/** A saved state. */
export function snapshot(events: number, takenAt = 5_000): StoredSnapshot {
  return { events, takenAt, workflowHash: 'f'.repeat(64), v: 1, state: `{"events":${events}}`, checksum: 'c' };
}
