import { AttemptError, ConfigurationError } from '../base/errors.js';
import type { NodeContext } from '../base/node-context.js';
import { checkWord, knownFields } from '../base/option-checks.js';
import { isRecord } from '../base/record.js';

/** What a step takes before it ends. */
export interface StepTime {
  /** Milliseconds on the clock. Default: none, it ends at once. */
  readonly afterMs?: number;
  /**
   * What an asynchronous attempt does when its signal is aborted meanwhile: throw its reason, or ignore it and end in its time.
   * Default `throw`. A synchronous one hears nothing.
   */
  readonly onAbort?: 'throw' | 'ignore';
}

/** What one attempt of a scripted node does: it gives an output, throws, or hangs (asynchronous nodes only). */
export type ScriptStep<Output> =
  | ({ readonly gives: Output } & StepTime)
  | ({ readonly throws: unknown } & StepTime)
  | { readonly hangs: 'until aborted' | 'for ever' };

/** A call of a scripted node. */
export interface ScriptedCall<Inputs = Readonly<Record<string, unknown>>> {
  /** The very values that the node was given. */
  readonly inputs: Inputs;
  /** Id of the node, behind its scope: `fetch`, or `each[3]/fetch` inside a map. */
  readonly node: string;
  /** 1 for the first activation of the node in its graph. */
  readonly visit: number;
  /** 1 for the first attempt of its visit. */
  readonly attempt: number;
  /** Iteration of the innermost cycle around it, from 0. */
  readonly iteration: number;
  /** Whether the signal of the attempt has been aborted since. */
  readonly aborted: boolean;
}

/** A step, or what decides on one when the node is called. */
export type ScriptEntry<Inputs, Output> = ScriptStep<Output> | ((call: ScriptedCall<Inputs>) => ScriptStep<Output>);

/** A step of a script, whatever its node delivers. */
export type Step = ScriptStep<Readonly<Record<string, unknown>>>;
type Call = { -readonly [K in keyof ScriptedCall]: ScriptedCall[K] };
type Entry = ScriptEntry<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>;

const STEP_FIELDS = ['gives', 'throws', 'hangs', 'afterMs', 'onAbort'];

/** @throws ConfigurationError INVALID_OPTION */
export function refuse(what: string, at: string, value: unknown): never {
  throw new ConfigurationError('INVALID_OPTION', what, { at, value });
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
function checkStep(step: unknown, at: string, async: boolean): asserts step is Step {
  if (!isRecord(step)) refuse(`${at} must be a step, such as { gives: { … } } or { throws: error }.`, at, step);
  knownFields(step, STEP_FIELDS, at);
  const ends = ['gives', 'throws', 'hangs'].filter((name) => name in step);
  if (ends.length !== 1) refuse(`${at} must have one of gives, throws and hangs.`, at, step);
  const { afterMs, onAbort, hangs } = step as { afterMs?: unknown; onAbort?: 'throw'; hangs?: 'for ever' };
  if (afterMs !== undefined && !(typeof afterMs === 'number' && Number.isFinite(afterMs) && afterMs >= 0))
    refuse(`${at}.afterMs must be a finite number of milliseconds of at least 0.`, `${at}.afterMs`, afterMs);
  checkWord(onAbort, ['throw', 'ignore'], `${at}.onAbort`);
  if (ends[0] !== 'hangs') return;
  checkWord(hangs, ['until aborted', 'for ever'], `${at}.hangs`);
  if (hangs === undefined) refuse(`${at}.hangs must be "until aborted" or "for ever".`, `${at}.hangs`, hangs);
  if (!async)
    refuse(`${at} hangs, which only an asynchronous node in AsyncLocalRuntime can: set async: true.`, at, step);
}

/** Calls back when a signal is aborted, at once where it has been. */
export function onAbort(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback);
}

/** The script of a node, and the calls that followed it. */
export class Script {
  readonly calls: Call[] = [];
  readonly #name: string;
  readonly #visits: readonly (readonly Entry[])[];
  /** One list does for every visit. */
  readonly #everyVisit: boolean;
  readonly #atEnd: 'fail' | 'repeat';

  constructor(name: string, script: unknown, atEnd: 'fail' | 'repeat', async: boolean) {
    const at = `the script of node "${name}"`;
    if (!Array.isArray(script) || script.length === 0) refuse(`${at} must be a list of at least one step.`, at, script);
    const byVisit = script.every((entry) => Array.isArray(entry));
    this.#name = name;
    this.#visits = (byVisit ? script : [script]) as readonly (readonly Entry[])[];
    this.#atEnd = atEnd;
    for (const [visit, entries] of this.#visits.entries()) {
      const place = byVisit ? `${at}, visit ${visit + 1}` : at;
      if (entries.length === 0) refuse(`${place} must be a list of at least one step.`, place, entries);
      for (const [index, entry] of entries.entries())
        if (typeof entry !== 'function') checkStep(entry, `step ${index + 1} of ${place}`, async);
    }
    this.#everyVisit = !byVisit;
  }

  /** Records a call and says what it does. @throws AttemptError SCRIPT_ENDED */
  next(inputs: Readonly<Record<string, unknown>>, context: NodeContext, async: boolean): Step {
    const { scope, nodeId, visit, attempt, iteration, signal } = context;
    const call: Call = { inputs, node: `${scope}${nodeId}`, visit, attempt, iteration, aborted: false };
    onAbort(signal, () => {
      call.aborted = true;
    });
    this.calls.push(call);
    const entry = this.#entry(call);
    const step = typeof entry === 'function' ? entry(call) : entry;
    checkStep(step, `the step of attempt ${attempt} of visit ${visit} of node "${this.#name}"`, async);
    return step;
  }

  #entry({ visit, attempt }: Call): Entry {
    const repeats = this.#atEnd === 'repeat';
    const entries = this.#everyVisit ? this.#visits[0] : (this.#visits[visit - 1] ?? (repeats && this.#visits.at(-1)));
    const entry = entries ? (entries[attempt - 1] ?? (repeats ? entries.at(-1) : undefined)) : undefined;
    if (entry !== undefined) return entry;
    const has = entries ? `${entries.length} steps` : `${this.#visits.length} visits`;
    const what = `Node "${this.#name}" has no step for attempt ${attempt} of visit ${visit}: its script has ${has}.`;
    throw new AttemptError('SCRIPT_ENDED', what, { at: this.#name });
  }
}
