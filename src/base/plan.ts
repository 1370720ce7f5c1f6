import type { ConditionTest } from './condition.js';
import type { ExecutorReference } from './executor-port.js';
import type { NodeImplementation, PortSpec } from './node.js';
import type { RetryOptions } from './node-options.js';
import type { StandardSchema } from './standard-schema.js';
import type { Workflow } from './workflow.js';
import type { ConditionData, CycleData, NodeData } from './workflow-data.js';

/**
 * A subject is something that settles and that others wait for: a node, written as its plan index (>= 0), or a cycle region,
 * written as the complement of its number (< 0).
 */
export type SubjectIndex = number;

/** Writes a region as a subject, and back. */
export function regionSubject(region: number): SubjectIndex {
  return ~region;
}

/** The parameters that the graph of a map has beside those it is given: its item, and the item's number. No user's name starts with `$`. */
export const ITEM = '$item';
export const INDEX = '$index';

/** A compiled source: an expression whose leaves are subjects of the plan. */
export type PlanSource =
  | OutputSource
  | CycleOutputSource
  | ParameterSource
  | LiteralSource
  | TemplateSource
  | PathSource
  | ChoiceSource
  | RequiredSource
  | JoinSource;

/** An output port of a node, as seen by one reader. */
export class OutputSource {
  readonly kind = 'output';
  constructor(
    readonly node: number,
    readonly port: string,
    readonly path: readonly string[],
    readonly schema: StandardSchema | undefined,
    /** The outermost region that contains the node but not the reader; -1 when there is none. The value is an exit of it. */
    readonly leaves: number,
    /** The port may be dead although the node completed: a case of a switch. */
    readonly selective: boolean,
    /** The port is `$error`: live exactly when the node failed. */
    readonly error: boolean,
    /** How far out `leaves` lies from the node's innermost region, which is 0; -1 without it. */
    readonly level: number,
  ) {}
}

/** How a cycle ended. */
export class CycleOutputSource {
  readonly kind = 'cycle';
  constructor(
    readonly region: number,
    readonly port: 'reason' | 'iterations',
    /** As for an output: the outermost region left by reading it. At least the region itself. */
    readonly leaves: number,
  ) {}
}

/** A declared parameter of the workflow. */
export class ParameterSource {
  readonly kind = 'parameter';
  constructor(
    readonly name: string,
    readonly path: readonly string[],
    readonly schema: StandardSchema | undefined,
  ) {}
}

/** A literal inside an expression. */
export class LiteralSource {
  readonly kind = 'literal';
  constructor(readonly value: unknown) {}
}

/** A value in whose texts parameters are put. */
export class TemplateSource {
  readonly kind = 'template';
  constructor(readonly value: unknown) {}
}

/** A path inside the value of another expression. */
export class PathSource {
  readonly kind = 'path';
  constructor(
    readonly of: PlanSource,
    readonly path: readonly string[],
    readonly schema: StandardSchema | undefined,
  ) {}
}

/** One, the first, or all of several sources. */
export class ChoiceSource {
  readonly kind = 'choice';
  /** Several of the sources are exits of one cycle: what was live in its older iterations no longer counts. */
  readonly rivals: boolean;
  /** The cycles that each of the sources may be an exit of. */
  readonly leaves: readonly (readonly number[])[];

  constructor(
    readonly mode: 'oneOf' | 'firstOf' | 'collect',
    readonly of: readonly PlanSource[],
  ) {
    this.leaves = of.map((source) => [...new Set(leftBy(source))]);
    const left = this.leaves.flat();
    this.rivals = mode !== 'collect' && new Set(left).size < left.length;
  }
}

/** The cycles that a source is an exit of. */
function leftBy(source: PlanSource): readonly number[] {
  switch (source.kind) {
    case 'output':
      return source.leaves === -1 ? [] : [source.leaves];
    case 'path':
      return leftBy(source.of);
    case 'join':
      return [...source.cases.values()].flatMap(leftBy);
    case 'choice':
      return source.of.flatMap(leftBy);
    default:
      return [];
  }
}

/** A source whose absence is a failure. */
export class RequiredSource {
  readonly kind = 'required';
  constructor(
    readonly of: PlanSource,
    readonly text: string,
  ) {}
}

/** The source of the case that its owner took. */
export class JoinSource {
  readonly kind = 'join';
  constructor(
    readonly owner: OutputSource,
    readonly cases: ReadonlyMap<string, PlanSource>,
  ) {}
}

const NO_FEEDBACK: readonly never[] = [];

/** Where an input port gets its value from, weakest source first: schema default, config, parameter, connection, feedback. */
export class PlanInput {
  /** Feedback into this port, that of the innermost cycle first. */
  feedback: readonly { readonly slot: number; readonly region: number }[] = NO_FEEDBACK;

  constructor(
    readonly port: PortSpec,
    readonly configured: boolean,
    readonly config: unknown,
    /** A parameter bound to this port. */
    readonly parameter: ParameterSource | undefined,
    /** A parameter that a workflow without declared parameters would broadcast to this port: its own name. */
    readonly broadcast: boolean,
    /** What is connected to this port. */
    readonly connection: PlanSource | undefined,
    /** `connection` in words, for messages. */
    readonly from: string,
  ) {}
}

/** One input that is one whole output: what most inputs are. */
export class Wire {
  constructor(
    readonly name: string,
    readonly node: number,
    readonly port: string,
  ) {}
}

/** A node of a plan. */
export class PlanNode {
  /** Nodes that wait for this one. */
  dependents: readonly number[] = [];

  constructor(
    /** Position in the plan; also the order in which nodes start when several may. */
    readonly index: number,
    readonly id: string,
    readonly data: NodeData,
    readonly implementation: NodeImplementation,
    readonly retry: RetryOptions | undefined,
    /** Innermost region; -1 outside any cycle. */
    readonly region: number,
    /** The regions around it, innermost first. */
    readonly around: readonly number[],
    readonly inputs: readonly PlanInput[],
    /** What it waits for in iteration 0, each subject once. */
    readonly dependencies: readonly SubjectIndex[],
    /** What it waits for from iteration 1 on: inputs with feedback no longer look at their other sources. */
    readonly laterDependencies: readonly SubjectIndex[],
    /** Subjects of `after`. */
    readonly after: readonly SubjectIndex[],
    /**
     * Counting what it waits for is not enough: it has a source that chooses, and may start before all of them settled; or a
     * source inside the cycle that feeds it, which matters in iteration 0 only.
     */
    readonly recheck: boolean,
    /** Has a source that can be dead although its node completed. */
    readonly selective: boolean,
    /** Every input is a whole output and unchecked: inputs are copied along these wires and nothing else is asked. Otherwise `undefined`. */
    readonly wires: readonly Wire[] | undefined,
    /** Some input has a schema to ask, or contracts, or is frozen. */
    readonly checked: boolean,
    /** Some output has a schema to ask. */
    readonly checkedOutputs: boolean,
    /** The graph of its children, where it is a map or subworkflow. */
    readonly child: Plan | undefined,
    /** Who performs it instead of its function. */
    readonly executor: ExecutorReference | undefined,
  ) {}
}

/** One edge of feedback. */
export interface FeedbackSlot {
  /** Number of the slot in the run. */
  readonly slot: number;
  readonly source: PlanSource;
  readonly node: number;
  readonly input: number;
  /** In words, for messages. */
  readonly text: string;
}

/** A condition of a cycle, compiled. */
export class PlanCondition {
  constructor(
    readonly data: ConditionData,
    /** What it looks at: one value, several by name, or nothing itself. */
    readonly watched: PlanSource | ReadonlyMap<string, PlanSource> | undefined,
    /** The function of a leaf that has one. */
    readonly test: ConditionTest | undefined,
    /** What it combines; empty for a leaf. */
    readonly parts: readonly PlanCondition[],
  ) {}
}

/** A cycle, compiled. Its body is the plan indexes `start` … `end - 1`, inner regions included. */
export class PlanRegion {
  /** Nodes outside that wait for it. */
  dependents: readonly number[] = [];

  constructor(
    readonly index: number,
    readonly id: string,
    readonly data: CycleData,
    /** The enclosing region; -1 at the top. */
    readonly parent: number,
    /** 0 at the top. */
    readonly depth: number,
    readonly start: number,
    readonly end: number,
    /** Inner regions, direct ones only. */
    readonly children: readonly number[],
    /** Nodes of the body that lie in no inner region, plus the number of direct inner regions. */
    readonly members: number,
    readonly feedback: readonly FeedbackSlot[],
    readonly until: PlanCondition | undefined,
  ) {}
}

/** What performs nodes of a plan elsewhere. */
export interface PlanExecutor {
  readonly reference: ExecutorReference;
  /** The first node that names it, that of a child as `sub/id`. */
  readonly node: string;
}

/** A workflow compiled for execution. Immutable; cached by the frozen Workflow. */
export interface Plan {
  readonly workflow: Workflow;
  readonly nodes: readonly PlanNode[];
  readonly regions: readonly PlanRegion[];
  /** Plan index by node id. */
  readonly nodeIndex: ReadonlyMap<string, number>;
  /** Region number by cycle id. */
  readonly regionIndex: ReadonlyMap<string, number>;
  readonly feedbackSlots: number;
  /** How many subjects each node waits for at the start. Never changed: a run copies it. */
  readonly waiting: Int32Array;
  /** Nodes that wait for nothing. */
  readonly roots: readonly number[];
  /** Nodes outside any cycle, plus cycles at the top. */
  readonly topMembers: number;
  readonly outputs: ReadonlyMap<string, PlanSource>;
  /** Ids of asynchronous nodes that no thread can load, those of children as `sub/id`: LocalRuntime refuses them before the first node. */
  readonly asyncNodes: readonly string[];
  /** Some node is a module node, or performed by an executor: children included. */
  readonly hasRemote: boolean;
  /** What its nodes name that others perform, those of children included: each target once. */
  readonly executors: readonly PlanExecutor[];
  /** Every secret some node declares, once each. */
  readonly secrets: readonly string[];
  /** The workflow declares no parameters: a parameter is broadcast to inputs of its name. */
  readonly broadcasts: boolean;
  /** Some node must be looked at again whenever one of its subjects settles. */
  readonly rechecks: boolean;
  /** Some node has a time limit of its own. */
  readonly limited: boolean;
  /** Somewhere in it, children included, a gate may make a run wait. */
  readonly waits: boolean;
}

/** A plan in a workflow: its own, or that of a child. */
export interface PlanPlace {
  readonly plan: Plan;
  /** The nodes that it belongs to, each with a slash: `sub/`; empty at the top. */
  readonly owners: string;
}

/** A plan and those of all children, the owner before its children. */
export function plansOf(plan: Plan, owners = ''): readonly PlanPlace[] {
  const all: PlanPlace[] = [{ plan, owners }];
  for (const node of plan.nodes) if (node.child !== undefined) all.push(...plansOf(node.child, `${owners}${node.id}/`));
  return all;
}
