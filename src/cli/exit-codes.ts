/** What the exit code of the command says. docs/cli.md lists them, and a test compares the two. */
export const EXIT = {
  /** The run completed, or the verb did what it was asked to. */
  completed: 0,
  /** The run failed, or was cancelled by something else than a signal; two runs differ. */
  failed: 1,
  /** The command line, FILE or a parameter was refused; nothing ran. */
  refused: 2,
  /** The run waits for something outside: a gate. */
  waiting: 3,
  /** The store cannot be used, or is damaged. */
  store: 4,
  /** There is no such run. */
  notFound: 5,
  /** Something that should not happen: a defect of Lockstep, or code of the user that threw outside of the run. */
  defect: 70,
  /** Stopped by SIGINT. */
  interrupted: 130,
  /** Stopped by SIGTERM. */
  terminated: 143,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
