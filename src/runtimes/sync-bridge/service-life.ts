import type { Parcel, Service, StartService } from '../../base/executor-port.js';
import type { LiveCall } from './live-call.js';
import { ModuleContext, type Tell } from './module-context.js';
import { loadFunction, type Performed } from './module-function.js';
import { outgoingAnswer } from './parcels.js';
import type { ServedReference } from './protocol.js';
import type { HostLine } from './service-line.js';

/** Posts what a service asks its caller for, under a number of the call. */
export type Ask = (question: number, content: Parcel, memory: readonly ArrayBuffer[] | undefined) => void;

/** The service of a thread: started with the thread or its first call, and stopped when its caller closes. */
export class ServiceLife {
  readonly #reference: ServedReference['reference'];
  readonly #host: HostLine;
  readonly #onStart: () => void;
  #starting: Promise<Service> | undefined;
  #isStarting = false;

  /** @param onStart called when a start begins, and when it is over */
  constructor(reference: ServedReference['reference'], host: HostLine, onStart: () => void) {
    this.#reference = reference;
    this.#host = host;
    this.#onStart = onStart;
  }

  /** Whether it is being started. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** Starts the service, unless it has started; what goes wrong is told to its host. The first call starts it again. */
  begin(): void {
    this.#start().catch(() => undefined);
  }

  /** Performs a call, once the service has started. What it throws is thrown. */
  async perform(live: LiveCall, tell: Tell, ask: Ask): Promise<Performed> {
    const { call } = live;
    const service = await this.#start();
    live.gone.throwIfAborted(); // given up meanwhile: it never begins
    const context = new ModuleContext(call, () => live.signal, giving(tell));
    const given = {
      packed: call.inputs.packed as Parcel,
      context,
      timeLeftMs: live.timeLeftMs,
      ask: (content: Parcel) => {
        const { sent, memory } = outgoingAnswer(content);
        return live.ask((question) => ask(question, sent, memory));
      },
      get gone() {
        return live.gone;
      },
    };
    const { sent, memory } = outgoingAnswer(await service.perform(given));
    return { output: sent, change: undefined, memory };
  }

  /** Stops what was started, or is being started. */
  async stop(): Promise<void> {
    try {
      await (await this.#starting)?.stop();
    } catch {
      // Its thread ends now, whatever it thinks of that.
    }
  }

  #start(): Promise<Service> {
    this.#starting ??= this.#startService();
    return this.#starting;
  }

  async #startService(): Promise<Service> {
    const { url, export: name, settings } = this.#reference;
    this.#setStarting(true);
    try {
      const start = (await loadFunction({ url, export: name }, name)) as unknown as StartService;
      const service = await start(settings, this.#host);
      this.#host.started();
      return service;
    } catch (error) {
      this.#starting = undefined;
      this.#host.notStarted(error);
      throw error;
    } finally {
      this.#setStarting(false);
    }
  }

  #setStarting(isStarting: boolean): void {
    this.#isStarting = isStarting;
    this.#onStart();
  }
}

/** Tells what a service says: what it emits is a parcel. */
function giving(tell: Tell): Tell {
  return (speech) => {
    if (speech.kind !== 'emit') return tell(speech);
    const { sent, memory } = outgoingAnswer(speech.data as Parcel);
    tell({ kind: 'emit', data: sent }, memory);
  };
}
