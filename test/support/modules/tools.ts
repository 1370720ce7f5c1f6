import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Parcel, Service, ServiceCall, ServiceHost } from '../../../src/base/executor-port.js';
import { decodeValue, encodeValue } from '../../../src/base/history/value-codec.js';
import type { NodeContext } from '../../../src/base/node-context.js';
import { thrownData } from '../../../src/runtimes/sync-bridge/thrown.js';
import type { Answer, Packed } from '../tool-executor.js';
import { parcelOf, valueIn } from '../value-parcel.js';

/** What a tool is told of its call. */
interface ToolContext extends Pick<NodeContext, 'runId' | 'nodeId' | 'attempt' | 'visit' | 'idempotencyKey'> {
  readonly call: ServiceCall;
  readonly state: unknown;
  readonly context: unknown;
  setState(next: unknown): void;
}

type Tool = (value: never, context: ToolContext) => unknown;

/** Where calls meet: files, because they may be in other threads and processes. */
async function untilSo(isSo: () => boolean, call: ServiceCall, deaf = false): Promise<boolean> {
  while (!isSo()) {
    if (call.context.signal.aborted && !deaf) return false;
    await pause(2);
  }
  return true;
}

/** The tools that `test/contract/executor.ts` asks every executor for. */
const TOOLS: Readonly<Record<string, Tool>> = {
  echo: (value) => value,
  fail: (value: string) => {
    throw Object.assign(new RangeError(`no luck with ${value}`), { code: 'NO_LUCK' });
  },
  /** Ends when its call is aborted, and says so in a file. */
  hold: async (value: { readonly started: string; readonly told: string }, { call }) => {
    writeFileSync(value.started, '');
    await untilSo(() => false, call);
    writeFileSync(value.told, call.gone.aborted ? 'gone' : 'aborted');
    return 'told';
  },
  /** Ends when a file says so, whatever its call is told. */
  late: async (value: { readonly finish: string; readonly finished: string }, { call, attempt }) => {
    if (attempt > 1) return attempt;
    await untilSo(() => existsSync(value.finish) || !existsSync(dirname(value.finish)), call, true);
    writeFileSync(value.finished, '');
    return 'too late';
  },
  /** Ends when as many of it are in flight together. */
  meet: async (value: { readonly folder: string; readonly number: number }, { call, nodeId }) => {
    writeFileSync(`${value.folder}/${nodeId}`, '');
    await untilSo(() => readdirSync(value.folder).length >= value.number, call);
    return 'met';
  },
  /** Fails where another call of it is in flight. */
  alone: async (folder: string, { nodeId }) => {
    if (readdirSync(folder).some((name) => name.startsWith('busy'))) throw new Error('not alone');
    const busy = `${folder}/busy-${nodeId}`;
    writeFileSync(busy, '');
    await pause(5);
    rmSync(busy);
    return 'alone';
  },
  about: (_, { runId, nodeId, attempt, visit, idempotencyKey, state, context, call }) => ({
    ...{ runId, nodeId, attempt, visit, idempotencyKey, state, context },
    secret: call.context.secret('KEY'),
  }),
  talk: (value, { call }) => {
    call.context.log.log('info', 'begins');
    call.context.progress(1, 2, 'one');
    call.context.emit(parcelOf(value, 'emitted'));
    return null;
  },
  /** The same twice, and a part of it. */
  thrice: (value: Float64Array) => [value, value, value.subarray(1)],
  /** How many items came. */
  count_items: (value: Float64Array) => value.length,
  /** Ends its thread. */
  die: () => process.exit(3),
  /** Ends its thread when a file says so, and holds it until then. */
  hold_and_die: (value: { readonly started: string; readonly end: string }) => {
    writeFileSync(value.started, '');
    while (!existsSync(value.end));
    process.exit(3);
  },
  /** Waits for nothing that could ever come. */
  never: () => new Promise(() => undefined),
  /** Answers after so many milliseconds. */
  wait: async (ms: number) => {
    await pause(ms);
    return ms;
  },
  /** Asks its caller each of some questions, one after the other, and waits for nothing else. */
  ask: async (questions: readonly unknown[], { call }) => {
    const answers: unknown[] = [];
    for (const question of questions) answers.push((await call.ask({ data: question, bytes: [] })).data);
    return answers;
  },
  /** Asks its caller something that cannot cross. */
  ask_function: (_, { call }) => call.ask({ data: () => 1, bytes: [] }),
  /** Asks its caller something when that has given the call up, and says in a file what came of it. */
  ask_in_vain: async (told: string, { call }) => {
    await untilSo(() => false, call);
    await pause(100);
    const answer = call.ask({ data: 1, bytes: [] });
    writeFileSync(told, await answer.then(String, ({ code }: { readonly code: string }) => code));
  },
  count: (_, { state, setState }) => {
    const next = (state as number) + 1;
    setState(next);
    return next;
  },
};

function answerOf(data: Answer, bytes: Parcel['bytes']): Parcel {
  return { data, bytes };
}

async function perform(call: ServiceCall): Promise<Parcel> {
  const { data, bytes } = call.packed;
  const { tool, value, state, context } = data as Packed;
  const { runId, nodeId, attempt, visit, idempotencyKey } = call.context;
  let change: string | undefined;
  try {
    const output = await (TOOLS[tool] as Tool)(valueIn(value, bytes) as never, {
      ...{ runId, nodeId, attempt, visit, idempotencyKey, call },
      state: decodeValue(state),
      context: decodeValue(context),
      setState: (next) => {
        change = encodeValue(next, `${nodeId}.state`);
      },
    });
    const answer = parcelOf(output, nodeId);
    return answerOf({ value: answer.data, state: change }, answer.bytes);
  } catch (error) {
    return answerOf({ thrown: thrownData(error) }, []);
  }
}

/** What the service of the tools does beside its calls; each path is that of a file. */
export interface ToolSettings {
  /** Written once it has started. */
  readonly started?: string;
  /** Without this file it does not start. */
  readonly needs?: string;
  /** Written once it has stopped. */
  readonly stopped?: string;
  /** It never stops. */
  readonly staysUp?: boolean;
  /** How its start goes wrong: it ends its thread, or waits for nothing that could ever come. */
  readonly start?: 'dies' | 'never';
  /** It tells its host when it starts, what it performs, and when it stops. */
  readonly tells?: boolean;
}

const NOBODY: ServiceHost = { tell: () => undefined, unheard: 0 };

/** Serves the tools: in this thread, or in another one that loads this module. */
export async function startTools(settings: unknown, host: ServiceHost = NOBODY): Promise<Service> {
  const { started, needs, stopped, staysUp, start, tells } = (settings ?? {}) as ToolSettings;
  const tell = (what: unknown): void => {
    if (tells === true) host.tell(what);
  };
  await pause(1);
  if (start === 'dies') process.exit(3);
  if (start === 'never') await new Promise(() => undefined);
  tell('starts');
  if (needs !== undefined && !existsSync(needs)) throw Object.assign(new Error('no start'), { code: 'NOT_YET' });
  if (started !== undefined) writeFileSync(started, '');
  return {
    perform: (call) => {
      const { nodeId, attempt } = call.context;
      tell(`performs ${nodeId} ${attempt}`);
      const { tool } = call.packed.data as Packed;
      if (tool === 'refused') tell({ part: () => undefined });
      if (tool === 'unheard')
        return Promise.resolve(answerOf({ value: encodeValue(host.unheard, 'unheard'), state: undefined }, []));
      return perform(call);
    },
    stop: async () => {
      await pause(1);
      tell('stops');
      if (staysUp === true) await pause(60_000);
      if (stopped !== undefined) writeFileSync(stopped, '');
    },
  };
}
