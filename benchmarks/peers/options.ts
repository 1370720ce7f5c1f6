import { parseArgs } from 'node:util';
import { PEERS } from './catalog.js';

/** What a run of the benchmark was asked for. */
export interface Options {
  /** The peers to measure, by name; the bare loop is always measured. */
  readonly only: readonly string[];
  /** Fewer sizes and samples. */
  readonly quick: boolean;
  /** Whether a file with every number is written. */
  readonly json: boolean;
}

const OPTIONS = {
  json: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean' },
} as const;

/** Reads the words of the command line. Throws for what it does not know, and says what there is. */
export function optionsOf(words: readonly string[]): Options {
  const args = [...words];
  const options = Object.keys(OPTIONS).map((name) => `--${name}`);
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') throw unknown('argument', token.value, options);
    if (token.kind === 'option' && !Object.hasOwn(OPTIONS, token.name)) throw unknown('option', token.rawName, options);
  }
  const names = PEERS.map(({ name }) => name);
  const { only = names, quick = false, json = false } = parseArgs({ args, options: OPTIONS }).values;
  for (const name of only) if (!names.includes(name)) throw unknown('peer', name, names);
  return { only, quick, json };
}

function unknown(kind: string, value: string, known: readonly string[]): Error {
  return new Error(`There is no ${kind} "${value}". There are: ${known.join(', ')}.`);
}
