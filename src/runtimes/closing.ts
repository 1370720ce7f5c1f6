import { ConfigurationError, runtimeClosed } from '../base/errors.js';
import { knownFields } from '../base/option-checks.js';
import { checkObject, checkSignal } from '../base/runtime-options.js';
import type { PluginHost } from '../plugins/host.js';
import { onAbort } from './drive.js';

/** Options of `close()`. */
export interface CloseOptions {
  /**
   * Once it is aborted, `close()` waits no longer for runs in flight, nor for a plugin whose start does not heed its own signal:
   * it stops the plugins that had started, and throws CLOSE_ABORTED. Default: none, `close()` waits for both.
   */
  readonly signal?: AbortSignal;
}

/** Checks the options of `close()`. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkCloseOptions(options: CloseOptions): void {
  checkObject(options, 'The options of close()', 'close');
  knownFields(options, ['signal'], 'close');
  checkSignal(options.signal, 'close.signal');
}

/** The runs of a runtime that have not ended. */
export class RunsInFlight {
  count = 0;
  #whenNone: (() => void) | undefined;

  enter(): void {
    this.count++;
  }

  leave(): void {
    this.count--;
    if (this.count === 0) this.#whenNone?.();
  }

  /** Kept once none is left. */
  get over(): Promise<void> {
    return new Promise((none) => {
      if (this.count === 0) none();
      else this.#whenNone = none;
    });
  }
}

/**
 * Ends a start that is under way, and waits for it and for the runs in flight. What was still there when the wait was given up,
 * in words.
 */
export async function waitForRest(
  plugins: PluginHost,
  runs: RunsInFlight,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const left: string[] = [];
  plugins.endStart(runtimeClosed());
  if (!(await within(runs.over, signal))) left.push(`${runs.count === 1 ? '1 run' : `${runs.count} runs`} in flight`);
  const { underWay } = plugins;
  if (underWay !== undefined && !(await within(underWay.over, signal)))
    left.push(`the start of plugin "${underWay.plugin}"`);
  return left;
}

/** Stops the plugins, whatever is left. @throws ConfigurationError PLUGIN_FAILED, CLOSE_ABORTED when something is left */
export async function stopPlugins(
  plugins: PluginHost,
  left: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (left.length === 0) return plugins.stop();
  const causes: unknown[] = [signal?.reason];
  await plugins.stop().catch((error: unknown) => causes.push(error));
  throw new ConfigurationError('CLOSE_ABORTED', `close() stopped waiting for ${left.join(' and ')}.`, {
    cause: causes.length === 1 ? causes[0] : new AggregateError(causes),
  });
}

/** Waits for a promise that is only ever kept. `false` when the signal was aborted before. */
async function within(promise: Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal === undefined) return promise.then(() => true);
  let forget = (): void => undefined;
  const aborted = new Promise<boolean>((resolve) => {
    forget = onAbort(signal, () => resolve(false));
    // In the next turn, so that what has settled already counts.
    if (signal.aborted) setImmediate(resolve, false);
  });
  const kept = await Promise.race([promise.then(() => true), aborted]);
  forget();
  return kept;
}
