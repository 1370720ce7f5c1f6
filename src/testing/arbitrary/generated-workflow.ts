import type { Clock } from '../../base/ports.js';
import type { Workflow } from '../../base/workflow.js';
import type { GateAnswers } from '../gate-answers.js';
import { onClock } from '../timed.js';
import { withFunctions } from '../with-functions.js';
import { buildFlow } from './build-flow.js';
import { describeFlow } from './describe-flow.js';
import { answersOf, type FlowSpec } from './flow.js';

/**
 * A workflow that was drawn, and what it is run with. As text, and where fast-check prints it, it is a description of its
 * structure.
 */
export class GeneratedWorkflow {
  /** The workflow as plain data, from which it was built. */
  readonly spec: FlowSpec;
  readonly #form: 'sync' | 'async';

  /**
   * @param spec such as that of a counterexample, pasted as JSON
   * @param form `async`: functions of nodes answer with promises, where the spec says so
   */
  constructor(spec: FlowSpec, form: 'sync' | 'async' = 'sync') {
    this.spec = spec;
    this.#form = form;
  }

  /** Built when first read, and always the same. */
  get workflow(): Workflow<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>> {
    return buildFlow(this.spec, { async: this.#form === 'async' }) as Workflow<
      Readonly<Record<string, unknown>>,
      Readonly<Record<string, unknown>>
    >;
  }

  /** The parameters to run it with. */
  get params(): Readonly<Record<string, unknown>> {
    return this.spec.parameters.values;
  }

  /** Node-addressed parameters to run it with: the option `set` of a run. */
  get set(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
    return this.spec.set;
  }

  /** How its gates are answered: what `assertParity` and `explore` take as `answers`. */
  get answers(): GateAnswers {
    return answersOf(this.spec);
  }

  /**
   * The same workflow, whose nodes take their time on a clock. Needed with `durations`, where anything else than `assertParity` and
   * `explore` runs it.
   */
  on(clock: Clock): Workflow<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>> {
    return withFunctions(this.workflow, (_, one) => onClock(one, clock));
  }

  /** Its structure, a line for each node, input, cycle and output: what fast-check prints of a counterexample. */
  toString(): string {
    return describeFlow(this.spec);
  }
}
