import type { Command } from 'commander';
import { collect, commonOptions, type Finished, screenOf } from './parts.js';

/** Which Python is meant. */
function findsPython(verb: Command): Command {
  return verb
    .option('--python <PROGRAM>', 'the interpreter to use: a path, or a command')
    .option('--requirement <SPEC>', 'a package that is needed beside grpcio, such as "numpy>=2"', collect);
}

/** `python doctor` and `python setup`. */
export function addPython(program: Command, finished: Finished): void {
  const python = program.command('python').description('the Python that performs tools').helpCommand(false);
  const look = python.command('doctor').description('look which Python would be used, and what is missing');
  commonOptions(findsPython(look)).action(async (options) => {
    const { pythonDoctorVerb } = await import('../verbs/python.js');
    finished(await pythonDoctorVerb(options, screenOf(options)));
  });
  const make = python.command('setup').description('make a Python environment, where no other fits');
  findsPython(make)
    .option('--prune', 'remove environments that nothing needs any more')
    .option('--dry-run', 'with --prune: make and remove nothing, and say what would be removed');
  commonOptions(make).action(async (options) => {
    const { pythonSetupVerb } = await import('../verbs/python.js');
    finished(await pythonSetupVerb(options, screenOf(options)));
  });
}
