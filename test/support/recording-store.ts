import type { RunEvent } from '../../src/base/events.js';
import type { CommitReceipt, Durability, EventBatch } from '../../src/base/history/event-store.js';
import { readStoredEvent } from '../../src/base/history/stored-event.js';
import { MemoryEventStore } from '../../src/plugins/event-store/memory-event-store.js';

/** One call of `append`. */
export interface Append {
  readonly durability: Durability;
  /** Kinds of its events with the node that they are about, by run. */
  readonly events: Readonly<Record<string, readonly string[]>>;
}

function short({ kind, data }: EventBatch['events'][number]): string {
  const node = /"node":"(?<node>[^"]*)"/.exec(data)?.groups?.node;
  return node === undefined || kind.startsWith('run.') ? kind : `${kind.replace('attempt.', '')} ${node}`;
}

/** A store in memory that notes what it is asked, and breaks when it is told to. */
export class RecordingStore extends MemoryEventStore {
  readonly appends: Append[] = [];
  /** Asked before each append; what it returns is thrown. */
  breaks: (append: Append) => Error | undefined = () => undefined;

  constructor() {
    super();
    this.open();
  }

  override append(batches: readonly EventBatch[], durability: Durability): CommitReceipt {
    const events = Object.fromEntries(batches.map(({ runId, events: own }) => [runId, own.map(short)]));
    const append = { durability, events };
    this.appends.push(append);
    const error = this.breaks(append);
    if (error !== undefined) throw error;
    return super.append(batches, durability);
  }

  /** What was written in each append, all runs together. */
  get commits(): readonly (readonly string[])[] {
    return this.appends.map(({ events }) => Object.values(events).flat());
  }

  /** The log of a run as it reads back. */
  log(runId: string): readonly RunEvent[] {
    return [...this.events(runId)].map((event) => readStoredEvent(event, runId, (hash) => this.blob(hash)));
  }

  /** Kinds of the events of a run. */
  kinds(runId: string): readonly string[] {
    return [...this.events(runId)].map(({ kind }) => kind);
  }

  /** All that it keeps, as text. */
  get text(): string {
    return JSON.stringify(
      this.runs({ limit: 1_000 }).map((run) => [run, [...this.events(run.runId)], this.workflow(run.workflowHash)]),
    );
  }
}
