import { Command } from 'commander';
import { addApprove, addGates, addReject } from './grammar/answering.js';
import type { Finished } from './grammar/parts.js';
import { addFork, addGraph, addResume, addRun } from './grammar/performing.js';
import { addPython } from './grammar/python.js';
import { addDiff, addDoctor, addExchange, addReplay, addRuns } from './grammar/reading.js';
import { packageVersion } from './version.js';

const AFTER_HELP = `
Exit codes: 0 completed, 1 the run failed or two runs differ, 2 refused before anything ran,
3 the run waits, 4 the store cannot be used, 5 no such run, 70 a defect, 130 and 143 stopped
by a signal. The whole grammar: docs/cli.md of the package.`;

/** The verbs, in the order in which the help lists them. */
const VERBS = [
  addRun,
  addGraph,
  addResume,
  addGates,
  addApprove,
  addReject,
  addReplay,
  addDiff,
  addFork,
  addExchange,
  addRuns,
  addDoctor,
  addPython,
];

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
  for (const add of VERBS) add(program, finished);
  return program;
}
