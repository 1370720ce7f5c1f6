import type { FlowFailure, FlowNode, FlowRetry, FlowSpec, FlowWay } from './flow.js';

/**
 * What is drawn of a random workflow. It says only "the third thing before me", so that a part can be taken away and the rest
 * still means something; `resolveFlow` turns it into a `FlowSpec` with names.
 */

export type RawSource =
  | { readonly pick: 'output'; readonly of: number; readonly port: number; readonly path: 'whole' | 'n' | 'none' }
  | { readonly pick: 'cycle'; readonly of: number; readonly port: number }
  | { readonly pick: 'parameter'; readonly of: number }
  | { readonly pick: 'oneOf' | 'collect' | 'or'; readonly of: readonly RawOutput[]; readonly literal: boolean }
  | { readonly pick: 'join'; readonly of: number; readonly cases: readonly RawOutput[] }
  | { readonly pick: 'required'; readonly of: RawOutput; readonly path: 'whole' | 'n' };

export interface RawOutput {
  readonly of: number;
  readonly port: number;
}

export interface RawInput {
  readonly from: RawSource | null;
  /** A second connection, where the node is wired by strings. */
  readonly also: RawOutput | null;
  readonly optional: boolean;
  readonly config: number | null | undefined;
}

export interface RawNode {
  readonly part: 'node';
  readonly kind: FlowNode['kind'];
  readonly inputs: readonly RawInput[];
  readonly join: FlowNode['join'];
  readonly after: readonly number[];
  readonly gives: FlowNode['gives'];
  readonly failures: readonly FlowFailure[];
  readonly retry: FlowRetry | undefined;
  readonly form: FlowNode['form'];
  readonly wired: boolean;
  readonly takesMs: number;
  readonly timeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
}

export interface RawCycle {
  readonly part: 'cycle';
  readonly body: readonly RawPart[];
  readonly entry: RawSource;
  readonly tail: readonly RawOutput[];
  readonly tailJoin: FlowNode['join'];
  readonly exit: 'tail' | 'again' | 'while';
  readonly until: number | undefined;
  readonly maxIterations: number;
  readonly onMaxIterations: 'accept' | 'fail';
  readonly timeoutMs: number | undefined;
  /** What is fed back beside the end of the loop. */
  readonly extra: 'head' | 'tail' | undefined;
  readonly keepHistory: number;
  readonly headFails: readonly FlowFailure[];
}

/** An input of what a map runs: the item, its number, or something from outside. */
export interface RawBodyInput {
  readonly take: 'item' | 'n of item' | 'index' | 'outside';
  readonly from: RawSource;
  readonly optional: boolean;
}

export interface RawChild {
  readonly parts: readonly RawPart[];
  readonly outputs: readonly RawSource[];
}

export interface RawOwner {
  readonly inputs: readonly RawInput[];
  readonly join: FlowNode['join'];
  readonly after: readonly number[];
  readonly retry: FlowRetry | undefined;
  readonly timeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
}

/** A node of its own kind: it lies on the way from the head to the tail of the cycle around it, or only may. */
export interface RawLooped extends RawOwner {
  readonly looped: boolean;
}

export interface RawMap extends RawLooped {
  readonly part: 'map';
  /** `fresh`: a node before it makes the list. `any`: it may be no list. */
  readonly list: RawOutput & { readonly pick: 'list' | 'collect' | 'fresh' | 'any' };
  readonly takes: readonly RawBodyInput[];
  /** It runs a task, or a workflow. */
  readonly body: RawNode | RawChild;
  readonly maxConcurrency: number | undefined;
  readonly onItemError: 'fail' | 'collect';
}

export interface RawSubworkflow extends RawLooped {
  readonly part: 'subworkflow';
  readonly child: RawChild;
  readonly allowed: boolean;
  readonly wired: boolean;
}

export interface RawGate extends RawLooped {
  readonly part: 'gate';
  readonly answers: readonly FlowWay[];
}

export type RawPart = RawNode | RawCycle | RawMap | RawSubworkflow | RawGate;

export interface RawFlow extends RawChild {
  readonly parameters: FlowSpec['parameters'];
  readonly set: readonly { readonly node: number; readonly port: number; readonly value: number | null }[];
}
