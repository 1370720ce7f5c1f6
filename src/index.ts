// Building workflows

// Extending them
export type { ActiveRun } from './base/active-run.js';
export type { Attempt } from './base/attempt.js';
export { BaseRuntime } from './base/base-runtime.js';
export type {
  BreakerOptions,
  CacheOptions,
  LimitOptions,
  RateOptions,
  ValidationLevel,
  WhenFull,
} from './base/capability-options.js';
export {
  type Condition,
  type ConditionTest,
  type CycleView,
  type NamedRefs,
  type Verdict,
  when,
} from './base/condition.js';
export {
  allOf,
  anyOf,
  type BudgetOptions,
  budget,
  type PlateauOptions,
  plateau,
  type ToleranceOptions,
  tolerance,
} from './base/convergence.js';
export type { CycleOptions } from './base/cycle-options.js';
export type { CycleStopReason } from './base/cycle-stop-reason.js';
// Errors, events and states
export { type ErrorCode, errorCatalog } from './base/error-catalog.js';
export type { ErrorEntry } from './base/error-entry.js';
export {
  AttemptError,
  ConfigurationError,
  type ErrorData,
  type ErrorDetails,
  LockstepError,
  WorkflowBuildError,
} from './base/errors.js';
export type {
  AttemptKey,
  DecisiveOptions,
  EventData,
  EventKind,
  FailureVerdict,
  RunEvent,
  VisitKey,
} from './base/events.js';
export type { AttemptFailure } from './base/execution-state.js';
export type {
  Executor,
  ExecutorCall,
  ExecutorReference,
  ExecutorTarget,
  Parcel,
  RemoteExecutor,
  Service,
  ServiceCall,
  ServiceHost,
  StartService,
} from './base/executor-port.js';
export type {
  ChildResult,
  ChildStatus,
  CycleReport,
  FailureReport,
  GraphResult,
  NodeReport,
  Part,
} from './base/graph-result.js';
export type {
  CycleHandle,
  GateHandle,
  MapHandle,
  MultiSwitchHandle,
  NodeHandle,
  SubworkflowHandle,
  SwitchHandle,
  TriedSubworkflowHandle,
  TryHandle,
} from './base/handles.js';
export type {
  CommitReceipt,
  Durability,
  EventBatch,
  EventRange,
  EventStore,
  IntegrityProblem,
  IntegrityReport,
  PruneReport,
  Retention,
  RunHeader,
  RunQuery,
  RunRecord,
  StoredBlob,
  StoredEvent,
  StoredSnapshot,
  StoredWorkflow,
  StoreHealth,
} from './base/history/event-store.js';
export type { ExportEnvironment, ExportedRun } from './base/history/exported-run.js';
export type { ForkOptions, ForkOverrides } from './base/history/fork-options.js';
export type { Projection, ProjectionFailure, SavedProjection } from './base/history/projection.js';
export { ProjectionFailedError, ProjectionStaleError } from './base/history/projection-errors.js';
export type {
  ProjectionName,
  ProjectionRunner,
  ProjectionStatus,
  ReadOptions,
} from './base/history/projection-runner.js';
export type { RunDifference } from './base/history/run-diff.js';
export type { RunReceipt } from './base/history/run-journal.js';
export { TraceBuffer, type TraceBufferOptions } from './base/history/trace-buffer.js';
export type { PartChange, WorkflowChanges } from './base/history/workflow-changes.js';
export type { ItemFailure, ItemOutcome } from './base/item-outcome.js';
export {
  type Bindable,
  type Bound,
  defineNode,
  type InputValues,
  type NodeConfig,
  type NodeDefinition,
  type NodeFunction,
  type NodeImplementation,
  type NodeWhen,
  type OutputValues,
  type PortSchemas,
  type PortSpec,
  type PortValues,
  type RunInputs,
  type RunOutput,
  type Shared,
  variadic,
} from './base/node.js';
export type { NodeContext } from './base/node-context.js';
export { type ExecutorNodeParts, executorNode, type NodeElsewhereConfig } from './base/node-elsewhere.js';
export type { ErrorMatcher, NodeCapabilities, RetryOptions, Subject, UseOptions } from './base/node-options.js';
export type { GateExpiry, GateOptions, GateRejection } from './base/nodes/gate.js';
export type { MapOptions } from './base/nodes/map.js';
export { merge } from './base/nodes/merge.js';
export type { BindWorkflow, BoundWorkflow } from './base/nodes/subworkflow.js';
export { type CaseValue, type CelCase, type OperatorCase, otherwise, type SwitchCase } from './base/nodes/switch.js';
export type { SwitchOperator } from './base/nodes/switch-operators.js';
export type {
  AttemptEnded,
  BreakerChanged,
  BreakerStateName,
  EmittedData,
  ProgressUpdate,
  RunEnded,
  RunStarted,
  RuntimeNotifications,
} from './base/notifications.js';
// Running them
export type {
  CancelledRun,
  ExecuteArguments,
  ExecutedRun,
  FailedRun,
  RejectedRun,
  RunOutcome,
} from './base/outcome.js';
export type { Plan, PlanInput, PlanNode, PlanRegion, PlanSource } from './base/plan.js';
export type {
  AccessPolicy,
  AccessRequest,
  BridgeCall,
  BridgeReport,
  BridgeSpeech,
  BridgeTicket,
  Clock,
  Hash,
  Ids,
  Log,
  LogLevel,
  ModuleReference,
  Ports,
  Random,
  Readings,
  SecretProvider,
  ServiceListener,
  ServiceReference,
  ServiceStart,
  SyncBridge,
  SyncSecretProvider,
} from './base/ports.js';
export { definePredicate, type PredicateConfig } from './base/predicate.js';
export { describeReason, type NotRunCode, type NotRunReason, type ReasonRoot } from './base/reason.js';
export {
  type Both,
  collect,
  type Delivered,
  type Either,
  type Feedback,
  type InputHandle,
  type NodeParameter,
  oneOf,
  type Ref,
  required,
  template,
} from './base/ref.js';
export type { HealthOptions, ResourceOptions, Threshold } from './base/resource-options.js';
export { RunCancelledError, RunError, RunFailedError, RunRejectedError } from './base/run-errors.js';
export type { BoundParameters, RunFindings, RunRequest } from './base/run-request.js';
export type { CompletedRun, ReplayStatus, RunResult, RunStatusOf, WaitingRun } from './base/run-result.js';
export type { Admission, CycleDecision, FailureDecision, NodeDecision, RunView, Settlement } from './base/run-view.js';
export type {
  CapabilityDefaults,
  ResolvedOptions,
  ResumeOptions,
  RunOptions,
  RuntimeOptions,
} from './base/runtime-options.js';
export { type } from './base/schema.js';
export type { InferInput, InferOutput, SchemaIssue, SchemaResult, StandardSchema } from './base/standard-schema.js';
export type { AttemptStatus, NodeStatus, RunStatus } from './base/status.js';
export type { GateReport } from './base/waiting-runs.js';
export type { Warning } from './base/warning.js';
export type { BuiltWorkflow, Contract, ContractPolicy, Workflow, WorkflowBindings } from './base/workflow.js';
export { type BuildOptions, type WorkflowBuilder, type WorkflowConfig, workflow } from './base/workflow-builder.js';
export type {
  Backoff,
  BudgetData,
  CaseTest,
  ConditionData,
  ConnectionData,
  CycleData,
  Direction,
  GateData,
  JoinRule,
  Json,
  MapData,
  NodeData,
  NodeIdentity,
  NodeKind,
  PlateauData,
  RetryData,
  Source,
  SwitchData,
  SwitchMode,
  ToleranceData,
  WorkflowData,
} from './base/workflow-data.js';
export type {
  AttemptCounts,
  ExecutionAnalytics,
  ForgottenCounts,
  Measurement,
  NodeExecution,
  NodeStatistics,
  PerformanceReport,
  PlanCacheCounts,
  RunCounts,
  RuntimeCounts,
  RuntimeMetrics,
  RuntimeRunCounts,
  UnfinishedCounts,
  WorkflowStatistics,
  WorkTime,
} from './mixins/analytics/analytics-types.js';
export type { ExecutionStatistics } from './mixins/analytics/distribution.js';
export { type AnalyticsFeatures, AnalyticsMixin, type PlanLookUp } from './mixins/analytics/index.js';
export type {
  CriticalPath,
  CriticalVisit,
  ExecutionPath,
  PathAttempt,
  PathCycle,
  PathNode,
  PathStep,
} from './mixins/analytics/path-types.js';
export type { ConditionalProblem } from './mixins/conditional/conditional-checks.js';
export { type ConditionalFeatures, ConditionalMixin, type ConditionalPerformance } from './mixins/conditional/index.js';
export type { AbstractConstructor } from './mixins/constructor.js';
export type { Convergence } from './mixins/cycles/convergence.js';
export { type CycleFeatures, CyclesMixin, type CycleTotals } from './mixins/cycles/index.js';
export type { BreakerReport } from './mixins/enterprise/breaker.js';
export type { CircuitBreakers } from './mixins/enterprise/circuit-breakers.js';
export type { ExecutionMetrics } from './mixins/enterprise/execution-metrics.js';
export type { GivenUp } from './mixins/enterprise/failure.js';
export type {
  EnterpriseFeatures,
  HealthDiagnostics,
  Memories,
  OptimizationReport,
  ResourceMetrics,
} from './mixins/enterprise/features.js';
export type {
  HealthCheck,
  HealthLevel,
  HealthMonitor,
  HealthReadings,
  HealthStatus,
} from './mixins/enterprise/health-monitor.js';
export { EnterpriseMixin } from './mixins/enterprise/index.js';
export type { LimitReport, ResourceCoordinator } from './mixins/enterprise/resource-coordinator.js';
export type { CacheReport } from './mixins/enterprise/result-cache.js';
export type { RetryAnalytics, RetryCounts } from './mixins/enterprise/retry-analytics.js';
export type { RetryFailure, RetryPolicyEngine, RetryStrategy } from './mixins/enterprise/retry-policy-engine.js';
export { type ParameterFeatures, ParametersMixin, type SecretRequirement } from './mixins/parameters/index.js';
export type { ParameterFormats } from './mixins/parameters/parameters.js';
export type { ConnectionContext, IncomingConnection } from './mixins/validation/connections.js';
export type { ContractViolation } from './mixins/validation/contracts.js';
export {
  type AccessDecision,
  type ValidationFeatures,
  type ValidationMetrics,
  ValidationMixin,
} from './mixins/validation/index.js';
export {
  type JsonSchemaDocument,
  type JsonSchemaOptions,
  type JsonSchemaValue,
  jsonSchema,
} from './mixins/validation/json-schema.js';
export type { ValidationReport } from './mixins/validation/static-checks.js';
export { MemoryEventStore } from './plugins/event-store/memory-event-store.js';
export { memoryEventStore } from './plugins/event-store/store-plugin.js';
export {
  type AsyncLife,
  type AsyncPlugin,
  definePlugin,
  type Plugin,
  type PluginScope,
  type PluginStart,
  type SyncPlugin,
} from './plugins/plugin.js';
export { executorToken, type Token, token } from './plugins/token.js';
export {
  ACCESS_POLICY,
  CLOCK,
  EVENT_STORE,
  HASH,
  IDS,
  LOG,
  RANDOM,
  READINGS,
  SECRET_PROVIDER,
  SYNC_BRIDGE,
  TRACES,
  WORKER_METER,
} from './plugins/tokens.js';
export type { MeasuredPart, TracedAttempt, Traces } from './plugins/traces.js';
export type { WorkerChange, WorkerEnd, WorkerMeter } from './plugins/worker-meter.js';
export { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from './runtimes/async-local-runtime.js';
export type { CloseOptions } from './runtimes/closing.js';
export { formatRun } from './runtimes/format-run.js';
export { hashOf } from './runtimes/hash-of.js';
export { LocalRuntime, type LocalRuntimeOptions } from './runtimes/local-runtime.js';
export { type ModuleNodeConfig, moduleNode } from './runtimes/module-node.js';
export { keyedRandom, type LevelLogger, pinoLog } from './runtimes/node-ports.js';
export { replayExported } from './runtimes/replay-exported.js';
export type { ReplayOptions } from './runtimes/replay-options.js';
export type { RuntimeCore, RuntimeCoreOptions, RuntimeFeatures } from './runtimes/runtime-core.js';
export { ThreadBridge } from './runtimes/sync-bridge/thread-bridge.js';
export type { ThreadBridgeOptions, ThreadLimits } from './runtimes/sync-bridge/thread-lane.js';
export { systemClock } from './runtimes/system-clock.js';
