import type { EventData, RunEvent } from '../events.js';
import { checkCount, checkFlag, checkRange, knownFields } from '../option-checks.js';
import { unitOf } from '../text-hash.js';

/** What a trace buffer keeps. */
export interface TraceBufferOptions {
  /** How many events it holds at most. Default 10,000. */
  readonly capacity?: number;
  /** Which share of the visits of nodes it keeps, from 0 to 1, as long as they fit. Default 1. */
  readonly sample?: number;
  /** Whether failures are kept also of visits that are not. Default `true`. */
  readonly keepFailures?: boolean;
}

const DEFAULT_CAPACITY = 10_000;

/** Below this share nothing is left: places are numbers of 32 bits. */
const LEAST_SHARE = 2 ** -32;

/**
 * The events of long runs in bounded memory: all of a visit, or none of it. Which visits are kept follows from what they are
 * called, never from the order in which events come: two runs that do the same keep the same. When the buffer is full, the share is
 * halved. What concerns no visit (the run itself) and failures stay until there is nothing else to let go of.
 */
export class TraceBuffer {
  readonly #capacity: number;
  readonly #keepFailures: boolean;
  readonly #events: RunEvent[] = [];
  /** Of each event: from 0 to 1 for what stays longest, from 1 to 2 for visits. */
  readonly #places: number[] = [];
  /** Events with a place below it are kept. */
  #limit: number;
  #seen = 0;
  /** How many turns of each cycle have ended, by run, while the run goes on. */
  readonly #turns = new Map<string, Map<string, number>>();

  /** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  constructor(options: TraceBufferOptions = {}) {
    knownFields(options, ['capacity', 'sample', 'keepFailures'], 'trace buffer');
    const { capacity = DEFAULT_CAPACITY, sample = 1, keepFailures = true } = options;
    checkCount(capacity, 1, 'capacity');
    checkRange(sample, 0, 1, 'sample');
    checkFlag(keepFailures, 'keepFailures');
    this.#capacity = capacity;
    this.#keepFailures = keepFailures;
    this.#limit = 1 + sample;
  }

  /** Takes in an event. A listener by itself: `{ onEvent: buffer.add }`. */
  readonly add = (event: RunEvent): void => {
    this.#seen++;
    const place = this.#placeOf(event);
    if (place >= this.#limit) return;
    this.#events.push(event);
    this.#places.push(place);
    while (this.#events.length > this.#capacity) this.#halve();
  };

  /** What it holds, in the order in which it came. A copy. */
  get events(): readonly RunEvent[] {
    return [...this.#events];
  }

  /** How many events it was given and does not hold. */
  get dropped(): number {
    return this.#seen - this.#events.length;
  }

  /** The share of visits that it keeps now. */
  get share(): number {
    return Math.max(0, this.#limit - 1);
  }

  #placeOf(event: RunEvent): number {
    const firm = isOfRun(event) || (this.#keepFailures && isFailure(event));
    const place = unitOf(`${event.runId}/${this.#nameOf(event)}`);
    return firm ? place : 1 + place;
  }

  /** What an event concerns, by a name that it has in every runtime. */
  #nameOf({ runId, kind, data }: RunEvent): string {
    if ('visit' in data) return `${data.scope}${data.node}#${data.visit}`;
    if ('cycle' in data) {
      const turn = data.scope === '' ? this.#turn(runId, data.cycle) : turnOf(data);
      return `${kind} ${data.scope}${data.cycle}#${turn}`;
    }
    if (ENDS.has(kind)) this.#turns.delete(runId);
    if ('at' in data) return `${kind} ${data.scope}${data.at} ${data.code}`;
    return 'subject' in data ? `${kind} ${data.scope}${data.subject}` : kind;
  }

  /**
   * Inner cycles begin to count again with each entry, so that their iterations are no names. Cycles of children, of which there may
   * be any number, are not counted: each child is a scope of its own.
   */
  #turn(runId: string, cycle: string): number {
    const turns = this.#turns.get(runId) ?? new Map<string, number>();
    const turn = (turns.get(cycle) ?? 0) + 1;
    this.#turns.set(runId, turns.set(cycle, turn));
    return turn;
  }

  #halve(): void {
    const visits = this.#limit - 1;
    if (visits > LEAST_SHARE) this.#limit = 1 + visits / 2;
    else this.#limit = visits > 0 ? 1 : this.#limit / 2;
    let kept = 0;
    for (let index = 0; index < this.#events.length; index++) {
      const place = this.#places[index] as number;
      if (place >= this.#limit) continue;
      this.#events[kept] = this.#events[index] as RunEvent;
      this.#places[kept++] = place;
    }
    this.#events.length = kept;
    this.#places.length = kept;
  }
}

const ENDS: ReadonlySet<string> = new Set(['run.completed', 'run.failed', 'run.cancelled']);

function turnOf(data: EventData['cycle.iterated' | 'cycle.stopped']): number {
  return 'iteration' in data ? data.iteration : data.iterations;
}

function isOfRun({ kind, data }: RunEvent): boolean {
  return kind.startsWith('run.') || (kind === 'deadline.expired' && 'subject' in data && data.subject === '');
}

function isFailure({ kind, data }: RunEvent): boolean {
  return (
    kind === 'attempt.failed' ||
    kind === 'attempt.lost' ||
    (kind === 'cycle.stopped' && 'failed' in data && data.failed)
  );
}
