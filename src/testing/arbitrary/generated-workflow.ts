import type { Clock } from '../../base/ports.js';
import type { Workflow } from '../../base/workflow.js';
import type { GateAnswers } from '../gate-answers.js';
import { onClock } from '../timed.js';
import { withFunctions } from '../with-functions.js';
import { buildFlow } from './build-flow.js';
import { describeFlow } from './describe-flow.js';
import { answersOf, type FlowSpec } from './flow.js';

/** Parameters or outputs, by name. */
type Values = Readonly<Record<string, unknown>>;

/**
 * A workflow that was drawn, and what it is run with. As text, and where fast-check prints it, it is a description of its
 * structure.
 */
export class GeneratedWorkflow {
  /** The workflow as plain data, from which it was built. */
  readonly spec: FlowSpec;
  readonly #async: boolean;

  constructor(spec: FlowSpec, async: boolean) {
    this.spec = spec;
    this.#async = async;
  }

  /** Built when first read, and always the same. */
  get workflow(): Workflow<Values, Values> {
    return buildFlow(this.spec, { async: this.#async }) as Workflow<Values, Values>;
  }

  /** The parameters to run it with. */
  get params(): Values {
    return this.spec.parameters.values;
  }

  /** Node-addressed parameters to run it with: the option `set` of a run. */
  get set(): Readonly<Record<string, Values>> {
    return this.spec.set;
  }

  /** How its gates are answered: what `assertParity` and `explore` take as `answers`. */
  get answers(): GateAnswers {
    return answersOf(this.spec);
  }

  /** The same workflow, whose nodes take their time on a clock. Needed with `durations` where it is run by anything else than `assertParity` and `explore`. */
  on(clock: Clock): Workflow<Values, Values> {
    return withFunctions(this.workflow, (_, one) => onClock(one, clock));
  }

  toString(): string {
    return describeFlow(this.spec);
  }

  /** What fast-check prints. */
  [Symbol.for('fast-check/toStringMethod')](): string {
    return this.toString();
  }
}
