/**
 * Python functions for Lockstep: `import { PythonWorker } from 'lockstep/python'`.
 *
 * @packageDocumentation
 */
export type { ProcessIdentity } from '../process-identity.js';
export type { WorkerAdapter } from './adapter.js';
export type { CallStream } from './call-stream.js';
export {
  type HeartbeatOptions,
  type ListenerOptions,
  PYTHON_DEFAULTS,
  type PythonDataOptions,
  type PythonEnvironmentOptions,
  type PythonWorkersOptions,
  type RecycleOptions,
  type RestartOptions,
  type TlsOptions,
  type WorkerOptions,
  type WorkerProcessOptions,
} from './configuration.js';
export type { Candidate, CandidateKind, Surroundings } from './environment/candidates.js';
export { type DoctorReport, doctor } from './environment/doctor.js';
export type { Accelerator, Hardware } from './environment/hardware.js';
export type { Interpreter } from './environment/interpreter.js';
export type { Installer, Progress } from './environment/managed-environment.js';
export {
  findPython,
  type PassedOver,
  type PythonEnvironment,
  type SearchContext,
  setUp,
} from './environment/python-environment.js';
export type { LookedAt, ManagedPlace } from './environment/survey.js';
export { grpcPython } from './grpc-python-adapter.js';
export type { HostTool, HostToolAttempt, HostToolContext } from './host-tools.js';
export type { OutputLine, OutputStream } from './process/output-lines.js';
export type { WorkerExit } from './process/worker-exit.js';
export { PythonError, type RaisedData } from './python-error.js';
export { type PythonNodeConfig, pythonNode } from './python-node.js';
export { pythonWorkers } from './python-workers.js';
export { fileRegistry } from './registry/file-registry.js';
export type {
  RegisteredHost,
  RegistryAnswer,
  WorkerEntry,
  WorkerHost,
  WorkerRegistry,
} from './registry/worker-registry.js';
export { type NdArray, type NumberArray, ndarray } from './values/ndarray.js';
export type { WorkerLoad } from './wire/conversation.js';
export type { ServingStatus } from './wire/health-client.js';
export type { Said, WorkerLog, WorkerProgress, WorkerSpan } from './wire/said.js';
export {
  type BatchCall,
  type CallOptions,
  type OnChunk,
  PythonWorker,
  type StreamOptions,
  type WorkerHealth,
  type WorkerInfo,
} from './worker.js';
export type { WorkerEvents, WorkerIncident } from './worker-keeper.js';
export type { PythonWorkerState } from './worker-state.js';
