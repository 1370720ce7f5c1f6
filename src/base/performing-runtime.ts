import type { ActiveRun } from './active-run.js';
import type { Attempt } from './attempt.js';
import { AttemptContext } from './attempt-context.js';
import { openBuiltIn } from './built-in.js';
import { CapabilityTable } from './capability-table.js';
import { LockstepError } from './errors.js';
import { executorMissing, executorProblems } from './executor.js';
import { AttemptCall } from './executor-call.js';
import type { Executor, ExecutorReference } from './executor-port.js';
import { attemptEnded } from './facts.js';
import type { GraphAttempt } from './graph-execution.js';
import type { Durability } from './history/event-store.js';
import { Listeners } from './listeners.js';
import type { NodeContext } from './node-context.js';
import { NodeVoice } from './node-voice.js';
import { checkOutput } from './output-check.js';
import type { Plan, PlanNode } from './plan.js';
import type { Ports } from './ports.js';
import type { RunFindings, RunRequest } from './run-request.js';
import type { RunView, Settlement } from './run-view.js';
import { RuntimeHooks } from './runtime-hooks.js';
import type { ResolvedOptions } from './runtime-options.js';
import { ask, formatIssues, isThenable } from './schema.js';

type Inputs = Readonly<Record<string, unknown>>;

/** How a runtime performs one attempt: inputs, call, settlement. What comes before and after, and who waits, is not known here. */
export abstract class PerformingRuntime extends RuntimeHooks {
  /** As given, checked, with defaults filled in, frozen. */
  readonly options: ResolvedOptions;
  protected readonly ports: Ports;
  /** Whether runs that begin now are monitored: observed, counted and timed. */
  protected monitoring: boolean;
  /** What holds for each node. */
  protected readonly capabilities: CapabilityTable;
  protected readonly listeners: Listeners;
  readonly #voice: NodeVoice;

  constructor(options: ResolvedOptions, ports: Ports) {
    super();
    this.options = options;
    this.ports = ports;
    this.monitoring = options.performanceMonitoring;
    this.capabilities = new CapabilityTable(options.capabilities, options.executors);
    this.listeners = new Listeners(ports.log);
    this.#voice = new NodeVoice(ports.log, this.listeners);
  }

  /** The inputs of an attempt that is about to be performed, resolved and checked. */
  protected inputsOf({ thrown }: ActiveRun, attempt: GraphAttempt): Record<string, unknown> {
    const { graph, node } = attempt;
    if (thrown.size > 0) thrown.delete(`${graph.scope}${node.id}`);
    const inputs = this.resolveInputs(graph, attempt);
    return node.checked ? this.checkInputs(graph, attempt, inputs) : inputs;
  }

  /** What a node is told about an attempt, and what it talks back through. */
  protected contextOf(attempt: GraphAttempt): NodeContext {
    return new AttemptContext(this.#voice, attempt.graph, attempt);
  }

  /**
   * Performs an attempt: resolves and checks its inputs, calls the node, and settles what it returned or threw. A promise is
   * returned instead, unsettled: what it means is for the runtime to say.
   */
  protected perform(run: ActiveRun, attempt: GraphAttempt): PromiseLike<unknown> | undefined {
    const { clock } = this.ports;
    let returned: unknown;
    try {
      const { implementation, executor } = attempt.node;
      const inputs = this.inputsOf(run, attempt);
      if (this.settleKnown(run, attempt, inputs)) return undefined;
      if (implementation.kind !== 'function') {
        run.journal?.accept(inputs, `the inputs of ${attempt.node.id}`);
        if (openBuiltIn(attempt, inputs)) return undefined;
      }
      returned =
        executor === undefined
          ? implementation.run(inputs, this.contextOf(attempt))
          : this.#performElsewhere(attempt, executor, inputs);
      if (isThenable(returned)) {
        run.now = clock.now();
        return returned instanceof Promise ? returned : Promise.resolve(returned);
      }
    } catch (error) {
      run.now = clock.now();
      this.settleFailure(run, attempt, error, run.now);
      return undefined;
    }
    run.now = clock.now();
    this.settleOutput(run, attempt, returned, run.now);
    return undefined;
  }

  /** What performs nodes that refer to it; `undefined` where nothing does. */
  protected executorFor(_reference: ExecutorReference): Executor | undefined {
    return undefined;
  }

  #performElsewhere(attempt: GraphAttempt, reference: ExecutorReference, inputs: Inputs): Promise<unknown> {
    const executor = this.executorFor(reference);
    if (executor === undefined) throw executorMissing(attempt.node.id, reference);
    const { target } = reference;
    return executor.perform(
      new AttemptCall(attempt, this.ports.clock, { target, inputs, context: this.contextOf(attempt) }),
    );
  }

  /** Adds what keeps executors from performing nodes. */
  protected override checkRun(request: RunRequest, findings: RunFindings): void {
    super.checkRun(request, findings);
    findings.problems.push(...executorProblems(request.plan, (reference) => this.executorFor(reference)));
  }

  /** Gives an attempt the output that is known already for its inputs. `false` where none is. */
  protected settleKnown(run: ActiveRun, attempt: GraphAttempt, inputs: Readonly<Record<string, unknown>>): boolean {
    if (!attempt.graph.isObserved) return false;
    const known = this.recall(attempt.graph, attempt, inputs);
    if (known === undefined) return false;
    attempt.cached = true;
    run.now = this.ports.clock.now();
    this.settleOutput(run, attempt, known, run.now);
    return true;
  }

  /** Takes what a node returned. */
  protected settleOutput(run: ActiveRun, attempt: GraphAttempt, returned: unknown, now: number): void {
    if (attempt.status !== 'running') return;
    let output: Readonly<Record<string, unknown>>;
    try {
      output = checkOutput(attempt, returned);
      if (attempt.change !== undefined) this.#checkState(attempt, attempt.change.state);
      this.#accept(run, attempt, output);
    } catch (error) {
      this.settleFailure(run, attempt, error, now);
      return;
    }
    attempt.graph.complete(attempt, output, now);
  }

  /** Takes what a node threw. */
  protected settleFailure(run: ActiveRun, attempt: GraphAttempt, error: unknown, now: number): void {
    if (attempt.status !== 'running') return;
    run.journal?.require(this.durabilityOf(attempt.node));
    run.thrown.set(`${attempt.graph.scope}${attempt.node.id}`, error);
    attempt.graph.fail(attempt, error, now);
  }

  /** What a store is to keep must be able to come back. @throws AttemptError VALUE_NOT_STORABLE, SECRET_IN_OUTPUT */
  #accept({ journal }: ActiveRun, { node, change }: GraphAttempt, output: Readonly<Record<string, unknown>>): void {
    if (journal === undefined) return;
    journal.require(this.durabilityOf(node));
    if (change !== undefined) journal.accept({ state: change.state }, `the state of ${node.id}`);
    journal.accept(output, `the output of ${node.id}`);
  }

  /** What the record of a node's attempts must survive. */
  protected durabilityOf(node: PlanNode): Durability {
    return this.capabilities.of(node).durability ?? this.options.durability;
  }

  #checkState(attempt: Attempt, next: unknown): void {
    const { state } = attempt.node.implementation;
    if (state === undefined) return;
    const at = `the state of ${attempt.node.id}`;
    const answer = ask(state, next, at);
    if (answer.issues !== undefined)
      throw new LockstepError(
        'STATE_INVALID',
        `What setState() was given does not fit ${at}: ${formatIssues(answer.issues)}.`,
        { at },
      );
  }

  /** Aborts the work of attempts that were cancelled or passed a limit. `true` when there were any. */
  protected abortCancelled(run: ActiveRun): boolean {
    const aborts = run.execution.takeAborts();
    for (const { attempt, reason } of aborts)
      this.listeners.shielded(`abort of ${attempt.node.id}`, () => this.abortAttempt(run, attempt, reason));
    return aborts.length > 0;
  }

  /** Aborts the work of one attempt, wherever it is done. */
  protected abortAttempt(_run: ActiveRun, attempt: Attempt, reason: Error): void {
    if (attempt.status === 'running') attempt.abort(reason);
    else attempt.abandon(reason);
  }

  protected override observes(plan: Plan): boolean {
    return super.observes(plan) || this.monitoring || this.listeners.has('attempt');
  }

  protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
    super.afterAttempt(run, attempt, settlement);
    if (this.listeners.has('attempt') && this.capabilities.of(attempt.node).metrics !== false)
      this.listeners.tell('attempt', attemptEnded(run, attempt, settlement));
  }
}
