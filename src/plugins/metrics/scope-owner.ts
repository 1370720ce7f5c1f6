import type { AttemptKey } from '../../base/events.js';

/**
 * Which attempt opened a scope: `all#2.3[7]/` is that of attempt 3 of visit 2 of `all`, `outer/all[0]/` lives in `outer/`.
 * `undefined` for the scope at the top, which nobody opened.
 */
export function ownerOf(scope: string): AttemptKey | undefined {
  const outer = scope.lastIndexOf('/', scope.length - 2) + 1;
  const [, node, visit = '1', attempt = '1'] =
    /^([\w-]+)(?:#(\d+)(?:\.(\d+))?)?(?:\[\d+\])?\/$/.exec(scope.slice(outer)) ?? [];
  if (node === undefined) return undefined;
  return { scope: scope.slice(0, outer), node, visit: Number(visit), attempt: Number(attempt) };
}
