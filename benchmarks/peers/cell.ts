import type { Shape } from './catalog.js';
import type { Form } from './engine.js';
import type { Times } from './measure-cell.js';

/** How much processor time a cell may take, in seconds; then its process is ended. */
export const CAP_SECONDS = 60;

/** One measurement: an engine, a graph, its size, and the form of its functions. */
export interface Cell {
  /** The name of the engine's file. */
  readonly peer: string;
  readonly shape: Shape;
  readonly size: number;
  readonly form: Form;
}

/** What a cell is doing. */
export type Phase = 'importing' | 'building' | 'first run' | 'measuring';

/** How a cell ended. Times are those of one whole graph, in nanoseconds. */
export type Outcome =
  | { readonly kind: 'measured'; readonly build: Times; readonly run: Times }
  /** Its process was ended at the cap. */
  | { readonly kind: 'cut'; readonly during: Phase }
  /** The engine threw, or its process died. */
  | { readonly kind: 'failed'; readonly during: Phase; readonly message: string }
  /** The engine has no such graphs. */
  | { readonly kind: 'absent' }
  /** Its result is not that of the bare loop. */
  | { readonly kind: 'differs'; readonly expected: unknown; readonly actual: unknown };

/** What the process of a cell sends. */
export type Message = { readonly kind: 'phase'; readonly phase: Phase } | Outcome;
