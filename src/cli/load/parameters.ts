import { ConfigurationError } from '../../base/errors.js';
import { isRecord } from '../../base/record.js';
import { parseJson } from '../json-text.js';
import { readText } from './files.js';

function wrong(what: string, at: string): ConfigurationError {
  return new ConfigurationError('CLI_USAGE', what, { at });
}

/** The value after `=`: what a file holds, what it means as JSON, or else the text itself. */
function parameterValue(text: string): unknown {
  if (text.startsWith('@')) {
    const file = text.slice(1);
    const held = readText(file);
    return file.endsWith('.json') ? parseJson(held, file) : held;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The parameters of a run: those of a file, then those that were given one by one.
 *
 * @param file a JSON file with an object
 * @param pairs `name=value`
 * @throws LockstepError CLI_USAGE, FILE_UNREADABLE, INVALID_JSON
 */
export function readParameters(file: string | undefined, pairs: readonly string[]): Readonly<Record<string, unknown>> {
  const held = file === undefined ? {} : parseJson(readText(file), file);
  if (!isRecord(held)) throw wrong(`${file} must hold an object with the parameters.`, '--params');
  const given = new Map<string, unknown>();
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    const name = pair.slice(0, split);
    if (split < 1) throw wrong(`--param takes name=value and was given "${pair}".`, '--param');
    if (given.has(name)) throw wrong(`--param ${name} was given twice.`, '--param');
    given.set(name, parameterValue(pair.slice(split + 1)));
  }
  return Object.fromEntries([...Object.entries(held), ...given]);
}
