import type { Executor, ExecutorCall, Parcel, RemoteExecutor, Service, ServiceCall } from '../../base/executor-port.js';
import type { NodeContext } from '../../base/node-context.js';
import type { ServiceReference } from '../../base/ports.js';
import type { TracedAttempt, Traces } from '../traces.js';
import { performCall, type WorkerSource } from './perform-call.js';
import { failureList, failureOf } from './python-error.js';
import type { PythonTarget } from './python-node.js';
import { readOwnValue } from './values/wire-reader.js';
import { WireWriter } from './values/wire-writer.js';
import type { Answer } from './wire/call-request.js';
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

/** Performs Python nodes. */
export class PythonExecutor implements Executor {
  readonly remote?: RemoteExecutor;
  readonly whyNoRemote?: string;
  readonly #workers: () => WorkerSource;
  readonly #find: () => Traces | undefined;
  /** `null`: nobody has asked for it. */
  #found: Traces | undefined | null = null;

  /**
   * @param workers those of AsyncLocalRuntime, while they are started; throws where they are not
   * @param traces the spans of runs, where they are traced
   * @param service what LocalRuntime has a thread of its own load, or, as a text, why that is impossible
   */
  constructor(workers: () => WorkerSource, traces: () => Traces | undefined, service: ServiceReference | string) {
    this.#workers = workers;
    this.#find = traces;
    if (typeof service === 'string') {
      this.whyNoRemote = service;
      return;
    }
    this.remote = {
      service,
      pack: ({ target, inputs, context }) =>
        packedCall(target as PythonTarget, inputs, context.state, context.context, this.#traceparentOf(context)),
      unpack: (answer, context) => this.#unpack(answer as PackedAnswer, context),
      unpackEmitted: (emitted) => listOf(emitted as PackedList)[0],
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
    const call = { target: python, inputs, state, runContext, context, timeLeftMs, gone, traceparent, onSpan };
    const { value, change } = await performCall(this.#workers(), call);
    return delivered(python.returns, value, change, context);
  }

  get #traces(): Traces | undefined {
    if (this.#found === null) this.#found = this.#find();
    return this.#found;
  }

  /** That of the attempt where its run is traced; otherwise what the caller of the run passed as `traceparent`. */
  #traceparentOf(context: NodeContext): string | null {
    const { traceparent } = context.context;
    return this.#traces?.traceparentOf(attemptOf(context)) ?? (typeof traceparent === 'string' ? traceparent : null);
  }

  #traced(context: NodeContext, span: WorkerSpan): void {
    this.#traces?.add(attemptOf(context), span);
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
  return {
    async perform({ packed, context, timeLeftMs, gone }: ServiceCall): Promise<PackedAnswer> {
      const [target, inputs, state, runContext, traceparent] = listOf(packed as PackedList) as Parameters<
        typeof packedCall
      >;
      const spans: WorkerSpan[] = [];
      const onSpan = (span: WorkerSpan): void => void spans.push(span);
      const values = { target, inputs, state, runContext, context: packing(context) };
      const call = { ...values, timeLeftMs, gone, traceparent, onSpan };
      try {
        const { value, change } = await performCall(workers, call);
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

function packedCall(
  target: PythonTarget,
  inputs: Readonly<Record<string, unknown>>,
  state: unknown,
  runContext: Readonly<Record<string, unknown>>,
  traceparent: string | null,
): PackedList {
  return packedList([
    ['target', target],
    ['inputs', inputs],
    ['state', state],
    ['context', runContext],
    ['traceparent', traceparent],
  ]);
}

function attemptOf({ runId, scope, nodeId: node, visit, attempt }: NodeContext): TracedAttempt {
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
