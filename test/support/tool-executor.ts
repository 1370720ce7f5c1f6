import type {
  Executor,
  ExecutorCall,
  Parcel,
  RemoteExecutor,
  Service,
  ServiceCall,
} from '../../src/base/executor-port.js';
import { decodeValue, encodeValue } from '../../src/base/history/value-codec.js';
import type { NodeDefinition } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import { executorNode } from '../../src/base/node-elsewhere.js';
import type { NodeCapabilities } from '../../src/base/node-options.js';
import type { ServiceReference } from '../../src/base/ports.js';
import { type } from '../../src/base/schema.js';
import { definePlugin, type SyncPlugin } from '../../src/plugins/plugin.js';
import { executorToken } from '../../src/plugins/token.js';
import { revive, type Thrown } from '../../src/runtimes/sync-bridge/thrown.js';
import { startTools } from './modules/tools.js';
import { parcelOf, valueIn } from './value-parcel.js';

/** A call as it crosses: texts of the value codec. */
export interface Packed {
  readonly tool: string;
  readonly value: string;
  readonly state: string;
  readonly context: string;
}

/** What comes back. */
export type Answer = { readonly value: string; readonly state: string | undefined } | { readonly thrown: Thrown };

/** What every node of an executor under test takes and gives. */
export type ValueNode = NodeDefinition<{ readonly value?: unknown }, { readonly value: unknown }>;

/** A node that a tool of test/support/modules/tools.ts performs. */
export function toolNode(
  tool: string,
  more: NodeCapabilities & Readonly<Record<string, unknown>> = {},
  workers = 'default',
): ValueNode {
  return executorNode(
    { name: tool, inputs: { value: type<unknown>() }, outputs: { value: type<unknown>() }, ...more },
    {
      what: 'Tool node',
      executor: { kind: 'tool', name: workers, target: { tool }, providedBy: `toolWorkers("${workers}")` },
      sourceText: `tool ${tool}`,
    },
  ) as unknown as ValueNode;
}

/** Answers what a tool asks its caller. */
export type AnswerQuestion = (question: unknown, context: NodeContext) => unknown;

function crossing(service: ServiceReference, answer: AnswerQuestion | undefined): RemoteExecutor {
  return {
    service,
    pack: ({ target, inputs, context }) => {
      const { data: value, bytes } = parcelOf(inputs.value, `${context.nodeId}.value`);
      const packed: Packed = {
        tool: target.tool as string,
        value,
        state: encodeValue(context.state, `${context.nodeId}.state`),
        context: encodeValue(context.context, 'context'),
      };
      return { data: packed, bytes };
    },
    unpack: ({ data, bytes }, context) => {
      const given = data as Answer;
      if ('thrown' in given) throw revive(given.thrown);
      if (given.state !== undefined) context.setState(decodeValue(given.state));
      return { value: valueIn(given.value, bytes) };
    },
    unpackEmitted: ({ data, bytes }) => valueIn(data as string, bytes),
    ...(answer !== undefined && {
      answer: ({ data }, context) => ({ data: answer(data, context), bytes: [] }),
    }),
  };
}

/** A context whose `emit` takes what a service emits. */
function hearing(context: ExecutorCall['context'], remote: RemoteExecutor): ServiceCall['context'] {
  const emit = (emitted: unknown): void => context.emit(remote.unpackEmitted(emitted as Parcel));
  return new Proxy(context, { get: (own, name) => (name === 'emit' ? emit : Reflect.get(own, name, own)) });
}

/** An executor that performs its tools in this process, and in a thread of LocalRuntime: what the kernel is tested with. */
export class ToolExecutor implements Executor {
  readonly remote: RemoteExecutor;
  readonly checked: string[] = [];
  #service: Promise<Service> | undefined;

  constructor(more: Partial<ServiceReference> = {}, answer?: AnswerQuestion) {
    const url = new URL('./modules/tools.js', import.meta.url).href;
    const service = { url, export: 'startTools', settings: {}, start: 'when needed', stopMs: 5_000 } as const;
    this.remote = crossing({ ...service, ...more }, answer);
  }

  check(target: ExecutorCall['target']): undefined {
    this.checked.push(target.tool as string);
  }

  async perform(call: ExecutorCall): Promise<unknown> {
    const { context, timeLeftMs, gone } = call;
    const { data, bytes } = this.remote.pack(call);
    const packed = { data, bytes: bytes.map((one) => new Uint8Array(one)) }; // as they would cross to a thread
    this.#service ??= startTools({});
    const answer = await (await this.#service).perform({
      packed,
      context: hearing(context, this.remote),
      timeLeftMs,
      gone,
      ask: async (question) => this.remote.answer?.(question, context) ?? { data: undefined, bytes: [] },
    });
    return this.remote.unpack(answer, context);
  }
}

/** The plugin that provides it. */
export function toolWorkers(name = 'default', executor: Executor = new ToolExecutor()): SyncPlugin {
  const token = executorToken('tool', name);
  return definePlugin({
    name: `tool workers "${name}"`,
    provides: [token],
    setup: (scope) => scope.provide(token, executor),
  });
}
