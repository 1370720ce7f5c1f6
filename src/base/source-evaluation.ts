import { AttemptError } from './errors.js';
import type { ExecutionState, RegionState } from './execution-state.js';
import type { CycleOutputSource, OutputSource, PlanInput, PlanNode, PlanRegion, PlanSource } from './plan.js';
import type { NotRunCode, ReasonRoot } from './reason.js';
import { ask, formatIssues } from './schema.js';
import { readPath } from './source-path.js';
import type { StandardSchema } from './standard-schema.js';
import { BLOCKED, CANCELLED, COMPLETED, FAILED, PENDING, RUNNING, SKIPPED } from './status.js';

/** What is known of a source, as bits: an expression over several sources can be live and blocked at once. */
export const UNCONNECTED = 0;
export const LIVE = 1;
export const DEAD = 2;
export const STUCK = 4;
export const UNSETTLED = 8;

/** Why a source is not live. */
export interface DeadEnd {
  readonly code: NotRunCode;
  /** The source, in words. */
  readonly source: string;
  readonly root: ReasonRoot;
}

function nodeAt(state: ExecutionState, index: number): PlanNode {
  return state.plan.nodes[index] as PlanNode;
}

function hasPort(output: unknown, port: string): boolean {
  return typeof output === 'object' && output !== null && Object.hasOwn(output, port);
}

function insideBits(state: ExecutionState, source: OutputSource): number {
  switch (state.status[source.node]) {
    case PENDING:
    case RUNNING:
      return UNSETTLED;
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

/** The case that the owner of a join took: its one live port, or the way an attempt went. */
function takenCase(state: ExecutionState, owner: OutputSource): string | undefined {
  if (owner.selective) return firstPort(state.outputs[owner.node]);
  return state.status[owner.node] === FAILED ? 'failed' : 'ok';
}

/** The same seen from outside a cycle: the case of the last iteration in which the owner ran, in this entry of the cycle. */
function lastCase(state: ExecutionState, { node, leaves, selective }: OutputSource): string | undefined {
  const { entryStep } = state.regions[leaves] as RegionState;
  const completed = state.keptStep[node] as number;
  const failed = state.keptPorts.get(node)?.get('$error')?.step ?? 0;
  if (Math.max(completed, failed) <= entryStep) return undefined;
  if (selective) return firstPort(state.keptOutput[node]);
  return failed > completed ? 'failed' : 'ok';
}

/** The source that a join selects, or the bits of its owner where it selects none. */
function joined(state: ExecutionState, source: Extract<PlanSource, { kind: 'join' }>): PlanSource | number {
  const { owner } = source;
  if (owner.leaves !== -1) {
    const region = state.regions[owner.leaves] as RegionState;
    if (!region.stopped) return UNSETTLED;
    if (region.failed) return STUCK;
    return source.cases.get(lastCase(state, owner) ?? '') ?? DEAD;
  }
  const status = state.status[owner.node] as number;
  if (status === PENDING || status === RUNNING) return UNSETTLED;
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
      return LIVE;
    case 'path':
      return bitsOf(state, source.of);
    case 'required': {
      const bits = bitsOf(state, source.of);
      return bits === DEAD ? LIVE : bits;
    }
    case 'choice':
      return source.mode === 'firstOf' ? firstBits(state, source.of) : allBits(state, source);
    case 'join': {
      const taken = joined(state, source);
      return typeof taken === 'number' ? taken : bitsOf(state, taken);
    }
  }
}

function firstBits(state: ExecutionState, sources: readonly PlanSource[]): number {
  let all = 0;
  for (const source of sources) {
    const bits = bitsOf(state, source);
    if (bits & UNSETTLED) return UNSETTLED;
    if (bits & LIVE) return LIVE;
    all |= bits;
  }
  return all & STUCK ? STUCK : DEAD;
}

function allBits(state: ExecutionState, source: Extract<PlanSource, { kind: 'choice' }>): number {
  let all = 0;
  for (const inner of source.of) all |= bitsOf(state, inner);
  if (all & UNSETTLED) return UNSETTLED;
  return source.mode === 'oneOf' && all & LIVE ? all & ~DEAD : all;
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
  const live = source.of.filter((inner) => bitsOf(state, inner) & LIVE);
  if (source.mode === 'oneOf' && live.length > 1) {
    const names = live.map((inner) => sourceText(state, inner)).join(' and ');
    throw new AttemptError('INPUT_CONFLICT', `${names} are both live and lead into one input.`, { at: names });
  }
  for (const inner of live) {
    const value = readSource(state, inner, reading);
    if (value !== undefined) return value;
  }
  return undefined;
}

function sourceText(state: ExecutionState, source: PlanSource): string {
  switch (source.kind) {
    case 'output':
      return `${nodeAt(state, source.node).id}.${source.port}`;
    case 'cycle':
      return `${state.plan.regions[source.region]?.id}.${source.port}`;
    case 'path':
    case 'required':
      return sourceText(state, source.of);
    case 'choice':
      return source.of.map((inner) => sourceText(state, inner)).join(', ');
    case 'join':
      return `${nodeAt(state, source.owner.node).id}.join`;
    case 'parameter':
      return source.name;
    case 'literal':
      return 'a literal';
  }
}

/** Where the failure of a cycle began: at a member, or at the cycle itself. */
export function rootOfFailure(state: ExecutionState, region: number): ReasonRoot {
  const { root } = state.regions[region] as RegionState;
  const { id } = state.plan.regions[region] as PlanRegion;
  return { subject: root ?? id, port: null, code: 'upstream_failed' };
}

function outputEnd(state: ExecutionState, source: OutputSource): DeadEnd {
  const { id, data } = nodeAt(state, source.node);
  const text = `${id}.${source.port}`;
  const own = (code: NotRunCode, port: string | null): DeadEnd => ({
    code,
    source: text,
    root: { subject: id, port, code },
  });
  const inherited = (code: NotRunCode): DeadEnd => {
    const reason = state.reasons.get(source.node);
    return reason === undefined ? own(code, null) : { code, source: text, root: reason.root };
  };
  if (source.leaves !== -1) {
    const region = state.regions[source.leaves] as RegionState;
    if (region.failed) return { code: 'upstream_blocked', source: text, root: rootOfFailure(state, source.leaves) };
  }
  switch (state.status[source.node]) {
    case SKIPPED:
      return inherited('upstream_skipped');
    case BLOCKED:
    case CANCELLED:
      return inherited('upstream_blocked');
    case FAILED:
      return data.allowFailure ? own('allowed_failure', null) : own('upstream_failed', null);
    default:
      if (source.error) return own('no_error', source.port);
      if (source.selective)
        return own(data.switch?.mode === 'partition' ? 'case_empty' : 'branch_not_taken', source.port);
      return own('never_live', source.port);
  }
}

/** Why a source is not live: its own reason, and where it all began. `wanted` says which kind of end is looked for. */
export function deadEndOf(state: ExecutionState, source: PlanSource, wanted: number): DeadEnd {
  switch (source.kind) {
    case 'output':
      return outputEnd(state, source);
    case 'path':
    case 'required':
      return deadEndOf(state, source.of, wanted);
    case 'choice': {
      const inner = source.of.find((candidate) => bitsOf(state, candidate) & wanted) ?? (source.of[0] as PlanSource);
      return deadEndOf(state, inner, wanted);
    }
    case 'join': {
      const taken = joined(state, source);
      return typeof taken === 'number' ? outputEnd(state, source.owner) : deadEndOf(state, taken, wanted);
    }
    case 'cycle':
      return { code: 'upstream_blocked', source: sourceText(state, source), root: rootOfFailure(state, source.leaves) };
    case 'parameter':
    case 'literal':
      return {
        code: 'never_live',
        source: sourceText(state, source),
        root: { subject: sourceText(state, source), port: null, code: 'never_live' },
      };
  }
}

/** Why an input has no live source. */
export function inputEnd(state: ExecutionState, input: PlanInput, wanted: number): DeadEnd {
  for (const { slot, region } of input.feedback) {
    if ((state.regions[region] as RegionState).iteration === 0) continue;
    const root = state.feedbackRoots[slot] as ReasonRoot;
    const edge = state.plan.regions[region]?.feedback.find((candidate) => candidate.slot === slot);
    return { code: root.code, source: edge?.text.split(' → ')[0] ?? '?', root };
  }
  return deadEndOf(state, input.connection as PlanSource, wanted);
}

/** What the condition of a cycle looks at, as far as it is live; `undefined` where nothing is. */
export function observe(
  state: ExecutionState,
  until: NonNullable<PlanRegion['until']>,
  reading: Reading = 'checked',
): { readonly value: unknown } | undefined {
  if ('single' in until)
    return bitsOf(state, until.single) & LIVE ? { value: readSource(state, until.single, reading) } : undefined;
  const values: Record<string, unknown> = {};
  let live = 0;
  for (const [name, source] of until.named) {
    if (!(bitsOf(state, source) & LIVE)) continue;
    values[name] = readSource(state, source, reading);
    live++;
  }
  return live > 0 ? { value: values } : undefined;
}
