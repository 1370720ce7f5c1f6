import { type Command, Option } from 'commander';
import {
  collect,
  commonOptions,
  count,
  FILE,
  type Finished,
  findsWorkflow,
  lineScreenOf,
  performs,
  screenOf,
  takesRun,
} from './parts.js';

/** `run FILE`. */
export function addRun(program: Command, finished: Finished): void {
  const verb = program.command('run').description('run the workflow in FILE').argument('<FILE>', FILE);
  findsWorkflow(verb)
    .option('--param <NAME=VALUE>', 'a parameter: JSON, or else a text; @FILE for what a file holds', collect)
    .option('--params <FILE>', 'a JSON file with parameters; --param goes before it')
    .option('--store <FILE>', 'record the run in a file, so that it can be resumed')
    .option('--run-id <ID>', 'its id, instead of a new one');
  commonOptions(performs(verb)).action(async (file: string, options) => {
    const { runVerb } = await import('../verbs/run.js');
    finished(await runVerb(file, options, lineScreenOf(options)));
  });
}

/** `graph FILE`. */
export function addGraph(program: Command, finished: Finished): void {
  const format = new Option('--format <FORMAT>', 'what to draw').choices(['mermaid', 'dot', 'json']).default('mermaid');
  const verb = program.command('graph').description('draw the workflow in FILE').argument('<FILE>', FILE);
  findsWorkflow(verb)
    .addOption(format)
    .option('--children', 'draw the graphs of maps and subworkflows in their place')
    .option('-o, --output <FILE>', 'write a file instead of stdout');
  commonOptions(verb).action(async (file: string, options) => {
    const { graphVerb } = await import('../verbs/graph.js');
    finished(await graphVerb(file, options, screenOf(options)));
  });
}

/** `resume RUN [FILE]`. */
export function addResume(program: Command, finished: Finished): void {
  const verb = takesRun(program.command('resume').description('go on with a run that waits or was cut off'));
  findsWorkflow(verb.argument('[FILE]', `${FILE}; not needed for a run that is over`)).option(
    '--force',
    'also with a changed workflow: what changed runs again',
  );
  commonOptions(performs(verb)).action(async (run: string, file: string | undefined, options) => {
    const { resumeVerb } = await import('../verbs/resume.js');
    finished(await resumeVerb(run, file, options, lineScreenOf(options)));
  });
}

/** `fork RUN FILE`. */
export function addFork(program: Command, finished: Finished): void {
  const verb = takesRun(program.command('fork').description('start a new run from the first events of another'));
  findsWorkflow(verb.argument('<FILE>', FILE))
    .requiredOption('--at <COUNT>', 'how many of its events are taken over', count)
    .option('--output <NODE=JSON>', 'what a node is taken to have delivered: an object', collect)
    .option('--rerun <NODE>', 'a node that runs again', collect)
    .option('--run-id <ID>', 'the id of the new run');
  commonOptions(performs(verb)).action(async (run: string, file: string, options) => {
    const { forkVerb } = await import('../verbs/fork.js');
    finished(await forkVerb(run, file, options, lineScreenOf(options)));
  });
}
