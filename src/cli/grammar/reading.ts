import { type Command, Option } from 'commander';
import {
  commonOptions,
  count,
  countOrNone,
  type Finished,
  screenOf,
  size,
  span,
  takesRun,
  takesStore,
} from './parts.js';

/** `replay RUN`. */
export function addReplay(program: Command, finished: Finished): void {
  const verb = takesRun(
    program.command('replay').description('show what a recorded run came to; RUN may be an exported .json file'),
  )
    .option('--verify', 'look first whether it is what was written')
    .option('--events <COUNT>', 'only as far as so many of its first events', count);
  commonOptions(verb).action(async (run: string, options) => {
    const { replayVerb } = await import('../verbs/replay.js');
    finished(replayVerb(run, options, screenOf(options)));
  });
}

/** `diff A B`. */
export function addDiff(program: Command, finished: Finished): void {
  const verb = program.command('diff').description('show the first event in which two runs differ');
  commonOptions(takesStore(verb.argument('<A>', 'a run').argument('<B>', 'another one'))).action(
    async (a: string, b: string, options) => {
      const { diffVerb } = await import('../verbs/diff.js');
      finished(diffVerb(a, b, options, screenOf(options)));
    },
  );
}

/** `export RUN` and `import FILE`. */
export function addExchange(program: Command, finished: Finished): void {
  const from = takesRun(program.command('export').description('write a run as a JSON document that stands by itself'));
  commonOptions(from.option('-o, --output <FILE>', 'write a file instead of stdout')).action(
    async (run: string, options) => {
      const { exportVerb } = await import('../verbs/exchange.js');
      finished(exportVerb(run, options, screenOf(options)));
    },
  );
  const into = program.command('import').description('add an exported run to a store');
  commonOptions(takesStore(into.argument('<FILE>', 'an exported run'))).action(async (file: string, options) => {
    const { importVerb } = await import('../verbs/exchange.js');
    finished(importVerb(file, options, screenOf(options)));
  });
}

const STATUSES = ['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled'];

function addList(runs: Command, finished: Finished): void {
  const list = takesStore(runs.command('list').description('list recorded runs, the newest first'))
    .option('--workflow <NAME>', 'only runs of this workflow')
    .addOption(new Option('--status <STATUS>', 'only runs with this status').choices(STATUSES))
    .option('--before <RUN>', 'only runs that started before this one: the next page')
    .option('--limit <COUNT>', 'how many', count, 50);
  commonOptions(list).action(async (options) => {
    const { listVerb } = await import('../verbs/runs.js');
    finished(listVerb(options, screenOf(options)));
  });
}

/** `runs list`, `runs show RUN` and `runs prune`. */
export function addRuns(program: Command, finished: Finished): void {
  const runs = program.command('runs').description('what a store holds').helpCommand(false);
  addList(runs, finished);
  const show = takesRun(runs.command('show').description('show a recorded run')).option(
    '--events',
    'its events as well',
  );
  commonOptions(show).action(async (runId: string, options) => {
    const { showVerb } = await import('../verbs/show.js');
    finished(showVerb(runId, options, screenOf(options)));
  });
  const prune = takesStore(runs.command('prune').description('remove runs that have ended, beyond a limit'))
    .option('--keep <COUNT>', 'keep so many, the newest', countOrNone)
    .option('--age <TIME>', 'keep those that ended no longer ago, such as 12h or 30d', span)
    .option('--bytes <SIZE>', 'keep as many, the newest, as take so much, such as 500MiB', size);
  commonOptions(prune).action(async (options) => {
    const { pruneVerb } = await import('../verbs/prune.js');
    finished(pruneVerb(options, screenOf(options)));
  });
}

/** `doctor`. */
export function addDoctor(program: Command, finished: Finished): void {
  const verb = takesStore(
    program.command('doctor').description('look whether runs can be recorded here, and how the store is'),
  );
  commonOptions(verb).action(async (options) => {
    const { doctorVerb } = await import('../verbs/doctor.js');
    finished(await doctorVerb(options, screenOf(options)));
  });
}
