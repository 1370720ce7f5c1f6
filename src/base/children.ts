import type { Attempt } from './attempt.js';
import { AttemptError, type ErrorData } from './errors.js';
import type { ChildrenState, ExecutionState } from './execution-state.js';
import { FAILED, ITEMS, type ItemFailure, type ItemOutcome } from './item-outcome.js';
import type { Plan } from './plan.js';
import { ReadySet } from './ready-set.js';
import type { NotRunReason } from './reason.js';
import type { RunOutcomeData } from './run-outcome.js';
import { beginChild, nodeName } from './transitions.js';
import type { MapData } from './workflow-data.js';

/** What an attempt of a map or subworkflow came to. */
export type ChildrenResult =
  | { readonly output: Readonly<Record<string, unknown>>; readonly error?: undefined }
  | { readonly error: Error };

/** A recorded error as something that can be thrown, or be a cause. */
class RecordedError extends Error {
  readonly code: string;

  constructor({ name, code, message, cause }: ErrorData) {
    super(message, cause === undefined ? undefined : { cause: new RecordedError(cause) });
    this.name = name;
    this.code = code;
  }
}

/** The graph of a child, as far as its family deals with it. */
export interface ChildGraph {
  readonly scope: string;
  readonly state: ExecutionState;
  readonly isSettled: boolean;
  next(now: number): Attempt<ChildGraph> | undefined;
  stop(reason: NotRunReason, now: number): void;
  outcome(): RunOutcomeData;
  warnOfMissing(output: Readonly<Record<string, unknown>>): void;
}

/** The children of an attempt of a map or subworkflow: begun in order, as many at once as allowed, settled in any order. */
export class Children<G extends ChildGraph> {
  readonly attempt: Attempt<G>;
  readonly state: ChildrenState;
  readonly #plan: Plan;
  readonly #map: MapData | undefined;
  readonly #graphs: G[] = [];
  readonly #graphOf: (state: ExecutionState, number: number) => G;
  readonly #outcomes: (RunOutcomeData | undefined)[] = [];
  /** Those that may have something to start, or to settle. */
  readonly #armed: ReadySet;
  #open = 0;
  #stopped = false;

  /**
   * @param state of children that are about to begin, or that a history has begun
   * @param graphOf makes the graph of a child
   */
  constructor(
    attempt: Attempt<G>,
    state: ChildrenState,
    graphOf: (children: Children<G>, state: ExecutionState, number: number) => G,
  ) {
    this.attempt = attempt;
    this.#graphOf = (child, number) => graphOf(this, child, number);
    this.state = state;
    this.#plan = attempt.node.child as Plan;
    this.#map = attempt.node.data.map;
    this.#armed = new ReadySet(state.size);
    for (const graph of state.graphs) this.#take(graph);
  }

  get isSettled(): boolean {
    return this.#stopped || (this.#open === 0 && this.#graphs.length === this.state.size);
  }

  /** The graphs that have begun, by number. */
  get graphs(): readonly G[] {
    return this.#graphs;
  }

  /** Something in a child may start, or all of it has settled. */
  arm(number: number): void {
    this.#armed.add(number);
  }

  /** The next attempt of a child: of those that have begun first, then of the next one, if there is room for it. */
  next(now: number): ReturnType<G['next']> | undefined {
    while (!this.#stopped) {
      let number = this.#armed.least();
      if (number === -1) {
        if (!this.#hasRoom) return undefined;
        number = this.#begin();
      }
      const graph = this.#graphs[number] as G;
      const attempt = graph.next(now) as ReturnType<G['next']> | undefined;
      if (attempt !== undefined) return attempt;
      this.#armed.delete(number);
      if (graph.isSettled && this.#outcomes[number] === undefined) this.#settle(number, graph, now);
    }
    return undefined;
  }

  get #hasRoom(): boolean {
    const { maxConcurrency = null } = this.#map ?? {};
    return this.#graphs.length < this.state.size && (maxConcurrency === null || this.#open < maxConcurrency);
  }

  #begin(): number {
    const number = this.#graphs.length;
    this.#take(beginChild(this.attempt.graph.state, this.state, this.#plan, number));
    return number;
  }

  #take(state: ExecutionState): void {
    const number = this.#graphs.length;
    this.#graphs.push(this.#graphOf(state, number));
    this.#armed.add(number);
    this.#open++;
  }

  #settle(number: number, graph: G, now: number): void {
    const outcome = graph.outcome();
    if (outcome.status === 'completed') graph.warnOfMissing(outcome.output);
    this.#outcomes[number] = outcome;
    this.#open--;
    const failsFast = graph.state.options.onError === 'fail-fast' && this.#map?.onItemError !== 'collect';
    if (outcome.status !== 'failed' || !failsFast) return;
    const root = { subject: `${graph.scope}${outcome.node ?? ''}`, port: null, code: 'fail_fast' as const };
    this.stop({ code: 'fail_fast', input: null, source: null, root }, now);
  }

  /** Stops every child that has not settled. No other begins. */
  stop(reason: NotRunReason, now: number): void {
    this.#stopped = true;
    this.#graphs.forEach((graph, number) => {
      if (this.#outcomes[number] === undefined && !graph.isSettled) graph.stop(reason, now);
    });
  }

  /** What they came to, once they have settled. */
  result(): ChildrenResult {
    const failed = this.#outcomes.findIndex((outcome) => outcome?.status === 'failed');
    if (this.#map === undefined || (failed !== -1 && this.#map.onItemError === 'fail')) {
      const outcome = this.#outcomes[Math.max(failed, 0)] as RunOutcomeData;
      return outcome.status === 'completed' ? { output: outcome.output } : { error: this.#failure(failed, outcome) };
    }
    return { output: this.#collected() };
  }

  #failure(number: number, outcome: RunOutcomeData): AttemptError {
    const { node, graph } = this.attempt;
    const scope = this.state.scopeOf(number);
    if (outcome.status !== 'failed') throw new TypeError(`${scope} did not fail`);
    const at = `${scope}${outcome.node ?? ''}`;
    const name = nodeName(graph.scope, node.id);
    const what = this.#map === undefined ? `Subworkflow "${name}"` : `Item ${number} of map "${name}"`;
    const cause = new RecordedError(outcome.error);
    const said = /[.!?]$/.test(outcome.error.message) ? outcome.error.message : `${outcome.error.message}.`;
    return new AttemptError('CHILD_FAILED', `${what} failed: ${outcome.error.code}, ${said}`, { at, cause });
  }

  #collected(): Readonly<Record<string, unknown>> {
    const items: ItemOutcome[] = [];
    const failed: ItemFailure[] = [];
    const lists: Record<string, unknown[]> = {};
    for (const { name } of this.attempt.node.implementation.outputs) lists[name] = [];
    this.#outcomes.forEach((outcome, index) => {
      if (outcome?.status === 'completed') {
        const { output } = outcome;
        items.push({ status: 'completed', output });
        for (const name of Object.keys(output)) lists[name]?.push(output[name]);
      } else if (outcome?.status === 'failed') {
        items.push({ status: 'failed', error: outcome.error });
        failed.push({ index, error: outcome.error });
      }
    });
    return { ...lists, [ITEMS]: items, [FAILED]: failed };
  }
}
