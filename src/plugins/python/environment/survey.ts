import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { PythonEnvironmentSettings } from '../configuration.js';
import {
  type Candidate,
  type CandidateKind,
  interpreterIn,
  namedProgram,
  onPath,
  projectCandidates,
  type Surroundings,
} from './candidates.js';
import {
  GRPC_REQUIREMENT,
  hashText,
  type Interpreter,
  interpreterOf,
  type ProbeAnswer,
  tooOld,
  unfit,
} from './interpreter.js';
import { type Probe, probe } from './probe.js';

/** An interpreter that was looked at: it can be used, or there is a reason why not. */
export type LookedAt =
  | { readonly kind: CandidateKind; readonly path: string; readonly usable: true; readonly interpreter: Interpreter }
  | { readonly kind: CandidateKind; readonly path: string; readonly usable: false; readonly reason: string };

/** The environment that Lockstep makes, or has made, for what is asked for. */
export interface ManagedPlace {
  /** Where it is, or would be. Its name is a hash of the interpreter that it is made from and of what is installed. */
  readonly folder: string;
  /** The interpreter that it is made from. */
  readonly base: string;
  /** What is installed, sorted. */
  readonly requirements: readonly string[];
}

/** What was found, in the order in which it is taken. */
export interface Survey {
  readonly candidates: readonly LookedAt[];
  /** `null` where an interpreter was named, or where there is none that an environment could be made from. */
  readonly managed: ManagedPlace | null;
}

/** How is looked. */
export interface SurveyOptions {
  readonly settings: PythonEnvironmentSettings;
  readonly surroundings: Surroundings;
  readonly signal?: AbortSignal | undefined;
}

/** Looks at every interpreter that may be used, each with its reason if it cannot. Changes nothing. */
export async function survey(options: SurveyOptions): Promise<Survey> {
  const { settings, surroundings } = options;
  if (settings.interpreter !== null) return { candidates: [await named(settings.interpreter, options)], managed: null };
  const ask = ({ path }: Candidate): Promise<Probe> => askPath(path, options);
  const project = projectCandidates(surroundings);
  const system = onPath(settings.command, surroundings).map((path): Candidate => ({ kind: 'system', path }));
  const [ofProject, ofSystem] = await Promise.all([Promise.all(project.map(ask)), Promise.all(system.map(ask))]);
  const managed = managedPlace(ofSystem, options);
  return {
    candidates: [
      ...once(project.map((candidate, index) => [candidate, ofProject[index] as Probe])),
      ...(managed === null ? [] : [await lookAtManaged(managed, options)]),
      ...once(system.map((candidate, index) => [candidate, ofSystem[index] as Probe])),
    ],
    managed,
  };
}

/** Looks at one interpreter. */
async function askPath(path: string, { settings, surroundings, signal }: SurveyOptions): Promise<Probe> {
  const requirements = [GRPC_REQUIREMENT, ...settings.requirements];
  return probe(path, { ...surroundings, timeoutMs: settings.probeTimeoutMs, requirements, signal });
}

async function named(interpreter: string, options: SurveyOptions): Promise<LookedAt> {
  const path = namedProgram(interpreter, options.surroundings);
  if (path === undefined) {
    const reason = interpreter.includes('/') ? 'there is no such program' : 'there is no such program on PATH';
    return { kind: 'named', path: interpreter, usable: false, reason };
  }
  return judge({ kind: 'named', path }, await askPath(path, options));
}

/** Looks at the environment that Lockstep has made, if it has. */
export async function lookAtManaged({ folder }: ManagedPlace, options: SurveyOptions): Promise<LookedAt> {
  const path = interpreterIn(folder);
  if (namedProgram(path, options.surroundings) === undefined)
    return { kind: 'managed', path, usable: false, reason: 'it has not been made yet' };
  return judge({ kind: 'managed', path }, await askPath(path, options));
}

function judge({ kind, path }: Candidate, found: Probe): LookedAt {
  const reason = 'silent' in found ? found.silent : unfit(found.answer, { madeToFit: kind === 'managed' });
  if (reason !== undefined) return { kind, path, usable: false, reason };
  return { kind, path, usable: true, interpreter: interpreterOf((found as { answer: ProbeAnswer }).answer) };
}

/** Several paths may lead to one interpreter, as /bin and /usr/bin do: the first one counts. */
function once(found: readonly (readonly [Candidate, Probe])[]): readonly LookedAt[] {
  const seen = new Set<string>();
  return found.flatMap(([candidate, each]) => {
    const key = 'answer' in each ? `${each.answer.prefix} ${each.answer.version}` : realpathOf(candidate.path);
    if (seen.has(key)) return [];
    seen.add(key);
    return [judge(candidate, each)];
  });
}

function realpathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** An environment is made from the first interpreter of the system that is new enough; it need have no packages. */
function managedPlace(system: readonly Probe[], { settings, surroundings }: SurveyOptions): ManagedPlace | null {
  const answers = system.flatMap((each) => ('answer' in each ? [each.answer] : []));
  const base = answers.find((answer) => tooOld(answer) === undefined);
  if (base === undefined) return null;
  const requirements = [...new Set([GRPC_REQUIREMENT, ...settings.requirements])].toSorted();
  const { path, version, abi, platform } = base;
  const name = hashText(realpathOf(path), version, abi ?? '', platform ?? '', ...requirements).slice(0, 16);
  return { folder: join(environmentsFolder({ settings, surroundings }), name), base: path, requirements };
}

/** Where the environments are that Lockstep has made. */
export function environmentsFolder({ settings, surroundings }: SurveyOptions): string {
  return join(resolve(surroundings.cwd, settings.dataFolder), 'python', 'environments');
}
