import type { ActiveRun } from '../active-run.js';
import { LockstepError } from '../errors.js';
import { setAsData } from '../event-data.js';
import type { RunEvent } from '../events.js';
import type { Execution } from '../execution.js';
import type { Ports } from '../ports.js';
import { RunRejectedError } from '../run-errors.js';
import type { BoundParameters, RunRequest } from '../run-request.js';
import type { ResolvedOptions } from '../runtime-options.js';
import { CommitGroup } from './commit-group.js';
import type { EventStore, StoredWorkflow } from './event-store.js';
import { ProjectionCache } from './projection-cache.js';
import { ProjectionRunner } from './projection-runner.js';
import { isRevised, newHeader, RecordedRuns } from './recorded-runs.js';
import { RunJournal } from './run-journal.js';
import { encodeValue } from './value-codec.js';
import { workflowsByName } from './workflows-by-name.js';

type Tell = ((event: RunEvent) => void) | undefined;

/** What a runtime does to record its runs, where a store is bound. */
export class RunRecorder {
  readonly runs: RecordedRuns;
  readonly commits: CommitGroup;
  readonly #ports: Ports;
  readonly #options: ResolvedOptions;
  #projections: ProjectionRunner | undefined;

  /** @throws ConfigurationError INVALID_OPTION */
  constructor(store: EventStore, options: ResolvedOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
    this.runs = new RecordedRuns(store, workflowsByName(options.workflows), ports);
    const project =
      options.projections.length === 0 ? undefined : (events: readonly RunEvent[]) => this.projections.applied(events);
    this.commits = new CommitGroup(store, ports.clock, project);
  }

  /** The projections of the runtime, which have seen what the store has. @throws ProjectionFailedError; ConfigurationError INVALID_OPTION */
  get projections(): ProjectionRunner {
    if (this.#projections !== undefined) return this.#projections;
    const { store } = this.runs;
    store.open();
    const { log } = this.#ports;
    const decode = this.runs.decode.bind(this.runs);
    this.#projections = new ProjectionRunner({ store, decode, log, cache: new ProjectionCache() });
    for (const projection of this.#options.projections) this.#projections.attach(projection);
    return this.#projections;
  }

  /** What of a run that is about to begin cannot be recorded. */
  problems(
    { plan, options: { context = {} } }: RunRequest,
    { parameters, set }: BoundParameters,
  ): readonly LockstepError[] {
    const given = { parameters, set: setAsData(plan, set), context };
    return problemsOf(
      () => this.runs.describe(plan.workflow),
      ...Object.entries(given).map(
        ([name, value]) =>
          () =>
            encodeValue(value, name),
      ),
    );
  }

  /** What a run is given must not hold a secret. @throws RunRejectedError SECRET_IN_OUTPUT */
  refuseSecrets(journal: RunJournal, { runId, plan, secrets, start }: Execution): void {
    if (secrets.size === 0) return;
    const { parameters, set, context } = start;
    const given = { parameters, set: setAsData(plan, set), context };
    const problems = problemsOf(() => journal.accept(given, 'the start of a run'));
    if (problems.length > 0) throw new RunRejectedError({ runId, workflow: plan.workflow.name }, problems);
  }

  /** A forked run begins with the history of another. @throws RunRejectedError where what it was given cannot be recorded */
  takeOver(journal: RunJournal, { runId, plan }: Execution, history: readonly RunEvent[]): void {
    const problems = problemsOf(() => journal.copy(history));
    if (problems.length > 0) throw new RunRejectedError({ runId, workflow: plan.workflow.name }, problems);
  }

  /** What a run will record. */
  journalOf({ runId, plan, found, forkedFrom }: RunRequest, tell: Tell, run: () => ActiveRun): RunJournal {
    const { clock, hash, bytes } = this.#ports;
    const isDescribed = found === undefined || found.revised !== undefined;
    const workflow = isDescribed ? this.runs.describe(plan.workflow) : undefined;
    const journal: RunJournal = new RunJournal({
      runId,
      hash,
      bytes,
      header: found?.record ?? newHeader(workflow as StoredWorkflow, forkedFrom ?? null),
      workflow,
      secrets: () => run().execution.secrets,
      wakeAt: () => run().execution.core.wakeAt, // of what waits: the limits of the run stand still
      tell,
      failed: () => clock.yieldTurn(() => run().wake?.()),
      isProjected: this.#options.projections.length > 0,
      snapshots: {
        lastBytes: found?.snapshot?.size ?? 0,
        isRevised: found !== undefined && isRevised(found),
        now: () => clock.now(),
        take: () => this.runs.snapshots.take({ runId, plan, workflowHash: journal.workflowHash }, clock.now()),
      },
    });
    return journal;
  }

  /** A run is recorded from now on. */
  begin(journal: RunJournal): void {
    this.commits.add(journal);
    journal.require(this.#options.durability);
  }

  /** What happened to a run from outside is kept before anybody goes on. @throws what the store throws */
  keep(journal: RunJournal): void {
    this.begin(journal);
    this.commits.commit(journal);
  }

  /** What a run recorded last is kept before anybody hears of it. @throws what the store throws */
  end(journal: RunJournal): void {
    this.keep(journal);
    this.commits.remove(journal);
  }
}

/** What several checks find wrong. */
function problemsOf(...checks: readonly (() => unknown)[]): readonly LockstepError[] {
  return checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      if (error instanceof LockstepError) return [error];
      throw error;
    }
  });
}
