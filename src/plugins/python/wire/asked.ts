import { AsyncLocalStorage } from 'node:async_hooks';
import type { ErrorData } from '../../../base/errors.js';

/** What a tool asks its host for. */
export interface Asked {
  /** The name of a host tool. */
  readonly name: string;
  /** By name. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a host tool returned, or what it threw. */
export type HostAnswer = { readonly value: unknown } | { readonly failure: ErrorData };

/**
 * Answers what a tool asks for. Never throws, and is never rejected.
 *
 * @param signal that of the question, made when it is first read: aborted when nobody waits for the answer any more
 */
export type AnswerTool = (asked: Asked, signal: () => AbortSignal) => HostAnswer | Promise<HostAnswer>;

/** A call whose tool has asked for something. */
export interface AskingCall {
  /** Its number on its stream. */
  readonly id: number;
  /** The call within which it was made; `undefined` where it was made by nothing that a tool has asked for. */
  readonly within: AskingCall | undefined;
  /** Whether its last frame has come. */
  readonly hasEnded: boolean;
}

const asking = new AsyncLocalStorage<AskingCall>();

/** Does what a tool has asked for. Calls that this makes, also later, are within that of the tool: they need not wait for its place. */
export function doFor<T>(call: AskingCall, work: () => T): T {
  return asking.run(call, work);
}

/** The innermost call that is going on and within which calls are made now. */
export function callAround(): AskingCall | undefined {
  let call = asking.getStore();
  while (call?.hasEnded === true) call = call.within;
  return call;
}
