import type { RunEvent } from '../../src/base/events.js';

/** `node attempt` of the events of a kind. */
export function attemptsOf(events: readonly RunEvent[], kind: RunEvent['kind']): readonly string[] {
  return events.flatMap((event) => {
    if (event.kind !== kind) return [];
    const { node, attempt } = event.data as { readonly node: string; readonly attempt: number };
    return [`${node} ${attempt}`];
  });
}
