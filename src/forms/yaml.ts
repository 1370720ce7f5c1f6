import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
  type YAMLError,
} from 'yaml';
import type { Workflow } from '../base/workflow.js';
import { Cursor } from './cursor.js';
import { DocumentError, type DocumentPath, type TextPosition } from './document-error.js';
import { fromJSON, type ReadOptions } from './from-json.js';
import { toJSON, type WriteOptions } from './to-json.js';
import { withDurations, withMilliseconds } from './yaml-durations.js';

/** How often anchors may be used, counted through anchors within anchors. */
const MAX_ALIASES = 10_000;
const LINES_BEFORE = 2;
const LINES_AFTER = 1;
const LINE_WIDTH = 110;

/** What the parser says, as a sentence. Of several documents it says which of its own functions would read them. */
function sentence({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'the text holds several documents: there is one workflow in a text.';
  return `${message.replace(/\.$/, '')}.`;
}

/** A text, its lines, and where its values stand. */
class YamlText {
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  constructor(text: string) {
    if (typeof text !== 'string') new Cursor(text).text();
    this.#text = text;
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      stringKeys: true,
      version: '1.2',
    });
    const [problem] = [...this.#document.errors, ...this.#document.warnings];
    if (problem !== undefined) {
      const position = this.#at(problem.pos[0]);
      throw new DocumentError('INVALID_YAML', sentence(problem), [], {
        cause: problem,
        position,
      });
    }
  }

  value(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (cause) {
      const what = `its aliases cannot be resolved: ${(cause as Error).message}.`;
      throw new DocumentError('INVALID_YAML', what, [], { cause, position: this.#at(0) });
    }
  }

  /** Where the value at a path stands, or its key; the nearest that there is. */
  position(path: DocumentPath, what: 'key' | 'value'): TextPosition {
    let node: Node | null | undefined = this.#document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const [index, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document) as Node | undefined;
      const found = stepInto(node, step);
      if (found === undefined) break;
      const last = index === path.length - 1;
      const { key, value } = found;
      offset = ((last && what === 'key' ? key : (value ?? key)) ?? key)?.range?.[0] ?? offset;
      node = value;
    }
    return this.#at(offset);
  }

  #at(offset: number): TextPosition {
    const { line, col } = this.#lines.linePos(Math.min(offset, this.#text.length));
    const lines = this.#text.split(/\r?\n/);
    const last = lines.at(-1) === '' ? Math.max(line, lines.length - 1) : lines.length;
    const [from, to] = [Math.max(1, line - LINES_BEFORE), Math.min(last, line + LINES_AFTER)];
    const width = String(to).length;
    const frame: string[] = [];
    for (let number = from; number <= to; number++) {
      frame.push(`${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${lines[number - 1]}`.trimEnd());
      if (number === line) frame.push(`  ${' '.repeat(width)} | ${' '.repeat(col - 1)}^`);
    }
    return { line, column: col, frame: frame.join('\n') };
  }
}

interface Step {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

/** A key and its value, or an item. What the data form calls `timeoutMs` may stand there as `timeout`. */
function stepInto(node: unknown, step: string | number): Step | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)] as Node | undefined;
    return item === undefined ? undefined : { key: undefined, value: item };
  }
  if (!isMap(node)) return undefined;
  const named = (name: string) => node.items.find(({ key }) => isScalar(key) && key.value === name);
  const pair = named(String(step)) ?? named(String(step).replace(/Ms$/, ''));
  return pair === undefined ? undefined : { key: pair.key as Node, value: (pair.value as Node | null) ?? undefined };
}

/**
 * Builds the workflow that a YAML text describes: the form of `fromJSON`, in YAML 1.2, where durations may also be written as
 * `timeout: 10s` for `timeoutMs: 10000`. Anchors and aliases may be used; a key that stands twice is an error.
 *
 * @throws DocumentError as `fromJSON` does, and INVALID_YAML; each with line, column and the lines around it
 */
export function fromYaml(
  text: string,
  options: ReadOptions = {},
): Workflow<Record<string, unknown>, Record<string, unknown>> {
  const yaml = new YamlText(text);
  try {
    return fromJSON(withMilliseconds(yaml.value()), options);
  } catch (error) {
    if (!(error instanceof DocumentError) || error.line !== undefined) throw error;
    throw error.inText(yaml.position(error.path, error.points));
  }
}

/**
 * A workflow as a YAML text, which `fromYaml` reads back as a workflow with the same hash.
 *
 * @throws ConfigurationError NOT_REGISTERED, LockstepError UNHASHABLE_LITERAL, as `toJSON` does
 */
export function toYaml(workflow: Workflow, options: WriteOptions = {}): string {
  return stringify(withDurations(toJSON(workflow, options)), { lineWidth: LINE_WIDTH, aliasDuplicateObjects: false });
}
