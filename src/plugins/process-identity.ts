import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process it is, so that others can tell whether it lives. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since the machine did; `null` where the system does not tell. A pid is used again, a pid of one start is not. */
  readonly started: string | null;
  /** Name of the machine, for people. */
  readonly host: string;
  /** Name, boot, and space of process ids: pids mean the same only where all of it is the same. */
  readonly machine: string;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  const host = hostname();
  const boot = tell(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const space = tell(() => readlinkSync('/proc/self/ns/pid'));
  const machine = `${host} ${boot ?? ''} ${space ?? ''}`;
  return { pid: process.pid, started: statOf(process.pid)?.started ?? null, host, machine };
}

/** When a process of this machine started, as in its identity; `null` where there is none, or the system does not tell. */
export function startOf(pid: number): string | null {
  return statOf(pid)?.started ?? null;
}

/** The process that started a process of this machine, or has taken it over; `undefined` where there is none, or the system does not tell. */
export function parentOf(pid: number): number | undefined {
  return statOf(pid)?.parent;
}

/** Whether a process of this machine has ended. */
export function isDead({ pid, started }: Pick<ProcessIdentity, 'pid' | 'started'>): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const stat = statOf(pid);
  if (stat === undefined) return false;
  // A zombie has ended, and waits for its parent to look.
  return stat.state === 'Z' || stat.state === 'X' || (started !== null && stat.started !== started);
}

/** State, parent and start of a process, fields 3, 4 and 22 of /proc/<pid>/stat; its name, field 2, may hold spaces and parentheses. */
function statOf(
  pid: number,
): { readonly state: string; readonly parent: number; readonly started: string } | undefined {
  const text = tell(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, started] = [fields?.[0], fields?.[1], fields?.[19]];
  return state === undefined || started === undefined ? undefined : { state, parent: Number(parent), started };
}

function tell(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
