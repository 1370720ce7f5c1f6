import { doubtfulFanIns } from '../../base/branches.js';
import type { ValidationLevel } from '../../base/capability-options.js';
import { LockstepError } from '../../base/errors.js';
import { type Plan, plansOf } from '../../base/plan.js';
import type { Warning } from '../../base/warning.js';

/** What is wrong with a workflow, and what is only doubtful. */
export interface ValidationReport {
  readonly problems: readonly LockstepError[];
  readonly warnings: readonly Warning[];
}

const NOTHING: ValidationReport = Object.freeze({ problems: [], warnings: [] });
const found = new WeakMap<Plan, readonly { readonly at: string; readonly message: string }[]>();

function unprovedFanIns(plan: Plan): readonly { readonly at: string; readonly message: string }[] {
  let doubts = found.get(plan);
  if (doubts === undefined) {
    doubts = plansOf(plan).flatMap((place) =>
      doubtfulFanIns(place.plan).map(({ node, input }) => {
        const at = `${place.owners}${node.id}.${input.port.name}`;
        return { at, message: `${input.from} lead into "${at}" and cannot be proved exclusive.` };
      }),
    );
    found.set(plan, doubts);
  }
  return doubts;
}

/** Checks a plan and those of its children once, at the given level: fan-in that cannot be proved exclusive warns, or is an error when strict. */
export function checkStatically(plan: Plan, level: ValidationLevel): ValidationReport {
  if (level === 'off') return NOTHING;
  const doubts = unprovedFanIns(plan);
  if (doubts.length === 0) return NOTHING;
  if (level === 'strict')
    return {
      problems: doubts.map(({ at, message }) => new LockstepError('CONTRACT_UNPROVED', message, { at })),
      warnings: [],
    };
  return { problems: [], warnings: doubts.map(({ at, message }) => ({ code: 'unproved-fan-in', message, at })) };
}
