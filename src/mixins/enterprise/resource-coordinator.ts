import { LIMIT_DEFAULTS, type LimitOptions } from '../../base/capability-options.js';
import type { EffectiveCapabilities } from '../../base/capability-table.js';
import { AttemptError } from '../../base/errors.js';
import type { PlanNode } from '../../base/plan.js';
import type { Readings } from '../../base/ports.js';
import type { ResourceOptions } from '../../base/resource-options.js';
import type { Admission, RunView } from '../../base/run-view.js';
import { LimitCounts, LimitPool } from './limit-pool.js';
import type { SlotWaiter } from './slot-pool.js';

/** What a limit shows of itself. Counts are since the runtime was created. */
export interface LimitReport {
  /** What it limits: `runtime`, an executor such as `function.clean`, or `workflow/node`. */
  readonly key: string;
  readonly limit: LimitOptions;
  /** Values of the field `per` that have somebody in flight or waiting; 1 without `per`, while somebody is. */
  readonly values: number;
  /** Attempts that hold a slot. */
  readonly inFlight: number;
  readonly waiting: number;
  readonly started: number;
  /** Attempts that failed because there was no room: LIMIT_EXCEEDED, QUEUE_FULL. */
  readonly rejected: number;
  /** Attempts that failed with QUEUE_TIMEOUT. */
  readonly timedOut: number;
  /** Milliseconds, of all attempts that waited and then started. */
  readonly waitedMs: number;
  readonly longestWaitMs: number;
}

type Pool = LimitPool<Ticket>;

/** One limit, with the pools of its values. */
interface Rule {
  readonly key: string;
  readonly options: LimitOptions;
  readonly counts: LimitCounts;
  readonly pools: Map<string, Pool>;
}

/** One limit on the way of an attempt. */
interface Step {
  readonly rule: Rule;
  readonly pool: Pool;
  readonly what: 'slot' | 'token';
}

/** A node on its way to an attempt, and then the attempt: what it holds and what it waits for. */
class Ticket implements SlotWaiter {
  readonly run: RunView;
  readonly node: PlanNode;
  readonly steps: readonly Step[];
  readonly since: number;
  readonly held: Pool[] = [];
  /** The step that it is at. */
  at = 0;
  state: 'new' | 'queued' | 'granted' | 'promised' | 'behind' = 'new';
  /** When its token is there, while it is promised one. Epoch milliseconds. */
  tokenAt = 0;

  constructor(run: RunView, node: PlanNode, steps: readonly Step[], since: number) {
    this.run = run;
    this.node = node;
    this.steps = steps;
    this.since = since;
  }

  get owner(): string {
    return this.run.runId;
  }

  get priority(): number {
    return this.run.priority;
  }

  granted(): void {
    this.state = 'granted';
    this.run.unpark(this.node);
  }

  /** It has what this step gives. */
  pass(): void {
    this.at++;
    this.state = 'new';
  }
}

/** How many values of a limit are kept before idle ones are looked for. */
const MANY_VALUES = 1_000;
const CHECK_EVERY_MS = 100;

function keyOf(run: RunView, { id }: PlanNode): string {
  return `${run.runId}/${run.scope}${id}`;
}

function refused(
  code: 'LIMIT_EXCEEDED' | 'QUEUE_FULL' | 'QUEUE_TIMEOUT' | 'RESOURCE_EXHAUSTED',
  node: PlanNode,
  what: string,
) {
  const error = new AttemptError(code, `Node "${node.id}" ${what}.`, { at: node.id });
  return { kind: 'refuse' as const, error };
}

/**
 * Decides when attempts start: concurrency and rate for nodes, executors, the runtime and each value of a field of the context;
 * memory and the event loop. Every limit on the way is taken in one order, slots before tokens, so that no two runs can wait for
 * each other's. Its state lives in the runtime; what it refuses stands in the log.
 */
export class ResourceCoordinator {
  readonly #resources: ResourceOptions;
  readonly #limits: readonly LimitOptions[];
  readonly #readings: Readings;
  readonly #waitingHelps: () => boolean;
  readonly #rules = new Map<string, Rule>();
  /** Those that wait, and attempts in flight, by run, scope and node: a node has one attempt at a time. */
  readonly #tickets = new Map<string, Ticket>();
  #checkedAt = Number.NEGATIVE_INFINITY;
  #worry: string | undefined;
  #exhausted = 0;

  /** @param waitingHelps whether anything can get better while an attempt waits: not where the thread itself waits */
  constructor(resources: ResourceOptions, readings: Readings, waitingHelps: () => boolean) {
    this.#resources = resources;
    this.#limits = [resources.limits ?? []].flat();
    this.#readings = readings;
    this.#waitingHelps = waitingHelps;
  }

  /** Whether it limits nodes that have no limit of their own or of their executor. */
  get limitsAll(): boolean {
    const { maxRssBytes, maxEventLoopDelayMs } = this.#resources;
    return this.#limits.length > 0 || maxRssBytes !== undefined || maxEventLoopDelayMs !== undefined;
  }

  /** Whether an attempt may start. Asked again until it may. */
  admit(run: RunView, node: PlanNode, capabilities: EffectiveCapabilities, now: number): Admission {
    const key = keyOf(run, node);
    let ticket = this.#tickets.get(key);
    if (ticket === undefined) {
      const exhausted = this.#checkProcess(node, now);
      if (exhausted !== undefined) return exhausted;
      const steps = this.#stepsOf(run, node, capabilities);
      if (steps.length === 0) return 'start';
      ticket = new Ticket(run, node, steps, now);
      this.#tickets.set(key, ticket);
    }
    while (ticket.at < ticket.steps.length) {
      const step = ticket.steps[ticket.at] as Step;
      const admission = step.what === 'slot' ? this.#takeSlot(ticket, step, now) : this.#takeToken(ticket, step, now);
      if (admission === 'start') continue;
      if (admission.kind === 'refuse') this.#dismiss(key, ticket);
      return admission;
    }
    this.#started(ticket, now);
    return 'start';
  }

  /** An attempt has settled, or a node that waited will not start: what it held is given back. */
  release(run: RunView, node: PlanNode): void {
    const key = keyOf(run, node);
    const ticket = this.#tickets.get(key);
    if (ticket !== undefined) this.#dismiss(key, ticket);
  }

  #dismiss(key: string, ticket: Ticket): void {
    this.#tickets.delete(key);
    const step = ticket.steps[ticket.at];
    if (step?.what === 'slot') {
      if (ticket.state === 'granted') step.pool.slots?.release();
      else step.pool.slots?.leave(ticket);
    } else if (step !== undefined) this.#next(step, ticket);
    for (const pool of ticket.held.reverse()) pool.slots?.release();
  }

  #next({ pool }: Step, ticket: Ticket): void {
    const next = pool.step(ticket);
    if (next === undefined) return;
    next.state = 'new';
    next.run.unpark(next.node);
  }

  #takeSlot(ticket: Ticket, { rule, pool }: Step, now: number): Admission {
    const slots = pool.slots as NonNullable<Pool['slots']>;
    if (ticket.state === 'new') {
      if (slots.take()) ticket.state = 'granted';
      else {
        const full = this.#refuseFull(ticket, rule, slots.waiting);
        if (full !== undefined) return full;
        ticket.state = 'queued';
        slots.queue(ticket);
      }
    }
    if (ticket.state === 'granted') {
      ticket.held.push(pool);
      ticket.pass();
      return 'start';
    }
    return this.#late(ticket, rule, now) ?? { kind: 'park', until: this.#deadline(ticket, rule), maker: 'any' };
  }

  #takeToken(ticket: Ticket, step: Step, now: number): Admission {
    const { rule, pool } = step;
    if (ticket.state === 'promised') {
      if (now < ticket.tokenAt) return { kind: 'later', at: ticket.tokenAt };
      ticket.pass();
      this.#next(step, ticket);
      return 'start';
    }
    const late = this.#late(ticket, rule, now);
    if (late !== undefined) return late;
    if (pool.isBehind(ticket)) {
      if (ticket.state === 'new') {
        const full = this.#refuseFull(ticket, rule, pool.waiting);
        if (full !== undefined) return full;
        pool.follow(ticket);
        ticket.state = 'behind';
      }
      return { kind: 'park', until: this.#deadline(ticket, rule), maker: 'this run' };
    }
    return this.#promise(ticket, step, now);
  }

  /** Takes the token that is there, or is promised the one that comes. */
  #promise(ticket: Ticket, step: Step, now: number): Admission {
    const { rule, pool } = step;
    const bucket = pool.bucket as NonNullable<Pool['bucket']>;
    const at = bucket.nextAt(now);
    if (at <= now) {
      bucket.take(now);
      ticket.pass();
      this.#next(step, ticket);
      return 'start';
    }
    const full = this.#refuseFull(ticket, rule, pool.waiting, at - now);
    if (full !== undefined) return full;
    if (at > this.#deadline(ticket, rule)) return this.#timedOut(ticket, rule);
    ticket.tokenAt = bucket.take(now);
    ticket.state = 'promised';
    pool.lead(ticket);
    return { kind: 'later', at: ticket.tokenAt };
  }

  #refuseFull({ node }: Ticket, { key, options, counts }: Rule, waiting: number, retryAfterMs?: number) {
    const { whenFull = LIMIT_DEFAULTS.whenFull, maxQueued = LIMIT_DEFAULTS.maxQueued } = options;
    if (whenFull === 'defer' || (whenFull === 'queue' && waiting < maxQueued)) return undefined;
    counts.rejected++;
    if (whenFull === 'queue')
      return refused('QUEUE_FULL', node, `found ${waiting} attempts waiting for ${key}, as many as may`);
    const refusal = refused('LIMIT_EXCEEDED', node, `found no room in the limit of ${key}`);
    if (retryAfterMs !== undefined) Object.assign(refusal.error, { retryAfterMs });
    return refusal;
  }

  #deadline({ since }: Ticket, { options: { maxQueueMs } }: Rule): number {
    return maxQueueMs === undefined ? Number.POSITIVE_INFINITY : since + maxQueueMs;
  }

  #late(ticket: Ticket, rule: Rule, now: number) {
    return now >= this.#deadline(ticket, rule) && ticket.state !== 'new' ? this.#timedOut(ticket, rule) : undefined;
  }

  #timedOut({ node }: Ticket, { key, options, counts }: Rule) {
    counts.timedOut++;
    return refused('QUEUE_TIMEOUT', node, `found no room in the limit of ${key} within ${options.maxQueueMs} ms`);
  }

  #started({ steps, since }: Ticket, now: number): void {
    const waited = Math.max(0, now - since);
    for (const { counts } of new Set(steps.map(({ rule }) => rule))) {
      counts.started++;
      counts.waitedMs += waited;
      counts.longestWaitMs = Math.max(counts.longestWaitMs, waited);
    }
  }

  /** Every limit on the way of a node, in the order in which all take them: its own or its executor's, then those of the runtime. */
  #stepsOf(run: RunView, node: PlanNode, { limit, executor, own }: EffectiveCapabilities): readonly Step[] {
    const rules: Rule[] = [];
    if (limit !== undefined)
      rules.push(this.#rule(own.limit ? `${run.plan.workflow.name}/${node.id}` : (executor as string), limit));
    for (const [index, options] of this.#limits.entries())
      rules.push(this.#rule(index === 0 ? 'runtime' : `runtime[${index}]`, options));
    const pools = rules.map((rule) => ({ rule, pool: this.#pool(rule, run) }));
    const slots = pools
      .filter(({ pool }) => pool.slots !== undefined)
      .map((each) => ({ ...each, what: 'slot' as const }));
    const tokens = pools
      .filter(({ pool }) => pool.bucket !== undefined)
      .map((each) => ({ ...each, what: 'token' as const }));
    return [...slots, ...tokens];
  }

  #rule(key: string, options: LimitOptions): Rule {
    let rule = this.#rules.get(key);
    if (rule?.options !== options) {
      rule = { key, options, counts: new LimitCounts(), pools: new Map() };
      this.#rules.set(key, rule);
    }
    return rule;
  }

  #pool({ options, pools }: Rule, { context }: RunView): Pool {
    const value = options.per === undefined ? '' : valueText(context[options.per]);
    let pool = pools.get(value);
    if (pool === undefined) {
      if (pools.size >= MANY_VALUES) forgetIdle(pools, this.#checkedAt);
      pool = new LimitPool(options);
      pools.set(value, pool);
    }
    return pool;
  }

  /** Too little memory, or an event loop that is late. Looked at now and then, not for every attempt. */
  #checkProcess(node: PlanNode, now: number): Exclude<Admission, 'start'> | undefined {
    const {
      maxRssBytes,
      maxEventLoopDelayMs,
      whenExhausted = 'defer',
      checkEveryMs = CHECK_EVERY_MS,
    } = this.#resources;
    if (maxRssBytes === undefined && maxEventLoopDelayMs === undefined) return undefined;
    if (now - this.#checkedAt >= checkEveryMs || now < this.#checkedAt) {
      this.#checkedAt = now;
      this.#worry = this.#worryOf(maxRssBytes, maxEventLoopDelayMs);
    }
    if (this.#worry === undefined) return undefined;
    if (whenExhausted === 'defer' && this.#waitingHelps()) return { kind: 'later', at: now + checkEveryMs };
    this.#exhausted++;
    return refused('RESOURCE_EXHAUSTED', node, `was not started: ${this.#worry}`);
  }

  #worryOf(maxRssBytes: number | undefined, maxDelayMs: number | undefined): string | undefined {
    const { rssBytes } = this.#readings.memory();
    if (maxRssBytes !== undefined && rssBytes > maxRssBytes)
      return `the process holds ${rssBytes} bytes of memory, more than ${maxRssBytes}`;
    if (maxDelayMs === undefined) return undefined;
    const delay = this.#readings.eventLoopDelayMs();
    return delay > maxDelayMs ? `the event loop is ${delay} ms late, more than ${maxDelayMs}` : undefined;
  }

  /** Attempts that wait for room. */
  get waiting(): number {
    let waiting = 0;
    for (const { at, steps } of this.#tickets.values()) if (at < steps.length) waiting++;
    return waiting;
  }

  /** Attempts that were refused for lack of memory, or because the event loop was late. */
  get exhausted(): number {
    return this.#exhausted;
  }

  /** Every limit that an attempt has met, in the order of their first use. */
  get limits(): readonly LimitReport[] {
    return [...this.#rules.values()].map(({ key, options, counts, pools }) => {
      const all = [...pools.values()];
      const inFlight = all.reduce((sum, { slots }) => sum + (slots?.held ?? 0), 0);
      const waiting = all.reduce((sum, pool) => sum + pool.waiting, 0);
      const values = all.filter((pool) => (pool.slots?.held ?? 0) > 0 || pool.waiting > 0).length;
      return { key, limit: options, values, inFlight, waiting, ...counts };
    });
  }

  /** Whether nobody holds room or waits for it. */
  get isIdle(): boolean {
    return this.#tickets.size === 0;
  }

  /** How many values of limits it remembers. */
  get values(): number {
    return [...this.#rules.values()].reduce((sum, { pools }) => sum + pools.size, 0);
  }

  /** Forgets values of limits that have nothing to remember. */
  trim(now: number): void {
    for (const { pools } of this.#rules.values()) forgetIdle(pools, now);
  }
}

function valueText(value: unknown): string {
  return `${typeof value} ${String(value)}`;
}

function forgetIdle(pools: Map<string, Pool>, now: number): void {
  for (const [value, pool] of pools) if (pool.isIdle(now)) pools.delete(value);
}
