import { type RunEvent, subjectOf, timeless } from '../events.js';
import { firstDifference } from '../first-difference.js';

/** Where two runs differ first. */
export interface RunDifference {
  /** Scope and id of the node or cycle that it is about; empty for the run itself. */
  readonly subject: string;
  /** The event of the first run; `undefined` where it has none. */
  readonly left: RunEvent | undefined;
  /** The event of the second run. */
  readonly right: RunEvent | undefined;
  /** What of the two events differs, such as `output.rows.3`; `kind` where they are of different kinds. */
  readonly path: string;
}

/** Events that say how a run was driven, not what became of it. */
const DRIVING: ReadonlySet<string> = new Set(['run.waiting', 'run.resumed', 'attempt.lost']);

function bySubject(events: readonly RunEvent[]): Map<string, RunEvent[]> {
  const found = new Map<string, RunEvent[]>();
  for (const event of events) {
    if (DRIVING.has(event.kind)) continue;
    const subject = subjectOf(event);
    const own = found.get(subject);
    if (own === undefined) found.set(subject, [event]);
    else own.push(event);
  }
  return found;
}

/** What an event says beside times, and the version of the workflow that a run began with: that alone decides nothing. */
function decided({ data }: RunEvent): Record<string, unknown> {
  const { workflowHash: _, ...rest } = timeless(data);
  return rest;
}

function differenceOf(left: RunEvent | undefined, right: RunEvent | undefined): string | undefined {
  if (left === undefined || right === undefined) return '';
  if (left.kind !== right.kind) return 'kind';
  return firstDifference(decided(left), decided(right))?.path;
}

/**
 * The first event in which two runs differ, in the order of the first run; what only the second one has comes last. Each node and
 * cycle is compared by itself, as in the canonical log: who was faster, when, how often a run was resumed, and with which version of
 * its workflow it began make no difference.
 */
export function diffEvents(left: readonly RunEvent[], right: readonly RunEvent[]): RunDifference | undefined {
  const [a, b] = [bySubject(left), bySubject(right)];
  const found: (RunDifference & { readonly place: number })[] = [];
  for (const subject of new Set([...a.keys(), ...b.keys()])) {
    const [own, other] = [a.get(subject) ?? [], b.get(subject) ?? []];
    for (let index = 0; index < Math.max(own.length, other.length); index++) {
      const path = differenceOf(own[index], other[index]);
      if (path === undefined) continue;
      const place = own[index]?.seq ?? left.length + (other[index]?.seq ?? 0);
      found.push({ subject, left: own[index], right: other[index], path, place });
      break;
    }
  }
  const first = found.sort((one, two) => one.place - two.place)[0];
  return first === undefined
    ? undefined
    : { subject: first.subject, left: first.left, right: first.right, path: first.path };
}
