import { didYouMean } from '../base/did-you-mean.js';
import { ConfigurationError } from '../base/errors.js';
import { type RunEvent, subjectOf } from '../base/events.js';
import { isRecord } from '../base/record.js';
import type { WaitingRun } from '../base/run-result.js';
import type { GateReport } from '../base/waiting-runs.js';
import type { Workflow } from '../base/workflow.js';
import type { VirtualClock } from './virtual-clock.js';
import { gatesOf } from './with-functions.js';

/** How a gate is answered; `expire`: by nobody, so that it times out. */
export type GateAnswer = { readonly approve: unknown } | { readonly reject: string } | 'expire';

/** A gate that waits for its answer. */
export interface OpenGate extends Pick<GateReport, 'gate' | 'shows'> {
  /** 1 for the first time that it opened; a gate in a cycle opens again. */
  readonly visit: number;
}

/**
 * Answers by the path of the gate: its id, or `owner/gate` inside a map or subworkflow. A function is asked each time that the
 * gate opens, in every run.
 */
export type GateAnswers = Readonly<Record<string, GateAnswer | ((open: OpenGate) => GateAnswer)>>;

/** What is asked of a runtime whose run waits. */
interface Answering {
  gates(runId: string): readonly GateReport[];
  approve(runId: string, gate: string, answer?: unknown): void;
  reject(runId: string, gate: string, reason?: string): void;
}

/** The path of a gate: its place without numbers of items, visits and attempts. */
function pathOf(gate: string): string {
  return gate.replace(/(#\d+(\.\d+)?)?(\[\d+\])?\//g, '/');
}

function unanswered(gate: string, what: string): ConfigurationError {
  return new ConfigurationError('GATE_UNANSWERED', `Gate "${gate}" ${what}.`, { at: gate });
}

function checkAnswer(answer: unknown, at: string): asserts answer is GateAnswer {
  if (answer === 'expire') return;
  const keys = isRecord(answer) ? Object.keys(answer) : [];
  if (keys.length === 1 && (keys[0] === 'approve' || keys[0] === 'reject')) return;
  const what = `The answer of gate "${at}" must be { approve: value }, { reject: reason } or "expire".`;
  throw new ConfigurationError('INVALID_OPTION', what, { at, value: answer });
}

/** Refuses answers of gates that a workflow does not have. @throws ConfigurationError UNKNOWN_OPTION, INVALID_OPTION */
export function checkAnswers(workflow: Workflow, answers: GateAnswers): void {
  const known = gatesOf(workflow);
  for (const [path, answer] of Object.entries(answers)) {
    if (typeof answer !== 'function') checkAnswer(answer, path);
    if (known.includes(path)) continue;
    const what = `An answer is given for "${path}", which is no gate of "${workflow.name}". ${didYouMean(path, known)}`;
    throw new ConfigurationError('UNKNOWN_OPTION', what, { at: path, value: path });
  }
}

/**
 * Answers the gates of a run that waits. Where all of them are to time out, the clock goes on until the next one does.
 *
 * @param events of the run so far
 * @throws ConfigurationError GATE_UNANSWERED, INVALID_OPTION
 */
export function answerGates(
  runtime: Answering,
  { runId, wakeAt }: WaitingRun,
  answers: GateAnswers,
  clock: VirtualClock,
  events: readonly RunEvent[],
): void {
  let waits = true;
  for (const { gate, shows, expiresAt } of runtime.gates(runId)) {
    const given = answers[pathOf(gate)];
    if (given === undefined) throw unanswered(gate, `waits, and no answer is given for "${pathOf(gate)}"`);
    const opened = events.findLast((event) => event.kind === 'gate.opened' && subjectOf(event) === gate);
    const visit = opened?.kind === 'gate.opened' ? opened.data.visit : 1;
    const answer = typeof given === 'function' ? given({ gate, shows, visit }) : given;
    checkAnswer(answer, gate);
    if (answer === 'expire') {
      if (expiresAt === undefined) throw unanswered(gate, 'never times out, and nobody answers it');
      continue;
    }
    waits = false;
    if ('approve' in answer) runtime.approve(runId, gate, answer.approve);
    else runtime.reject(runId, gate, answer.reject);
  }
  if (waits && wakeAt !== undefined) clock.advance(wakeAt - clock.now());
}
