import type { WorkerAdapter } from './adapter.js';
import type { HostTool } from './host-tools.js';
import type { WorkerRegistry } from './registry/worker-registry.js';

/** Where Lockstep keeps what has to do with Python. */
export interface PythonDataOptions {
  /** Folder for it, below the working directory: `python/environments` has the environments that were made, `python/hosts` who has started which workers. */
  readonly dataFolder?: string;
}

/** Where Python is looked for, and what it must have. */
export interface PythonEnvironmentOptions extends PythonDataOptions {
  /** The interpreter to use: a path, or a command on PATH. It is never passed over: one that cannot be used is an error. Without one, the first that fits is taken. */
  readonly interpreter?: string;
  /** The command by which interpreters of the system are looked for on PATH. */
  readonly command?: string;
  /** Packages beside grpcio, as pip takes them: `numpy`, `numpy>=2`. A path or an address needs a name: `mine @ file:///mine`. */
  readonly requirements?: readonly string[];
  /** How long an interpreter may take to say what it is, in milliseconds. */
  readonly probeTimeoutMs?: number;
}

/** How worker processes are started and stopped. */
export interface WorkerProcessOptions extends PythonDataOptions {
  /** Variables for workers, beside the few of this process that they are given: where programs, folders, languages and GPUs are. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where hosts write down their workers, so that what is left of one that was killed is found. Without one: `fileRegistry()` of the data folder. Not in LocalRuntime, whose workers are kept by another thread. */
  readonly registry?: WorkerRegistry;
  /** How long a worker may take until it is ready, in milliseconds, and the registry for each answer. */
  readonly startTimeoutMs?: number;
  /** How long a worker that was asked to end (SIGTERM) may take, in milliseconds. Then it is killed, and all that it started. */
  readonly gracefulShutdownTimeoutMs?: number;
}

/** When a worker that has ended is started again. */
export interface RestartOptions {
  /** How long is waited before the first time, in milliseconds. Doubled with each time after that. */
  readonly firstMs?: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs?: number;
  /** After how long without an end the waits begin anew, in milliseconds. */
  readonly resetAfterMs?: number;
}

/** When a worker is replaced by a fresh one, which is ready before the old one ends. */
export interface RecycleOptions {
  /** After how many calls. */
  readonly afterCalls?: number;
  /** After how long, in milliseconds. */
  readonly afterMs?: number;
  /**
   * From how much memory on that its process and what that has started hold, in bytes; what they share counts for each. Elsewhere than on
   * Linux, its process alone. Looked at when calls end, at most once a second.
   */
  readonly rssBytes?: number;
}

/** How is found out that a worker does not live any more. A busy one lives: it answers without its interpreter. */
export interface HeartbeatOptions {
  /** Whether workers are asked. */
  readonly enabled?: boolean;
  /** How often, in milliseconds. */
  readonly pingIntervalMs?: number;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** How many answers may be missing in a row. */
  readonly maxMissedHeartbeats?: number;
  /** `dependent`: one that does not live is killed and replaced. `independent`: it is only told. */
  readonly mode?: 'dependent' | 'independent';
}

/** Where workers on TCP listen. */
export interface ListenerOptions {
  /** `internal`: for this process only, which must show the token. */
  readonly mode?: 'internal';
  /** The name or address of this machine to listen at. The certificate must be for it. */
  readonly host?: string;
  /** The port; 0: one that is free. */
  readonly port?: number;
}

/** The files of TLS, in PEM. Both sides show the certificate, and believe in what the authority has signed. */
export interface TlsOptions {
  /** The certificate. */
  readonly certificate: string;
  /** Its key. */
  readonly key: string;
  /** The certificate of the authority. */
  readonly authority: string;
}

/** What workers are, and what they may do. */
export interface WorkerOptions extends WorkerProcessOptions {
  /** How a worker is started. Without one: `grpcPython()`, with `environment`. */
  readonly adapter?: WorkerAdapter;
  /** Where Python is looked for, and what it must have. */
  readonly environment?: PythonEnvironmentOptions;
  /** Folders in which modules are looked for, before all others. Without any: the working directory. */
  readonly paths?: readonly (string | URL)[];
  /** Modules that are imported before a worker is ready. */
  readonly preload?: readonly string[];
  /** Functions of this process that Python tools may call, by name. */
  readonly hostTools?: Readonly<Record<string, HostTool>>;
  /** How many functions that hold a thread may run in a worker at a time. The rest waits there, in order. */
  readonly maxConcurrentCalls?: number;
  /** How long the text of a value may be, and the arrays in it together, in either direction, in bytes. */
  readonly maxValueBytes?: number;
  /** From how many bytes on an array passes by way of a file in memory. */
  readonly sharedMemoryFromBytes?: number;
  /** How long a function may go on after its call was cancelled, in milliseconds. Then its worker is replaced. */
  readonly stopGraceMs?: number;
  /** How long `getHealth()` waits for a worker, in milliseconds. */
  readonly healthTimeoutMs?: number;
  /** By which way: a socket in a folder that only this user can enter, or TCP, which needs `tls`. */
  readonly transport?: 'unix' | 'tcp';
  /** Where workers on TCP listen. */
  readonly listener?: ListenerOptions;
  /** The files of TLS for workers on TCP: `certificate`, `key`, `authority`, paths in PEM. */
  readonly tls?: TlsOptions;
  /** How is found out that a worker does not live any more. */
  readonly heartbeat?: HeartbeatOptions;
  /** When a worker that has ended is started again. */
  readonly restart?: RestartOptions;
  /** When a worker is replaced by a fresh one. */
  readonly recycle?: RecycleOptions;
}

/** The workers of a runtime. */
export interface PythonWorkersOptions extends WorkerOptions {
  /** By what `pythonNode({ workers })` names them. */
  readonly name?: string;
  /** How many processes there are. Each performs several calls at a time: more are for tools that hold the interpreter. */
  readonly workers?: number;
  /** Whether they start with the runtime, or with the first Python node. */
  readonly start?: 'with the runtime' | 'when needed';
}

/** What holds where nothing else is said: the one place for it. docs/configuration.md is made from it and from the comments above. */
export const PYTHON_DEFAULTS = Object.freeze({
  dataFolder: '.lockstep',
  interpreter: null,
  command: 'python3',
  requirements: Object.freeze([]) as readonly string[],
  probeTimeoutMs: 10_000,
  env: Object.freeze({}) as Readonly<Record<string, string>>,
  registry: null,
  startTimeoutMs: 30_000,
  gracefulShutdownTimeoutMs: 6_000,
  name: 'default',
  workers: 1,
  start: 'with the runtime' as 'with the runtime' | 'when needed',
  adapter: null,
  environment: Object.freeze({}) as PythonEnvironmentOptions,
  paths: null,
  preload: Object.freeze([]) as readonly string[],
  hostTools: Object.freeze({}) as Readonly<Record<string, HostTool>>,
  maxConcurrentCalls: 8,
  maxValueBytes: 64 * 2 ** 20,
  sharedMemoryFromBytes: 2 ** 20,
  stopGraceMs: 2_000,
  healthTimeoutMs: 5_000,
  transport: 'unix' as 'unix' | 'tcp',
  listener: Object.freeze({ mode: 'internal' as const, host: 'localhost', port: 0 }),
  tls: null,
  heartbeat: Object.freeze({
    enabled: false as boolean,
    pingIntervalMs: 10_000,
    timeoutMs: 5_000,
    maxMissedHeartbeats: 3,
    mode: 'dependent' as 'dependent' | 'independent',
  }),
  restart: Object.freeze({ firstMs: 100, maxMs: 30_000, resetAfterMs: 60_000 }),
  recycle: Object.freeze({
    afterCalls: null as number | null,
    afterMs: null as number | null,
    rssBytes: null as number | null,
  }),
});

/** The options of a search, checked, with what was left out. */
export type PythonEnvironmentSettings = Readonly<
  Omit<Required<PythonEnvironmentOptions>, 'interpreter'> & { readonly interpreter: string | null }
>;

/** The options of processes, checked, with what was left out. */
export type WorkerProcessSettings = Readonly<
  Omit<Required<WorkerProcessOptions>, 'registry'> & { readonly registry: WorkerRegistry | null }
>;

/** The options of workers, checked, with what was left out; without host tools, which stay in the thread that they were made in. */
export interface WorkerSettings {
  readonly processes: WorkerProcessSettings;
  readonly adapter: WorkerAdapter | null;
  readonly environment: PythonEnvironmentOptions;
  readonly paths: readonly string[];
  readonly preload: readonly string[];
  readonly maxConcurrentCalls: number;
  readonly maxValueBytes: number;
  readonly sharedMemoryFromBytes: number;
  readonly stopGraceMs: number;
  readonly healthTimeoutMs: number;
  readonly transport: 'unix' | 'tcp';
  readonly listener: Readonly<Required<ListenerOptions>>;
  readonly tls: Readonly<TlsOptions> | null;
  readonly heartbeat: Readonly<Required<HeartbeatOptions>>;
  readonly restart: Readonly<Required<RestartOptions>>;
  readonly recycle: Readonly<Record<keyof RecycleOptions, number | null>>;
}

/** The options of the workers of a runtime, checked, with what was left out. Plain data, but for the parts of an adapter. */
export interface PoolSettings {
  readonly name: string;
  readonly workers: number;
  readonly start: 'with the runtime' | 'when needed';
  readonly worker: WorkerSettings;
}
