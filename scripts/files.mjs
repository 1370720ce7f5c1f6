/** Finds and reads files for the other scripts. Paths are relative to the working directory. */
import { readdirSync, readFileSync } from 'node:fs';

/** Every file below a folder whose name ends with the suffix, sorted. */
export function filesBelow(folder, suffix) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** Every TypeScript file of the package. */
export function sourceFiles() {
  return filesBelow('src', '.ts');
}

/** The lines of a text file, without the empty one after its last newline. */
export function linesOf(path) {
  return readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
}
