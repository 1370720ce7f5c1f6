#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.js';
import { buildProgram } from './program.js';

/** The codes with which commander ends after it has printed help or a version. */
const PRINTED = ['commander.help', 'commander.helpDisplayed', 'commander.version'];

const words = process.argv.slice(2);
const options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
/** Verbs that print events as lines of JSON: elsewhere, --events means something else. */
const PRINTING = ['run', 'resume', 'fork'];
const json = options.includes('--json') || (PRINTING.includes(words[0] ?? '') && options.includes('--events'));

/** Ends the process, once everything that was written has gone out: a timer or socket of a module must not keep it alive. */
function leave(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

async function fail(thrown: unknown): Promise<ExitCode> {
  const { reportError } = await import('./report-error.js');
  return reportError(thrown, json);
}

async function main(): Promise<ExitCode> {
  let code: ExitCode = EXIT.completed;
  const program = buildProgram((of) => {
    code = of;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError && PRINTED.includes(thrown.code))
      return thrown.exitCode === 0 ? EXIT.completed : EXIT.refused;
    return fail(thrown);
  }
}

// Whoever reads may stop, as `head` does: then there is nobody to tell.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) =>
  process.exit(code === 'EPIPE' ? EXIT.completed : EXIT.defect),
);
process.on('uncaughtException', (thrown) => void fail(thrown).then(leave));
leave(await main());
