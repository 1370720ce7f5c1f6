import type { BytesPort } from './history/bytes.js';
import type { EventStore } from './history/event-store.js';

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
   * Calls back once, when nothing is left that could ever wake this process while something still waits for an answer. Of
   * several who ask, the newest is told first, and the next only if it is still so a turn later: what is older may wait for
   * what is newer. The returned function takes it back.
   */
  onStall(callback: () => void): () => void;
  /**
   * Time stands still while the process waits for something real, such as a thread. LocalRuntime then waits for the SyncBridge
   * without a limit, and moves the clock on once the thread has nothing left to do. Default: time passes by itself.
   */
  readonly isVirtual?: true;
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

/** Where the function of a node stands: a module, and the name under which it exports the function. */
export interface ModuleReference {
  /** An absolute URL. */
  readonly url: string;
  readonly export: string;
}

/** What a thread of a SyncBridge serves, beside functions of modules: one thread for each. Plain data but for `listen`. */
export interface ServiceReference {
  /** An absolute URL of a module that exports a `StartService`. */
  readonly url: string;
  readonly export: string;
  /** What the service is started with: it crosses by the structured clone algorithm. */
  readonly settings: unknown;
  /** Its thread starts with the runtime, or with its first call. */
  readonly start: 'with the runtime' | 'when needed';
  /** How long `close()` waits for the service to stop before its thread is ended. Milliseconds. */
  readonly stopMs: number;
  /** Makes one who listens to what the service tells, for each thread that it is started in. Stays with the caller. Default: nobody listens. */
  readonly listen?: () => ServiceListener;
}

/** Listens to a service in one thread. It must not throw. */
export interface ServiceListener {
  /**
   * Given what the service tells through its `ServiceHost`, in that order: when the event loop of the caller turns, when the caller waits for
   * the service, and in `close()`.
   */
  hear(told: unknown): void;
  /** The thread has ended, as it was asked or by itself: nothing more will come. */
  end(): void;
}

/** A service that was begun. */
export interface ServiceStart {
  /**
   * Blocks until the service has started (`true`), or time has passed (`false`). `undefined` waits without a limit.
   *
   * @throws why it could not start
   */
  wait(ms: number | undefined): boolean;
}

/** One attempt that a SyncBridge performs. It crosses to another thread by the structured clone algorithm. */
export interface BridgeCall {
  readonly module: ModuleReference;
  /** What performs it instead of the function of the module: then `inputs` holds the `Parcel` that was packed for it, as `packed`. */
  readonly service?: ServiceReference;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly runId: string;
  readonly nodeId: string;
  readonly scope: string;
  readonly attempt: number;
  readonly failures: number;
  readonly visit: number;
  readonly iterations: readonly number[];
  readonly maxIterations: number | undefined;
  readonly deadline: number | undefined;
  /** Real milliseconds after which the signal of the call is aborted without being told. `undefined`: only when told. */
  readonly timeLeftMs: number | undefined;
  readonly idempotencyKey: string;
  readonly state: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  /** The secrets that the node declares, by name; no other. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** What a node says while it runs elsewhere. */
export type BridgeSpeech =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>> | undefined;
    }
  | {
      readonly kind: 'progress';
      readonly current: number;
      readonly total: number | undefined;
      readonly message: string | undefined;
    }
  | { readonly kind: 'emit'; readonly data: unknown };

/** What comes back of a call, in the order in which it was said. `completed` and `failed` are the last of it. */
export type BridgeReport =
  | BridgeSpeech
  /** A service asks for something that belongs to the call. `reply` takes the answer, which clones; a late one reaches nobody. */
  | { readonly kind: 'asked'; readonly question: unknown; readonly reply: (answer: unknown) => void }
  /** `change` holds what the node gave to `setState`. */
  | { readonly kind: 'completed'; readonly output: unknown; readonly change: { readonly state: unknown } | undefined }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A call in flight. */
export interface BridgeTicket {
  /** Aborts the signal of the call; its answer is still wanted. */
  abort(reason: Error): void;
  /** Aborts the signal of the call. Nothing is reported of it any more, however late it answers. */
  abandon(reason: Error): void;
}

/**
 * Performs calls elsewhere while the calling thread sleeps: what lets LocalRuntime run asynchronous functions. Calls that were
 * submitted run together; nothing is reported outside `wait`.
 */
export interface SyncBridge {
  /** Starts a call. @throws AttemptError VALUE_NOT_CLONEABLE naming the path of what cannot cross */
  submit(call: BridgeCall, receive: (report: BridgeReport) => void): BridgeTicket;
  /**
   * Blocks until something was reported (`reported`), nothing is left that could ever answer a call in flight (`stalled`), or
   * time has passed (`elapsed`). 0 only looks; `undefined` waits without a limit.
   */
  wait(ms: number | undefined): 'reported' | 'stalled' | 'elapsed';
  /**
   * Starts a service in a thread of its own, again where that has failed; calls that name it are performed there. A bridge without
   * this method takes no such calls: LocalRuntime then refuses nodes that executors perform.
   */
  serve?(service: ServiceReference): ServiceStart;
  /** Ends whatever the bridge started; waits until services have stopped, as long as they say that this may take. Idempotent. */
  close(): void;
}

/** What the process can say about its own state. */
export interface Readings {
  /** Memory, in bytes: what the process holds, what its heap holds, and what that may hold at most. */
  memory(): { readonly rssBytes: number; readonly heapUsedBytes: number; readonly heapLimitBytes: number };
  /** How late the event loop was of late, in milliseconds: nearly the worst of the last second or so. 0 while nothing was measured. */
  eventLoopDelayMs(): number;
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
  readonly readings: Readings;
  readonly store: EventStore | undefined;
  readonly bytes: BytesPort;
}
