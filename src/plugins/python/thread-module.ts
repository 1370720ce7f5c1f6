import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside this file, or above it where a bundler has put this file into a folder of its own. */
const PLACES = ['./python-thread.js', '../python-thread.js', '../../python-thread.js'];

/** The module with which a thread of LocalRuntime keeps Python workers. */
export function threadModule(): string {
  const urls = PLACES.map((place) => new URL(place, import.meta.url));
  const found = urls.find((url) => existsSync(fileURLToPath(url))) ?? (urls[0] as URL);
  return found.href;
}
