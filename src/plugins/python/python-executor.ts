import { threadId } from 'node:worker_threads';
import { type ErrorData, errorData } from '../../base/errors.js';
import type { Executor, ExecutorCall, Parcel, RemoteExecutor, Service, ServiceCall } from '../../base/executor-port.js';
import type { NodeContext } from '../../base/node-context.js';
import type { ServiceReference } from '../../base/ports.js';
import type { TracedAttempt, Traces } from '../traces.js';
import { attemptOf, type HostTools } from './host-tools.js';
import { performCall, type WorkerSource } from './perform-call.js';
import { failureList, failureOf } from './python-error.js';
import type { PythonTarget } from './python-node.js';
import { readOwnValue } from './values/wire-reader.js';
import { WireWriter } from './values/wire-writer.js';
import { type Asked, type AskingCall, callAround, doFor, type HostAnswer } from './wire/asked.js';
import type { Answer } from './wire/call-request.js';
import { argumentsOf, resultOf } from './wire/questions.js';
import type { WorkerSpan } from './wire/said.js';

/** A list of values on its way between a run and the thread that performs its Python nodes: its text as for a worker, and the bytes beside it. */
interface PackedList extends Parcel {
  readonly data: string;
}

/** What becomes of a call in that thread. What else than a worker's failure it throws crosses as any error does. */
interface PackedAnswer extends Parcel {
  readonly data: {
    readonly text: string;
    /** Whether that is a failure. */
    readonly hasFailed: boolean;
    /** The parts that its tool has measured. */
    readonly spans: readonly WorkerSpan[];
  };
}

/** What a tool asks its host for, on its way to the thread of the run. */
interface PackedQuestion extends Parcel {
  readonly data: {
    readonly text: string;
    /** By what the thread of the workers knows the call that asks. */
    readonly place: string;
  };
}

/** What a Python node is performed with. */
export interface PythonExecutorParts {
  /** Those of AsyncLocalRuntime, while they are started; throws where they are not. */
  readonly workers: () => WorkerSource;
  /** The spans of runs, where they are traced. */
  readonly traces: () => Traces | undefined;
  readonly tools: HostTools;
  /** What LocalRuntime has a thread of its own load, or, as a text, why that is impossible. */
  readonly service: ServiceReference | string;
}

/** What a host tool returned, or threw, on its way back. */
interface PackedHostAnswer extends Parcel {
  readonly data: string | { readonly failure: ErrorData };
}

/** What a call is packed of, and called in errors. */
const CALL_PARTS = ['target', 'inputs', 'state', 'context', 'traceparent', 'within'] as const;
type PackedParts = [
  target: PythonTarget,
  inputs: Readonly<Record<string, unknown>>,
  state: unknown,
  runContext: Readonly<Record<string, unknown>>,
  traceparent: string | null,
  within: string | null,
];

/** Performs Python nodes. */
export class PythonExecutor implements Executor {
  readonly remote?: RemoteExecutor;
  readonly whyNoRemote?: string;
  readonly #workers: () => WorkerSource;
  readonly #find: () => Traces | undefined;
  readonly #tools: HostTools;
  /** The place of the call for which a host tool works just now, in LocalRuntime; `null`: for none. */
  #within: string | null = null;
  /** `null`: nobody has asked for it. */
  #found: Traces | undefined | null = null;

  constructor({ workers, traces, tools, service }: PythonExecutorParts) {
    this.#workers = workers;
    this.#find = traces;
    this.#tools = tools;
    if (typeof service === 'string') {
      this.whyNoRemote = service;
      return;
    }
    this.remote = {
      service,
      pack: ({ target, inputs, context }) =>
        packedCall({
          target: target as PythonTarget,
          inputs,
          state: context.state,
          context: context.context,
          traceparent: this.#traceparentOf(context),
          within: this.#within,
        }),
      unpack: (answer, context) => this.#unpack(answer as PackedAnswer, context),
      unpackEmitted: (emitted) => listOf(emitted as PackedList)[0],
      answer: (question, context) => this.#answer(question as PackedQuestion, context),
    };
  }

  /** Which modules and functions there are, only a worker knows. */
  check(): undefined {
    return undefined;
  }

  async perform({ target, inputs, context, timeLeftMs, gone }: ExecutorCall): Promise<unknown> {
    const { state, context: runContext } = context;
    const python = target as PythonTarget;
    const traceparent = this.#traceparentOf(context);
    const onSpan = (span: WorkerSpan): void => this.#traced(context, span);
    const { value, change } = await performCall(this.#workers(), {
      target: python,
      inputs,
      state,
      runContext,
      context,
      timeLeftMs,
      gone,
      traceparent,
      onSpan,
      answer: (asked, signal) => this.#tools.answer(asked, attemptOf(context), signal),
    });
    return delivered(python.returns, value, change, context);
  }

  get #traces(): Traces | undefined {
    if (this.#found === null) this.#found = this.#find();
    return this.#found;
  }

  /** That of the attempt where its run is traced; otherwise what the caller of the run passed as `traceparent`. */
  #traceparentOf(context: NodeContext): string | null {
    const { traceparent } = context.context;
    return (
      this.#traces?.traceparentOf(tracedAttempt(context)) ?? (typeof traceparent === 'string' ? traceparent : null)
    );
  }

  #traced(context: NodeContext, span: WorkerSpan): void {
    this.#traces?.add(tracedAttempt(context), span);
  }

  /** Has a host tool work in this thread. */
  #answer({ data: { text, place }, bytes }: PackedQuestion, context: NodeContext): PackedHostAnswer {
    const [name, args] = listOf({ data: text, bytes }) as [string, Asked['args']];
    const around = this.#within;
    this.#within = place;
    try {
      const answer = this.#tools.answerNow({ name, args }, attemptOf(context), () => context.signal);
      return 'failure' in answer ? { data: answer, bytes: [] } : packedList([[resultOf(name), answer.value]]);
    } catch (error) {
      return { data: { failure: errorData(error) }, bytes: [] };
    } finally {
      this.#within = around;
    }
  }

  #unpack({ data: { text, hasFailed, spans }, bytes }: PackedAnswer, context: NodeContext): unknown {
    for (const span of spans) this.#traced(context, span);
    const list = listOf({ data: text, bytes });
    if (hasFailed) throw failureOf(list);
    const [returns, value, change] = list as [PythonTarget['returns'], unknown, Answer['change']];
    return delivered(returns, value, change, context);
  }
}

/** What LocalRuntime's thread performs calls with. */
export function pythonService(workers: WorkerSource): Pick<Service, 'perform'> {
  const asking = new AskingCalls();
  return {
    async perform({ packed, context, timeLeftMs, gone, ask }: ServiceCall): Promise<PackedAnswer> {
      const [target, inputs, state, runContext, traceparent, within] = listOf(packed as PackedList) as PackedParts;
      const spans: WorkerSpan[] = [];
      const onSpan = (span: WorkerSpan): void => void spans.push(span);
      const values = { target, inputs, state, runContext, context: packing(context) };
      const answer = (asked: Asked): Promise<HostAnswer> => askedElsewhere(asked, asking, ask);
      const call = { ...values, timeLeftMs, gone, traceparent, onSpan, answer };
      try {
        const { value, change } = await asking.within(within, () => performCall(workers, call));
        const answer = packedList([
          ['returns', target.returns],
          ['output', value],
          ['state', change],
        ]);
        return answered(answer, false, spans);
      } catch (error) {
        const failure = failureList(error);
        if (failure === undefined) throw error;
        return answered(packedList(failure.map((part) => ['failure', part])), true, spans);
      }
    },
  };
}

/** The calls in a thread whose tools wait for the thread of their run, by names that it gives back. */
class AskingCalls {
  readonly #calls = new Map<string, AskingCall>();
  #last = 0;

  /** Has the thread of a run asked for the call around. */
  async during<T>(work: (place: string) => Promise<T>): Promise<T> {
    const place = `${threadId}.${++this.#last}`;
    const call = callAround();
    if (call !== undefined) this.#calls.set(place, call);
    try {
      return await work(place);
    } finally {
      this.#calls.delete(place);
    }
  }

  /** Does something for the call at a place, if that still waits. */
  within<T>(place: string | null, work: () => T): T {
    const call = place === null ? undefined : this.#calls.get(place);
    return call === undefined ? work() : doFor(call, work);
  }
}

/** Has a host tool work in the thread of the run. */
async function askedElsewhere(
  { name, args }: Asked,
  asking: AskingCalls,
  ask: ServiceCall['ask'],
): Promise<HostAnswer> {
  try {
    const { data: text, bytes } = packedList([
      ['name', name],
      [argumentsOf(name), args],
    ]);
    const answer = (await asking.during((place) => ask({ data: { text, place }, bytes }))) as PackedHostAnswer;
    const { data } = answer;
    return typeof data === 'string' ? { value: listOf({ data, bytes: answer.bytes })[0] } : data;
  } catch (error) {
    return { failure: errorData(error) };
  }
}

function packedCall(call: Readonly<Record<(typeof CALL_PARTS)[number], unknown>>): PackedList {
  return packedList(CALL_PARTS.map((part) => [part, call[part]]));
}

function tracedAttempt({ runId, scope, nodeId: node, visit, attempt }: NodeContext): TracedAttempt {
  return { runId, scope, node, visit, attempt };
}

/** What a call comes to for its node. */
function delivered(
  returns: PythonTarget['returns'],
  value: unknown,
  change: Answer['change'],
  context: NodeContext,
): unknown {
  if (change !== null) context.setState(change[0]);
  return returns === 'value' ? { value } : value;
}

/** @throws LockstepError VALUE_NOT_ENCODABLE with what the values are called */
function packedList(values: readonly (readonly [at: string, value: unknown])[]): PackedList {
  const writer = new WireWriter();
  const texts = values.map(([at, value]) => writer.write(value, at));
  return { data: `[${texts.join()}]`, bytes: writer.segments };
}

function answered({ data: text, bytes }: PackedList, hasFailed: boolean, spans: readonly WorkerSpan[]): PackedAnswer {
  return { data: { text, hasFailed, spans }, bytes };
}

/** Its arrays are over the memory in which the bytes of the parcel came. */
function listOf({ data, bytes }: PackedList): readonly unknown[] {
  return readOwnValue(data, bytes as readonly Uint8Array<ArrayBuffer>[]) as readonly unknown[];
}

/** A context whose streamed values cross as all others do. */
function packing(context: NodeContext): NodeContext {
  const emit = (item: unknown): void => context.emit(packedList([['item', item]]));
  return new Proxy(context, { get: (own, name) => (name === 'emit' ? emit : Reflect.get(own, name, own)) });
}
