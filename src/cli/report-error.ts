import { CommanderError } from 'commander';
import { ConfigurationError } from '../base/errors.js';
import type { ExitCode } from './exit-codes.js';
import { debugText, errorText, exitCodeOf, explain } from './explain.js';
import { jsonText } from './json-text.js';
import { paintFor } from './paint.js';

/** What commander says, as an error of ours: `error: unknown command 'rnu'\n(Did you mean run?)`. */
function usageError({ message }: CommanderError): ConfigurationError {
  const what = message
    .replace(/^error: /, '')
    .replace(/\s*\(Did you mean (one of )?(.*)\?\)$/, (_, several: string | undefined, names: string) =>
      several === undefined ? `. Did you mean "${names}"?` : `. Did you mean one of ${names}?`,
    );
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}`;
  return new ConfigurationError('CLI_USAGE', /[.?]$/.test(sentence) ? sentence : `${sentence}.`);
}

/**
 * Says what ended a verb: as text on stderr, or as one JSON document on stdout. LOCKSTEP_DEBUG=1 adds the stack.
 *
 * @returns the exit code for it
 */
export function reportError(thrown: unknown, json: boolean): ExitCode {
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  const problems = explain(error);
  if (json) {
    const [first, ...others] = problems;
    process.stdout.write(`${jsonText({ error: first, ...(others.length > 0 && { others }) })}\n`);
  } else {
    const paint = paintFor(process.stderr);
    for (const problem of problems) process.stderr.write(`${paint('red', 'error')} ${errorText(problem)}\n`);
  }
  process.stderr.write(debugText(error));
  return exitCodeOf(error);
}
