import { ConfigurationError } from '../errors.js';
import { shapeOf } from '../event-data.js';
import type { AttemptKey, EventData, RunEvent } from '../events.js';
import type { Plan, PlanRegion } from '../plan.js';
import { AttemptFates } from './attempt-fates.js';

/** What becomes of a history beside what is cut out of it. */
export interface PruneOptions {
  /**
   * Outputs to continue with instead of those that nodes at the top delivered, by node; whole outputs, by port. A node that
   * completed keeps its attempts, any other one completes at the end. Nodes of cycles have none that could be replaced: each of
   * their iterations delivered one.
   */
  readonly replacedOutputs?: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

type Data = EventData[keyof EventData];

/** Events of the run as a whole that do not hold for one that goes on. */
const ENDINGS: ReadonlySet<string> = new Set([
  ...['run.completed', 'run.failed', 'run.cancelled', 'run.waiting', 'run.resumed', 'run.cancel_requested'],
]);

/** Warnings that say how the run ended, or that it took long: it has not ended. */
const OF_THE_ENDING: ReadonlySet<string> = new Set(['missing-output', 'soft-timeout']);

/** The node at the top that a scope belongs to: `all` of `all#2[3]/sub/`. */
function ownerOf(scope: string): string {
  return scope.split(/[[#/]/, 1)[0] as string;
}

class Pruning {
  readonly #plan: Plan;
  readonly #dirty: ReadonlySet<string>;
  readonly #replaced: NonNullable<PruneOptions['replacedOutputs']>;
  readonly #fates: AttemptFates;
  readonly #events: readonly RunEvent[];
  /** What the plan of the recording had, by id. */
  readonly #recorded: ReadonlySet<string>;

  constructor(plan: Plan, events: readonly RunEvent[], dirty: ReadonlySet<string>, { replacedOutputs }: PruneOptions) {
    this.#plan = plan;
    this.#events = events;
    this.#dirty = dirty;
    this.#replaced = replacedOutputs ?? new Map();
    this.#fates = new AttemptFates(events);
    const [started] = events;
    const shape = started?.kind === 'run.started' ? started.data.plan : { nodes: [], cycles: [] };
    this.#recorded = new Set([...shape.nodes, ...shape.cycles]);
    for (const id of this.#replaced.keys()) this.#checkReplaced(id);
  }

  #checkReplaced(id: string): void {
    const index = this.#plan.nodeIndex.get(id);
    const why =
      index === undefined
        ? 'is no node at the top'
        : this.#plan.nodes[index]?.region !== -1
          ? 'belongs to a cycle'
          : this.#dirty.has(id)
            ? 'is to run again'
            : undefined;
    if (why === undefined) return;
    throw new ConfigurationError('INVALID_OPTION', `The output of "${id}" cannot be replaced: it ${why}.`, { at: id });
  }

  run(): readonly RunEvent[] {
    const kept: RunEvent[] = [];
    for (const event of this.#events) {
      const data = this.#kept(event);
      if (data !== undefined) kept.push({ ...event, seq: kept.length, data } as RunEvent);
    }
    const last = kept.at(-1);
    for (const [node, output] of this.#replaced)
      if (last !== undefined && !this.#fates.completed(node)) this.#complete(kept, last, node, output);
    return kept;
  }

  /** A node completes that had not. */
  #complete(
    kept: RunEvent[],
    { ts, runId, v }: RunEvent,
    node: string,
    output: Readonly<Record<string, unknown>>,
  ): void {
    const key: AttemptKey = { scope: '', node, visit: 1, attempt: 1 };
    kept.push({ seq: kept.length, ts, runId, v, kind: 'attempt.started', data: key });
    kept.push({ seq: kept.length, ts, runId, v, kind: 'attempt.completed', data: { ...key, output } });
  }

  /** The data of an event in the pruned history; `undefined` where it is not part of it. */
  #kept(event: RunEvent): Data | undefined {
    const { kind, data } = event;
    if (kind === 'run.started') return this.#started(data);
    if (ENDINGS.has(kind)) return undefined;
    if (kind === 'run.warned') return this.#keepsWarning(data) ? data : undefined;
    if (kind === 'deadline.expired' && data.subject === '') return undefined;
    const { scope, ...about } = data as { readonly scope: string } & Partial<
      Record<'node' | 'cycle' | 'subject', string>
    >;
    const subject = scope === '' ? (about.node ?? about.cycle ?? about.subject ?? '') : ownerOf(scope);
    if (!this.#keeps(subject) || this.#fates.isUndone(event)) return undefined;
    const output = this.#replaced.get(subject);
    if (output === undefined) return data;
    if (!this.#fates.completed(subject)) return undefined;
    return kind === 'attempt.completed' && scope === '' ? { ...data, output } : data;
  }

  #started(data: EventData['run.started']): EventData['run.started'] {
    const { nodeIndex, workflow } = this.#plan;
    const set = data.set.filter(({ node }) => nodeIndex.has(node));
    return { ...data, workflow: workflow.name, plan: shapeOf(this.#plan), set };
  }

  /** Whether a node or cycle at the top stays as it was recorded. */
  #keeps(subject: string): boolean {
    const { nodes, nodeIndex, regionIndex, regions } = this.#plan;
    if (nodeIndex.has(subject)) return !this.#dirty.has(subject);
    const region = regions[regionIndex.get(subject) ?? -1] as PlanRegion | undefined;
    return region !== undefined && !this.#dirty.has(nodes[region.start]?.id as string);
  }

  /** A warning is about a node or cycle, about a port or a child of it, or about something else, such as a parameter. */
  #keepsWarning({ scope, at, code }: EventData['run.warned']): boolean {
    if (scope !== '') return this.#keeps(ownerOf(scope));
    const subject = at.split(/[./]/, 1)[0] as string;
    const { nodeIndex, regionIndex } = this.#plan;
    const isPart = nodeIndex.has(subject) || regionIndex.has(subject) || this.#recorded.has(subject);
    return isPart && code !== 'missing-output' ? this.#keeps(subject) : !OF_THE_ENDING.has(code);
  }
}

/**
 * The history of a run without what is to happen anew, to be continued by this plan: as if every node that is kept had settled
 * first. Everything of the dirty nodes is left out, of their children, of their cycles, and of nodes that the plan does not have;
 * how the run ended, waited, or was told to stop; and what was cancelled with it, which may now run. Attempts that were in flight
 * stay in flight: whoever continues the run finds them lost.
 *
 * @param plan with which the run goes on
 * @param dirty nodes at the top, closed under `dependentsOf`
 * @throws ConfigurationError INVALID_OPTION where an output cannot be replaced
 */
export function pruneHistory(
  plan: Plan,
  events: readonly RunEvent[],
  dirty: ReadonlySet<string>,
  options: PruneOptions = {},
): readonly RunEvent[] {
  return new Pruning(plan, events, dirty, options).run();
}

/**
 * The first events of a history, as many as are asked for.
 *
 * @param events a history
 * @param atSeq the position after the last one: at least 1, at most as many as there are
 * @throws ConfigurationError INVALID_OPTION
 */
export function prefixOf(events: readonly RunEvent[], atSeq: number): readonly RunEvent[] {
  if (Number.isSafeInteger(atSeq) && atSeq >= 1 && atSeq <= events.length) return events.slice(0, atSeq);
  const what = `A history of ${events.length} events has no part that ends before position ${atSeq}.`;
  throw new ConfigurationError('INVALID_OPTION', what, { at: 'atSeq', value: atSeq });
}
