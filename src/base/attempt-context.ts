import type { Attempt } from './attempt.js';
import { AttemptError, textOf } from './errors.js';
import type { NodeContext } from './node-context.js';
import type { PlanRegion } from './plan.js';
import type { Log } from './ports.js';
import type { RunView } from './run-view.js';
import { ask } from './schema.js';
import { earlier } from './time-limits.js';

/** What a context needs of the runtime that performs the attempt. */
export interface ContextHost {
  logOf(run: RunView, attempt: Attempt): Log;
  reportProgress(
    run: RunView,
    attempt: Attempt,
    current: number,
    total: number | undefined,
    message: string | undefined,
  ): void;
  emitData(run: RunView, attempt: Attempt, data: unknown): void;
}

/**
 * The context of one attempt. Everything is worked out when it is read, so that an attempt that reads nothing costs nothing;
 * methods are getters that bind, so that they may be destructured.
 */
export class AttemptContext implements NodeContext {
  readonly #host: ContextHost;
  readonly #run: RunView;
  readonly #attempt: Attempt;

  constructor(host: ContextHost, run: RunView, attempt: Attempt) {
    this.#host = host;
    this.#run = run;
    this.#attempt = attempt;
  }

  get runId(): string {
    return this.#run.runId;
  }

  get nodeId(): string {
    return this.#attempt.node.id;
  }

  get scope(): string {
    return this.#run.scope;
  }

  get attempt(): number {
    return this.#attempt.number;
  }

  get failures(): number {
    return this.#run.state.failures.get(this.#attempt.node.index) ?? 0;
  }

  get visit(): number {
    return this.#attempt.visit;
  }

  get iteration(): number {
    return this.iterations.at(-1) ?? 0;
  }

  get iterations(): readonly number[] {
    const iterations: number[] = [];
    for (
      let region = this.#attempt.node.region;
      region !== -1;
      region = (this.#run.plan.regions[region] as PlanRegion).parent
    ) {
      iterations.unshift(this.#run.state.regions[region]?.iteration ?? 0);
    }
    return iterations;
  }

  get maxIterations(): number | undefined {
    const { region } = this.#attempt.node;
    return region === -1 ? undefined : this.#run.plan.regions[region]?.data.maxIterations; // reading at -1 is slow
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get deadline(): number | undefined {
    return earlier(this.#attempt.deadline, this.#run.deadline);
  }

  get idempotencyKey(): string {
    return `${this.#run.runId}/${this.#run.scope}${this.#attempt.node.id}/${this.#attempt.visit}`;
  }

  get state(): unknown {
    const { node } = this.#attempt;
    const { nodeStates } = this.#run.state;
    if (nodeStates.has(node.index)) return nodeStates.get(node.index);
    const { state } = node.implementation;
    if (state === undefined) return undefined;
    const answer = ask(state, undefined, `the state of ${node.id}`);
    return answer.issues === undefined ? answer.value : undefined;
  }

  get context(): Readonly<Record<string, unknown>> {
    return this.#run.context;
  }

  get log(): Log {
    return this.#host.logOf(this.#run, this.#attempt);
  }

  get setState(): (next: unknown) => void {
    return (next) => {
      const { id, implementation } = this.#attempt.node;
      if (implementation.state === undefined) {
        throw new AttemptError('STATE_UNDECLARED', `Node "${id}" called setState() and declares no state.`, {
          at: id,
          value: next,
        });
      }
      this.#attempt.change = { state: next };
    };
  }

  get progress(): (current: number, total?: number, message?: string) => void {
    return (current, total, message) => this.#host.reportProgress(this.#run, this.#attempt, current, total, message);
  }

  get emit(): (data: unknown) => void {
    return (data) => this.#host.emitData(this.#run, this.#attempt, data);
  }

  get secret(): (name: string) => string {
    return (name) => {
      const { id, implementation } = this.#attempt.node;
      const value = implementation.secrets.includes(name) ? this.#run.secrets.get(name) : undefined;
      if (value !== undefined) return value;
      throw new AttemptError(
        'SECRET_UNDECLARED',
        `Node "${id}" asked for secret "${textOf(name)}", which it does not declare.`,
        { at: id, value: name },
      );
    };
  }
}
