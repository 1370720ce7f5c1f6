import { type ErrorData, errorData, LockstepError } from '../../../base/errors.js';
import { isRecord } from '../../../base/record.js';
import { NOTHING_BESIDE, type ValueGate } from '../values/value-gate.js';
import { type AnswerTool, type AskingCall, doFor, type HostAnswer } from './asked.js';
import { FRAME_KINDS, type Frame, type SharedFile } from './frame.js';
import { unreadable } from './unreadable.js';

/** How much of the message of an error is passed on, in characters. */
const LONGEST_MESSAGE = 32_768;

/** What the questions of a call do with the stream that it is on. */
export interface QuestionsOwner {
  readonly call: AskingCall;
  readonly gate: ValueGate;
  readonly answer: AnswerTool;
  /** Does something in the context of AsyncLocalStorage in which the call was made: frames come in that of whoever started the worker. */
  inContext<T>(work: () => T): T;
  send(frame: Frame, files: readonly SharedFile[]): void;
}

/** A question that has not been answered. */
class Question {
  readonly number: number;
  readonly name: string;
  #controller: AbortController | undefined;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(number: number, name: string) {
    this.number = number;
    this.name = name;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#stopped !== undefined) this.#controller.abort(this.#stopped.reason);
    return this.#controller.signal;
  }

  /** Nobody waits for its answer any more. */
  stop(reason: unknown): void {
    this.#stopped = { reason };
    this.#controller?.abort(reason);
  }
}

/** What the tool of one call asks its host for. */
export class Questions {
  readonly #owner: QuestionsOwner;
  readonly #open = new Set<Question>();

  constructor(owner: QuestionsOwner) {
    this.#owner = owner;
  }

  /** A question has come. @throws LockstepError FRAME_UNREADABLE */
  take(list: readonly unknown[]): void {
    const [number, name, args] = list;
    if (typeof number !== 'number' || typeof name !== 'string' || !isRecord(args))
      throw unreadable('no question', list);
    const question = new Question(number, name);
    this.#open.add(question);
    const { call, answer } = this.#owner;
    const work = () => doFor(call, () => answer({ name, args }, () => question.signal));
    const answered = this.#owner.inContext(work);
    if (answered instanceof Promise) void answered.then((given) => this.#reply(question, given));
    else this.#reply(question, answered);
  }

  /** Nobody waits for answers any more: what is still done is told so. */
  stop(why: () => unknown): void {
    if (this.#open.size === 0) return;
    const reason = why();
    const open = [...this.#open];
    this.#open.clear();
    for (const question of open) question.stop(reason);
  }

  #reply(question: Question, answer: HostAnswer): void {
    if (!this.#open.delete(question)) return;
    const { gate, call } = this.#owner;
    const { number, name } = question;
    const values = gate.writer();
    const frame = { call: call.id, kind: FRAME_KINDS.REPLY };
    try {
      const text =
        'failure' in answer
          ? `null,${failureText(answer.failure)}`
          : `${values.write(answer.value, resultOf(name))},null`;
      const { segments, files } = values.beside();
      this.#owner.send({ ...frame, text: `[${number},${text}]`, segments }, files);
    } catch (error) {
      const text = `[${number},null,${failureText(errorData(error))}]`;
      this.#owner.send({ ...frame, text, segments: NOTHING_BESIDE.segments }, []);
    }
  }
}

/** What the arguments of a host tool are called in errors. */
export function argumentsOf(name: string): string {
  return `host.${name}`;
}

/** What the result of a host tool is called in errors. */
export function resultOf(name: string): string {
  return `host.${name}()`;
}

/** The error of a question that nobody waits for any more because its call has ended. */
export function askedInVain(command: string, why: string): LockstepError {
  return new LockstepError('CALL_CANCELLED', `${command} does not wait for its host any more: ${why}.`, {
    at: command,
  });
}

function failureText(failure: ErrorData): string {
  return JSON.stringify(failureList(failure));
}

function failureList({ code, name, message, cause }: ErrorData): readonly unknown[] {
  return [code, name, message.slice(0, LONGEST_MESSAGE), cause === undefined ? null : failureList(cause)];
}
