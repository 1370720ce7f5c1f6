import { AttemptError } from '../../base/errors.js';
import type { NodeContext } from '../../base/node-context.js';
import type { BridgeCall, BridgeSpeech, Log } from '../../base/ports.js';

/** Takes what a node says, and the memory that is given away with it. @throws AttemptError VALUE_NOT_CLONEABLE */
export type Tell = (speech: BridgeSpeech, memory?: readonly ArrayBuffer[]) => void;

/** The context of a node that runs on copies: everything is taken from its call. Methods may be destructured. */
export class ModuleContext implements NodeContext {
  /** What the node gave to `setState`. */
  change: { readonly state: unknown } | undefined = undefined;
  readonly #call: BridgeCall;
  readonly #signal: () => AbortSignal;
  readonly #tell: Tell;

  constructor(call: BridgeCall, signal: () => AbortSignal, tell: Tell) {
    this.#call = call;
    this.#signal = signal;
    this.#tell = tell;
  }

  get runId(): string {
    return this.#call.runId;
  }

  get nodeId(): string {
    return this.#call.nodeId;
  }

  get scope(): string {
    return this.#call.scope;
  }

  get attempt(): number {
    return this.#call.attempt;
  }

  get failures(): number {
    return this.#call.failures;
  }

  get visit(): number {
    return this.#call.visit;
  }

  get iteration(): number {
    return this.#call.iterations.at(-1) ?? 0;
  }

  get iterations(): readonly number[] {
    return this.#call.iterations;
  }

  get maxIterations(): number | undefined {
    return this.#call.maxIterations;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }

  get deadline(): number | undefined {
    return this.#call.deadline;
  }

  get idempotencyKey(): string {
    return this.#call.idempotencyKey;
  }

  get state(): unknown {
    return this.#call.state;
  }

  get context(): Readonly<Record<string, unknown>> {
    return this.#call.context;
  }

  get log(): Log {
    return { log: (level, message, fields) => this.#say({ kind: 'log', level, message, fields }) };
  }

  /** Logging never fails a node: fields that cannot be copied are named and left out. */
  #say(speech: Extract<BridgeSpeech, { kind: 'log' }>): void {
    try {
      this.#tell(speech);
    } catch {
      this.#tell({ ...speech, fields: { uncopied: Object.keys(speech.fields ?? {}) } });
    }
  }

  get setState(): (next: unknown) => void {
    return (next) => {
      this.change = { state: next };
    };
  }

  get progress(): (current: number, total?: number, message?: string) => void {
    return (current, total, message) => this.#tell({ kind: 'progress', current, total, message });
  }

  get emit(): (data: unknown) => void {
    return (data) => this.#tell({ kind: 'emit', data });
  }

  get secret(): (name: string) => string {
    return (name) => {
      const { secrets, nodeId } = this.#call;
      if (Object.hasOwn(secrets, name)) return secrets[name] as string;
      const what = `Node "${nodeId}" asked for secret "${name}", which it does not declare.`;
      throw new AttemptError('SECRET_UNDECLARED', what, { at: nodeId });
    };
  }
}
