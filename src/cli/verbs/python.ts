import type { PythonEnvironmentOptions } from '../../plugins/python/configuration.js';
import { type DoctorReport, doctor } from '../../plugins/python/environment/doctor.js';
import type { Hardware } from '../../plugins/python/environment/hardware.js';
import { type PrunedEnvironment, pruneEnvironments } from '../../plugins/python/environment/prune.js';
import { type PythonEnvironment, setUp } from '../../plugins/python/environment/python-environment.js';
import type { LookedAt } from '../../plugins/python/environment/survey.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { jsonText } from '../json-text.js';
import { unfit } from '../load/load-workflow.js';
import type { Screen } from '../screen.js';
import { countText, sizeText, tableText } from '../table.js';

/** Options of `lockstep python doctor` and `lockstep python setup`. */
export interface PythonVerbOptions {
  readonly python?: string;
  readonly requirement?: readonly string[];
}

function environmentOptions({ python, requirement }: PythonVerbOptions): PythonEnvironmentOptions {
  return {
    ...(python !== undefined && { interpreter: python }),
    ...(requirement !== undefined && { requirements: requirement }),
  };
}

/** `lockstep python doctor`. */
export async function pythonDoctorVerb(options: PythonVerbOptions, screen: Screen): Promise<ExitCode> {
  const report = await doctor(environmentOptions(options));
  if (screen.json) screen.print(jsonText(report));
  else for (const line of reportLines(report, screen)) screen.print(line);
  return report.chosen === null ? EXIT.refused : EXIT.completed;
}

/** Options of `lockstep python setup`. */
export interface SetupVerbOptions extends PythonVerbOptions {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
}

/** `lockstep python setup`. A signal ends it as any process; pip, or uv, ends with it, and the next setup removes what they left. */
export async function pythonSetupVerb(options: SetupVerbOptions, screen: Screen): Promise<ExitCode> {
  const { prune = false, dryRun = false } = options;
  if (dryRun && !prune) throw unfit('--dry-run', 'goes with --prune');
  const wanted = environmentOptions(options);
  const made = dryRun ? undefined : await setUp(wanted, (line) => screen.note(line));
  const pruned = prune ? await pruneEnvironments(wanted, dryRun ? 'look' : 'remove') : undefined;
  const environment = made ?? pruned?.environment ?? null;
  if (screen.json) {
    screen.print(jsonText({ environment, ...(pruned && { dryRun, environments: pruned.environments }) }));
    return EXIT.completed;
  }
  screen.print(environment === null ? 'no Python that can be used yet' : environmentText(environment));
  if (pruned !== undefined) printPruned(pruned.environments, dryRun, screen);
  return EXIT.completed;
}

const KEPT = { needed: 'is needed', 'in use': 'is in use', 'being made': 'is being made' } as const;

function printPruned(environments: readonly PrunedEnvironment[], dryRun: boolean, screen: Screen): void {
  const removed = dryRun ? 'would be removed' : 'removed';
  const rows = environments.map(({ folder, bytes, kept }) => [
    folder,
    bytes === null ? '-' : sizeText(bytes),
    kept === null ? removed : KEPT[kept],
  ]);
  if (rows.length > 0) screen.print(tableText(['environment', 'size', 'state'], rows, screen.out));
  const gone = environments.filter(({ kept }) => kept === null);
  const bytes = gone.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
  screen.note(`${removed}: ${countText(gone.length, 'environment')}, ${sizeText(bytes)}`);
}

/** The Python that is used, in a line. */
export function environmentText({ kind, interpreter: { path, version, packages } }: PythonEnvironment): string {
  const installed = Object.entries(packages).map((pair) => pair.join(' '));
  return `${path} (${kind}): Python ${version}, ${installed.join(', ')}`;
}

function reportLines(
  { chosen, candidates, managed, installer, hardware }: DoctorReport,
  { out }: Screen,
): readonly string[] {
  const line = (name: string, text: string): string => `${out('dim', name.padEnd(14))}  ${text}`;
  const isChosen = (candidate: LookedAt): boolean => candidate.usable && candidate.interpreter === chosen?.interpreter;
  const made = candidates.some(({ kind, usable }) => kind === 'managed' && usable);
  return [
    line('python', chosen === null ? out('red', 'none that can be used') : environmentText(chosen)),
    ...candidates.map((candidate) => line(candidate.kind, candidateText(candidate, isChosen(candidate)))),
    ...(managed === null || made ? [] : [line('setup', `would make one with ${installer.name} from ${managed.base}`)]),
    line('hardware', hardwareText(hardware)),
  ];
}

function hardwareText({ cpu, processors, memoryBytes, accelerators }: Hardware): string {
  const devices = accelerators.map(({ kind, name }) => `${kind}: ${name}`);
  const beside = devices.length === 0 ? ['neither cuda, rocm nor mps'] : devices;
  return [`${processors} x ${cpu}`, sizeText(memoryBytes), ...beside].join(', ');
}

function candidateText(candidate: LookedAt, isChosen: boolean): string {
  if (!candidate.usable) return `${candidate.path}: ${candidate.reason}`;
  return `${candidate.path}: ${isChosen ? 'is used' : 'could be used'}`;
}
