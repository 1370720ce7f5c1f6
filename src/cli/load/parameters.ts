import { ConfigurationError } from '../../base/errors.js';
import { isRecord } from '../../base/record.js';
import { parseJson } from '../json-text.js';
import { readText } from './files.js';

function wrong(what: string, at: string): ConfigurationError {
  return new ConfigurationError('CLI_USAGE', what, { at });
}

/** What a word means: what a file holds, what it means as JSON, or else the text itself. */
export function textValue(text: string): unknown {
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
 * Values by name, each given as `name=value`, and once.
 *
 * @param option which takes them
 * @throws LockstepError CLI_USAGE, FILE_UNREADABLE, INVALID_JSON
 */
export function readPairs(option: string, pairs: readonly string[]): ReadonlyMap<string, unknown> {
  const given = new Map<string, unknown>();
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    const name = pair.slice(0, split);
    if (split < 1) throw wrong(`${option} takes name=value and was given "${pair}".`, option);
    if (given.has(name)) throw wrong(`${option} ${name} was given twice.`, option);
    given.set(name, textValue(pair.slice(split + 1)));
  }
  return given;
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
  return Object.fromEntries([...Object.entries(held), ...readPairs('--param', pairs)]);
}
