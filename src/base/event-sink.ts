import { sealed } from './event-data.js';
import type { RunEvent } from './events.js';
import type { Execution } from './execution.js';
import type { Listeners } from './listeners.js';
import type { EventSink } from './run-core.js';
import type { RunOptions } from './runtime-options.js';
import { maskEvent } from './secret-mask.js';

/**
 * Where the events of a run go; `undefined` when nobody wants them, and then none is made.
 *
 * @param execution known only after the sink: it is made with it
 * @param events what keeps them where the run may have to wait
 */
export function sinkFor(
  listeners: Listeners,
  { onEvent }: RunOptions,
  execution: () => Execution,
  events: RunEvent[] | undefined,
): EventSink | undefined {
  const listened = listeners.has('event');
  if (onEvent === undefined && !listened && events === undefined) return undefined;
  const show = (event: RunEvent): void => {
    const { secrets } = execution();
    const shown = secrets.size === 0 ? event : maskEvent(event, secrets);
    if (onEvent !== undefined) listeners.shielded('onEvent', () => onEvent(shown));
    if (listened) listeners.tell('event', shown);
  };
  const shielded: EventSink = (event) => listeners.shielded('masking of an event', () => show(event)); // what cannot be masked is not shown
  return (event) => {
    sealed(event);
    events?.push(event);
    shielded(event);
  };
}

/** How those who listen are told of an event that is recorded; `undefined` when nobody listens as the run begins. */
export function tellerFor(listeners: Listeners, { onEvent }: RunOptions): ((event: RunEvent) => void) | undefined {
  const listened = listeners.has('event');
  if (onEvent === undefined && !listened) return undefined;
  return (event) => {
    if (onEvent !== undefined) listeners.shielded('onEvent', () => onEvent(event));
    if (listened) listeners.tell('event', event);
  };
}

const ANSWERS: ReadonlySet<string> = new Set(['gate.approved', 'gate.rejected']);

/** Tells whoever listens to a run that goes on only what was answered since it returned: its log has no gap then. */
export function tellAnswers(
  listeners: Listeners,
  { onEvent }: RunOptions,
  { secrets }: Execution,
  history: readonly RunEvent[],
): void {
  if (onEvent === undefined) return;
  const since = history.slice(history.findLastIndex(({ kind }) => kind === 'run.waiting') + 1);
  if (since.length === history.length || !since.every(({ kind }) => ANSWERS.has(kind))) return; // it did not wait: it was cut off
  for (const event of since)
    listeners.shielded('onEvent', () => onEvent(secrets.size === 0 ? event : maskEvent(event, secrets)));
}
