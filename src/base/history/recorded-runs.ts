import { compile } from '../compile.js';
import { didYouMean } from '../did-you-mean.js';
import { ConfigurationError, LockstepError, textOf } from '../errors.js';
import type { EventData, RunEvent } from '../events.js';
import type { LogEnd } from '../execution.js';
import type { Plan, PlanNode } from '../plan.js';
import type { Hash } from '../ports.js';
import type { Workflow } from '../workflow.js';
import type { BytesPort } from './bytes.js';
import { dependentsOf, nodesToRunAgain } from './dirty-nodes.js';
import type { EventRange, EventStore, RunHeader, RunRecord, StoredEvent, StoredWorkflow } from './event-store.js';
import { checkReplacement, type ForkOverrides } from './fork-options.js';
import { type HistoryView, historyView } from './history-view.js';
import { hollowWorkflow } from './hollow-workflow.js';
import { pruneHistory } from './pruned-history.js';
import { type FoundSnapshot, type SnapshotParts, Snapshots } from './snapshots.js';
import { readStoredEvent } from './stored-event.js';
import { decodeValue, encodeValue } from './value-codec.js';
import { changesBetween, type PartChange, type WorkflowChanges } from './workflow-changes.js';
import { describeWorkflow, type WorkflowDescription } from './workflow-description.js';

/** How many workflows without a registration are remembered by name. */
const REMEMBERED = 1_000;

/** A run that was recorded, ready to be folded. */
export interface RecordedRun {
  readonly record: RunRecord;
  readonly workflow: Workflow;
  readonly started: RunEvent;
  /** What of its log counts; of one with a snapshot, what came after it. */
  readonly events: readonly RunEvent[];
  readonly snapshot?: FoundSnapshot;
  /** How it goes on with a changed workflow. */
  readonly revised?: EventData['run.revised'];
}

/** The beginning of a run that is forked from another. */
export interface ForkedRun {
  readonly workflow: Workflow;
  readonly events: readonly RunEvent[];
  readonly from: NonNullable<RunHeader['forkedFrom']>;
}

/** The runs of a store, as a runtime deals with them: found by id, with the workflow that goes on with them. */
export class RecordedRuns {
  readonly store: EventStore;
  readonly snapshots: Snapshots;
  readonly #hash: Hash;
  readonly #bytes: BytesPort;
  readonly #registered: ReadonlyMap<string, Workflow>;
  /** The last workflow of each name that was run here without being registered. */
  readonly #seen = new Map<string, Workflow>();

  /** What was made last of a description: runs that are read one after the other are often of one workflow. */
  #hollow: { readonly hash: string; readonly workflow: Workflow } | undefined;

  constructor(store: EventStore, workflows: ReadonlyMap<string, Workflow>, parts: SnapshotParts) {
    const { hash, bytes } = parts;
    this.store = store;
    this.#bytes = bytes;
    this.snapshots = new Snapshots(store, parts, (runId, range) => this.events(runId, range));
    this.#hash = hash;
    this.#registered = workflows;
  }

  has(runId: string): boolean {
    return this.store.run(runId) !== undefined;
  }

  /** @throws LockstepError RUN_UNKNOWN */
  record(runId: string): RunRecord {
    const record = typeof runId === 'string' ? this.store.run(runId) : undefined;
    if (record !== undefined) return record;
    const known = this.store.runs().map((run) => run.runId);
    const at = textOf(runId);
    throw new LockstepError('RUN_UNKNOWN', `There is no run "${at}" here. ${didYouMean(at, known)}`, {
      at,
      value: runId,
    });
  }

  /** What a store is told of a workflow. @throws LockstepError UNHASHABLE_LITERAL */
  describe(workflow: Workflow): StoredWorkflow {
    this.#remember(workflow);
    const description = describeWorkflow(workflow, this.#hash);
    return { hash: description.hash, name: workflow.name, description: descriptionText(description) };
  }

  #remember(workflow: Workflow): void {
    const { name } = workflow;
    if (this.#registered.has(name) || this.#seen.get(name) === workflow) return;
    this.#seen.delete(name);
    this.#seen.set(name, workflow);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value as string);
  }

  /** The workflow that goes on with a run. @throws LockstepError WORKFLOW_UNKNOWN */
  workflowOf({ runId, workflow }: RunRecord): Workflow {
    const found = this.#registered.get(workflow) ?? this.#seen.get(workflow);
    if (found !== undefined) return found;
    const known = [...this.#registered.keys(), ...this.#seen.keys()];
    const what = `Run "${runId}" is one of workflow "${workflow}", which is not registered. ${didYouMean(workflow, known)}`;
    throw new LockstepError('WORKFLOW_UNKNOWN', what, { at: workflow, value: workflow });
  }

  /** What was recorded of a workflow. @throws LockstepError CORRUPT_HISTORY */
  descriptionOf(workflowHash: string, runId: string): WorkflowDescription {
    const stored = this.store.workflow(workflowHash);
    if (stored !== undefined) return decodeValue(stored.description) as WorkflowDescription;
    throw new LockstepError('CORRUPT_HISTORY', `The store has lost what the workflow of run "${runId}" was.`, {
      at: runId,
    });
  }

  /**
   * A run with the workflow that goes on with it.
   *
   * @param given default: the one that is known by its name
   * @param force whether it may be another one than that which was recorded: what changed is taken out of the history
   * @throws LockstepError RUN_UNKNOWN, WORKFLOW_UNKNOWN, WORKFLOW_CHANGED, BLOB_MISSING, CORRUPT_HISTORY; ConfigurationError
   *   MISSING_PARAMETER
   */
  load(runId: string, given?: Workflow, force: 'force' | 'refuse' = 'refuse'): RecordedRun {
    const record = this.record(runId);
    const workflow = given ?? this.workflowOf(record);
    this.#remember(workflow);
    const current = describeWorkflow(workflow, this.#hash);
    if (current.hash === record.workflowHash) return this.#unchanged(record, workflow);
    const { events } = this.view(runId);
    const recorded = this.descriptionOf(record.workflowHash, runId);
    const changes = changesBetween(recorded, current);
    if (force === 'refuse') throw workflowChanged(record, changes);
    checkParameters(workflow, runId, events[0]);
    const plan = compile(workflow);
    const rerun = nodesToRunAgain(changes, compile(hollowWorkflow(recorded)), plan);
    const revised = { workflow: workflow.name, workflowHash: current.hash, rerun: [...rerun] };
    return { record, workflow, started: events[0] as RunEvent, events: pruneHistory(plan, events, rerun), revised };
  }

  /** A run that goes on with its workflow: from a snapshot, where there is one. */
  #unchanged(record: RunRecord, workflow: Workflow): RecordedRun {
    const { runId, workflowHash } = record;
    const found = this.snapshots.latest({ runId, plan: compile(workflow), workflowHash });
    if (found !== undefined) {
      const [started] = this.events(runId, { to: 1 });
      const events = [...this.events(runId, { from: found.data.events })];
      const isRevised = events.some(({ kind }) => kind === 'run.revised'); // and back again
      if (!isRevised) return { record, workflow, started: started as RunEvent, events, snapshot: found };
    }
    const { events } = this.view(runId);
    return { record, workflow, started: events[0] as RunEvent, events };
  }

  /**
   * A run with what its gates are answered by: the workflow that is known by its name, otherwise what was recorded of it, which is
   * enough unless a gate checks its answers.
   *
   * @throws LockstepError RUN_UNKNOWN, WORKFLOW_CHANGED, BLOB_MISSING, CORRUPT_HISTORY
   */
  answerable(runId: string): RecordedRun {
    const record = this.record(runId);
    const { workflow, workflowHash } = record;
    if (this.#registered.has(workflow) || this.#seen.has(workflow)) return this.load(runId);
    return this.#unchanged(record, this.hollowOf(workflowHash, runId));
  }

  /**
   * The first events of a run, as another run goes on from them: with what is to run again taken out.
   *
   * @param atSeq how many events of the log are taken over
   * @throws LockstepError RUN_UNKNOWN, WORKFLOW_UNKNOWN, UNKNOWN_NODE, OUTPUT_UNKNOWN, OUTPUT_INVALID; ConfigurationError
   *   INVALID_OPTION, MISSING_PARAMETER
   */
  fork(runId: string, atSeq: number, { outputs = {}, rerun = [] }: ForkOverrides, given?: Workflow): ForkedRun {
    const record = this.record(runId);
    if (!Number.isSafeInteger(atSeq) || atSeq < 1 || atSeq > record.events) throw noPrefix(record, atSeq);
    const workflow = given ?? this.workflowOf(record);
    const { events, workflowHash } = this.view(runId, atSeq);
    const plan = compile(workflow);
    const current = describeWorkflow(workflow, this.#hash);
    const again = new Set<string>(rerun);
    checkParameters(workflow, runId, events[0]);
    for (const id of [...rerun, ...Object.keys(outputs)]) if (!plan.nodeIndex.has(id)) throw unknownNode(plan, id);
    if (current.hash !== workflowHash) {
      const recorded = this.descriptionOf(workflowHash, runId);
      const changes = changesBetween(recorded, current);
      for (const id of nodesToRunAgain(changes, compile(hollowWorkflow(recorded)), plan)) again.add(id);
    }
    for (const [id, output] of Object.entries(outputs))
      checkReplacement(plan.nodes[plan.nodeIndex.get(id) as number] as PlanNode, output);
    const replacedOutputs = new Map(Object.entries(outputs));
    const kept = pruneHistory(plan, events, dependentsOf(plan, again, replacedOutputs.keys()), { replacedOutputs });
    return { workflow, events: kept.map((event) => ownedBy(event, current.hash)), from: { runId, events: atSeq } };
  }

  /** A run that is over, with its workflow as it was recorded: it needs no code to be shown. `undefined` for any other. @throws LockstepError RUN_UNKNOWN */
  ended(runId: string): RecordedRun | undefined {
    const record = this.record(runId);
    if (record.endedAt === null) return undefined;
    const { events, workflowHash } = this.view(runId);
    return { record, workflow: this.hollowOf(workflowHash, runId), started: events[0] as RunEvent, events };
  }

  /**
   * What of a log counts; see `historyView`.
   *
   * @param to only so many events of the log
   * @throws LockstepError BLOB_MISSING, CORRUPT_HISTORY
   */
  view(runId: string, to?: number): HistoryView {
    const events = this.events(runId, to === undefined ? {} : { to });
    return historyView(runId, events, (workflowHash) => this.hollowOf(workflowHash, runId));
  }

  /** The workflow of a run as it was recorded: it can be shown and replayed, not run. */
  hollowOf(workflowHash: string, runId: string): Workflow {
    if (this.#hollow?.hash !== workflowHash)
      this.#hollow = { hash: workflowHash, workflow: hollowWorkflow(this.descriptionOf(workflowHash, runId)) };
    return this.#hollow.workflow;
  }

  /** The events of a run, in order, read as they are asked for. @throws LockstepError BLOB_MISSING, VALUE_UNREADABLE */
  *events(runId: string, range: EventRange = {}): Generator<RunEvent> {
    for (const stored of this.store.events(runId, range)) yield this.decode(runId, stored);
  }

  /** An event of what the store holds of it. @throws LockstepError BLOB_MISSING, VALUE_UNREADABLE */
  decode(runId: string, stored: StoredEvent): RunEvent {
    return readStoredEvent(stored, runId, (hash) => this.store.blob(hash), this.#bytes);
  }
}

function ownedBy(event: RunEvent, workflowHash: string): RunEvent {
  return event.kind === 'run.started' ? { ...event, data: { ...event.data, workflowHash } } : event;
}

function unknownNode({ nodeIndex, workflow }: Plan, id: string): LockstepError {
  const what = `Workflow "${workflow.name}" has no node "${id}" at the top. ${didYouMean(id, [...nodeIndex.keys()])}`;
  return new LockstepError('UNKNOWN_NODE', what, { at: id, value: id });
}

/** A run goes on with the parameters that it began with. @throws ConfigurationError MISSING_PARAMETER */
function checkParameters({ data }: Workflow, runId: string, started: RunEvent | undefined): void {
  const given: Readonly<Record<string, unknown>> = started?.kind === 'run.started' ? started.data.parameters : {};
  const missing = data.parameters.find(({ name, optional }) => !optional && given[name] === undefined);
  if (missing === undefined) return;
  const what = `The workflow as it is now requires the parameter "${missing.name}", and run "${runId}" began without it: begin a new run.`;
  throw new ConfigurationError('MISSING_PARAMETER', what, { at: missing.name });
}

function noPrefix({ runId, events }: RunRecord, atSeq: number): ConfigurationError {
  const what = `Run "${runId}" has ${events} events, so that it can be forked after 1 to ${events} of them.`;
  return new ConfigurationError('INVALID_OPTION', what, { at: 'fork.atSeq', value: atSeq });
}

function workflowChanged({ runId, workflow }: RunRecord, changes: WorkflowChanges): LockstepError {
  const what = `Run "${runId}" was started with another workflow "${workflow}": ${changesText(changes)}.`;
  return new LockstepError('WORKFLOW_CHANGED', what, { at: runId, value: changes });
}

/** How many changed parts an error names. */
const NAMED = 8;

function partText(kind: string, { id, change, what }: PartChange): string {
  return `${kind} "${id}" ${change === 'changed' ? `changed${what.length === 0 ? '' : ` (${what.join(', ')})`}` : `was ${change}`}`;
}

function changesText({ nodes, cycles, parameters, outputs, name, order }: WorkflowChanges): string {
  const parts = [
    ...nodes.map((part) => partText('node', part)),
    ...cycles.map((part) => partText('cycle', part)),
    ...parameters.map((part) => partText('parameter', part)),
    ...(outputs ? ['its outputs changed'] : []),
    ...(name ? ['its name changed'] : []),
    ...(order ? ['its parts are in another order'] : []),
  ];
  const more = parts.length > NAMED ? `, and ${parts.length - NAMED} more` : '';
  return `${parts.slice(0, NAMED).join(', ')}${more}`;
}

const texts = new WeakMap<WorkflowDescription, string>();

function descriptionText(description: WorkflowDescription): string {
  let text = texts.get(description);
  if (text === undefined) {
    text = encodeValue(description, 'the workflow');
    texts.set(description, text);
  }
  return text;
}

/** Where the log of a run goes on that was found in a store. */
export function logEnd(found: RecordedRun | undefined): LogEnd {
  if (found === undefined) return {};
  const { record, revised, snapshot } = found;
  return {
    next: record.events,
    ...(revised === undefined ? {} : { revised }),
    ...(snapshot === undefined ? {} : { snapshot: snapshot.data }),
  };
}

/** Whether the log of a run that was found takes something back: then not all of its events count. */
export function isRevised({ record, events, snapshot }: RecordedRun): boolean {
  return snapshot === undefined && events.length < record.events;
}

/** What the list shows of a run that begins. */
export function newHeader({ name, hash }: StoredWorkflow, forkedFrom: RunHeader['forkedFrom']): RunHeader {
  return {
    workflow: name,
    workflowHash: hash,
    status: 'pending',
    startedAt: 0,
    endedAt: null,
    errorCode: null,
    wakeAt: null,
    forkedFrom,
  };
}
