import type { PythonEnvironmentOptions } from '../../plugins/python/configuration.js';
import { type DoctorReport, doctor } from '../../plugins/python/environment/doctor.js';
import type { Hardware } from '../../plugins/python/environment/hardware.js';
import { type PythonEnvironment, setUp } from '../../plugins/python/environment/python-environment.js';
import type { LookedAt } from '../../plugins/python/environment/survey.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { jsonText } from '../json-text.js';
import type { Screen } from '../screen.js';
import { sizeText } from '../table.js';

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

/** `lockstep python setup`. A signal ends it as any process; pip, or uv, ends with it, and the next setup removes what they left. */
export async function pythonSetupVerb(options: PythonVerbOptions, screen: Screen): Promise<ExitCode> {
  const progress = (line: string): void => screen.note(line);
  const environment = await setUp(environmentOptions(options), progress);
  if (screen.json) screen.print(jsonText({ environment }));
  else screen.print(environmentText(environment));
  return EXIT.completed;
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
