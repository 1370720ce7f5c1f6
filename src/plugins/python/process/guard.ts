/**
 * What a child process is started through, so that nothing of it can outlive this process: a shell that becomes the child (same
 * pid, same exit code) and leaves a watcher behind in the child's process group. The watcher waits on a pipe whose other end only
 * this process holds, its lifeline. Where the pipe ends, however this process ended, the watcher asks the group to stop and after
 * a second kills it, itself included. It is no child of the child, and ignores what the group is asked; while it lives, the number
 * of the group cannot be given to another one. It needs no cooperation: a child may hold its interpreter's lock, or ignore SIGTERM.
 *
 * `$$` in a subshell is the pid of the outer shell: of the later child, which leads the group. Without `--` before it: dash takes
 * none. The descriptors that the child is given beside the lifeline, 4 among them, are closed in the watcher: it must not keep
 * them open when the child has ended.
 */
const GUARD = `( (
  exec >/dev/null 2>&1 4>&-
  trap '' TERM HUP INT
  read -r _ <&3
  kill -TERM -$$
  sleep 1
  kill -KILL -$$
) & )
exec 3<&-
exec "$@"`;

/** At which place of `stdio` a guarded process needs a pipe, to which nothing is ever written. */
export const LIFELINE = 3;

/** What to spawn instead of a program, `detached`, with a pipe at LIFELINE. */
export function guarded(program: string, args: readonly string[]): { readonly file: string; readonly args: string[] } {
  return { file: '/bin/sh', args: ['-c', GUARD, 'lockstep-guard', program, ...args] };
}

/**
 * Sends a signal to every process of a group.
 *
 * @param leader the pid of the process that leads it, which may have ended
 * @returns whether there was one
 */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-leader, signal);
  } catch (error) {
    // EPERM: what is left of it may not be signalled, on some systems because it has ended and nobody has looked.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
