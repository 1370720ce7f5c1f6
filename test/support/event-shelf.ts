import type { RunEvent } from '../../src/base/events.js';
import type { EventRange, EventStore, RunQuery, RunRecord, StoredEvent } from '../../src/base/history/event-store.js';

/** What projections read of a store, with events as JSON. */
export class EventShelf implements Pick<EventStore, 'run' | 'runs' | 'events'> {
  readonly #runs = new Map<string, StoredEvent[]>();
  /** It cannot be read. */
  isBroken = false;
  /** How often events were asked for. */
  reads = 0;

  commit(events: readonly RunEvent[]): void {
    for (const { runId, seq, ts, kind, v, data } of events) {
      const stored = this.#runs.get(runId) ?? [];
      if (seq !== stored.length) throw new RangeError(`${runId}/${seq} follows ${stored.length} events`);
      stored.push({ seq, ts, kind, v, key: null, data: JSON.stringify(data) });
      this.#runs.set(runId, stored);
    }
  }

  drop(runId: string): void {
    this.#runs.delete(runId);
  }

  run(runId: string): RunRecord | undefined {
    const events = this.#runs.get(runId);
    if (events === undefined) return undefined;
    return {
      runId,
      events: events.length,
      updatedAt: 0,
      workflow: 'w',
      workflowHash: '',
      status: 'running',
      startedAt: 0,
      endedAt: null,
      errorCode: null,
      wakeAt: null,
      forkedFrom: null,
    };
  }

  runs({ before, limit = 50 }: RunQuery = {}): readonly RunRecord[] {
    if (this.isBroken) throw new RangeError('broken');
    const ids = [...this.#runs.keys()].reverse();
    const from = before === undefined ? 0 : ids.indexOf(before) + 1;
    return ids.slice(from, from + limit).map((runId) => this.run(runId) as RunRecord);
  }

  *events(runId: string, { from = 0, to = Number.POSITIVE_INFINITY }: EventRange = {}): IterableIterator<StoredEvent> {
    if (this.isBroken) throw new RangeError('broken');
    this.reads++;
    yield* (this.#runs.get(runId) ?? []).slice(from, to);
  }
}

/** The event that a shelf holds as JSON. */
export function decodeEvent(runId: string, { seq, ts, kind, v, data }: StoredEvent): RunEvent {
  return { seq, ts, runId, kind, v, data: JSON.parse(data) as unknown } as RunEvent;
}

/** The first events of a run of a chain: its start, then one attempt after another. */
export function shelfEvents(runId: string, length: number): readonly RunEvent[] {
  return Array.from({ length }, (_, seq) => {
    const kind = seq === 0 ? 'run.started' : seq % 2 === 1 ? 'attempt.started' : 'attempt.completed';
    const data = seq === 0 ? {} : { scope: '', node: `n${seq >> 1}`, visit: 1, attempt: 1, output: {} };
    return { seq, ts: seq, runId, kind, v: 1, data } as unknown as RunEvent;
  });
}
