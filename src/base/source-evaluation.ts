import { AttemptError } from './errors.js';
import type { ExecutionState, RegionState } from './execution-state.js';
import type { CycleOutputSource, OutputSource, PlanCondition, PlanInput, PlanNode, PlanSource } from './plan.js';
import { ask, formatIssues } from './schema.js';
import { readPath } from './source-path.js';
import { sourceText } from './source-text.js';
import type { StandardSchema } from './standard-schema.js';
import { BLOCKED, CANCELLED, COMPLETED, FAILED, SKIPPED } from './status.js';
import { expandTemplates } from './templates.js';

type Choice = Extract<PlanSource, { kind: 'choice' }>;

/** What is known of a source, as bits: an expression over several sources can be live and blocked at once. */
export const UNCONNECTED = 0;
export const LIVE = 1;
export const DEAD = 2;
export const STUCK = 4;
export const UNSETTLED = 8;

function nodeAt(state: ExecutionState, index: number): PlanNode {
  return state.plan.nodes[index] as PlanNode;
}

function hasPort(output: unknown, port: string): boolean {
  return typeof output === 'object' && output !== null && Object.hasOwn(output, port);
}

function insideBits(state: ExecutionState, source: OutputSource): number {
  const status = state.status[source.node] as number;
  if (status < COMPLETED) return UNSETTLED;
  switch (status) {
    case COMPLETED:
      if (source.error) return DEAD;
      return source.selective && !hasPort(state.outputs[source.node], source.port) ? DEAD : LIVE;
    case FAILED:
      if (!nodeAt(state, source.node).data.allowFailure) return STUCK;
      return source.error ? LIVE : DEAD;
    case SKIPPED:
      return DEAD;
    default:
      return STUCK;
  }
}

/** The value that an exit of a cycle carries: the one of the last iteration in which it was live, in this entry of the cycle. */
function keptValue(state: ExecutionState, source: OutputSource): { readonly value: unknown } | undefined {
  const { entryStep } = state.regions[source.leaves] as RegionState;
  if (source.selective || source.error) {
    const kept = state.keptPorts.get(source.node)?.get(source.port);
    return kept !== undefined && kept.step > entryStep ? kept : undefined;
  }
  if ((state.keptStep[source.node] as number) <= entryStep) return undefined;
  return { value: (state.keptOutput[source.node] as Record<string, unknown>)[source.port] };
}

function outputBits(state: ExecutionState, source: OutputSource): number {
  if (source.leaves === -1) return insideBits(state, source);
  const region = state.regions[source.leaves] as RegionState;
  if (!region.stopped) return UNSETTLED;
  if (region.failed) return STUCK;
  return keptValue(state, source) === undefined ? DEAD : LIVE;
}

function cycleBits(state: ExecutionState, source: CycleOutputSource): number {
  const left = state.regions[source.leaves] as RegionState;
  if (!left.stopped) return UNSETTLED;
  return left.failed ? STUCK : LIVE;
}

function firstPort(output: unknown): string | undefined {
  for (const port in output as object) return port;
  return undefined;
}

/** Whether the cases of a join are ports of its owner, and not the ways of a node that may fail. */
function takesOnePort(state: ExecutionState, owner: OutputSource): boolean {
  return nodeAt(state, owner.node).implementation.delivers === 'one';
}

/** The case that the owner of a join took: its one live port, or the way an attempt went. */
function takenCase(state: ExecutionState, owner: OutputSource): string | undefined {
  if (takesOnePort(state, owner)) return firstPort(state.outputs[owner.node]);
  return state.status[owner.node] === FAILED ? 'failed' : 'ok';
}

/** The same seen from outside a cycle: the case of the last iteration in which the owner ran, in this entry of the cycle. */
function lastCase(state: ExecutionState, owner: OutputSource): string | undefined {
  const { node, leaves } = owner;
  const { entryStep } = state.regions[leaves] as RegionState;
  const completed = state.keptStep[node] as number;
  const failed = state.keptPorts.get(node)?.get('$error')?.step ?? 0;
  if (Math.max(completed, failed) <= entryStep) return undefined;
  if (takesOnePort(state, owner)) return firstPort(state.keptOutput[node]);
  return failed > completed ? 'failed' : 'ok';
}

/** The source that a join selects, or the bits of its owner where it selects none. */
export function joined(state: ExecutionState, source: Extract<PlanSource, { kind: 'join' }>): PlanSource | number {
  const { owner } = source;
  if (owner.leaves !== -1) {
    const region = state.regions[owner.leaves] as RegionState;
    if (!region.stopped) return UNSETTLED;
    if (region.failed) return STUCK;
    return source.cases.get(lastCase(state, owner) ?? '') ?? DEAD;
  }
  const status = state.status[owner.node] as number;
  if (status < COMPLETED) return UNSETTLED;
  if (status === SKIPPED) return DEAD;
  if (status === BLOCKED || status === CANCELLED) return STUCK;
  if (status === FAILED && !nodeAt(state, owner.node).data.allowFailure) return STUCK;
  const taken = takenCase(state, owner);
  return (taken === undefined ? undefined : source.cases.get(taken)) ?? DEAD;
}

/** What is known of a source now. */
export function bitsOf(state: ExecutionState, source: PlanSource): number {
  switch (source.kind) {
    case 'output':
      return outputBits(state, source);
    case 'cycle':
      return cycleBits(state, source);
    case 'parameter':
      return readPath(state.parameters[source.name], source.path) === undefined ? DEAD : LIVE;
    case 'literal':
    case 'template':
      return LIVE;
    case 'path':
      return bitsOf(state, source.of);
    case 'required': {
      const bits = bitsOf(state, source.of);
      return bits === DEAD ? LIVE : bits;
    }
    case 'choice':
      return choiceBits(state, source);
    case 'join': {
      const taken = joined(state, source);
      return typeof taken === 'number' ? taken : bitsOf(state, taken);
    }
  }
}

/** Whether a fallback is live hangs on the values of its members; any other choice needs only their bits. */
function choiceBits(state: ExecutionState, source: Choice): number {
  if (source.mode === 'firstOf') return knownChoice(state, source).bits;
  let all = 0;
  for (const inner of source.of) all |= bitsOf(state, inner);
  return together(all, source.mode);
}

/** The bits of a choice that needs all of its members. */
function together(all: number, mode: Choice['mode']): number {
  if (all & UNSETTLED) return UNSETTLED;
  return mode === 'oneOf' && all & LIVE ? all & ~DEAD : all;
}

/** What reading a source throws instead of giving a value. */
const FAILS = Symbol('fails');

/** What is known of a source now: its bits, its value where it is live, and the one cycle that it leaves. */
interface Known {
  readonly bits: number;
  readonly value: unknown;
  readonly exit: Exit | undefined;
}

function unread(bits: number): Known {
  return { bits, value: undefined, exit: undefined };
}

/** Everything in one pass: expressions may be nested deeply, and bits, value and exit of each hang on those of what is inside. */
function known(state: ExecutionState, source: PlanSource): Known {
  switch (source.kind) {
    case 'path': {
      const { bits, value, exit } = known(state, source.of);
      return { bits, value: value === FAILS ? FAILS : readPath(value, source.path), exit };
    }
    case 'required': {
      const { bits, value = FAILS } = known(state, source.of);
      return { bits: bits === DEAD ? LIVE : bits, value, exit: undefined };
    }
    case 'choice':
      return knownChoice(state, source);
    case 'join': {
      const taken = joined(state, source);
      return typeof taken === 'number' ? unread(taken) : known(state, taken);
    }
    default: {
      const bits = bitsOf(state, source);
      return bits & LIVE ? { bits, value: valueOrFails(state, source), exit: exitOf(state, source) } : unread(bits);
    }
  }
}

function valueOrFails(state: ExecutionState, source: PlanSource): unknown {
  try {
    return readSource(state, source, 'raw');
  } catch {
    return FAILS;
  }
}

function exitOf(state: ExecutionState, source: PlanSource): Exit | undefined {
  if (source.kind !== 'output' || source.leaves === -1) return undefined;
  return { region: source.leaves, turn: lastTurn(state, source) };
}

function knownChoice(state: ExecutionState, source: Choice): Known {
  const { mode, of, rivals } = source;
  if (mode === 'firstOf') return firstOf(rivals ? rivalsOf(state, source) : oneByOne(state, of));
  const members = rivals ? rivalsOf(state, source) : [...oneByOne(state, of)];
  const live = members.filter(({ bits }) => bits & LIVE);
  const values = live.map(({ value }) => value).filter((value) => value !== undefined);
  const fails = values.includes(FAILS) || (mode === 'oneOf' && live.length > 1);
  const all = members.reduce((sum, { bits }) => sum | bits, 0);
  return {
    bits: together(all, mode),
    value: fails ? FAILS : mode === 'oneOf' ? values[0] : values,
    exit: live.map(({ exit }) => exit).reduce(later, live[0]?.exit),
  };
}

function* oneByOne(state: ExecutionState, sources: readonly PlanSource[]): Generator<Known> {
  for (const source of sources) yield known(state, source);
}

/** The later of two exits of one cycle; `undefined` where they are not such. */
function later(left: Exit | undefined, right: Exit | undefined): Exit | undefined {
  if (left === undefined || right === undefined || left.region !== right.region) return undefined;
  return { region: left.region, turn: Math.max(left.turn, right.turn) };
}

/**
 * A fallback is known as soon as its value can no longer change, and never earlier: what it comes to must not hang on when
 * something settles. So a live source without a value decides nothing while a later one is open.
 */
function firstOf(members: Iterable<Known>): Known {
  let all = 0;
  for (const { bits, value, exit } of members) {
    if (bits & UNSETTLED) return unread(UNSETTLED);
    if (bits & LIVE && value !== undefined) return { bits: LIVE, value, exit };
    all |= bits;
  }
  return unread(all & LIVE ? LIVE : all & STUCK ? STUCK : DEAD);
}

/** The iteration of the region that it leaves in which an exit was live last. */
function lastTurn(state: ExecutionState, { node, port, selective, error, level }: OutputSource): number {
  if (selective || error) return state.keptPorts.get(node)?.get(port)?.turns[level] ?? -1;
  return (level === 0 ? state.keptTurn[node] : state.keptTurns.get(node)?.[level]) ?? -1;
}

/** A cycle that a live source leaves, and the iteration in which it was live last. */
interface Exit {
  readonly region: number;
  readonly turn: number;
}

/**
 * What is known of the members of a choice. Exits of one cycle exclude each other over time as branches do within an
 * iteration: those count that were live in the last iteration in which any of them was. While one has not settled that may yet
 * turn out to leave the same cycle, nobody knows.
 */
function rivalsOf(state: ExecutionState, { of, leaves }: Choice): readonly Known[] {
  const members = of.map((source) => known(state, source));
  const open = new Set(members.flatMap(({ bits }, index) => (bits & UNSETTLED ? (leaves[index] as number[]) : [])));
  const latest = new Map<number, number>();
  for (const { exit } of members)
    if (exit !== undefined) latest.set(exit.region, Math.max(exit.turn, latest.get(exit.region) ?? 0));
  return members.map((member) => {
    const { exit } = member;
    if (exit === undefined) return member;
    if (open.has(exit.region)) return unread(UNSETTLED);
    return exit.turn < (latest.get(exit.region) as number) ? unread(DEAD) : member;
  });
}

/** What is known of an input's connection now: its feedback from iteration 1 on, its other sources before. */
export function inputBits(state: ExecutionState, input: PlanInput): number {
  for (const { slot, region } of input.feedback) {
    if ((state.regions[region] as RegionState).iteration > 0) return state.feedbackBits[slot] as number;
  }
  return input.connection === undefined ? UNCONNECTED : bitsOf(state, input.connection);
}

/** Whether everything that a node needs to be decided has settled. */
export function allSettled(state: ExecutionState, node: PlanNode): boolean {
  for (const input of node.inputs) if (inputBits(state, input) & UNSETTLED) return false;
  for (const subject of node.after) if (!state.settled(subject)) return false;
  return true;
}

/** Whether the schemas of untyped paths are asked. A fold reads raw: it calls nobody, and what it reads was checked in the live run. */
export type Reading = 'checked' | 'raw';

function checked(value: unknown, schema: StandardSchema | undefined, at: string, reading: Reading): unknown {
  if (reading === 'raw') return value;
  if (schema === undefined || value === undefined) return value;
  const answer = ask(schema, value, at);
  if (answer.issues === undefined) return value;
  throw new AttemptError(
    'INPUT_INVALID',
    `The value read at ${at} does not fit its schema: ${formatIssues(answer.issues)}.`,
    { at, value },
  );
}

/**
 * The value of a live source; `undefined` where a path does not lead anywhere.
 *
 * @throws AttemptError INPUT_CONFLICT when two sources of a oneOf are live, OUTPUT_MISSING when a required one is dead or has no value,
 * INPUT_INVALID when the value at an untyped path does not fit its schema
 */
export function readSource(state: ExecutionState, source: PlanSource, reading: Reading = 'checked'): unknown {
  switch (source.kind) {
    case 'output': {
      const value = source.leaves === -1 ? insideValue(state, source) : keptValue(state, source)?.value;
      if (source.path.length === 0 && source.schema === undefined) return value;
      return checked(
        readPath(value, source.path),
        source.schema,
        `${nodeAt(state, source.node).id}.${source.port}.${source.path.join('.')}`,
        reading,
      );
    }
    case 'cycle': {
      const region = state.regions[source.region] as RegionState;
      return source.port === 'reason' ? region.reason : region.iterations;
    }
    case 'parameter':
      return checked(
        readPath(state.parameters[source.name], source.path),
        source.schema,
        `parameter ${source.name}`,
        reading,
      );
    case 'literal':
      return source.value;
    case 'template':
      return expandTemplates(source.value, state.parameters, 'a template');
    case 'path':
      return checked(
        readPath(readSource(state, source.of, reading), source.path),
        source.schema,
        source.path.join('.'),
        reading,
      );
    case 'required': {
      const value = bitsOf(state, source.of) & LIVE ? readSource(state, source.of, reading) : undefined;
      if (value !== undefined) return value;
      throw new AttemptError('OUTPUT_MISSING', `${source.text} is required and was not produced.`, { at: source.text });
    }
    case 'choice':
      return chosenValue(state, source, reading);
    case 'join': {
      const taken = joined(state, source);
      return typeof taken === 'number' ? undefined : readSource(state, taken, reading);
    }
  }
}

function insideValue(state: ExecutionState, source: OutputSource): unknown {
  if (source.error) return state.errors.get(source.node);
  return (state.outputs[source.node] as Record<string, unknown>)[source.port];
}

/** The live values of sources, in one pass: a fan-in may have thousands. */
function collected(state: ExecutionState, sources: readonly PlanSource[], reading: Reading): unknown[] {
  const values: unknown[] = [];
  for (const inner of sources) {
    if (!(bitsOf(state, inner) & LIVE)) continue;
    const value = readSource(state, inner, reading);
    if (value !== undefined) values.push(value);
  }
  return values;
}

function chosenValue(
  state: ExecutionState,
  source: Extract<PlanSource, { kind: 'choice' }>,
  reading: Reading,
): unknown {
  if (source.mode === 'collect') return collected(state, source.of, reading);
  const members = source.rivals ? rivalsOf(state, source) : source.of.map((inner) => ({ bits: bitsOf(state, inner) }));
  const live = source.of.filter((_, index) => (members[index] as { readonly bits: number }).bits & LIVE);
  if (source.mode === 'oneOf' && live.length > 1) {
    const names = live.map((inner) => sourceText(state.plan, inner)).join(' and ');
    throw new AttemptError('INPUT_CONFLICT', `${names} are both live and lead into one input.`, { at: names });
  }
  for (const inner of live) {
    const value = readSource(state, inner, reading);
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * What the condition of a cycle looks at; `undefined` where nothing of it is live. Of several values by name, those that are
 * live, but all or none for an expression; of a combination, what each part looks at, in order.
 */
export function observe(
  state: ExecutionState,
  { watched, parts, data }: PlanCondition,
  reading: Reading = 'checked',
): { readonly value: unknown } | undefined {
  if (parts.length > 0) return { value: parts.map((part) => observe(state, part, reading)?.value) };
  if (watched === undefined) return undefined;
  if (!(watched instanceof Map))
    return bitsOf(state, watched as PlanSource) & LIVE
      ? { value: readSource(state, watched as PlanSource, reading) }
      : undefined;
  const values: Record<string, unknown> = {};
  let live = 0;
  for (const [name, source] of watched as ReadonlyMap<string, PlanSource>) {
    if (!(bitsOf(state, source) & LIVE)) continue;
    values[name] = readSource(state, source, reading);
    live++;
  }
  return live > (data.kind === 'cel' ? watched.size - 1 : 0) ? { value: values } : undefined;
}
