import { frozenCopy, VALIDATION_LEVELS, type ValidationLevel } from './capability-options.js';
import { ConfigurationError } from './errors.js';
import type { RunEvent } from './events.js';
import { DURABILITIES, type Durability, type EventStore } from './history/event-store.js';
import { checkProjection, type Projection } from './history/projection.js';
import { workflowsByName } from './history/workflows-by-name.js';
import { checkCapabilities, frozenCapabilities, type NodeCapabilities } from './node-options.js';
import {
  checkCount,
  checkDuration,
  checkFlag,
  checkRange,
  checkWord,
  isWellFormed,
  knownFields,
  refuse,
} from './option-checks.js';
import type { AccessPolicy, Clock, Hash, Ids, Log, Random, Readings, SecretProvider } from './ports.js';
import { isRecord } from './record.js';
import type { NodeParameter } from './ref.js';
import { checkHealth, checkResources, type HealthOptions, type ResourceOptions } from './resource-options.js';
import type { Workflow } from './workflow.js';

/** Options that every runtime has. */
export interface RuntimeOptions {
  /** What follows when a node fails. Default `continue`: whatever does not depend on it finishes, then the run fails. */
  readonly onError?: 'continue' | 'fail-fast';
  /** Default `warn`. */
  readonly validation?: ValidationLevel;
  /** Whether `results` leaves skipped nodes out or shows them as `{}`. Default `omit`. */
  readonly skippedInResults?: 'omit' | 'empty';
  /** `false` refuses workflows that have a cycle. Default `true`. */
  readonly enableCycles?: boolean;
  /** `true` makes an output with `success: false` a failure. Default `false`. */
  readonly contentAwareSuccess?: boolean;
  /**
   * A run that takes longer fails with RUN_TIMEOUT. Counts from the call, what the run waits for before its first node included.
   * Milliseconds, finite, > 0. Default: none.
   */
  readonly timeoutMs?: number;
  /** A run that takes longer has the signals of its running nodes aborted and gets a warning. Less than `timeoutMs`. Default: none. */
  readonly softTimeoutMs?: number;
  /**
   * Capabilities of every node that calls a function, where neither the node nor its executor says otherwise; their `validation`
   * and `durability` are those of the runtime. Default: none.
   */
  readonly capabilities?: Omit<CapabilityDefaults, 'validation' | 'durability'>;
  /** The same by executor: `{ 'function.fetchPage': { breaker: {} } }`. Default: none. */
  readonly executors?: Readonly<Record<string, CapabilityDefaults>>;
  /** What all runs together may use. Default: no limits. */
  readonly resources?: ResourceOptions;
  /** From which readings on the runtime calls itself degraded or unhealthy. */
  readonly health?: HealthOptions;
  /** Retries that one run may make, over all its nodes; once they are used up, a failed attempt is final. Default: no limit. */
  readonly retryBudget?: number;
  /** Outputs that are kept for nodes with the capability `cache`; the one used longest ago goes first. Default 1,000. */
  readonly cacheEntries?: number;
  /** Collects what the analytics show. Default `false`, which costs nothing; see `setPerformanceMonitoring`. */
  readonly performanceMonitoring?: boolean;
  /** The workflows whose runs this runtime goes on with by their run id alone, each with a name of its own. Default: none. */
  readonly workflows?: readonly Workflow[];
  /**
   * What the record of a run survives, where a store is bound and the node says nothing else. Default `process`: a killed process.
   */
  readonly durability?: Durability;
  /** Folds over the events of all runs of the store, kept up to date as they are committed. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: each has a state of its own, which is nobody else's business
  readonly projections?: readonly Projection<any>[];
  /** Where runs are recorded, so that they outlive the process. Whoever passes it closes it. Default: nowhere. */
  readonly store?: EventStore;
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly random?: Random;
  readonly log?: Log;
  readonly hash?: Hash;
  readonly secrets?: SecretProvider;
  readonly access?: AccessPolicy;
  readonly readings?: Readings;
}

/** The capabilities that a runtime can give to all nodes, or to those of an executor. */
export type CapabilityDefaults = Pick<
  NodeCapabilities,
  'retry' | 'limit' | 'breaker' | 'validation' | 'metrics' | 'durability'
>;

/** Options with every default filled in; ports stand apart. */
export interface ResolvedOptions {
  readonly onError: 'continue' | 'fail-fast';
  readonly validation: ValidationLevel;
  readonly skippedInResults: 'omit' | 'empty';
  readonly enableCycles: boolean;
  readonly contentAwareSuccess: boolean;
  readonly timeoutMs: number | null;
  readonly softTimeoutMs: number | null;
  readonly maxConcurrency: number | null;
  readonly capabilities: CapabilityDefaults;
  readonly executors: Readonly<Record<string, CapabilityDefaults>>;
  readonly resources: ResourceOptions;
  readonly health: HealthOptions;
  readonly retryBudget: number | null;
  readonly cacheEntries: number;
  readonly performanceMonitoring: boolean;
  readonly workflows: readonly Workflow[];
  readonly durability: Durability;
  readonly projections: readonly Projection<unknown>[];
}

/** The defaults of a runtime. */
export const RUNTIME_DEFAULTS: ResolvedOptions = Object.freeze({
  onError: 'continue',
  validation: 'warn',
  skippedInResults: 'omit',
  enableCycles: true,
  contentAwareSuccess: false,
  timeoutMs: null,
  softTimeoutMs: null,
  maxConcurrency: null,
  capabilities: Object.freeze({}),
  executors: Object.freeze({}),
  resources: Object.freeze({}),
  health: Object.freeze({}),
  retryBudget: null,
  cacheEntries: 1_000,
  performanceMonitoring: false,
  workflows: Object.freeze([]),
  durability: 'process',
  projections: Object.freeze([]),
});

const PORT_METHODS = {
  clock: ['now', 'sleepSync', 'setTimer', 'yieldTurn', 'onStall'],
  ids: ['runId'],
  random: ['keyed'],
  log: ['log'],
  hash: ['sha256'],
  secrets: ['load'],
  access: ['allows'],
  readings: ['memory', 'eventLoopDelayMs'],
  store: ['open', 'append', 'run', 'runs', 'events', 'blob', 'workflow'],
} as const satisfies { readonly [Port in keyof RuntimeOptions]?: readonly string[] };

const PORT_FIELDS = Object.keys(PORT_METHODS);
const OWN_FIELDS = [...Object.keys(RUNTIME_DEFAULTS), ...PORT_FIELDS];

/** Refuses what is no plain set of options. @throws ConfigurationError INVALID_OPTION */
export function checkObject(options: unknown, what: string, at: string): void {
  if (isRecord(options)) return;
  throw new ConfigurationError('INVALID_OPTION', `${what} must be an object.`, { at, value: options });
}

/** Checks that a port, if it is given, has its methods. @throws ConfigurationError INVALID_OPTION */
export function checkPort(port: unknown, methods: readonly string[], at: string): void {
  if (port === undefined) return;
  const missing = methods.find((method) => typeof (port as Record<string, unknown> | null)?.[method] !== 'function');
  if (missing === undefined) return;
  throw new ConfigurationError('INVALID_OPTION', `${at} must have the method ${missing}().`, { at, value: port });
}

function checkPorts(options: RuntimeOptions): void {
  for (const [name, methods] of Object.entries(PORT_METHODS))
    checkPort(options[name as keyof typeof PORT_METHODS], methods, `runtime.${name}`);
}

interface TimeLimits {
  readonly timeoutMs?: number;
  readonly softTimeoutMs?: number;
}

function checkLimits({ timeoutMs, softTimeoutMs }: TimeLimits, at: string): void {
  checkDuration(timeoutMs, `${at}.timeoutMs`);
  checkDuration(softTimeoutMs, `${at}.softTimeoutMs`);
  if (timeoutMs === undefined || softTimeoutMs === undefined || softTimeoutMs < timeoutMs) return;
  throw new ConfigurationError('INVALID_OPTION', `${at}.softTimeoutMs must be less than timeoutMs (${timeoutMs}).`, {
    at: `${at}.softTimeoutMs`,
    value: softTimeoutMs,
  });
}

/** Where a run replaces one limit only, the other is that of its runtime, and the two must go together as well. */
function checkMixedLimits(run: TimeLimits, runtime: ResolvedOptions): void {
  const { timeoutMs: hard, softTimeoutMs: soft } = run;
  const refuse = (name: keyof TimeLimits, what: string): never => {
    throw new ConfigurationError('INVALID_OPTION', `run.${name} must be ${what}.`, {
      at: `run.${name}`,
      value: run[name],
    });
  };
  if (hard !== undefined && soft === undefined && runtime.softTimeoutMs !== null && runtime.softTimeoutMs >= hard)
    refuse('timeoutMs', `more than runtime.softTimeoutMs (${runtime.softTimeoutMs}) and is ${hard}`);
  if (soft !== undefined && hard === undefined && runtime.timeoutMs !== null && soft >= runtime.timeoutMs)
    refuse('softTimeoutMs', `less than runtime.timeoutMs (${runtime.timeoutMs}) and is ${soft}`);
}

const DEFAULTED = ['retry', 'limit', 'breaker', 'metrics'];

function checkDefaults(defaults: CapabilityDefaults, fields: readonly string[], at: string): void {
  knownFields(defaults, fields, at);
  checkCapabilities(defaults, at);
}

/** Checks the key of an executor. @throws ConfigurationError INVALID_OPTION */
export function checkExecutorKey(key: string, at: string): void {
  if (typeof key === 'string' && /^[^.]+\..+$/.test(key)) return;
  refuse(at, 'must be named by kind and name, such as "function.clean"', key);
}

function checkGovernance({ capabilities, executors, resources, health, ...options }: RuntimeOptions): void {
  if (capabilities !== undefined) checkDefaults(capabilities, DEFAULTED, 'runtime.capabilities');
  if (executors !== undefined) {
    checkObject(executors, 'runtime.executors', 'runtime.executors');
    for (const [key, defaults] of Object.entries(executors)) {
      const at = `runtime.executors["${key}"]`;
      checkExecutorKey(key, at);
      checkDefaults(defaults, [...DEFAULTED, 'validation', 'durability'], at);
    }
  }
  if (resources !== undefined) checkResources(resources, 'runtime.resources');
  if (health !== undefined) checkHealth(health, 'runtime.health');
  checkCount(options.retryBudget, 0, 'runtime.retryBudget');
  checkCount(options.cacheEntries, 1, 'runtime.cacheEntries');
  checkFlag(options.performanceMonitoring, 'runtime.performanceMonitoring');
}

function frozenExecutors(executors: Readonly<Record<string, CapabilityDefaults>>) {
  return Object.freeze(
    Object.fromEntries(Object.entries(executors).map(([key, defaults]) => [key, frozenCapabilities(defaults)])),
  );
}

/** A copy that nobody can change, with its limits as a list. */
export function frozenResources({ limits, ...resources }: ResourceOptions): ResourceOptions {
  const all = limits === undefined ? [] : [limits].flat();
  return Object.freeze({ ...resources, limits: Object.freeze(all.map(frozenCopy)) });
}

/** Refuses what are no projections, and names that two of them have. */
function checkProjections(projections: readonly unknown[]): void {
  const names = new Set<string>();
  for (const [index, projection] of projections.entries()) {
    const at = `runtime.projections[${index}]`;
    checkProjection(projection, at);
    if (names.has(projection.name)) refuse(`${at}.name`, 'must not be that of another projection', projection.name);
    names.add(projection.name);
  }
}

/**
 * Checks the options of a runtime once and fills in the defaults.
 *
 * @param more names that only this runtime has
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function resolveOptions(
  options: RuntimeOptions & { readonly maxConcurrency?: number },
  more: readonly string[],
): ResolvedOptions {
  checkObject(options, 'The options of a runtime', 'runtime');
  const allowed = [...OWN_FIELDS.filter((name) => name !== 'maxConcurrency'), ...more];
  knownFields(options, allowed, 'runtime');
  checkWord(options.onError, ['continue', 'fail-fast'], 'runtime.onError');
  checkWord(options.validation, VALIDATION_LEVELS, 'runtime.validation');
  checkWord(options.skippedInResults, ['omit', 'empty'], 'runtime.skippedInResults');
  checkFlag(options.enableCycles, 'runtime.enableCycles');
  checkFlag(options.contentAwareSuccess, 'runtime.contentAwareSuccess');
  checkLimits(options, 'runtime');
  checkCount(options.maxConcurrency, 1, 'runtime.maxConcurrency');
  checkGovernance(options);
  checkWord(options.durability, DURABILITIES, 'runtime.durability');
  for (const name of ['workflows', 'projections'] as const)
    if (options[name] !== undefined && !Array.isArray(options[name]))
      refuse(`runtime.${name}`, 'must be an array', options[name]);
  workflowsByName(options.workflows ?? []);
  checkProjections(options.projections ?? []);
  checkPorts(options);
  return Object.freeze({
    onError: options.onError ?? RUNTIME_DEFAULTS.onError,
    validation: options.validation ?? RUNTIME_DEFAULTS.validation,
    skippedInResults: options.skippedInResults ?? RUNTIME_DEFAULTS.skippedInResults,
    enableCycles: options.enableCycles ?? RUNTIME_DEFAULTS.enableCycles,
    contentAwareSuccess: options.contentAwareSuccess ?? RUNTIME_DEFAULTS.contentAwareSuccess,
    timeoutMs: options.timeoutMs ?? null,
    softTimeoutMs: options.softTimeoutMs ?? null,
    maxConcurrency: options.maxConcurrency ?? null,
    capabilities: frozenCapabilities(options.capabilities ?? {}),
    executors: frozenExecutors(options.executors ?? {}),
    resources: frozenResources(options.resources ?? {}),
    health: frozenCopy(options.health ?? {}),
    retryBudget: options.retryBudget ?? null,
    cacheEntries: options.cacheEntries ?? RUNTIME_DEFAULTS.cacheEntries,
    performanceMonitoring: options.performanceMonitoring ?? RUNTIME_DEFAULTS.performanceMonitoring,
    workflows: Object.freeze([...(options.workflows ?? [])]),
    durability: options.durability ?? RUNTIME_DEFAULTS.durability,
    projections: Object.freeze([...(options.projections ?? [])]),
  });
}

/** Options of one run. */
export interface RunOptions {
  /**
   * Cancels the run, also while it waits for plugins to start or for secrets. In LocalRuntime it is looked at between nodes.
   *
   * It does not keep the process alive, and neither does the timer of `AbortSignal.timeout()`: where nothing else does, a run
   * that only this signal could end fails with NEVER_SETTLED before the signal is aborted. For a limit that always counts, use
   * `timeoutMs`.
   */
  readonly signal?: AbortSignal;
  /** Default: a new one. */
  readonly runId?: string;
  /** Tenant, user and the like: given to nodes and to the access policy. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Node-addressed parameters: `[tidy.in.limit.is(50)]`, or plain data `{ tidy: { limit: 50 } }`. */
  readonly set?: readonly NodeParameter[] | Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Replaces the limit of the runtime for this run. More than the soft limit that holds for it. */
  readonly timeoutMs?: number;
  /** Replaces the soft limit of the runtime for this run. Less than the `timeoutMs` that holds for it. */
  readonly softTimeoutMs?: number;
  /** Of the attempts that wait for the same room, those of the run with the higher number go first. A finite number. Default 0. */
  readonly priority?: number;
  /** Called with every event of this run. What it throws is logged and otherwise ignored. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** Options of a run that goes on. Everything else stands in its history. `onEvent` is called first with what was answered since it returned. */
export interface ResumeOptions extends Pick<RunOptions, 'signal' | 'onEvent'> {
  /**
   * `true` goes on although the workflow is not the one that the run was started with: exactly the nodes that changed, and what
   * depends on them, run again. Default `false`: WORKFLOW_CHANGED.
   */
  readonly force?: boolean;
}

/** Checks the options of `resume`. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkResumeOptions(options: ResumeOptions): void {
  checkObject(options, 'The options of resume()', 'resume');
  knownFields(options, ['signal', 'onEvent', 'force'], 'resume');
  checkFlag(options.force, 'resume.force');
}

const RUN_FIELDS = ['signal', 'runId', 'context', 'set', 'timeoutMs', 'softTimeoutMs', 'priority', 'onEvent'];

function isSignal(signal: Partial<AbortSignal> | null): boolean {
  return typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function';
}

/** @throws ConfigurationError INVALID_OPTION */
export function checkSignal(signal: AbortSignal | undefined, at: string): void {
  if (signal === undefined || isSignal(signal)) return;
  throw new ConfigurationError('INVALID_OPTION', `${at} must be an AbortSignal.`, { at, value: signal });
}

/**
 * Checks the options of a run.
 *
 * @param runtime the options of the runtime, which hold where the run says nothing else
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function checkRunOptions(options: RunOptions, runtime: ResolvedOptions): void {
  checkObject(options, 'The options of a run', 'run');
  knownFields(options, RUN_FIELDS, 'run');
  if (options.context !== undefined) checkObject(options.context, 'run.context', 'run.context');
  checkLimits(options, 'run');
  checkMixedLimits(options, runtime);
  checkRange(options.priority, -Number.MAX_VALUE, Number.MAX_VALUE, 'run.priority');
  const { runId, signal, onEvent } = options;
  if (runId !== undefined && (typeof runId !== 'string' || runId === '')) {
    throw new ConfigurationError('INVALID_OPTION', 'run.runId must be a non-empty string.', {
      at: 'run.runId',
      value: runId,
    });
  }
  if (runId !== undefined && !isWellFormed(runId)) refuse('run.runId', 'must not hold half of a surrogate pair', runId);
  checkSignal(signal, 'run.signal');
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new ConfigurationError('INVALID_OPTION', 'run.onEvent must be a function.', {
      at: 'run.onEvent',
      value: onEvent,
    });
  }
}
