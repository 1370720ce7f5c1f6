import { randomUUID } from 'node:crypto';
import { LockstepError } from '../../base/errors.js';
import { isDead, type ProcessIdentity, thisProcess } from '../process-identity.js';
import type { SqliteDatabase } from './sqlite-api.js';
import type { LeaseRow, WriteStatements } from './statements.js';

/** How often a holder says that it is there. */
export const HEARTBEAT_MS = 5_000;
/** After what silence a holder that cannot be looked at counts as gone. */
export const EXPIRY_MS = 30_000;

type LeaseStatements = Pick<WriteStatements, 'fence' | 'takeLease' | 'renewLease' | 'giveLease'> & {
  readonly lease: { get(): LeaseRow | undefined };
};

/**
 * The right to write, as one connection sees it. `hold` is called inside every writing transaction, and `committed`
 * after it; what was rolled back needs no word.
 */
export class Lease {
  readonly #statements: LeaseStatements;
  readonly #self: ProcessIdentity = thisProcess();
  readonly #owner = randomUUID();
  /** The number under which it is held; 0: not held. */
  #fence = 0;
  #heartbeat = 0;
  /** What the last `hold` wrote, if it did: true once its transaction is committed. */
  #pending: { readonly fence: number; readonly heartbeat: number } | undefined;

  constructor(statements: LeaseStatements) {
    this.#statements = statements;
  }

  get isHeld(): boolean {
    return this.#fence > 0;
  }

  /**
   * Takes the lease, or makes sure that it is still held, and says that the holder is there when that is due.
   *
   * @throws LockstepError STORE_LOCKED, CLOCK_ROLLED_BACK, LEASE_LOST
   */
  hold(now: number): void {
    this.#pending = undefined;
    if (this.#fence === 0) this.#take(now);
    else {
      if (this.#statements.fence.get() !== this.#fence) throw this.#lost();
      if (now - this.#heartbeat >= HEARTBEAT_MS || now < this.#heartbeat) this.#renew(now);
    }
  }

  /** The transaction of the last `hold` was committed. */
  committed(): void {
    if (this.#pending === undefined) return;
    this.#fence = this.#pending.fence;
    this.#heartbeat = this.#pending.heartbeat;
  }

  /** Gives it back, if it is held. */
  release(): void {
    if (this.#fence === 0) return;
    this.#statements.giveLease.run(this.#owner, this.#fence);
    this.#fence = 0;
  }

  #take(now: number): void {
    const row = this.#statements.lease.get();
    if (row === undefined) throw new LockstepError('STORE_DAMAGED', 'The store has no row for its lease.');
    refuseHeld(row, this.#self.machine, now);
    const { pid, started, host, machine } = this.#self;
    const fence = row.fence + 1;
    this.#statements.takeLease.run(this.#owner, pid, started, host, machine, fence, now, now, now + EXPIRY_MS);
    this.#pending = { fence, heartbeat: now };
  }

  #renew(now: number): void {
    this.#statements.renewLease.run(now, now + EXPIRY_MS);
    this.#pending = { fence: this.#fence, heartbeat: now };
  }

  #lost(): LockstepError {
    const row = this.#statements.lease.get();
    const by = row?.owner == null ? 'somebody who has closed it again' : holderOf(row);
    return new LockstepError('LEASE_LOST', `The store was taken over by ${by}.`, { value: row });
  }
}

/** Refuses a file that somebody writes to. @throws LockstepError STORE_LOCKED, CLOCK_ROLLED_BACK */
export function refuseWriter(db: SqliteDatabase, now: number): void {
  const row = db.prepare<LeaseRow>('SELECT * FROM lease').get();
  if (row !== undefined) refuseHeld(row, thisProcess().machine, now);
}

/** Refuses a lease that somebody holds and may go on holding. @throws LockstepError STORE_LOCKED, CLOCK_ROLLED_BACK */
function refuseHeld(row: LeaseRow, machine: string, now: number): void {
  if (row.owner === null || (row.machine === machine && isDead(row))) return;
  if (now < row.heartbeat) {
    throw new LockstepError(
      'CLOCK_ROLLED_BACK',
      `It is ${at(now)}, and ${holderOf(row)} was there at ${at(row.heartbeat)}: whether its lease has expired cannot be known.`,
      { value: row },
    );
  }
  if (now >= row.expires) return;
  const until = row.machine === machine ? '' : ` Nobody else may write before ${at(row.expires)}.`;
  throw new LockstepError('STORE_LOCKED', `The store is being written by ${holderOf(row)}.${until}`, { value: row });
}

/** Who holds a lease, for people; `null` for nobody, also where its holder was killed: nobody has to wait for it. */
export function holderName(row: LeaseRow | undefined): string | null {
  if (row === undefined || row.owner === null || (row.machine === thisProcess().machine && isDead(row))) return null;
  return holderOf(row);
}

function holderOf({ pid, host, acquired }: LeaseRow): string {
  return `process ${pid} on ${host}, since ${at(acquired)}`;
}

function at(ms: number): string {
  return new Date(ms).toISOString();
}
