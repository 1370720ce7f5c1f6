import { inspect } from 'node:util';

/** The colours that the command uses. */
export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Puts a text in a colour, or leaves it as it is where colours are off. */
export type Paint = (colour: Colour, text: string) => string;

/** What is asked about a stream, such as `process.stdout`. */
export interface Target {
  readonly isTTY?: boolean;
}

function wanted(target: Target, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: terminal } = env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (no !== undefined && no !== '') return false;
  return target.isTTY === true && terminal !== 'dumb';
}

/** Colours for a stream: on a terminal, unless NO_COLOR is set; FORCE_COLOR decides before both, as it does in Node. */
export function paintFor(target: Target, env: NodeJS.ProcessEnv = process.env): Paint {
  if (!wanted(target, env)) return (_, text) => text;
  return (colour, text) => {
    const [on, off] = inspect.colors[colour] as [number, number];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  };
}
