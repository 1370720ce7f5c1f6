import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ExitCode } from '../exit-codes.js';
import { Screen } from '../screen.js';

/** What a verb came to. */
export type Finished = (code: ExitCode) => void;

/** What most verbs take. */
interface Common {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** The screen of a verb. */
export function screenOf({ json = false, quiet = false }: Common): Screen {
  return new Screen({ json, quiet });
}

/** The screen of a verb that may print events as lines of JSON. */
export function lineScreenOf({ json = false, quiet = false, events = false }: Common & { events?: boolean }): Screen {
  return new Screen({ json: json || events, quiet });
}

/** The options of every verb. */
export function commonOptions(verb: Command): Command {
  return verb
    .option('--json', 'print one JSON document instead of text')
    .option('--quiet', 'print nothing but the result: no progress, no warnings');
}

/** What a workflow is read from. */
export const FILE = 'a module (.js, .mjs, .cjs, .ts, .mts) or a document (.yaml, .yml, .json)';

/** How the workflow in FILE is found. */
export function findsWorkflow(verb: Command): Command {
  return verb
    .option('--workflow <NAME>', 'which workflow of a module, where it exports several')
    .option('--registry <MODULE>', 'the module with what a YAML or JSON document refers to by name');
}

/** Where runs are recorded unless something else is said. */
const STORE = '.lockstep/runs.sqlite';

/** The store that a verb reads or changes. */
export function takesStore(verb: Command): Command {
  return verb.option('--store <FILE>', 'the file in which runs are recorded', STORE);
}

/** A run, and the store that has it. */
export function takesRun(verb: Command): Command {
  return takesStore(verb.argument('<RUN>', 'its id, or the beginning or end of it'));
}

/** How a run is performed and shown. */
export function performs(verb: Command): Command {
  const levels = new Option('--durability <LEVEL>', 'what its record survives').choices(['memory', 'process', 'power']);
  return verb
    .addOption(levels)
    .option('--sync', 'run in LocalRuntime, one node after the other')
    .option('--events', 'print every event as a line of JSON, and the result as the last line')
    .option('--report <FILE>', 'write the run as an HTML page')
    .option('--trace <FILE>', 'write the run as a Chrome trace');
}

/** Takes all values of an option that may be given several times. */
export const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];

/** A whole number, at least 1. */
export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

/** A whole number, at least 0. */
export function countOrNone(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

const SPANS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

function withUnit(text: string, units: Readonly<Record<string, number>>, example: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor !== undefined) return Math.round(Number(number) * factor);
  throw new InvalidArgumentError(
    `It must be a number with a unit (${Object.keys(units).join(', ')}), such as ${example}.`,
  );
}

/** A span of time, in milliseconds. */
export function span(text: string): number {
  return withUnit(text, SPANS, '30d');
}

/** A size, in bytes. */
export function size(text: string): number {
  return withUnit(text, SIZES, '500MiB');
}
