import { LIMIT_DEFAULTS, type LimitOptions } from '../../base/capability-options.js';
import type { EffectiveCapabilities } from '../../base/capability-table.js';
import { AttemptError } from '../../base/errors.js';
import type { PlanNode } from '../../base/plan.js';
import type { Readings } from '../../base/ports.js';
import type { ResourceOptions } from '../../base/resource-options.js';
import type { Admission, RunView } from '../../base/run-view.js';
import { LimitCounts, LimitPool } from './limit-pool.js';
import { type Pool, type Rule, type Step, Ticket } from './limit-ticket.js';

/** What a limit shows of itself. Counts are since an attempt met it first, or since it was forgotten by `optimizeRuntimePerformance`. */
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

/** How many values of a limit are kept before idle ones are looked for. */
const MANY_VALUES = 1_000;
const CHECK_EVERY_MS = 100;
const RANKS = ['per', 'executor', 'runtime'] as const;
const FOREVER = Number.POSITIVE_INFINITY;

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
 * memory and the event loop. Every limit on the way is taken in one order, so that no two runs can wait for each other's: those
 * with `per` first, then that of the node or executor, then those of the runtime, of each the slots before the tokens. Whoever
 * waits for its own share therefore holds nothing that others could use. Its state lives in the runtime; what it refuses stands in the log.
 */
export class ResourceCoordinator {
  readonly #resources: ResourceOptions;
  readonly #limits: readonly LimitOptions[];
  readonly #readings: Readings;
  readonly #waitingHelps: () => boolean;
  readonly #rules = new Map<string, Rule>();
  #rulesOf = new WeakMap<PlanNode, readonly Rule[]>();
  /** Those that wait or hold slots, by graph and node: a node has one attempt at a time. */
  readonly #tickets = new Map<RunView, Map<PlanNode, Ticket>>();
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
    const rules = this.#rulesFor(run, node, capabilities);
    if (rules.length === 0) return this.#checkProcess(node, now) ?? 'start';
    const ticket = this.#tickets.get(run)?.get(node) ?? this.#enter(run, node, rules, now);
    const admission = this.#advance(ticket, now);
    if (admission === 'start' && !ticket.hasSlots) this.release(run, node); // it holds nothing
    return admission;
  }

  #enter(run: RunView, node: PlanNode, rules: readonly Rule[], now: number): Ticket {
    const ticket = new Ticket(run, node, this.#stepsOf(run, rules, now), now);
    const tickets = this.#tickets.get(run);
    if (tickets === undefined) this.#tickets.set(run, new Map([[node, ticket]]));
    else tickets.set(node, ticket);
    for (const { pool } of ticket.steps) pool.users++;
    return ticket;
  }

  #advance(ticket: Ticket, now: number): Admission {
    for (let step = ticket.steps[ticket.taken]; step !== undefined; step = ticket.steps[ticket.taken]) {
      const early = ticket.place === 'before' ? this.#awaitTokens(ticket, now) : undefined;
      if (early !== undefined) return early; // until then, it keeps nobody from what comes next
      const held = step.slots === undefined ? this.#takeToken(ticket, step, now) : this.#takeSlot(ticket, step, now);
      if (held !== undefined) return held;
      ticket.pass();
    }
    return this.#start(ticket, now);
  }

  /** An attempt has settled, or a node that waited will not start: what it held is given back. */
  release(run: RunView, node: PlanNode): void {
    const tickets = this.#tickets.get(run);
    const ticket = tickets?.get(node);
    if (tickets === undefined || ticket === undefined) return;
    tickets.delete(node);
    if (tickets.size === 0) this.#tickets.delete(run);
    ticket.steps.forEach(({ pool, slots, tokens }, index) => {
      pool.users--;
      if (tokens !== undefined) tokens.leave(ticket);
      else if (ticket.holds(index)) slots.release();
      else slots.leave(ticket);
    });
  }

  #takeSlot(ticket: Ticket, { rule, pool, slots }: Step & { readonly tokens?: undefined }, now: number) {
    if (ticket.place === 'granted') return undefined;
    if (ticket.place === 'waits') {
      if (now >= deadlineOf(ticket, rule)) return this.#timedOut(ticket, rule);
    } else if (slots.take(ticket.owner)) return undefined;
    else {
      const full = this.#refuseFull(ticket, rule, pool.waiting);
      if (full !== undefined) return full;
      slots.queue(ticket);
      ticket.place = 'waits';
    }
    return { kind: 'park' as const, until: deadlineOf(ticket, rule), maker: 'any' as const };
  }

  #takeToken(ticket: Ticket, { rule, pool, tokens }: Step & { readonly slots?: undefined }, now: number) {
    if (tokens.isBehind(ticket)) {
      const until = deadlineOf(ticket, rule);
      if (ticket.place === 'before') {
        const full = this.#refuseFull(ticket, rule, pool.waiting);
        if (full !== undefined) return full;
        tokens.follow(ticket);
        ticket.place = 'waits';
      }
      return now < until ? { kind: 'park' as const, until, maker: 'this run' as const } : this.#timedOut(ticket, rule);
    }
    const at = tokens.nextAt(ticket, now);
    const full = at > now ? this.#refuseFull(ticket, rule, pool.waiting, at - now) : undefined;
    if (full !== undefined) return full;
    tokens.join(ticket, now);
    return undefined;
  }

  /** Waits until it may use every token that it was promised; where that comes too late for it, it no longer does. */
  #awaitTokens(ticket: Ticket, now: number): Exclude<Admission, 'start'> | undefined {
    let until = now;
    for (const { rule, tokens } of ticket.steps.slice(0, ticket.taken)) {
      const at = tokens?.nextAt(ticket, now) ?? now;
      if (at > now && at > deadlineOf(ticket, rule)) return this.#timedOut(ticket, rule);
      until = Math.max(until, at);
    }
    return until > now ? { kind: 'park', until, maker: 'this run' } : undefined;
  }

  /** It has its slots and was promised its tokens. */
  #start(ticket: Ticket, now: number): Admission {
    const held = this.#awaitTokens(ticket, now) ?? this.#checkProcess(ticket.node, now);
    if (held !== undefined) return held;
    for (const { tokens } of ticket.steps) tokens?.use(ticket, now);
    ticket.started = true;
    const waited = Math.max(0, now - ticket.since);
    for (const { counts } of ticket.rules) {
      counts.started++;
      counts.waitedMs += waited;
      counts.longestWaitMs = Math.max(counts.longestWaitMs, waited);
    }
    return 'start';
  }

  /** Turns an attempt away that would have to wait and may not. One that has waited under a limit may go on doing so. */
  #refuseFull(ticket: Ticket, rule: Rule, waiting: number, retryAfterMs?: number) {
    const { key, options, counts } = rule;
    const { whenFull = LIMIT_DEFAULTS.whenFull, maxQueued = LIMIT_DEFAULTS.maxQueued } = options;
    if (whenFull === 'defer' || (whenFull === 'queue' && (waiting < maxQueued || ticket.queued.has(rule)))) {
      ticket.queued.add(rule);
      return undefined;
    }
    counts.rejected++;
    if (whenFull === 'queue')
      return refused('QUEUE_FULL', ticket.node, `found ${waiting} attempts waiting for ${key}, as many as may`);
    const refusal = refused('LIMIT_EXCEEDED', ticket.node, `found no room in the limit of ${key}`);
    Object.assign(refusal.error, { retryAfterMs });
    return refusal;
  }

  #timedOut({ node }: Ticket, { key, options, counts }: Rule) {
    counts.timedOut++;
    return refused('QUEUE_TIMEOUT', node, `found no room in the limit of ${key} within ${options.maxQueueMs} ms`);
  }

  /** Every limit on the way of a node, in the order in which all take them: its own or its executor's, then those of the runtime. */
  #rulesFor(run: RunView, node: PlanNode, capabilities: EffectiveCapabilities): readonly Rule[] {
    let rules = this.#rulesOf.get(node);
    if (rules === undefined) {
      rules = this.#findRules(run, node, capabilities);
      this.#rulesOf.set(node, rules);
    }
    return rules;
  }

  #findRules(run: RunView, node: PlanNode, { limit, executor, own }: EffectiveCapabilities): readonly Rule[] {
    const rules: Rule[] = [];
    if (limit !== undefined) {
      const key = own.limit ? `${run.plan.workflow.name}/${node.id}` : (executor as string);
      rules.push(this.#rule(key, limit, 'executor', executor));
    }
    for (const [index, options] of this.#limits.entries())
      rules.push(this.#rule(index === 0 ? 'runtime' : `runtime[${index}]`, options, 'runtime'));
    return rules;
  }

  #stepsOf(run: RunView, rules: readonly Rule[], now: number): readonly Step[] {
    const pools = rules.map((rule) => ({ rule, pool: this.#pool(rule, run, now) }));
    return RANKS.flatMap((rank) => {
      const those = pools.filter(({ rule }) => rule.rank === rank);
      return [
        ...those.flatMap(({ rule, pool }) => (pool.slots === undefined ? [] : [{ rule, pool, slots: pool.slots }])),
        ...those.flatMap(({ rule, pool }) => (pool.tokens === undefined ? [] : [{ rule, pool, tokens: pool.tokens }])),
      ];
    });
  }

  /** A workflow that is built again is the same one; another one of its name, with other limits or functions, is not. */
  #rule(key: string, options: LimitOptions, whose: 'executor' | 'runtime', executor = ''): Rule {
    const identity = `${key} ${executor} ${textOf(options)}`;
    let rule = this.#rules.get(identity);
    if (rule === undefined) {
      rule = {
        key,
        options,
        rank: options.per === undefined ? whose : 'per',
        counts: new LimitCounts(),
        pools: new Map(),
        sweepAt: MANY_VALUES,
      };
      this.#rules.set(identity, rule);
    }
    return rule;
  }

  #pool(rule: Rule, { context }: RunView, now: number): Pool {
    const { options, pools } = rule;
    const value = options.per === undefined ? '' : valueText(context, options.per);
    let pool = pools.get(value);
    if (pool === undefined) {
      if (pools.size >= rule.sweepAt) {
        forgetIdle(pools, now);
        rule.sweepAt = Math.max(MANY_VALUES, pools.size * 2);
      }
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
    for (const tickets of this.#tickets.values()) for (const { started } of tickets.values()) if (!started) waiting++;
    return waiting;
  }

  /** Attempts that were refused for lack of memory, or because the event loop was late. */
  get exhausted(): number {
    return this.#exhausted;
  }

  /** Every limit that an attempt has met and that was not forgotten, in the order of their first use. */
  get limits(): readonly LimitReport[] {
    return [...this.#rules.values()].map(({ key, options, counts, pools }) => {
      const all = [...pools.values()];
      const inFlight = all.reduce((sum, { held }) => sum + held, 0);
      const waiting = all.reduce((sum, pool) => sum + pool.waiting, 0);
      const values = all.filter(({ users }) => users > 0).length;
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

  /** Forgets values of limits, and limits, that have nothing to remember. */
  trim(now: number): void {
    for (const [identity, { pools }] of this.#rules) {
      forgetIdle(pools, now);
      if (pools.size === 0) this.#rules.delete(identity);
    }
    this.#rulesOf = new WeakMap(); // nodes meet the same limits again: none may go on with one that was forgotten
  }
}

function deadlineOf({ since }: Ticket, { options: { maxQueueMs } }: Rule): number {
  return maxQueueMs === undefined ? FOREVER : since + maxQueueMs;
}

/** Options as text, the same for options that are alike. */
function textOf({ maxConcurrency, rate, per, whenFull, maxQueued, maxQueueMs }: LimitOptions): string {
  return JSON.stringify([maxConcurrency, rate?.count, rate?.perMs, rate?.burst, per, whenFull, maxQueued, maxQueueMs]);
}

/** A value of the context as text. What is no text, number, flag or the like is one value: nobody escapes a limit by it. */
function valueText(context: Readonly<Record<string, unknown>>, field: string): string {
  const value = Object.hasOwn(context, field) ? context[field] : undefined;
  const kind = value === null ? 'null' : typeof value;
  return kind === 'object' || kind === 'function' || kind === 'symbol' ? 'other' : `${kind} ${String(value)}`;
}

function forgetIdle(pools: Map<string, Pool>, now: number): void {
  for (const [value, pool] of pools) if (pool.isIdle(now)) pools.delete(value);
}
