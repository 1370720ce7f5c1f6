import type { Log } from '../base/ports.js';
import type { Screen } from './screen.js';

/** Secrets are taken from the environment. */
export const environmentSecrets = {
  load: (names: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
};

/** A log that says warnings and errors on the screen. */
export function logTo(screen: Screen): Log {
  return {
    log: (level, message, fields) => {
      if (level !== 'warn' && level !== 'error') return;
      const node = fields?.node;
      screen.note(`${level}${typeof node === 'string' ? ` ${node}` : ''}: ${message}`);
    },
  };
}
