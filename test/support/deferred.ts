/** A promise that is settled from outside. */
export function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((kept, broken) => {
    resolve = kept;
    reject = broken;
  });
  return { promise, resolve, reject };
}

/** A turn of the event loop: every microtask that was due has run afterwards. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
