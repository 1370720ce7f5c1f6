/**
 * The kernel's ports: everything it needs from outside. `src/runtimes` binds them to Node, `src/testing` to virtual ones.
 */

/** Time. `now()` never decreases within a process. */
export interface Clock {
  /** Milliseconds since the epoch, fractions allowed. */
  now(): number;
  /** Blocks the calling thread. `ms` may be 0. */
  sleepSync(ms: number): void;
  /** Calls back once, after `ms`; the returned function takes it back. */
  setTimer(ms: number, callback: () => void): () => void;
  /** Calls back in a later turn of the event loop, so that input and output can proceed. */
  yieldTurn(callback: () => void): void;
  /**
   * Calls back when nothing is left that could ever wake this process while something still waits for an answer.
   * The returned function takes it back.
   */
  onStall(callback: () => void): () => void;
}

/** Identifiers. */
export interface Ids {
  /** A new run id, unique and sortable by creation. */
  runId(): string;
}

/** Randomness that does not depend on the order in which it is asked. */
export interface Random {
  /** A number in [0, 1) that depends on `key` (and on the seed, where there is one) and on nothing else. */
  keyed(key: string): number;
}

/** A level of the log, least urgent first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where messages for operators go. Never given payloads or secrets. */
export interface Log {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A digest of text. */
export interface Hash {
  /** SHA-256 of the UTF-8 bytes of `text`, as 64 lower-case hexadecimal digits. */
  sha256(text: string): string;
}

/**
 * Loads secrets at the start of a run. A provider whose `load` answers with a promise works in AsyncLocalRuntime only.
 */
export interface SecretProvider {
  /** The values of the named secrets; a name without a value is a SECRET_MISSING rejection of the run. */
  load(names: readonly string[]): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

/** A secret provider that answers at once, which LocalRuntime needs. */
export interface SyncSecretProvider {
  load(names: readonly string[]): Readonly<Record<string, string>>;
}

/** What an access policy is asked about. */
export interface AccessRequest {
  /** Name of the workflow that is about to run. */
  readonly workflow: string;
  readonly runId: string;
  /** What the caller passed as `context`: tenant, user and the like. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** Says whether a run may start. A policy that throws denies. */
export interface AccessPolicy {
  /** `true` allows; `false` or a sentence that says why denies. */
  allows(request: AccessRequest): boolean | string;
}

/** The ports that every runtime binds. */
export interface Ports {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly hash: Hash;
  readonly secrets: SecretProvider | undefined;
  readonly access: AccessPolicy | undefined;
}
