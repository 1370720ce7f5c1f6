import type { Attempt } from './attempt.js';
import { errorData, LockstepError } from './errors.js';
import type { RunEvent } from './events.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { BoundParameters, RunFindings, RunRequest } from './run-request.js';
import type { Admission, CycleDecision, FailureDecision, NodeDecision, RunView, Settlement } from './run-view.js';
import { inputBits, LIVE, readSource } from './source-evaluation.js';

/**
 * What mixins override. Each deciding hook is owned by one mixin; observers are layered and call `super` once. Where no mixin
 * decides, the most careful answer stands.
 */
export abstract class RuntimeHooks {
  /** Checks before a run, layered: each adds what it finds. */
  protected checkRun(_request: RunRequest, _findings: RunFindings): void {}

  /** Matches what the caller passed with what the workflow declares. */
  protected bindParameters(request: RunRequest): BoundParameters {
    return { parameters: request.parameters, set: undefined, problems: [], warnings: [] };
  }

  /** The inputs of an attempt, before any schema is asked: by default, connections and literals. */
  protected resolveInputs(run: RunView, attempt: Attempt): Record<string, unknown> {
    const inputs: Record<string, unknown> = {};
    for (const input of attempt.node.inputs) {
      if (input.connection !== undefined && inputBits(run.state, input) & LIVE)
        inputs[input.port.name] = readSource(run.state, input.connection);
      else if (input.configured) inputs[input.port.name] = input.config;
    }
    return inputs;
  }

  /** The inputs as the node sees them: asked only for nodes with something to check. */
  protected checkInputs(_run: RunView, _attempt: Attempt, inputs: Record<string, unknown>): Record<string, unknown> {
    return inputs;
  }

  /** What to do with a node whose sources are not all live: by default, block it. */
  protected decideNode(_run: RunView, node: PlanNode): NodeDecision {
    const root = { subject: node.id, port: null, code: 'undecided' as const };
    return { kind: 'block', reason: { code: 'undecided', input: null, source: null, root } };
  }

  /** What to do at the end of an iteration: by default, fail the cycle. */
  protected decideCycle(_run: RunView, region: PlanRegion, _now: number): CycleDecision {
    const error = new LockstepError('UNDECIDED', `No mixin decides about cycle "${region.id}".`, { at: region.id });
    return {
      kind: 'stop',
      reason: 'failed',
      failed: true,
      metric: undefined,
      root: undefined,
      error: errorData(error),
    };
  }

  /** Whether a node may start: by default, at once. */
  protected admit(_run: RunView, _node: PlanNode, _now: number): Admission {
    return 'start';
  }

  /** What follows from a failure: by default, the node fails. */
  protected decideFailure(_run: RunView, _attempt: Attempt, _error: unknown, _now: number): FailureDecision {
    return FAIL;
  }

  /** Whether an output counts: by default, yes. */
  protected judge(_run: RunView, _attempt: Attempt, _output: Readonly<Record<string, unknown>>): Error | undefined {
    return undefined;
  }

  /** An output that is known already for these inputs: the node is not called. By default, none is. */
  protected recall(
    _run: RunView,
    _attempt: Attempt,
    _inputs: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> | undefined {
    return undefined;
  }

  /** Whether other work goes on while an attempt waits: not where the thread itself waits. */
  protected get waitingHelps(): boolean {
    return true;
  }

  /** Whether the attempts of this run are observed one by one: by default, no. Layered: one who wants to know is enough. */
  protected observes(_plan: Plan): boolean {
    return false;
  }

  /** Observes that an attempt has settled, in whatever way: of functions, maps, subworkflows and gates, where `observes` says so. */
  protected afterAttempt(_run: RunView, _attempt: Attempt, _settlement: Settlement): void {}

  /** Observes that a node which `admit` had parked will not start: its run, or the owner of its graph, has stopped. */
  protected withdraw(_run: RunView, _node: PlanNode): void {}

  /** What each mixin adds to the performance report: by default, nothing. Layered: each adds a section under its own name. */
  protected performanceSections(): Readonly<Record<string, object>> {
    return {};
  }

  /** Observes that a run has ended. */
  protected finishRun(_run: RunView): void {}

  /** The recorded history of a run that is being continued; `undefined` for a new run. */
  protected loadHistory(_runId: string): readonly RunEvent[] | undefined {
    return undefined;
  }
}

const FAIL: FailureDecision = Object.freeze({ then: Object.freeze({ kind: 'fail' }) });
