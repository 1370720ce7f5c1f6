import type { ErrorData } from './errors.js';
import type { CycleReport, NodeReport } from './graph-result.js';
import type { Plan } from './plan.js';
import type { NodeStatus } from './status.js';

/** What is asked of a graph that ran. Of outputs only the names. */
export interface GraphFacts {
  node(id: string): NodeReport;
  cycle(id: string): CycleReport;
  /** Names of the ports that a node delivered; none where it did not complete. */
  delivered(id: string): readonly string[];
}

/** Whose child a graph is. */
export interface ChildPlace {
  readonly owner: { readonly scope: string; readonly node: string };
  /** Which attempt of its owner opened it: both from 1. */
  readonly visit: number;
  readonly attempt: number;
  /** Its number among the items of a map; `undefined` of a subworkflow. */
  readonly number: number | undefined;
}

/** A graph that ran: that of the run itself, or that of a child. */
export interface RunGraph extends GraphFacts {
  /** Empty at the top. */
  readonly scope: string;
  readonly plan: Plan;
  readonly place: ChildPlace | undefined;
  readonly status: NodeStatus;
  /** Why it failed, where it is a child. */
  readonly error: ErrorData | undefined;
}
