import { type AttemptKey, type RunEvent, subjectOf, timeless } from '../events.js';
import { scopePrefix } from '../transitions.js';

/** An event, and what it says of a run beside how that was driven. */
export interface ToldEvent {
  readonly event: RunEvent;
  readonly subject: string;
  /** Without times, and without the version of the workflow that a run began with: that alone decides nothing. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events that say how a run was driven, not what became of it. */
const DRIVING: ReadonlySet<string> = new Set(['run.waiting', 'run.resumed']);

function visitOf({ scope, node, visit }: AttemptKey): string {
  return `${scope}${node}#${visit}`;
}

/** Counts the attempts of a log as if none of them had been lost with its process. */
class Attempts {
  readonly #lost = new Set<string>();
  /** How many were lost so far, by visit. */
  readonly #lostOf = new Map<string, number>();
  /** Where children live, as recorded and as they would, where their map or subworkflow had lost an attempt. */
  readonly #scopes = new Map<string, string>();

  constructor(events: readonly RunEvent[]) {
    for (const { kind, data } of events)
      if (kind === 'attempt.lost' && data.then.kind === 'retry') this.#lost.add(`${visitOf(data)}.${data.attempt}`);
  }

  /** The data of the event that would have been; `undefined` where there would have been none. */
  told({ kind, data }: RunEvent): RunEvent['data'] | undefined {
    if (this.#lost.size === 0) return data;
    const scoped = 'scope' in data ? { ...data, scope: this.#scope(data.scope) } : data;
    if (!('attempt' in data)) return scoped;
    const visit = visitOf(data);
    if (this.#lost.has(`${visit}.${data.attempt}`)) {
      if (kind === 'attempt.lost') this.#lostOf.set(visit, (this.#lostOf.get(visit) ?? 0) + 1);
      return undefined;
    }
    const attempt = data.attempt - (this.#lostOf.get(visit) ?? 0);
    const told = { ...scoped, attempt } as AttemptKey;
    if (kind === 'children.created') this.#scopes.set(scopePrefix(data), scopePrefix(told));
    return told as RunEvent['data'];
  }

  #scope(scope: string): string {
    let [longest, told] = ['', ''];
    for (const [prefix, instead] of this.#scopes)
      if (prefix.length > longest.length && scope.startsWith(prefix) && '[/'.includes(scope[prefix.length] ?? ' '))
        [longest, told] = [prefix, instead];
    return told + scope.slice(longest.length);
  }
}

/** What a log tells of what became of its run: had it never waited and no process of it ended, it would tell the same. */
export function toldEvents(events: readonly RunEvent[]): readonly ToldEvent[] {
  const attempts = new Attempts(events);
  return events.flatMap((event) => {
    const told = DRIVING.has(event.kind) ? undefined : attempts.told(event);
    if (told === undefined) return [];
    const { workflowHash: _, ...data } = timeless(told);
    return [{ event, subject: subjectOf({ ...event, data: told } as RunEvent), data }];
  });
}
