import type { Service, StartService } from '../../base/executor-port.js';
import type { ServiceReference } from '../../base/ports.js';
import type { LiveCall } from './live-call.js';
import { ModuleContext, type Tell } from './module-context.js';
import { loadFunction, type Performed } from './module-function.js';

/** The service of a thread: started with the thread or its first call, and stopped when its caller closes. */
export class ServiceLife {
  readonly #reference: ServiceReference;
  #starting: Promise<Service> | undefined;

  constructor(reference: ServiceReference) {
    this.#reference = reference;
  }

  /** Starts the service; what goes wrong is told to its first call, which starts it again. */
  begin(): void {
    this.#start().catch(() => undefined);
  }

  /** Performs a call, once the service has started. What it throws is thrown. */
  async perform(live: LiveCall, tell: Tell): Promise<Performed> {
    const { call } = live;
    const service = await this.#start();
    live.gone.throwIfAborted(); // given up meanwhile: it never begins
    const context = new ModuleContext(call, () => live.signal, tell);
    const { packed } = call.inputs;
    const given = {
      packed,
      context,
      timeLeftMs: live.timeLeftMs,
      get gone() {
        return live.gone;
      },
    };
    return { output: await service.perform(given), change: undefined };
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
    try {
      const start = (await loadFunction({ url, export: name }, name)) as unknown as StartService;
      return await start(settings);
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }
}
