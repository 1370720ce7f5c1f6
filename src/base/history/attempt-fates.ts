import type { AttemptKey, RunEvent } from '../events.js';

/** The attempt that opened a scope: of `sub/all#2.3[0]/` the third attempt of the second visit of `all` in `sub/`. */
function openerOf(scope: string): AttemptKey {
  const [, outer = '', node = '', visit = '1', attempt = '1'] =
    /^(.*\/)?([^/#[]+)(?:#(\d+)(?:\.(\d+))?)?(?:\[\d+\])?\/$/.exec(scope) ?? [];
  return { scope: outer, node, visit: Number(visit), attempt: Number(attempt) };
}

function keyOf({ scope, node, visit, attempt }: AttemptKey): string {
  return `${scope}${node}/${visit}/${attempt}`;
}

/** What became of the attempts of a history, as far as it says what was only cut off. */
export class AttemptFates {
  /** Attempts that completed, failed or were lost. */
  readonly #ended = new Set<string>();
  readonly #cancelled = new Set<string>();
  /** Attempts that opened children, or a gate: they can go on where they were. */
  readonly #opened = new Set<string>();
  /** The attempt that ran past its limit, by event. */
  readonly #late = new Map<RunEvent, string>();
  /** Scopes of graphs that have not come to their end by themselves. */
  readonly #unended = new Map<string, boolean>([['', true]]);
  readonly #completed = new Set<string>();

  constructor(events: readonly RunEvent[]) {
    const latest = new Map<string, string>();
    for (const event of events) {
      const { kind, data } = event;
      if (kind === 'deadline.expired') this.#late.set(event, latest.get(`${data.scope}${data.subject}`) ?? '');
      if (!('attempt' in data)) continue;
      const key = keyOf(data);
      if (kind === 'attempt.started') latest.set(`${data.scope}${data.node}`, key);
      else if (kind === 'attempt.cancelled') this.#cancelled.add(key);
      else if (kind === 'children.created' || kind === 'gate.opened') this.#opened.add(key);
      else this.#ended.add(key);
      if (kind === 'attempt.completed' && data.scope === '') this.#completed.add(data.node);
    }
  }

  /** Whether a node at the top delivered what a function, or its children, gave. */
  completed(node: string): boolean {
    return this.#completed.has(node);
  }

  /**
   * Whether an event belongs to what the end of the run cut off: nodes, cycles and attempts that were cancelled. What a map or
   * subworkflow cancelled that has ended by itself stays cancelled.
   */
  isUndone(event: RunEvent): boolean {
    const { kind, data } = event;
    switch (kind) {
      case 'node.cancelled':
      case 'attempt.cancelled':
        return this.#isUnended(data.scope);
      case 'cycle.stopped':
        return data.reason === 'cancelled' && this.#isUnended(data.scope);
      case 'attempt.started':
        return this.#wasCutOff(keyOf(data)) && this.#isUnended(data.scope);
      case 'deadline.expired':
        return this.#wasCutOff(this.#late.get(event) ?? '') && this.#isUnended(data.scope);
      default:
        return false;
    }
  }

  #wasCutOff(key: string): boolean {
    return this.#cancelled.has(key) && !this.#opened.has(key);
  }

  #isUnended(scope: string): boolean {
    let unended = this.#unended.get(scope);
    if (unended === undefined) {
      const opener = openerOf(scope);
      unended = !this.#ended.has(keyOf(opener)) && this.#isUnended(opener.scope);
      this.#unended.set(scope, unended);
    }
    return unended;
  }
}
