import { isThenable } from '../../base/schema.js';

/** Handles the rejection of a promise that came where none belongs, so that it does not end the process. Never throws. */
export function ignorePromise(value: unknown): void {
  try {
    if (isThenable(value)) value.then(undefined, () => undefined);
  } catch {
    // Whatever it is, it is no promise of ours.
  }
}
