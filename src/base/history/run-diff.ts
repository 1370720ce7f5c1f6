import type { RunEvent } from '../events.js';
import { firstDifference } from '../first-difference.js';
import { type ToldEvent, toldEvents } from './told-events.js';

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

function bySubject(events: readonly RunEvent[]): Map<string, ToldEvent[]> {
  const found = new Map<string, ToldEvent[]>();
  for (const told of toldEvents(events)) {
    const own = found.get(told.subject);
    if (own === undefined) found.set(told.subject, [told]);
    else own.push(told);
  }
  return found;
}

function differenceOf(left: ToldEvent | undefined, right: ToldEvent | undefined): string | undefined {
  if (left === undefined || right === undefined) return '';
  if (left.event.kind !== right.event.kind) return 'kind';
  return firstDifference(left.data, right.data)?.path;
}

/**
 * The first event in which two runs differ, in the order of the first run; what only the second one has comes last. Each node and
 * cycle is compared by itself, as in the canonical log: who was faster, when, how often a run was resumed, what was lost with its
 * process and made again, and with which version of its workflow it began make no difference.
 */
export function diffEvents(left: readonly RunEvent[], right: readonly RunEvent[]): RunDifference | undefined {
  const [a, b] = [bySubject(left), bySubject(right)];
  const found: (RunDifference & { readonly place: number })[] = [];
  for (const subject of new Set([...a.keys(), ...b.keys()])) {
    const [own, other] = [a.get(subject) ?? [], b.get(subject) ?? []];
    for (let index = 0; index < Math.max(own.length, other.length); index++) {
      const path = differenceOf(own[index], other[index]);
      if (path === undefined) continue;
      const [one, two] = [own[index]?.event, other[index]?.event];
      found.push({ subject, left: one, right: two, path, place: one?.seq ?? left.length + (two?.seq ?? 0) });
      break;
    }
  }
  const first = found.sort((one, two) => one.place - two.place)[0];
  return first === undefined
    ? undefined
    : { subject: first.subject, left: first.left, right: first.right, path: first.path };
}
