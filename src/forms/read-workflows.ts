import { didYouMean } from '../base/did-you-mean.js';
import { isName } from '../base/names.js';
import type { Workflow } from '../base/workflow.js';
import type { Cursor } from './cursor.js';
import { parseName } from './definition-name.js';
import { DocumentError, onBehalfOf } from './document-error.js';
import type { NodeRegistry } from './registry.js';

/** Where the workflows stand that nodes of a document run. */
export const WORKFLOWS = 'workflows';

/** Reads the workflow that stands at a place. */
export type ReadWorkflow = (name: string, cursor: Cursor, workflows: WorkflowReader) => Workflow;

/** Finds the workflows that nodes name: those of the document, each read once, and registered ones. */
export class WorkflowReader {
  readonly #places: ReadonlyMap<string, Cursor>;
  readonly #registry: NodeRegistry;
  readonly #read: ReadWorkflow;
  readonly #known = new Map<string, Workflow>();
  /** Those that are being read, each of which runs the next. */
  readonly #open: string[] = [];

  constructor(cursor: Cursor | undefined, registry: NodeRegistry, read: ReadWorkflow) {
    this.#places = new Map(cursor?.entries());
    this.#registry = registry;
    this.#read = read;
  }

  /** Reads those that no node runs, too. */
  readAll(): void {
    for (const [name, place] of this.#places) this.#inline(name, place, place);
  }

  /** The workflow that a document names. */
  at(cursor: Cursor): Workflow {
    const text = cursor.text();
    const place = this.#places.get(text);
    return place === undefined ? this.#registered(text, cursor) : this.#inline(text, place, cursor);
  }

  #registered(text: string, cursor: Cursor): Workflow {
    const { name, version } = parseName(text);
    const registered = this.#registry.list().workflows.map((each) => parseName(each).name);
    if (registered.includes(name)) return onBehalfOf(cursor.path, () => this.#registry.workflow(name, version));
    const hint = didYouMean(name, [...this.#places.keys(), ...registered]);
    const what = `No workflow "${text}" is registered or stands under "${WORKFLOWS}". ${hint}`;
    throw new DocumentError('UNKNOWN_DEFINITION', what, cursor.path, { value: text });
  }

  #inline(name: string, place: Cursor, from: Cursor): Workflow {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#open.includes(name)) {
      const steps = [...this.#open.slice(this.#open.indexOf(name)), name].join(' → ');
      throw new DocumentError('RECURSIVE_WORKFLOW', `The workflow "${name}" runs itself: ${steps}.`, from.path);
    }
    if (!isName(name)) place.fail(`"${name}" cannot be the name of a workflow.`);
    this.#open.push(name);
    const read = this.#read(name, place, this);
    this.#open.pop();
    this.#known.set(name, read);
    return read;
  }
}
