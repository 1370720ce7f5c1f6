/** A YAML text that cannot be read, and how it is refused. */
export interface RefusedDocument {
  readonly yaml: string;
  readonly code: string;
  readonly at: string;
  readonly line: number;
  readonly column: number;
  /** What the message says, without its place and its remedy. */
  readonly says: string;
  /** Whether the published JSON Schema refuses it: it knows the shape only. `not text`: the text is no YAML. */
  readonly schema: 'refuses' | 'accepts' | 'not text';
}

/** A document that is right, to be continued. */
export const a = 'lockstep: 1\nname: w\nnodes:\n  a: { use: halve, config: { n: 1 } }\n';
