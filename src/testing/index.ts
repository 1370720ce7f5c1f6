export { canonicalLog } from '../base/events.js';
export { type ArbitraryWorkflowOptions, arbitraryWorkflow } from './arbitrary/arbitrary-workflow.js';
export type { FlowFeatures } from './arbitrary/draw-flow.js';
export type { Arbitrary, FastCheck } from './arbitrary/fast-check.js';
export type {
  FlowCycle,
  FlowFailure,
  FlowGate,
  FlowInput,
  FlowMap,
  FlowNode,
  FlowRetry,
  FlowSource,
  FlowSpec,
  FlowValue,
  FlowWay,
} from './arbitrary/flow.js';
export { GeneratedWorkflow } from './arbitrary/generated-workflow.js';
export type { CrashPoint } from './crashing-store.js';
export { type Exploration, ExplorationError, type ExploreOptions, explore, type Interleaving } from './explore.js';
export { type CrashExploration, type CrashOptions, exploreCrashes } from './explore-crashes.js';
export type { GateAnswer, GateAnswers, OpenGate } from './gate-answers.js';
export { type LogEntry, MemoryLog } from './memory-log.js';
export { assertParity, type ParityArguments, ParityError, type ParityOptions, type ParityProblem } from './parity.js';
export type { ScriptEntry, ScriptedCall, ScriptStep, StepTime } from './script.js';
export { type ScriptedConfig, type ScriptedNode, scripted } from './scripted.js';
export { seededIds, seededRandom } from './seeded.js';
export { VirtualClock } from './virtual-clock.js';
export { advanceUntil } from './virtual-drive.js';
