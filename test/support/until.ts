import { setTimeout as pause } from 'node:timers/promises';

/** Waits until something outside of this process is so, which tells nobody when it comes to be. Fails where it does not. */
export async function until(isSo: () => boolean, withinMs = 10_000): Promise<void> {
  for (const end = performance.now() + withinMs; !isSo(); await pause(5))
    if (performance.now() > end) throw new Error(`Not so after ${withinMs} ms: ${isSo}`);
}
