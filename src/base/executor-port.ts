import type { ConfigurationError } from './errors.js';
import type { NodeContext } from './node-context.js';
import type { ServiceReference } from './ports.js';

/** What an executor performs: plain data that it alone reads, such as a module and a function. */
export type ExecutorTarget = Readonly<Record<string, unknown>>;

/** Where a node is performed, if not by its own function. Plain data. */
export interface ExecutorReference {
  /** What performs it: `python`. With the name of the definition it is the key of limits and breakers: `python.score`. */
  readonly kind: string;
  /** Which executor of the kind: the plugin that provides `executorToken(kind, name)`. */
  readonly name: string;
  readonly target: ExecutorTarget;
  /** What to add to a runtime that has no such executor, in words: `pythonWorkers() of lockstep/python`. */
  readonly providedBy: string;
}

/** One attempt that an executor is to perform. */
export interface ExecutorCall {
  readonly target: ExecutorTarget;
  /** As the schemas yield them. Shared with others: never changed. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Its `signal` is aborted by a soft limit, too, after which the answer is still wanted. */
  readonly context: NodeContext;
  /** Real milliseconds until the answer is not wanted any more; `undefined` without a limit, or on a virtual clock. */
  readonly timeLeftMs: number | undefined;
  /**
   * Aborted when the answer is not wanted any more, however late it comes: a hard limit, a cancelled run, a sibling that failed
   * fast. `context.signal` is aborted by then. Made when first read.
   */
  readonly gone: AbortSignal;
}

/**
 * What passes between a run and the thread of a service. It is read in the other thread as it was written, and its bytes stand in memory of
 * their own there, each at its beginning.
 */
export interface Parcel {
  /** Crosses by the structured clone algorithm. */
  readonly data: unknown;
  /**
   * Crosses beside the data, without being cloned where it is long. Towards a service each may be a view of any memory: it is copied
   * once, when the call is sent, and that memory is neither kept nor changed. A service gives its bytes away: it must not read or write
   * their memory any more.
   */
  readonly bytes: readonly Uint8Array[];
}

/** How values cross to the thread in which LocalRuntime lets an executor work. What `perform` refuses is refused here with the same error. */
export interface RemoteExecutor {
  /** What the thread loads. One thread performs all calls of one service: give the same object for every call. */
  readonly service: ServiceReference;
  /** What the service is given: of a call, what it needs of inputs, state and context. @throws what `perform` would */
  pack(call: Pick<ExecutorCall, 'target' | 'inputs' | 'context'>): Parcel;
  /** What the service answered, as `perform` would: returns the output, hands a new state to `context.setState`, or throws. */
  unpack(answer: Parcel, context: NodeContext): unknown;
  /** What the service gave to `context.emit`, as `perform` would. */
  unpackEmitted(emitted: Parcel): unknown;
  /**
   * Answers what the service asked for a call (`ServiceCall.ask`), in the thread of the runtime, which does nothing else meanwhile.
   * What it throws fails the attempt. Default: `undefined`, without bytes, is answered.
   *
   * The bytes of the answer may be of any memory: they are copied.
   */
  answer?(question: Parcel, context: NodeContext): Parcel;
}

/**
 * Performs nodes elsewhere: in a process of another language, on another machine. Provided by a plugin under
 * `executorToken(kind, name)`. Limits, retries, breakers and the record of a run are those of any node.
 */
export interface Executor {
  /** Asked before any node of a run, once for each different target that its plan and those of children name: what is wrong refuses the run. */
  check(target: ExecutorTarget): ConfigurationError | undefined;
  /**
   * Performs one attempt: keeps or rejects its promise as the function of a node would. What it answers once `gone` is aborted is
   * dropped. While it works, something must keep the process alive; while it does not, nothing of it may.
   */
  perform(call: ExecutorCall): Promise<unknown>;
  /** What LocalRuntime needs. Default: the executor works in AsyncLocalRuntime only. */
  readonly remote?: RemoteExecutor;
  /** Why there is no `remote`, as the end of a sentence that a user reads: `its option "registry" has functions`. Default: nothing is said. */
  readonly whyNoRemote?: string;
}

/** Starts a service in the thread that loads its module. One that fails is started again for the next call. */
export type StartService = (settings: unknown, host: ServiceHost) => Service | Promise<Service>;

/** Whoever has a service started, as the service sees it. */
export interface ServiceHost {
  /**
   * Tells something that belongs to no call: `ServiceReference.listen` hears it, by the structured clone algorithm. What is told before a
   * call is answered is heard before the answer; what is told before `stop` is over is heard in `close()`.
   *
   * @throws AttemptError VALUE_NOT_CLONEABLE
   */
  tell(data: unknown): void;
  /** How much of what was told has not been heard yet: a caller that is busy hears nothing meanwhile. */
  readonly unheard: number;
}

/** What performs the calls of a thread. What it throws crosses to the caller by the structured clone algorithm. */
export interface Service {
  /** Performs one attempt. What it answers goes to `RemoteExecutor.unpack`. */
  perform(call: ServiceCall): Promise<Parcel>;
  /** Ends whatever the service started. Called once, by `close()`, also while calls are in flight: nobody wants their answers. */
  stop(): Promise<void> | void;
}

/** One attempt that a service is to perform; the fields are those of an `ExecutorCall`. */
export interface ServiceCall {
  /** As `RemoteExecutor.pack` made it. */
  readonly packed: Parcel;
  /** What its `emit` takes is a `Parcel`, which goes to `RemoteExecutor.unpackEmitted`. */
  readonly context: NodeContext;
  readonly timeLeftMs: number | undefined;
  readonly gone: AbortSignal;
  /**
   * Asks whoever made the call for something: what `RemoteExecutor.answer` answers. The bytes of the question are given away. Rejected once
   * nobody wants the answer of the call.
   */
  ask(question: Parcel): Promise<Parcel>;
}
