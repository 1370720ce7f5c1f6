/**
 * How a worker process is started: what a third party implements for a worker of its own, which keeps to python/BRIDGE.md. The
 * program is started with `scriptPath`, `scriptArgs` and, last, the path of its settings.
 */
export interface WorkerAdapter {
  /** The program: a path, or what finds it, asked before each start. */
  readonly executablePath: string | (() => Promise<string>);
  /** What the program runs. */
  readonly scriptPath: string;
  /** What stands between the script and the settings. */
  readonly scriptArgs: readonly string[];
  /**
   * How long a call may take that has no limit of its own, in milliseconds; `undefined`: for ever.
   *
   * @param command `module:function`, or one of the worker's own
   */
  commandTimeout?(command: string, args: Readonly<Record<string, unknown>>): number | undefined;
}
