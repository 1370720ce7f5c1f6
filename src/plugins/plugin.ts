import { ConfigurationError } from '../base/errors.js';
import type { RuntimeNotifications } from '../base/notifications.js';
import { knownFields } from '../base/option-checks.js';
import type { Log } from '../base/ports.js';
import { isRecord } from '../base/record.js';
import type { Token } from './token.js';

/** What a plugin is given when it is set up. */
export interface PluginScope {
  /** What an earlier plugin provides. Name it in `requires`. @throws ConfigurationError TOKEN_UNPROVIDED */
  get<T>(token: Token<T>): T;
  /** What any plugin provides, `undefined` where none does. To be asked once all are set up: in `start`, or later. */
  find<T>(token: Token<T>): T | undefined;
  /** Provides a value under a token named in `provides`. */
  provide<T>(token: Token<T>, value: T): void;
  /** Listens to the runtime; stops listening when the runtime closes. */
  on<Name extends keyof RuntimeNotifications>(name: Name, listener: RuntimeNotifications[Name]): void;
  /** Writes to the runtime's log. */
  readonly log: Log;
}

interface PluginParts {
  /** Unique among the plugins of a runtime. */
  readonly name: string;
  /** Tokens that others must provide; they are set up before. Default: none. */
  readonly requires?: readonly Token<unknown>[];
  /** Tokens that this plugin provides, each in `setup`. Default: none. */
  readonly provides?: readonly Token<unknown>[];
  /** Called once, when the runtime is constructed, after the plugins it requires. Provides values; opens nothing. */
  readonly setup?: (scope: PluginScope) => void;
}

/** A plugin that starts and stops at once: every runtime takes it. */
export interface SyncPlugin extends PluginParts {
  readonly async?: false;
  /** Opens what the plugin needs. Called after every setup, in the same order. */
  readonly start?: () => void;
  /** Closes it. Called in reverse order, once. */
  readonly stop?: () => void;
  /** What runtimes that can wait call in the place of `start` and `stop`, both of them. */
  readonly whenAsync?: AsyncLife;
}

/** What the start of an asynchronous plugin is given. */
export interface PluginStart {
  /** Aborted when the runtime closes meanwhile: `close()` waits until the start has settled, so settle it soon. */
  readonly signal: AbortSignal;
}

/** Opens and closes what a plugin needs, where somebody can wait for it. */
export interface AsyncLife {
  /** As that of a SyncPlugin, but may take its time. A start that fails has nothing to stop: it cleans up after itself. */
  readonly start?: (given: PluginStart) => Promise<void> | void;
  readonly stop?: () => Promise<void> | void;
}

/** A plugin that needs to wait: AsyncLocalRuntime only. */
export interface AsyncPlugin extends PluginParts, AsyncLife {
  readonly async: true;
}

/** A part of a runtime, bound to tokens. */
export type Plugin = SyncPlugin | AsyncPlugin;

const FIELDS = ['name', 'requires', 'provides', 'setup', 'async', 'start', 'stop', 'whenAsync'];

/** A plugin whose start or stop returns a promise must say `async: true`. */
type SaysAsync<P> = P extends { readonly async: true }
  ? unknown
  : P extends { readonly start: (given: never) => PromiseLike<unknown> } | { readonly stop: () => PromiseLike<unknown> }
    ? { readonly async: true }
    : unknown;

/** Makes a plugin. @throws ConfigurationError INVALID_PLUGIN, UNKNOWN_OPTION */
export function definePlugin<P extends Plugin>(plugin: P & SaysAsync<P>): Readonly<P> {
  if (typeof plugin !== 'object' || plugin === null || typeof plugin.name !== 'string' || plugin.name === '') {
    throw new ConfigurationError('INVALID_PLUGIN', 'definePlugin() takes an object with a name.', { value: plugin });
  }
  knownFields(plugin, FIELDS, `plugin "${plugin.name}"`);
  const { setup, start, stop } = plugin;
  for (const [part, value] of Object.entries({ setup, start, stop, ...lifeOf(plugin) })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new ConfigurationError('INVALID_PLUGIN', `${part} of plugin "${plugin.name}" is not a function.`, {
        at: plugin.name,
        value,
      });
    }
  }
  const own: P = { ...plugin };
  return Object.freeze(own);
}

/** The parts of `whenAsync`, by their names in messages. @throws ConfigurationError INVALID_PLUGIN, UNKNOWN_OPTION */
function lifeOf({
  name,
  async,
  whenAsync,
}: Plugin & { readonly whenAsync?: unknown }): Readonly<Record<string, unknown>> {
  if (whenAsync === undefined) return {};
  if (async === true || !isRecord(whenAsync)) {
    const what = async === true ? 'waits by itself and needs no whenAsync' : 'has a whenAsync that is no object';
    throw new ConfigurationError('INVALID_PLUGIN', `Plugin "${name}" ${what}.`, { at: name, value: whenAsync });
  }
  knownFields(whenAsync, ['start', 'stop'], `plugin "${name}".whenAsync`);
  return { 'whenAsync.start': whenAsync.start, 'whenAsync.stop': whenAsync.stop };
}
