import 'reflect-metadata';
import { container, type DependencyContainer } from 'tsyringe';
import { didYouMean } from '../base/did-you-mean.js';
import { ConfigurationError, errorData } from '../base/errors.js';
import type { Executor } from '../base/executor-port.js';
import type { RuntimeNotifications } from '../base/notifications.js';
import type { Log } from '../base/ports.js';
import type { RuntimeOptions } from '../base/runtime-options.js';
import { isThenable } from '../base/schema.js';
import { startOrder } from './order.js';
import type { AsyncLife, Plugin, PluginScope, SyncPlugin } from './plugin.js';
import { executorTokens, type Token } from './token.js';
import { ACCESS_POLICY, CLOCK, EVENT_STORE, HASH, IDS, LOG, RANDOM, READINGS, SECRET_PROVIDER } from './tokens.js';

/** What the host needs of its runtime. */
export interface HostRuntime {
  on<Name extends keyof RuntimeNotifications>(name: Name, listener: RuntimeNotifications[Name]): () => void;
  readonly log: Log;
}

/** An executor, and the plugin that provides it. */
export interface ProvidedExecutor {
  readonly executor: Executor;
  readonly plugin: string;
}

/**
 * Owns the plugins of one runtime: order, set-up, start, reverse stop. Values live in a child container of their own, so that
 * two runtimes never share any.
 */
export class PluginHost {
  readonly #plugins: readonly Plugin[];
  readonly #container: DependencyContainer = container.createChildContainer();
  /** What is provided, by the symbol of its token: the name of that, and of the plugin. */
  readonly #provided = new Map<symbol, { readonly token: string; readonly plugin: string }>();
  readonly #listeners: { readonly name: keyof RuntimeNotifications; readonly listener: never }[] = [];
  readonly #running: Plugin[] = [];
  #runtime: HostRuntime | undefined;
  readonly #ending = new AbortController();
  /** What those wait for who need the plugins; rejected early when the start is told to end. */
  #starting: Promise<void> | undefined;
  /** Kept when the start has ended, however it did. */
  #startOver: Promise<void> | undefined;
  /** The plugin that started last, or is about to. */
  #current = '';
  #stopped = false;

  /** Orders and sets up the plugins. @throws ConfigurationError what `startOrder` throws, PLUGIN_FAILED */
  constructor(plugins: readonly Plugin[]) {
    if (!Array.isArray(plugins))
      throw new ConfigurationError('INVALID_PLUGIN', 'The plugins of a runtime are an array.', { value: plugins });
    this.#plugins = startOrder(plugins);
    for (const plugin of this.#plugins) this.#setUp(plugin);
  }

  /** The options, with the ports that plugins provide in the place of those that are left open. */
  fillPorts(options: RuntimeOptions): RuntimeOptions {
    const tokens = {
      clock: CLOCK,
      ids: IDS,
      random: RANDOM,
      log: LOG,
      hash: HASH,
      secrets: SECRET_PROVIDER,
      access: ACCESS_POLICY,
      readings: READINGS,
      store: EVENT_STORE,
    };
    const filled: Record<string, unknown> = { ...options };
    for (const [name, { symbol }] of Object.entries(tokens))
      if (filled[name] === undefined && this.#provided.has(symbol)) filled[name] = this.#valueOf(symbol);
    return filled;
  }

  /** Gives the plugins their runtime: listeners that were asked for in `setup` begin to hear. */
  attach(runtime: HostRuntime): void {
    this.#runtime = runtime;
    for (const { name, listener } of this.#listeners) runtime.on(name, listener);
  }

  /** @throws ConfigurationError TOKEN_UNPROVIDED */
  get<T>(token: Token<T>): T {
    if (this.#provided.has(token.symbol)) return this.#valueOf(token.symbol) as T;
    throw new ConfigurationError(
      'TOKEN_UNPROVIDED',
      `Nothing provides ${token.name}. ${didYouMean(
        token.name,
        [...this.#provided.values()].map((one) => one.token),
      )}`,
      { at: token.name },
    );
  }

  /** What is provided under a token, if anything is. */
  find<T>(token: Token<T>): T | undefined {
    return this.#provided.has(token.symbol) ? (this.#valueOf(token.symbol) as T) : undefined;
  }

  /** The executors that plugins provide. */
  get executors(): readonly ProvidedExecutor[] {
    return executorTokens().flatMap((token) => {
      const executor = this.find(token);
      return executor === undefined ? [] : [{ executor, plugin: this.#provided.get(token.symbol)?.plugin ?? '' }];
    });
  }

  #valueOf(symbol: symbol): unknown {
    return this.#container.resolve<Provided>(symbol).value;
  }

  /** Starts every plugin, in order. What had started is stopped again when one fails. @throws ConfigurationError PLUGIN_ASYNC, PLUGIN_FAILED */
  startSync(): void {
    const waiting = this.#plugins.find((plugin) => plugin.async === true);
    if (waiting !== undefined) throw asynchronous(waiting, 'starts');
    for (const plugin of this.#plugins as readonly SyncPlugin[]) {
      try {
        refusePromise(plugin, 'starts', plugin.start?.());
      } catch (cause) {
        throw startFailed(plugin.name, [cause, ...this.#stopRunning()]);
      }
      this.#running.push(plugin);
    }
  }

  /** Stops every running plugin, in reverse; all are stopped before failures are thrown. @throws ConfigurationError PLUGIN_FAILED */
  stopSync(): void {
    throwAll(this.#stopRunning());
    void this.#dispose();
  }

  /** Whether every plugin has started. */
  get #isUp(): boolean {
    return this.#running.length === this.#plugins.length;
  }

  /**
   * As `startSync`, one after the other, once; after a failure, the next call starts anew. `undefined` when all have started:
   * nothing is left to wait for. Rejected with the reason of `endStart` as soon as that is called.
   */
  start(): Promise<void> | undefined {
    if (this.#isUp) return undefined;
    if (this.#starting !== undefined) return this.#starting;
    const starting = this.#startAll();
    if (this.#isUp) return undefined;
    this.#starting = new Promise((resolve, reject) => {
      const { signal } = this.#ending;
      const refuse = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', refuse);
      const over = (): void => {
        this.#starting = undefined;
        this.#startOver = undefined;
        signal.removeEventListener('abort', refuse);
      };
      this.#startOver = starting.finally(over).then(resolve, reject);
    });
    this.#starting.catch(() => undefined); // told to those who wait for it, if any
    return this.#starting;
  }

  async #startAll(): Promise<void> {
    const { signal } = this.#ending;
    for (const plugin of this.#plugins) {
      if (signal.aborted) return;
      this.#current = plugin.name;
      try {
        const started: unknown = lifeOf(plugin).start?.({ signal });
        if (isThenable(started)) await started;
      } catch (cause) {
        if (signal.aborted) return; // it gave up as it was told; stop() stops the others
        throw startFailed(plugin.name, [cause, ...(await this.#stopAll())]);
      }
      if (this.#stopped) return this.#stopLate(plugin);
      this.#running.push(plugin);
    }
  }

  /** Tells a start that is under way to end, and those who wait for it why. */
  endStart(reason: Error): void {
    this.#ending.abort(reason);
  }

  /** The start that is under way: its plugin, and a promise that is kept when it has ended, however it did. */
  get underWay(): { readonly plugin: string; readonly over: Promise<void> } | undefined {
    if (this.#startOver === undefined) return undefined;
    return { plugin: this.#current, over: this.#startOver };
  }

  /** As `stopSync`, one after the other. What starts later than this is stopped as soon as it has started. */
  async stop(): Promise<void> {
    this.#stopped = true;
    throwAll(await this.#stopAll());
    await this.#dispose();
  }

  async #stopLate(plugin: Plugin): Promise<void> {
    try {
      await lifeOf(plugin).stop?.();
    } catch (cause) {
      const { name } = plugin;
      const fields = { plugin: name, error: errorData(cause) };
      this.#runtime?.log.log(
        'error',
        `Plugin "${name}" started after the runtime had closed, and failed to stop.`,
        fields,
      );
    }
  }

  #setUp(plugin: Plugin): void {
    const promised = new Set((plugin.provides ?? []).map(({ symbol }) => symbol));
    try {
      plugin.setup?.(this.#scope(plugin, promised));
    } catch (cause) {
      if (cause instanceof ConfigurationError) throw cause;
      throw new ConfigurationError('PLUGIN_FAILED', `Plugin "${plugin.name}" failed in setup.`, {
        at: plugin.name,
        cause,
      });
    }
    const missing = (plugin.provides ?? []).find(({ symbol }) => !this.#provided.has(symbol));
    if (missing === undefined) return;
    throw new ConfigurationError(
      'TOKEN_UNPROVIDED',
      `Plugin "${plugin.name}" says that it provides ${missing.name} and did not.`,
      { at: plugin.name },
    );
  }

  #scope(plugin: Plugin, promised: ReadonlySet<symbol>): PluginScope {
    const log: Log = {
      log: (level, message, fields) => this.#runtime?.log.log(level, message, { ...fields, plugin: plugin.name }),
    };
    return {
      get: (token) => this.get(token),
      find: (token) => this.find(token),
      provide: (token, value) => {
        if (!promised.has(token.symbol)) {
          throw new ConfigurationError(
            'INVALID_PLUGIN',
            `Plugin "${plugin.name}" provides ${token.name} without naming it in provides.`,
            { at: plugin.name },
          );
        }
        this.#provided.set(token.symbol, { token: token.name, plugin: plugin.name });
        this.#container.register<Provided>(token.symbol, { useValue: { value } });
      },
      on: (name, listener) => {
        this.#listeners.push({ name, listener: listener as never });
        this.#runtime?.on(name, listener);
      },
      log,
    };
  }

  /** Nothing is provided any more: plugins that are shared with other runtimes may still look. */
  async #dispose(): Promise<void> {
    this.#provided.clear();
    await this.#container.dispose();
  }

  #stopRunning(): unknown[] {
    const failures: unknown[] = [];
    for (let plugin = this.#running.pop(); plugin !== undefined; plugin = this.#running.pop()) {
      try {
        refusePromise(plugin, 'stops', plugin.stop?.());
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  }

  async #stopAll(): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (let plugin = this.#running.pop(); plugin !== undefined; plugin = this.#running.pop()) {
      try {
        await lifeOf(plugin).stop?.();
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  }
}

/** A value as the container holds it: boxed, because tsyringe takes a bare `undefined` for no registration. */
interface Provided {
  readonly value: unknown;
}

/** How a plugin starts and stops where somebody can wait for it. */
function lifeOf(plugin: Plugin): AsyncLife {
  return plugin.async === true ? plugin : (plugin.whenAsync ?? plugin);
}

function asynchronous({ name }: Plugin, what: 'starts' | 'stops'): ConfigurationError {
  return new ConfigurationError('PLUGIN_ASYNC', `Plugin "${name}" ${what} asynchronously.`, { at: name });
}

/** Refuses a plugin that did not say that it is asynchronous. The rejection of its promise is handled. */
function refusePromise(plugin: Plugin, what: 'starts' | 'stops', returned: unknown): void {
  if (!isThenable(returned)) return;
  Promise.resolve(returned).catch(() => undefined);
  throw asynchronous(plugin, what);
}

/** The failure of a plugin that could not start, and of what else went wrong then. */
export function startFailed(plugin: string, causes: readonly unknown[]): ConfigurationError {
  const cause = causes.length === 1 ? causes[0] : new AggregateError(causes);
  return new ConfigurationError('PLUGIN_FAILED', `Plugin "${plugin}" failed to start.`, { at: plugin, cause });
}

function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  throw new ConfigurationError(
    'PLUGIN_FAILED',
    `${failures.length === 1 ? 'A plugin' : `${failures.length} plugins`} failed to stop.`,
    { cause },
  );
}
