/** Something that did not stop a run but that its owner should know. */
export interface Warning {
  /** Stable, lower case with hyphens. */
  readonly code: string;
  readonly message: string;
  /** The node, cycle, input or option it concerns; empty for the whole run. */
  readonly at: string;
}
