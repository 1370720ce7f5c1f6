import type { AttemptEnded, BreakerStateName } from '../../base/notifications.js';
import type { WorkerEnd } from '../worker-meter.js';

/** What series are told apart by, under the names that Prometheus shows. */
export type LabelName =
  | 'workflow'
  | 'status'
  | 'executor'
  | 'node'
  | 'error_type'
  | 'breaker'
  | 'state'
  | 'workers'
  | 'end';

/** One label. */
export interface Label {
  /** Its name as an attribute in OpenTelemetry. */
  readonly attribute: string;
  /** Every value that it can have; `undefined` where there is no end of them, so that their number has to be limited. */
  readonly values: readonly string[] | undefined;
  readonly description: string;
}

/** The labels of a series. Those that do not apply are left out. */
export type Labels = { readonly [Name in LabelName]?: string };

const STATUSES: readonly AttemptEnded['status'][] = ['completed', 'failed', 'lost', 'cancelled'];
/** The states of a breaker. */
export const BREAKER_STATES: readonly BreakerStateName[] = ['closed', 'open', 'half-open'];

const WORKER_ENDS: readonly WorkerEnd[] = ['stopped', 'recycled', 'condemned', 'exited', 'killed', 'out_of_memory'];

/** Every label, by name. */
export const LABELS: Readonly<Record<LabelName, Label>> = {
  workflow: {
    attribute: 'lockstep.workflow.name',
    values: undefined,
    description: 'The name of the workflow that was run, also for what happens in its maps and subworkflows.',
  },
  status: {
    attribute: 'lockstep.status',
    values: STATUSES,
    description: 'How the run, the attempt or the start of a worker ended.',
  },
  executor: {
    attribute: 'lockstep.executor',
    values: undefined,
    description:
      'What performed the attempt: `function.` and the name of the node definition, `function.lockstep.fn` for inline functions, or `switch`, `map`, `subworkflow`, `gate`.',
  },
  node: {
    attribute: 'lockstep.node.id',
    values: undefined,
    description: 'The id of the node. Only with the option `nodes`.',
  },
  error_type: {
    attribute: 'error.type',
    values: undefined,
    description: 'The code of the error; `other` where it does not look like a code.',
  },
  breaker: {
    attribute: 'lockstep.breaker.key',
    values: undefined,
    description: 'The key of the breaker: that of its executor, or of its node.',
  },
  state: {
    attribute: 'lockstep.breaker.state',
    values: BREAKER_STATES,
    description: 'The state that the breaker went to, or is in.',
  },
  workers: {
    attribute: 'lockstep.workers.name',
    values: undefined,
    description: 'The name of the workers: `default`, or that of `pythonWorkers({ name })`.',
  },
  end: {
    attribute: 'lockstep.worker.end',
    values: WORKER_ENDS,
    description:
      'How the process ended: `stopped` as it was asked, `recycled` for a fresh one, `condemned` because it did not do what it was asked; by itself: `exited`, `killed`, `out_of_memory`.',
  },
};

/** The value of a label that stands for every value beyond the limit. */
export const OTHER = 'other';

const CODE = /^[\w.:-]{1,64}$/;

/** The code of an error as a label: what nodes throw can carry anything under that name, which no label must show. */
export function errorType(code: string): string {
  return CODE.test(code) ? code : OTHER;
}
