import type { Attempt } from './attempt.js';
import type { ContextHost } from './attempt-context.js';
import type { Listeners } from './listeners.js';
import type { Log } from './ports.js';
import type { RunView } from './run-view.js';
import { maskText, maskValue } from './secret-mask.js';

/** What nodes say while they run, with the place that it comes from, secrets masked. None of it is recorded. */
export class NodeVoice implements ContextHost {
  readonly #log: Log;
  readonly #listeners: Listeners;

  constructor(log: Log, listeners: Listeners) {
    this.#log = log;
    this.#listeners = listeners;
  }

  logOf(run: RunView, attempt: Attempt): Log {
    const log = this.#log;
    const place = {
      runId: run.runId,
      ...(run.scope === '' ? {} : { scope: run.scope }),
      node: attempt.node.id,
      visit: attempt.visit,
      attempt: attempt.number,
    };
    return {
      log: (level, message, fields) => {
        const all = { ...fields, ...place };
        if (run.secrets.size === 0) log.log(level, message, all);
        else log.log(level, maskText(message, run.secrets), maskValue(all, run.secrets) as Record<string, unknown>);
      },
    };
  }

  reportProgress(
    run: RunView,
    attempt: Attempt,
    current: number,
    total: number | undefined,
    message: string | undefined,
  ): void {
    if (!this.#listeners.has('progress') || attempt.status !== 'running') return;
    const masked = message === undefined ? undefined : maskText(message, run.secrets);
    this.#listeners.tell('progress', { ...placeOf(run, attempt), current, total, message: masked });
  }

  emitData(run: RunView, attempt: Attempt, data: unknown): void {
    if (!this.#listeners.has('data') || attempt.status !== 'running') return;
    this.#listeners.tell('data', {
      ...placeOf(run, attempt),
      data: run.secrets.size === 0 ? data : maskValue(data, run.secrets),
    });
  }
}

function placeOf(run: RunView, attempt: Attempt) {
  return { runId: run.runId, scope: run.scope, node: attempt.node.id, visit: attempt.visit, attempt: attempt.number };
}
