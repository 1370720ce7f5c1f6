/** Handles the rejection of a promise that came where none belongs, so that it does not end the process. Never throws. */
export function ignorePromise(value: unknown): void {
  try {
    (value as PromiseLike<unknown>).then(undefined, () => undefined);
  } catch {
    // It is no promise.
  }
}
