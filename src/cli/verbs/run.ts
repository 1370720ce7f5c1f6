import type { RunEvent } from '../../base/events.js';
import type { RunOutcome } from '../../base/outcome.js';
import type { Log } from '../../base/ports.js';
import type { RunResult } from '../../base/run-result.js';
import type { Workflow } from '../../base/workflow.js';
import { AsyncLocalRuntime } from '../../runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../runtimes/local-runtime.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { debugText, errorText, explain } from '../explain.js';
import { jsonText } from '../json-text.js';
import { requireWritable, writeText } from '../load/files.js';
import { loadWorkflow } from '../load/load-workflow.js';
import { readParameters } from '../load/parameters.js';
import { Progress } from '../progress/progress.js';
import { runDocument } from '../run-document.js';
import { runTable, valueText } from '../run-text.js';
import type { Screen } from '../screen.js';
import { Signals } from '../signals.js';

/** Options of `lockstep run`. */
export interface RunVerbOptions {
  readonly param?: readonly string[];
  readonly params?: string;
  readonly workflow?: string;
  readonly registry?: string;
  /** In LocalRuntime, not in AsyncLocalRuntime. */
  readonly sync?: boolean;
  /** Every event as a line of JSON on stdout; the last line is the result. */
  readonly events?: boolean;
  /** A file for the report. */
  readonly report?: string;
  /** A file for the Chrome trace. */
  readonly trace?: string;
}

/** Secrets are taken from the environment. */
const secrets = {
  load: (names: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
};

function logTo(screen: Screen): Log {
  return {
    log: (level, message, fields) => {
      if (level !== 'warn' && level !== 'error') return;
      const node = fields?.node;
      screen.note(`${level}${typeof node === 'string' ? ` ${node}` : ''}: ${message}`);
    },
  };
}

/** What a run is watched by. */
interface Watch {
  readonly progress: Progress;
  readonly onEvent: (event: RunEvent) => void;
}

async function inBackground(workflow: Workflow, parameters: object, screen: Screen, watch: Watch) {
  using signals = new Signals(screen);
  await using runtime = new AsyncLocalRuntime({ secrets, log: logTo(screen) });
  runtime.on('progress', (update) => watch.progress.report(update));
  const options = { signal: signals.signal, onEvent: watch.onEvent };
  const outcome = await runtime.settle(workflow as Workflow<object, unknown>, parameters, options);
  return { outcome, stoppedBy: outcome.status === 'cancelled' ? signals.received : undefined };
}

/** Without listening to signals: nobody could hear them while this thread is busy, so they end the process as they always do. */
function inThisThread(workflow: Workflow, parameters: object, screen: Screen, watch: Watch) {
  using runtime = new LocalRuntime({ secrets, log: logTo(screen) });
  runtime.on('progress', (update) => watch.progress.report(update));
  const outcome = runtime.settle(workflow as Workflow<object, unknown>, parameters, { onEvent: watch.onEvent });
  return { outcome, stoppedBy: undefined };
}

/** `lockstep run FILE`. */
export async function runVerb(file: string, options: RunVerbOptions, screen: Screen): Promise<ExitCode> {
  const { workflow: name, registry, params, param = [] } = options;
  const parameters = readParameters(params, param);
  const workflow = await loadWorkflow({ file, workflow: name, registry });
  for (const target of [options.report, options.trace]) if (target !== undefined) requireWritable(target);
  const progress = new Progress(workflow, screen);
  const keep = options.report !== undefined || options.trace !== undefined;
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent): void => {
    if (keep) events.push(event);
    if (options.events === true) screen.print(jsonText(event, 0));
    progress.take(event);
  };
  const perform = options.sync === true ? inThisThread : inBackground;
  const { outcome, stoppedBy } = await perform(workflow, parameters, screen, { progress, onEvent });
  progress.end();
  if (outcome.status === 'rejected') throw outcome.error;
  await writeFiles(outcome, events, options, screen);
  show(outcome, options, screen);
  return stoppedBy ?? codeOf(outcome);
}

function codeOf({ status }: RunResult): ExitCode {
  if (status === 'completed') return EXIT.completed;
  return status === 'waiting' ? EXIT.waiting : EXIT.failed;
}

async function writeFiles(
  run: RunResult,
  events: readonly RunEvent[],
  { report, trace }: RunVerbOptions,
  screen: Screen,
): Promise<void> {
  if (report === undefined && trace === undefined) return;
  const { renderReport, toChromeTrace } = await import('../../report/index.js');
  if (report !== undefined) {
    writeText(report, renderReport(run, { events }));
    screen.note(`report: ${report}`);
  }
  if (trace !== undefined) {
    writeText(trace, JSON.stringify(toChromeTrace(run, { events })));
    screen.note(`trace: ${trace}`);
  }
}

type Settled = Exclude<RunOutcome<unknown>, { readonly status: 'rejected' }>;

function show(run: Settled, options: RunVerbOptions, screen: Screen): void {
  if (screen.json) return screen.print(jsonText(runDocument(run), options.events ? 0 : 2));
  const { isTTY } = process.stdout;
  if (!screen.quiet) screen.print(`${runTable(run, screen.out)}\n`);
  for (const { code, message } of run.warnings) screen.note(`warning ${code}: ${message}`);
  if (run.status === 'completed') {
    if (!screen.quiet) screen.print(screen.out('bold', 'output'));
    screen.print(valueText(run.output, isTTY === true && !screen.quiet));
  }
  if (run.status === 'waiting') screen.note('note: nothing keeps this run, it ends with this process');
  for (const { gate, shows } of run.gates) screen.print(`gate ${gate} shows ${valueText(shows, isTTY === true)}`);
  if (run.status !== 'failed' && run.status !== 'cancelled') return;
  for (const error of explain(run.error)) screen.say(`${screen.err('red', 'error')} ${errorText(error)}`);
  process.stderr.write(debugText(run.error));
}
