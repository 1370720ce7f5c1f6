import { LockstepError } from '../../base/errors.js';
import type { EventStore, RunRecord } from '../../base/history/event-store.js';
import { replayed } from '../../base/history/replay.js';
import { type GateReport, openGates } from '../../base/waiting-runs.js';
import type { Workflow } from '../../base/workflow.js';
import { LocalRuntime } from '../../runtimes/local-runtime.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { jsonText } from '../json-text.js';
import { textValue } from '../load/parameters.js';
import { type CodeOptions, fileMissing, loadWorkflowOf } from '../recorded.js';
import { valueText } from '../run-text.js';
import { logTo, environmentSecrets as secrets } from '../runtime-settings.js';
import type { Screen } from '../screen.js';
import { changeStore, readStore, runsOf } from '../store.js';
import { timeText } from '../table.js';

/** Options of `lockstep gates`. */
export interface GatesVerbOptions {
  readonly store: string;
}

function gatesOf(store: EventStore, { runId }: RunRecord): readonly GateReport[] {
  const recorded = runsOf(store);
  const { events, workflowHash } = recorded.view(runId);
  return openGates(replayed(recorded.hollowOf(workflowHash, runId), runId, events));
}

function gateDocument({ gate, shows, openedAt, expiresAt }: GateReport): object {
  return { gate, shows, openedAt, expiresAt: expiresAt ?? null };
}

function gateText({ gate, shows, openedAt, expiresAt }: GateReport, { out }: Screen): string {
  const until = expiresAt === undefined ? '' : `, expires ${timeText(expiresAt)}`;
  const shown = valueText(shows, process.stdout.isTTY === true);
  return `${out('bold', gate)}, open since ${timeText(openedAt)}${until}, shows ${shown}`;
}

/** `lockstep gates RUN`. */
export function gatesVerb(text: string, { store: file }: GatesVerbOptions, screen: Screen): ExitCode {
  return readStore(file, (store) => {
    const record = findRun(store, text);
    const gates = gatesOf(store, record);
    const { runId, status } = record;
    if (screen.json) screen.print(jsonText({ runId, status, gates: gates.map(gateDocument) }));
    else if (gates.length === 0) screen.note(`no gate of run ${runId} waits for an answer; the run is ${status}`);
    else screen.print(gates.map((gate) => gateText(gate, screen)).join('\n'));
    return EXIT.completed;
  });
}

/** Options of `lockstep approve` and `lockstep reject`. */
export interface AnswerVerbOptions extends CodeOptions {
  readonly store: string;
  /** JSON, or else a text; `@FILE` for what a file holds. */
  readonly answer?: string;
  readonly reason?: string;
  /** Who answered. */
  readonly by?: string;
}

/** Which run and gate are answered, and the file with the workflow where its answers are checked. */
export interface Answered {
  readonly run: string;
  readonly gate: string;
  readonly file: string | undefined;
}

/** `lockstep approve RUN GATE [FILE]`. */
export function approveVerb(answered: Answered, options: AnswerVerbOptions, screen: Screen): Promise<ExitCode> {
  const { answer, by } = options;
  const value = answer === undefined ? undefined : textValue(answer);
  return answerGate(answered, 'approved', options, screen, (runtime, runId) =>
    runtime.approve(runId, answered.gate, value, by),
  );
}

/** `lockstep reject RUN GATE [FILE]`. */
export function rejectVerb(answered: Answered, options: AnswerVerbOptions, screen: Screen): Promise<ExitCode> {
  const { reason, by } = options;
  return answerGate(answered, 'rejected', options, screen, (runtime, runId) =>
    runtime.reject(runId, answered.gate, reason, by),
  );
}

async function answerGate(
  { run, gate, file }: Answered,
  outcome: 'approved' | 'rejected',
  options: AnswerVerbOptions,
  screen: Screen,
  apply: (runtime: LocalRuntime, runId: string) => void,
): Promise<ExitCode> {
  const record = readStore(options.store, (store) => findRun(store, run));
  const workflow = file === undefined ? undefined : await loadWorkflowOf(record, file, options);
  const { runId } = record;
  const left = changeStore(options.store, (store) => {
    applyTo(store, workflow, record, screen, apply);
    return gatesOf(store, record);
  });
  const open = left.map((each) => each.gate);
  if (screen.json) screen.print(jsonText({ runId, gate, outcome, open }));
  else {
    const rest = open.length === 0 ? '' : `; still open: ${open.join(', ')}`;
    screen.note(`gate ${gate} of run ${runId} is ${outcome}${rest}`);
    screen.note(`note: go on with it: lockstep resume ${runId} ${file ?? 'FILE'} --store ${options.store}`);
  }
  return EXIT.completed;
}

/** Answers by the workflow, or by what was recorded of it: enough where the gate does not check its answers. */
function applyTo(
  store: EventStore,
  workflow: Workflow | undefined,
  record: RunRecord,
  screen: Screen,
  apply: (runtime: LocalRuntime, runId: string) => void,
): void {
  const workflows = workflow === undefined ? [] : [workflow];
  using runtime = new LocalRuntime({ store, secrets, log: logTo(screen), workflows });
  try {
    apply(runtime, record.runId);
  } catch (error) {
    if (workflow !== undefined || !(error instanceof LockstepError) || error.code !== 'WORKFLOW_UNKNOWN') throw error;
    throw fileMissing(record, 'this gate checks its answers, for which its code is needed, and no FILE was named');
  }
}
