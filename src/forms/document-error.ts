import type { ErrorCode } from '../base/error-catalog.js';
import { errorCatalog } from '../base/error-catalog.js';
import { LockstepError } from '../base/errors.js';

/** A place in a document: the keys and positions that lead to it. */
export type DocumentPath = readonly (string | number)[];

/** Where in a text something is wrong. */
export interface TextPosition {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The lines around it, with a mark. */
  readonly frame: string;
}

const PLAIN = /^[A-Za-z_$][\w$-]*$/;

/** A place in words: `nodes.tidy.inputs.rows`, `cycles.fit.until.anyOf[1]`. */
export function placeText(path: DocumentPath): string {
  const steps = path.map((step) =>
    typeof step === 'number' ? `[${step}]` : PLAIN.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
  );
  return steps.join('').replace(/^\./, '') || 'the document';
}

function located(what: string, path: DocumentPath, position: TextPosition | undefined): string {
  const where = position === undefined ? '' : `line ${position.line}, column ${position.column}: `;
  const place = placeText(path);
  return `${where}${what.includes(place) ? '' : `${place}: `}${what}`;
}

/**
 * A document cannot be read as a workflow. `code` says why: a code of this catalogue, or that of the error of the builder which
 * the place led to, then `cause`. `at` and `path` name the place; a text has a line and a column too.
 */
export class DocumentError extends LockstepError {
  readonly path: DocumentPath;
  /** From 1; `undefined` for a document that was not read from a text. */
  readonly line: number | undefined;
  /** From 1. */
  readonly column: number | undefined;
  /** The lines of the text around the place, with a mark. Also the end of the message. */
  readonly frame: string | undefined;
  /** Which of the two at the place is wrong, where it has both. */
  readonly points: 'key' | 'value';
  readonly #what: string;

  constructor(
    code: ErrorCode,
    what: string,
    path: DocumentPath,
    details: {
      readonly value?: unknown;
      readonly cause?: unknown;
      readonly position?: TextPosition;
      /** Default `value`. */
      readonly points?: 'key' | 'value';
    } = {},
  ) {
    const { position, points = 'value', ...rest } = details;
    super(code, located(what, path, position), { ...rest, at: placeText(path) });
    this.#what = what;
    this.points = points;
    this.path = Object.freeze([...path]);
    this.line = position?.line;
    this.column = position?.column;
    this.frame = position?.frame;
    if (position !== undefined) this.message = `${this.message}\n\n${position.frame}`;
  }

  /** The same error, with its place in a text. */
  inText(position: TextPosition): DocumentError {
    const { value, cause, points } = this;
    const details = { value, position, points, ...(cause === undefined ? {} : { cause }) };
    return new DocumentError(this.code, this.#what, this.path, details);
  }

  /** An error of the builder, with the place in the document that led to it. */
  static from(cause: LockstepError, path: DocumentPath): DocumentError {
    if (cause instanceof DocumentError) return cause;
    const { remedy } = errorCatalog[cause.code];
    const what = cause.message.endsWith(remedy) ? cause.message.slice(0, -remedy.length).trimEnd() : cause.message;
    return new DocumentError(cause.code, what, path, { value: cause.value, cause });
  }
}

/** Does something on behalf of a place in a document: an error of ours names that place. */
export function onBehalfOf<T>(path: DocumentPath, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof LockstepError) throw DocumentError.from(error, path);
    throw error;
  }
}
