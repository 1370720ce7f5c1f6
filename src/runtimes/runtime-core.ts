import { BaseRuntime } from '../base/base-runtime.js';
import type { Executor, ExecutorReference } from '../base/executor-port.js';
import type { IntegrityReport, RunQuery, RunRecord } from '../base/history/event-store.js';
import { type ExportedRun, exportFrom, importInto } from '../base/history/exported-run.js';
import type { ProjectionRunner } from '../base/history/projection-runner.js';
import { replayResult } from '../base/history/replay.js';
import { diffEvents, type RunDifference } from '../base/history/run-diff.js';
import type { RunRecorder } from '../base/history/run-recorder.js';
import type { RunResult } from '../base/run-result.js';
import type { RuntimeOptions } from '../base/runtime-options.js';
import { checkObject, resolveOptions } from '../base/runtime-options.js';
import { type AnalyticsFeatures, AnalyticsMixin } from '../mixins/analytics/index.js';
import { type ConditionalFeatures, ConditionalMixin } from '../mixins/conditional/index.js';
import type { AbstractConstructor } from '../mixins/constructor.js';
import { type CycleFeatures, CyclesMixin } from '../mixins/cycles/index.js';
import type { EnterpriseFeatures } from '../mixins/enterprise/features.js';
import { EnterpriseMixin } from '../mixins/enterprise/index.js';
import { type ParameterFeatures, ParametersMixin } from '../mixins/parameters/index.js';
import { type ValidationFeatures, ValidationMixin } from '../mixins/validation/index.js';
import { PluginHost } from '../plugins/host.js';
import type { Plugin } from '../plugins/plugin.js';
import { executorToken, type Token } from '../plugins/token.js';
import { environmentOf, nodePorts } from './node-ports.js';
import { checkReplayOptions, type ReplayOptions } from './replay-options.js';
import { checkRunQuery } from './run-query.js';

/** Everything the mixins add. A clash of names is a compile error here. */
export interface RuntimeFeatures
  extends ValidationFeatures,
    ParameterFeatures,
    ConditionalFeatures,
    CycleFeatures,
    EnterpriseFeatures,
    AnalyticsFeatures {}

/** The chain of mixins, applied once and shared by both runtimes. */
const Mixed: AbstractConstructor<RuntimeFeatures> & typeof BaseRuntime = AnalyticsMixin(
  EnterpriseMixin(CyclesMixin(ConditionalMixin(ParametersMixin(ValidationMixin(BaseRuntime))))),
);

/** Options of a runtime, plugins included. */
export interface RuntimeCoreOptions extends RuntimeOptions {
  /** Parts bound to tokens, started in the order of what they require, stopped in reverse. Default: none. */
  readonly plugins?: readonly Plugin[];
}

/** What the two runtimes have in common: the mixins, the ports of Node, and a plugin host of their own. */
export abstract class RuntimeCore extends Mixed {
  protected readonly plugins: PluginHost;

  protected constructor(options: RuntimeCoreOptions, more: readonly string[]) {
    checkObject(options, 'The options of a runtime', 'runtime');
    const { plugins = [], ...own } = options;
    const resolved = resolveOptions(own, more);
    const host = new PluginHost(plugins);
    super(resolved, nodePorts(host.fillPorts(own)));
    this.plugins = host;
    own.store?.open();
    host.attach({ on: (name, listener) => this.on(name, listener), log: this.ports.log });
  }

  /**
   * The projections of this runtime: read them, wait for them, make them anew.
   *
   * @throws ProjectionFailedError where a required one cannot take in what the store has; ConfigurationError STORE_MISSING
   */
  get projections(): ProjectionRunner {
    this.recordedRuns();
    return (this.recorder as RunRecorder).projections;
  }

  /** The runs of the store, newest first. @throws ConfigurationError STORE_MISSING, INVALID_OPTION, UNKNOWN_OPTION; LockstepError RUN_UNKNOWN */
  runs(query: RunQuery = {}): readonly RunRecord[] {
    checkRunQuery(query);
    return this.recordedRuns().store.runs(query);
  }

  /**
   * What a recorded run came to, read from its events alone: no node runs, and its workflow need not be known here.
   *
   * @throws LockstepError RUN_UNKNOWN, CORRUPT_HISTORY, BLOB_MISSING; ConfigurationError STORE_MISSING, INVALID_OPTION
   */
  replay(runId: string, options: ReplayOptions = {}): RunResult {
    checkReplayOptions(options);
    const recorded = this.recordedRuns();
    recorded.record(runId);
    const { events, workflowHash } = recorded.view(runId, options.events);
    return replayResult(recorded.hollowOf(workflowHash, runId), runId, events);
  }

  /** Looks whether what is stored is what was written: of one run, or of all. @throws LockstepError RUN_UNKNOWN; ConfigurationError STORE_MISSING */
  verify(runId?: string): IntegrityReport {
    const recorded = this.recordedRuns();
    if (runId !== undefined) recorded.record(runId);
    return recorded.store.verify(runId);
  }

  /** The first event in which two runs differ; `undefined` where they decided the same. @throws LockstepError RUN_UNKNOWN; ConfigurationError STORE_MISSING */
  diff(left: string, right: string): RunDifference | undefined {
    const recorded = this.recordedRuns();
    const [a, b] = [left, right].map((runId) => recorded.view(recorded.record(runId).runId).events);
    return diffEvents(a ?? [], b ?? []);
  }

  /** A run as JSON data that stands by itself. @throws LockstepError RUN_UNKNOWN, BLOB_MISSING; ConfigurationError STORE_MISSING */
  exportRun(runId: string): ExportedRun {
    const { store } = this.recordedRuns();
    const record = this.recordedRuns().record(runId);
    const { clock, hash } = this.ports;
    return exportFrom(store, record, environmentOf(clock.now()), hash);
  }

  /**
   * Adds a run that was exported to the store, as it was, and to the projections.
   *
   * @throws LockstepError EXPORT_INVALID, RUN_EXISTS; ProjectionFailedError where a required one cannot take it in: it is added all
   *   the same; ConfigurationError STORE_MISSING
   */
  importRun(exported: unknown): RunRecord {
    const recorded = this.recordedRuns();
    const record = importInto(recorded.store, exported, this.ports.hash);
    if (this.options.projections.length > 0) this.projections.applied([...recorded.events(record.runId)]);
    return record;
  }

  protected override executorFor({ kind, name }: ExecutorReference): Executor | undefined {
    return this.plugins.find(executorToken(kind, name));
  }

  /** What a plugin provides under a token. @throws ConfigurationError TOKEN_UNPROVIDED */
  get<T>(token: Token<T>): T {
    return this.plugins.get(token);
  }
}
