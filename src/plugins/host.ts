import 'reflect-metadata';
import { container, type DependencyContainer } from 'tsyringe';
import { didYouMean } from '../base/did-you-mean.js';
import { ConfigurationError } from '../base/errors.js';
import type { RuntimeNotifications } from '../base/notifications.js';
import type { Log } from '../base/ports.js';
import type { RuntimeOptions } from '../base/runtime-options.js';
import { isThenable } from '../base/schema.js';
import { startOrder } from './order.js';
import type { Plugin, PluginScope, SyncPlugin } from './plugin.js';
import type { Token } from './token.js';
import { ACCESS_POLICY, CLOCK, HASH, IDS, LOG, RANDOM, SECRET_PROVIDER } from './tokens.js';

/** What the host needs of its runtime. */
export interface HostRuntime {
  on<Name extends keyof RuntimeNotifications>(name: Name, listener: RuntimeNotifications[Name]): () => void;
  readonly log: Log;
}

/**
 * Owns the plugins of one runtime: order, set-up, start, reverse stop. Values live in a child container of their own, so that
 * two runtimes never share any.
 */
export class PluginHost {
  readonly #plugins: readonly Plugin[];
  readonly #container: DependencyContainer = container.createChildContainer();
  readonly #provided = new Map<symbol, string>();
  readonly #listeners: { readonly name: keyof RuntimeNotifications; readonly listener: never }[] = [];
  readonly #running: Plugin[] = [];
  #runtime: HostRuntime | undefined;
  #starting: Promise<void> | undefined;

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
      `Nothing provides ${token.name}. ${didYouMean(token.name, [...this.#provided.values()])}`,
      { at: token.name },
    );
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
        throw startFailed(plugin, [cause, ...this.#stopRunning()]);
      }
      this.#running.push(plugin);
    }
  }

  /** Stops every running plugin, in reverse; all are stopped before failures are thrown. @throws ConfigurationError PLUGIN_FAILED */
  stopSync(): void {
    throwAll(this.#stopRunning());
    void this.#container.dispose();
  }

  /** As `startSync`, one after the other. */
  start(): Promise<void> {
    this.#starting = this.#startAll();
    return this.#starting;
  }

  async #startAll(): Promise<void> {
    for (const plugin of this.#plugins) {
      try {
        await plugin.start?.();
      } catch (cause) {
        throw startFailed(plugin, [cause, ...(await this.#stopAll())]);
      }
      this.#running.push(plugin);
    }
  }

  /** As `stopSync`, one after the other. Waits until what is about to start has started. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    throwAll(await this.#stopAll());
    await this.#container.dispose();
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
      provide: (token, value) => {
        if (!promised.has(token.symbol)) {
          throw new ConfigurationError(
            'INVALID_PLUGIN',
            `Plugin "${plugin.name}" provides ${token.name} without naming it in provides.`,
            { at: plugin.name },
          );
        }
        this.#provided.set(token.symbol, token.name);
        this.#container.register<Provided>(token.symbol, { useValue: { value } });
      },
      on: (name, listener) => {
        this.#listeners.push({ name, listener: listener as never });
        this.#runtime?.on(name, listener);
      },
      log,
    };
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
        await plugin.stop?.();
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

function asynchronous({ name }: Plugin, what: 'starts' | 'stops'): ConfigurationError {
  return new ConfigurationError('PLUGIN_ASYNC', `Plugin "${name}" ${what} asynchronously.`, { at: name });
}

/** Refuses a plugin that did not say that it is asynchronous. The rejection of its promise is handled. */
function refusePromise(plugin: Plugin, what: 'starts' | 'stops', returned: unknown): void {
  if (!isThenable(returned)) return;
  Promise.resolve(returned).catch(() => undefined);
  throw asynchronous(plugin, what);
}

function startFailed(plugin: Plugin, causes: readonly unknown[]): ConfigurationError {
  const cause = causes.length === 1 ? causes[0] : new AggregateError(causes);
  return new ConfigurationError('PLUGIN_FAILED', `Plugin "${plugin.name}" failed to start.`, {
    at: plugin.name,
    cause,
  });
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
