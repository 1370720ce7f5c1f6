import { AsyncResource } from 'node:async_hooks';
import { AttemptError, LockstepError } from '../../../base/errors.js';
import { failureOf } from '../python-error.js';
import { timerMs } from '../timer-ms.js';
import { NOTHING_BESIDE, type ValueGate } from '../values/value-gate.js';
import { type AskingCall, callAround } from './asked.js';
import type { Answer, CallRequest } from './call-request.js';
import { Feed } from './feed.js';
import { FRAME_KINDS, type Frame, type SharedFile } from './frame.js';
import { itemCost } from './item-cost.js';
import { ItemQueue } from './item-queue.js';
import { ItemTaker } from './item-taker.js';
import { askedInVain, Questions } from './questions.js';
import { saidOf } from './said.js';
import { unreadable } from './unreadable.js';

/** What a call does with the stream that it is on. */
export interface CallOwner {
  readonly gate: ValueGate;
  /** Sends a frame behind those that wait. */
  send(frame: Frame): void;
  /** Sends a frame that a tool waits for. */
  reply(frame: Frame): void;
  /** Sends a frame before those that wait. */
  steer(frame: Frame): void;
  /** Takes back the frames of a call that still wait. @returns whether nothing of it has been sent */
  withdraw(call: LiveCall): boolean;
  /** Somebody waits for the call no more: it was answered, or given up. */
  settled(call: LiveCall): void;
  /** Its last frame has come: its place is free. */
  ended(call: LiveCall): void;
}

/**
 * A call, from its number to its last frame. It may be given up before that: then nobody waits any more, and what still comes is
 * passed over, but it is kept until the function has really ended in the worker.
 */
export class LiveCall implements AskingCall {
  readonly id: number;
  readonly request: CallRequest;
  /** What the tool yields, where it is taken from a queue. */
  readonly items: ItemQueue | undefined;
  /** Kept when it is answered. Rejected when it fails, is given up or is lost. */
  readonly outcome: Promise<Answer>;
  readonly within: AskingCall | undefined = callAround();
  readonly #owner: CallOwner;
  /** That of AsyncLocalStorage in which it was made. */
  readonly #context = new AsyncResource('LockstepCall');
  /** Where items go; `undefined` where nobody takes any. */
  readonly #taker: Pick<ItemQueue, 'push'> | undefined;
  readonly #feed: Feed | undefined;
  readonly #deadline: NodeJS.Timeout | undefined;
  /** `undefined`: its tool has asked for nothing. */
  #questions: Questions | undefined;
  #files: SharedFile[] = [];
  #isSettled = false;
  #hasEnded = false;
  #isCancelled = false;
  #isUnsent = false;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: unknown) => void;

  constructor(id: number, request: CallRequest, owner: CallOwner) {
    this.id = id;
    this.request = request;
    this.#owner = owner;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever takes items may never ask for the outcome.
    this.outcome.catch(() => undefined);
    const { input, items, timeoutMs } = request;
    const grant = (credits: number): void => this.#owner.steer(this.#frame(FRAME_KINDS.CREDIT, `[${credits}]`));
    if (items === 'queue') {
      const abandon = (): void => this.giveUp('nobody takes its items', abandoned(request.command));
      this.items = new ItemQueue({ grant, abandon });
    }
    this.#taker = typeof items === 'function' ? new ItemTaker(items, grant) : this.items;
    if (input !== undefined)
      this.#feed = new Feed(input, {
        send: (value) => this.#sendItem(value),
        end: () => this.#owner.send(this.#frame(FRAME_KINDS.END, '[]')),
        fail: (error) => this.giveUp('what it was fed with failed', error),
      });
    if (timeoutMs !== undefined)
      this.#deadline = setTimeout(() => this.giveUp('its time is over', this.#late()), timerMs(timeoutMs));
  }

  /** Whether nobody waits for it any more. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether its last frame has come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Files that were sent with it. */
  keep(files: readonly SharedFile[]): void {
    if (files.length > 0) this.#files.push(...files);
  }

  /** Asks the tool to stop, and goes on waiting for what it then answers. */
  cancel(reason: string): void {
    if (this.#isSettled || this.#isCancelled) return;
    this.#isCancelled = true;
    this.#owner.steer(this.#frame(FRAME_KINDS.CANCEL, JSON.stringify([reason, false])));
    this.#questions?.stop(() => askedInVain(this.request.command, reason));
  }

  /** Waits no more: the tool is asked to stop, and nothing that it answers is delivered. */
  giveUp(reason: string, error: unknown): void {
    if (this.#isSettled) return;
    const isUnsent = this.#owner.withdraw(this);
    if (!isUnsent) this.#owner.steer(this.#frame(FRAME_KINDS.CANCEL, JSON.stringify([reason, true])));
    this.#fail(error);
    if (isUnsent) this.#end();
  }

  /** Whether it was lost before its worker was told anything of it: it can be made elsewhere. */
  get isUnsent(): boolean {
    return this.#isUnsent;
  }

  /** Its worker is gone, and with it whatever it would have answered. */
  lose(error: unknown, isUnsent: boolean): void {
    this.#isUnsent = isUnsent;
    this.#fail(error);
    this.#end();
  }

  /**
   * A frame about it has come.
   *
   * @throws LockstepError FRAME_UNREADABLE where the worker does not keep to the norm
   */
  take(frame: Frame): void {
    switch (frame.kind) {
      case FRAME_KINDS.ANSWER:
        this.#end();
        this.#answered(frame);
        return;
      case FRAME_KINDS.FAILURE:
        this.#end();
        if (!this.#isSettled) this.#fail(this.#failureOf(frame));
        return;
      case FRAME_KINDS.ITEM:
        this.#item(frame);
        return;
      case FRAME_KINDS.CREDIT:
        this.#feed?.grant(this.#count(frame));
        return;
      case FRAME_KINDS.SAID: {
        if (!this.#isSettled) this.#said(frame);
        return;
      }
      case FRAME_KINDS.ASK:
        this.#asked(frame);
        return;
      default:
        // A newer worker may say more.
        return;
    }
  }

  #answered(frame: Frame): void {
    if (this.#isSettled) {
      this.#owner.gate.discard(frame.segments);
      return;
    }
    try {
      const [value, change] = this.#list(frame);
      this.#settle();
      this.items?.end();
      this.#resolve({ value, change: Array.isArray(change) ? [change[0]] : null });
    } catch (error) {
      this.#fail(error);
    }
  }

  #item(frame: Frame): void {
    if (this.#taker === undefined) throw unreadable('an item of a call of which nobody takes items', frame.call);
    if (this.#isSettled) {
      this.#owner.gate.discard(frame.segments);
      return;
    }
    try {
      this.#taker.push(this.#list(frame)[0], itemCost(frame));
    } catch (error) {
      this.giveUp('an item cannot be taken', error);
    }
  }

  #said(frame: Frame): void {
    try {
      const said = saidOf(this.#list(frame));
      if (said !== undefined) this.request.onSaid(said);
    } catch (error) {
      this.giveUp('what it says cannot be taken', error);
    }
  }

  #asked(frame: Frame): void {
    if (this.#isSettled || this.#isCancelled) {
      this.#owner.gate.discard(frame.segments);
      return;
    }
    try {
      this.#questions ??= new Questions({
        call: this,
        gate: this.#owner.gate,
        answer: this.request.answer,
        inContext: (work) => this.#context.runInAsyncScope(work),
        send: (reply, files) => {
          this.keep(files);
          this.#owner.reply(reply);
        },
      });
      this.#questions.take(this.#list(frame));
    } catch (error) {
      this.giveUp('what it asks for cannot be read', error);
    }
  }

  /** @returns what it costs, in credits */
  #sendItem(value: unknown): number {
    const values = this.#owner.gate.writer();
    const text = `[${values.write(value, 'item')}]`;
    const { segments, files } = values.beside();
    this.keep(files);
    const frame = { call: this.id, kind: FRAME_KINDS.ITEM, text, segments };
    this.#owner.send(frame);
    return itemCost(frame);
  }

  #failureOf(frame: Frame): unknown {
    try {
      const error = failureOf(this.#list(frame));
      // The clock of the worker may run out first.
      const isLate = error.code === 'CALL_CANCELLED' && this.#deadline !== undefined && !this.#isCancelled;
      return isLate ? this.#late() : error;
    } catch (error) {
      return error;
    }
  }

  #list(frame: Frame): readonly unknown[] {
    return this.#owner.gate.readList(frame.text, frame.segments);
  }

  #count(frame: Frame): number {
    const [count] = this.#list(frame);
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) throw unreadable('no credit', count);
    return count;
  }

  #frame(kind: number, text: string): Frame {
    return { call: this.id, kind, text, segments: NOTHING_BESIDE.segments };
  }

  #late(): LockstepError {
    const { command, timeoutMs } = this.request;
    return new AttemptError('CALL_TIMEOUT', `${command} was not answered within ${timeoutMs} ms.`, { at: command });
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#settle(error);
    this.items?.fail(error);
    this.#reject(error);
  }

  /** @param error why there is no answer; absent where there is one */
  #settle(error?: unknown): void {
    this.#isSettled = true;
    this.#questions?.stop(() => error ?? askedInVain(this.request.command, 'it has been answered'));
    clearTimeout(this.#deadline);
    this.#feed?.stop();
    this.#owner.settled(this);
  }

  #end(): void {
    this.#hasEnded = true;
    this.#owner.gate.remove(this.#files);
    this.#files = [];
    this.#owner.ended(this);
  }
}

/** The error of a call of which nobody takes items any more. */
export function abandoned(command: string): LockstepError {
  return new LockstepError('STREAM_ABANDONED', `The items of ${command} were not taken to the end.`, { at: command });
}
