/**
 * Lets Stryker try one of so many mutants: the others it takes for such as do not compile, and counts nowhere. Which ones are
 * tried depends on what is changed in which file, not on chance or on lines that moved.
 *
 * Read by the checker's process, so how many is an environment variable: LOCKSTEP_MUTATE_ONE_IN.
 */
import { createHash } from 'node:crypto';

const ONE_IN = Number(process.env.LOCKSTEP_MUTATE_ONE_IN ?? 1);

class Sample {
  #seen = new Map();

  async init() {}

  async check(mutants) {
    return Object.fromEntries(
      mutants.map((mutant) => [mutant.id, { status: this.#isTried(mutant) ? 'passed' : 'compileError' }]),
    );
  }

  group(mutants) {
    return [mutants.map(({ id }) => id)];
  }

  /** Equal changes within a file take turns. */
  #isTried({ fileName, mutatorName, replacement }) {
    const change = `${fileName.split(/[\\/]src[\\/]/).at(-1)} ${mutatorName} ${replacement}`;
    const turn = this.#seen.get(change) ?? createHash('sha256').update(change).digest().readUInt16LE(0);
    this.#seen.set(change, turn + 1);
    return turn % ONE_IN === 0;
  }
}

export const strykerPlugins = [{ kind: 'Checker', name: 'sample', injectableClass: Sample }];
