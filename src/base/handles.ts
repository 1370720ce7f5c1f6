import type { CycleStopReason } from './cycle-stop-reason.js';
import type { ErrorData } from './errors.js';
import type { ItemFailure, ItemOutcome } from './item-outcome.js';
import type { GateExpiry, GateRejection } from './nodes/gate.js';
import type { Either, InputHandle, Ref } from './ref.js';

type Outs<Out, C extends string> = { readonly [K in keyof Out]: Ref<Exclude<Out[K], undefined>, C> };
type Ins<In> = { readonly [K in keyof In]-?: InputHandle<In[K]> };

/** A node in a workflow under construction: its inputs, to feed back or to set, and its outputs, to read. */
export interface NodeHandle<Id extends string, In, Out, C extends string> {
  readonly id: Id;
  readonly in: Ins<In>;
  readonly out: Outs<Out, C>;
}

/** A node that may fail: its error is data, and the run goes on. */
export interface TryHandle<Id extends string, In, Out, C extends string> {
  readonly id: Id;
  readonly in: Ins<In>;
  readonly out: Outs<Out, `if ${Id}.ok`>;
  /** The error of the last attempt, where the node failed. */
  readonly error: Ref<ErrorData, `if ${Id}.failed`>;
  /** The source for the way it went: live whenever the node is. */
  join<A, B>(cases: {
    readonly ok: Ref<A, 'always' | C | `if ${Id}.ok`>;
    readonly failed: Ref<B, 'always' | C | `if ${Id}.failed`>;
  }): Ref<A | B, C>;
}

/** A switch: one output for each case, each carrying the value it was given. */
export interface SwitchHandle<Id extends string, Cases, C extends string> {
  readonly id: Id;
  readonly out: { readonly [K in keyof Cases & string]: Ref<Cases[K], `if ${Id}.${K}`> };
  /** The source of the case that was taken: live whenever the switch is. Names every case. */
  join<const J extends { readonly [K in keyof Cases & string]: Ref<unknown, 'always' | C | `if ${Id}.${K}`> }>(
    cases: J,
  ): Ref<{ [K in keyof Cases & string]: J[K] extends Ref<infer T, string> ? T : never }[keyof Cases & string], C>;
}

/** A switch that may take several cases, or none for some items: it has no single branch to join. */
export interface MultiSwitchHandle<Id extends string, Cases> {
  readonly id: Id;
  readonly out: { readonly [K in keyof Cases & string]: Ref<Cases[K], `if ${Id}.${K}`> };
}

/** A workflow inside another. An output that was dead there is a dead port here. */
export interface SubworkflowHandle<Id extends string, In, Out, C extends string> {
  readonly id: Id;
  readonly in: Ins<In>;
  readonly out: {
    readonly [K in keyof Out & string]: Ref<Exclude<Out[K], undefined>, undefined extends Out[K] ? `if ${Id}.${K}` : C>;
  };
}

/** A workflow inside another that may fail. An output that was dead there is a dead port here, also where it did not fail. */
export interface TriedSubworkflowHandle<Id extends string, In, Out, C extends string>
  extends Omit<TryHandle<Id, In, Out, C>, 'out'> {
  readonly out: {
    readonly [K in keyof Out & string]: Ref<
      Exclude<Out[K], undefined>,
      `if ${Id}.ok` | (undefined extends Out[K] ? `if ${Id}.${K}` : never)
    >;
  };
}

/** A map over a list. Every list that it delivers is in the order of the items. */
export interface MapHandle<Id extends string, Out, C extends string> {
  readonly id: Id;
  /** For each output of the body, the values of the items that completed and delivered it. */
  readonly out: { readonly [K in keyof Out & string]: Ref<Exclude<Out[K], undefined>[], C> };
  /** What each item came to. */
  readonly items: Ref<ItemOutcome<Out>[], C>;
  /** The items that failed; empty unless the map collects failures. */
  readonly failed: Ref<ItemFailure[], C>;
}

/** The ways a gate can go: the last one only with a time limit. */
type GateWays<A, Timed extends boolean> = {
  readonly approved: A;
  readonly rejected: GateRejection;
} & (Timed extends true ? { readonly timedOut: GateExpiry } : unknown);

/** A gate: one output for each way it can go. */
export interface GateHandle<Id extends string, A, Timed extends boolean, C extends string>
  extends SwitchHandle<Id, GateWays<A, Timed>, C> {}

/** A cycle: how it ended, as outputs. */
export interface CycleHandle<Id extends string> {
  readonly id: Id;
  readonly out: {
    /** Why it stopped. */
    readonly reason: Ref<CycleStopReason, Either<'always', never>>;
    /** How many iterations it made. */
    readonly iterations: Ref<number, Either<'always', never>>;
  };
}
