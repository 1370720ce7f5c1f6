import { AttemptError, LockstepError } from '../errors.js';
import { sealed } from '../event-data.js';
import type { RunEvent } from '../events.js';
import type { Hash } from '../ports.js';
import { maskEvent } from '../secret-mask.js';
import type { BytesPort } from './bytes.js';
import {
  type CommitReceipt,
  DURABILITIES,
  type Durability,
  type EventBatch,
  type RunHeader,
  type StoredBlob,
  type StoredEvent,
  type StoredWorkflow,
} from './event-store.js';
import { holdsSecret } from './secret-search.js';
import { SNAPSHOT_LEAST_EVENTS, snapshotDue } from './state-snapshot.js';
import { type EncodedValue, storeEvent } from './stored-event.js';
import { encodeValue } from './value-codec.js';

/** What was really done to keep a run: read back from the store, not what was asked for. */
export interface RunReceipt {
  /** The least that any commit of the run survives. */
  readonly durability: Durability;
  readonly commits: number;
  /** Events that this runtime added. */
  readonly events: number;
}

/** What a journal needs to know of its run. */
export interface JournalParts {
  readonly runId: string;
  readonly hash: Hash;
  readonly bytes: BytesPort;
  /** What the list of runs shows; its status follows the events. */
  readonly header: RunHeader;
  /** Given for a run that is new to the store. */
  readonly workflow: StoredWorkflow | undefined;
  /** The secrets of the run, once they are loaded. */
  readonly secrets: () => ReadonlyMap<string, string>;
  /** When a run that waits has something to do; infinity: never by itself. */
  readonly wakeAt: () => number;
  /** Tells those who listen of an event that is committed; `undefined` where nobody does. */
  readonly tell: ((event: RunEvent) => void) | undefined;
  /** Called once, when nothing more is taken: whoever drives the run has to look. */
  readonly failed: () => void;
  /** Whether projections are given what is committed. */
  readonly isProjected: boolean;
  readonly snapshots: SnapshotTaking;
}

/** How snapshots of a run are taken. */
export interface SnapshotTaking {
  /** Length of the text of the last one; 0 where there is none. */
  readonly lastBytes: number;
  /** Whether the log takes something back already: then none is taken. */
  readonly isRevised: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Takes one; answers with the length of its text, `undefined` where it could not be taken. */
  readonly take: () => number | undefined;
}

/** The stronger of two. */
export function stronger(left: Durability, right: Durability): Durability {
  return left === right || DURABILITIES.indexOf(left) >= DURABILITIES.indexOf(right) ? left : right;
}

/** What a run has recorded and not committed yet. Events become text here, secrets masked, and are told once they are committed. */
export class RunJournal {
  readonly runId: string;
  readonly #parts: JournalParts;
  #events: StoredEvent[] = [];
  #blobs: StoredBlob[] = [];
  readonly #keepBlob = (blob: StoredBlob): void => void this.#blobs.push(blob);
  #untold: RunEvent[] = [];
  #committed: RunEvent[] = [];
  #unprojected: RunEvent[] = [];
  #isTelling = false;
  #header: RunHeader;
  #headerChanged: boolean;
  #workflow: StoredWorkflow | undefined;
  #level: Durability = 'memory';
  /** An output that was accepted, with its text: its event follows at once. */
  #accepted: EncodedValue | undefined;
  #durability: Durability | undefined;
  #commits = 0;
  #created = 0;
  #failure: Error | undefined;
  /** A revised log is read as a whole: what it takes back stands in snapshots. */
  #isRevised: boolean;
  #eventsSince = 0;
  #bytesSince = 0;
  #lastBytes: number;
  #snapshotAt: number;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.runId = parts.runId;
    this.#header = parts.header;
    this.#headerChanged = parts.workflow !== undefined;
    this.#workflow = parts.workflow;
    this.#isRevised = parts.snapshots.isRevised;
    this.#lastBytes = parts.snapshots.lastBytes;
    this.#snapshotAt = parts.snapshots.now();
  }

  /** What has been recorded must be this durable before anything else is done. */
  require(level: Durability): void {
    this.#level = stronger(this.#level, level);
  }

  /** How durable what was recorded must be now; `memory` where it can wait. */
  get level(): Durability {
    return this.#events.length === 0 ? 'memory' : this.#level;
  }

  /** Hash of the workflow that the run is one of. */
  get workflowHash(): string {
    return this.#header.workflowHash;
  }

  /** Whether something was recorded that is not committed. */
  get isDirty(): boolean {
    return this.#events.length > 0;
  }

  /** `undefined` before the first commit: a run that is over is given back without one. */
  get receipt(): RunReceipt | undefined {
    if (this.#durability === undefined) return undefined;
    return { durability: this.#durability, commits: this.#commits, events: this.#created };
  }

  /**
   * Checks that a value can be kept, and holds no secret.
   *
   * @throws AttemptError VALUE_NOT_STORABLE, SECRET_IN_OUTPUT
   */
  accept(value: object, at: string): void {
    const text = storableText(value, at, this.#parts.bytes);
    refuseSecret(text, this.#parts.secrets(), at, this.#parts.bytes);
    this.#accepted = { value, text };
  }

  /** Takes over the history of another run: nobody is told of it again. @throws AttemptError VALUE_NOT_STORABLE, SECRET_IN_OUTPUT */
  copy(history: readonly RunEvent[]): void {
    for (const event of history) {
      if (event.kind === 'attempt.completed')
        this.accept(event.data.output, `the output of ${event.data.scope}${event.data.node}`); // it may be one that was given instead
      this.record({ ...event, runId: this.runId });
    }
    this.#untold = [];
  }

  /** Takes an event that was decided. After a failure it is dropped: nobody will ever hear of it. */
  record(event: RunEvent): void {
    if (this.#failure !== undefined) return;
    const { hash, bytes } = this.#parts;
    const secrets = this.#parts.secrets();
    const shown = secrets.size === 0 ? event : maskEvent(event, secrets);
    const accepted = shown === event ? this.#accepted : undefined;
    this.#accepted = undefined;
    this.#events.push(storeEvent(shown, { hash, bytes, blobs: this.#keepBlob, known: accepted }));
    if (this.#parts.tell !== undefined || this.#parts.isProjected) this.#untold.push(sealed(shown));
    if (event.kind.startsWith('run.')) this.#follow(event);
  }

  /** Everything that was recorded since the last commit. */
  batch(): EventBatch {
    return {
      runId: this.runId,
      events: this.#events,
      blobs: this.#blobs,
      ...(this.#headerChanged ? { header: this.#header } : {}),
      ...(this.#workflow === undefined ? {} : { workflow: this.#workflow }),
    };
  }

  /** What `batch` held is committed. */
  committed({ durability }: CommitReceipt): void {
    this.#commits++;
    this.#created += this.#events.length;
    this.#eventsSince += this.#events.length;
    for (const { data } of this.#events) this.#bytesSince += data.length;
    this.#durability = weaker(this.#durability ?? durability, durability);
    this.#events = [];
    this.#blobs = [];
    for (const event of this.#untold) {
      if (this.#parts.tell !== undefined) this.#committed.push(event); // others may not have been told yet
      if (this.#parts.isProjected) this.#unprojected.push(event);
    }
    this.#untold = [];
    this.#headerChanged = false;
    this.#workflow = undefined;
    this.#level = 'memory';
  }

  /** Tells those who listen of what is committed. They may record more, and commit it: that is told afterwards. */
  tellCommitted(): void {
    const { tell } = this.#parts;
    if (tell === undefined || this.#isTelling) return;
    this.#isTelling = true;
    for (const event of this.#committed) tell(event); // it may grow meanwhile
    this.#isTelling = false;
    this.#committed = [];
  }

  /** What was committed since this was last asked, where projections are given it. */
  takeProjected(): readonly RunEvent[] {
    const projected = this.#unprojected;
    this.#unprojected = [];
    return projected;
  }

  /** Takes a snapshot of what is committed, when one is due. */
  takeSnapshot(): void {
    if (this.#eventsSince < SNAPSHOT_LEAST_EVENTS || this.#isRevised) return;
    const { now, take } = this.#parts.snapshots;
    const since = { eventsSince: this.#eventsSince, bytesSince: this.#bytesSince, lastBytes: this.#lastBytes };
    if (!snapshotDue({ ...since, msSince: now() - this.#snapshotAt })) return;
    this.#lastBytes = take() ?? this.#lastBytes;
    this.#eventsSince = 0;
    this.#bytesSince = 0;
    this.#snapshotAt = now();
  }

  /** A commit failed, or the run was given up: what was recorded since the last commit is lost, and nothing more is taken. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#events = [];
    this.#blobs = [];
    this.#untold = [];
    this.#parts.failed();
  }

  /** @throws what a commit failed with */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #follow(event: RunEvent): void {
    if (event.kind === 'run.revised') this.#isRevised = true;
    const header = headerAfter(this.#header, event, this.#parts.wakeAt);
    if (header === this.#header) return;
    this.#header = header;
    this.#headerChanged = true;
  }
}

function weaker(left: Durability, right: Durability): Durability {
  return stronger(left, right) === left ? right : left;
}

/** What the list of runs shows after an event. */
export function headerAfter(header: RunHeader, event: RunEvent, wakeAt: () => number): RunHeader {
  switch (event.kind) {
    case 'run.started':
      return { ...header, status: 'running', startedAt: event.ts };
    case 'run.waiting':
      return { ...header, status: 'waiting', wakeAt: Number.isFinite(wakeAt()) ? wakeAt() : null };
    case 'run.resumed':
      return { ...header, status: 'running', wakeAt: null };
    case 'run.revised': {
      const { workflow, workflowHash } = event.data;
      return { ...header, workflow, workflowHash, status: 'running', endedAt: null, errorCode: null, wakeAt: null };
    }
    case 'run.completed':
    case 'run.cancelled':
      return { ...header, status: event.kind === 'run.completed' ? 'completed' : 'cancelled', endedAt: event.ts };
    case 'run.failed':
      return { ...header, status: 'failed', endedAt: event.ts, errorCode: event.data.error.code };
    default:
      return header;
  }
}

function storableText(value: object, at: string, bytes: BytesPort): string {
  try {
    return encodeValue(value, at, bytes);
  } catch (cause) {
    if (!(cause instanceof LockstepError)) throw cause;
    throw new AttemptError(cause.code, `What ${at} holds cannot be recorded: ${firstSentence(cause)}`, {
      at: cause.at,
      cause,
    });
  }
}

function firstSentence({ message }: Error): string {
  return message.slice(0, message.indexOf('. ') + 1);
}

/** Refuses a text that holds a secret, as `holdsSecret` finds it. @throws AttemptError SECRET_IN_OUTPUT */
export function refuseSecret(text: string, secrets: ReadonlyMap<string, string>, at: string, bytes: BytesPort): void {
  for (const [name, value] of secrets) {
    if (value === '' || !holdsSecret(text, value, bytes)) continue;
    throw new AttemptError('SECRET_IN_OUTPUT', `What ${at} holds contains the secret "${name}".`, { at });
  }
}
