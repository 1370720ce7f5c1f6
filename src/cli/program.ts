import { Command, InvalidArgumentError, Option } from 'commander';
import type { ExitCode } from './exit-codes.js';
import { Screen } from './screen.js';
import { packageVersion } from './version.js';

/** What a verb came to. */
export type Finished = (code: ExitCode) => void;

/** What most verbs take. */
interface Common {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly events?: boolean;
}

const AFTER_HELP = `
Exit codes: 0 completed, 1 the run failed, 2 refused before anything ran, 3 the run waits,
4 the store cannot be used, 5 no such run, 70 a defect, 130 and 143 stopped by a signal.
The whole grammar: docs/cli.md of the package.`;

const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];

function screenOf({ json = false, quiet = false, events = false }: Common): Screen {
  return new Screen({ json: json || events, quiet });
}

function commonOptions(verb: Command): Command {
  return verb
    .option('--json', 'print one JSON document instead of text')
    .option('--quiet', 'print nothing but the result: no progress, no warnings');
}

/** FILE, and how the workflow in it is found. */
function takesFile(verb: Command): Command {
  return verb
    .argument('<FILE>', 'a module (.js, .mjs, .cjs, .ts, .mts) or a document (.yaml, .yml, .json)')
    .option('--workflow <NAME>', 'which workflow of a module, where it exports several')
    .option('--registry <MODULE>', 'the module with what a YAML or JSON document refers to by name');
}

function addRun(program: Command, finished: Finished): void {
  const verb = takesFile(program.command('run').description('run the workflow in FILE'))
    .option('--param <NAME=VALUE>', 'a parameter: JSON, or else a text; @FILE for what a file holds', collect)
    .option('--params <FILE>', 'a JSON file with parameters; --param goes before it')
    .option('--sync', 'run in LocalRuntime, one node after the other')
    .option('--events', 'print every event as a line of JSON, and the result as the last line')
    .option('--report <FILE>', 'write the run as an HTML page')
    .option('--trace <FILE>', 'write the run as a Chrome trace');
  commonOptions(verb).action(async (file: string, options) => {
    const { runVerb } = await import('./verbs/run.js');
    finished(await runVerb(file, options, screenOf(options)));
  });
}

function addGraph(program: Command, finished: Finished): void {
  const format = new Option('--format <FORMAT>', 'what to draw').choices(['mermaid', 'dot', 'json']).default('mermaid');
  const verb = takesFile(program.command('graph').description('draw the workflow in FILE'))
    .addOption(format)
    .option('--children', 'draw the graphs of maps and subworkflows in their place')
    .option('-o, --output <FILE>', 'write a file instead of stdout');
  commonOptions(verb).action(async (file: string, options) => {
    const { graphVerb } = await import('./verbs/graph.js');
    finished(await graphVerb(file, options, screenOf(options)));
  });
}

const STATUSES = ['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled'];

/** Where runs are recorded unless something else is said. */
const STORE = '.lockstep/runs.sqlite';

function takesStore(verb: Command): Command {
  return verb.option('--store <FILE>', 'the file in which runs are recorded', STORE);
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

function addRuns(program: Command, finished: Finished): void {
  const runs = program.command('runs').description('what a store holds').helpCommand(false);
  const list = takesStore(runs.command('list').description('list recorded runs, the newest first'))
    .option('--workflow <NAME>', 'only runs of this workflow')
    .addOption(new Option('--status <STATUS>', 'only runs with this status').choices(STATUSES))
    .option('--before <RUN>', 'only runs that started before this one: the next page')
    .option('--limit <COUNT>', 'how many', count, 50);
  commonOptions(list).action(async (options) => {
    const { listVerb } = await import('./verbs/runs.js');
    finished(listVerb(options, screenOf(options)));
  });
  const show = takesStore(runs.command('show').description('show a recorded run and its events'));
  commonOptions(show.argument('<RUN>', 'its id')).action(async (runId: string, options) => {
    const { showVerb } = await import('./verbs/runs.js');
    finished(showVerb(runId, options, screenOf(options)));
  });
}

function addDoctor(program: Command, finished: Finished): void {
  const verb = takesStore(
    program.command('doctor').description('look whether runs can be recorded here, and how the store is'),
  );
  commonOptions(verb).action(async (options) => {
    const { doctorVerb } = await import('./verbs/doctor.js');
    finished(doctorVerb(options, screenOf(options)));
  });
}

/**
 * The grammar of the command. What a verb needs is imported when it runs.
 *
 * @param finished called with the exit code of the verb that ran
 */
export function buildProgram(finished: Finished): Command {
  const program = new Command('lockstep')
    .description('Runs and draws Lockstep workflows.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [VERB]', 'print the help of a verb')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  addRun(program, finished);
  addGraph(program, finished);
  addRuns(program, finished);
  addDoctor(program, finished);
  return program;
}
