import type { Workflow } from '../base/workflow.js';
import type { InlineWorkflowDocument } from './document.js';
import type { NodeRegistry } from './registry.js';

/** Writes a workflow that others run. */
export type WriteWorkflow = (workflow: Workflow, workflows: WorkflowWriter) => InlineWorkflowDocument;

/** Names the workflows that nodes run: a registered one by its name, any other is written into the document, once. */
export class WorkflowWriter {
  /** Those that stand in the document, each behind the ones that it runs itself. */
  readonly written = new Map<string, InlineWorkflowDocument>();
  readonly #registry: NodeRegistry | undefined;
  readonly #write: WriteWorkflow;
  readonly #names = new Map<Workflow, string>();
  readonly #taken: Set<string>;

  constructor(registry: NodeRegistry | undefined, write: WriteWorkflow) {
    this.#registry = registry;
    this.#write = write;
    this.#taken = new Set(registry?.list().workflows);
  }

  nameOf(workflow: Workflow): string {
    const known = this.#registry?.nameOfWorkflow(workflow) ?? this.#names.get(workflow);
    if (known !== undefined) return known;
    const name = this.#free(workflow.name);
    this.#names.set(workflow, name);
    this.#taken.add(name);
    const document = this.#write(workflow, this);
    const { name: own, ...rest } = document;
    this.written.set(name, own === name ? rest : document);
    return name;
  }

  /** A name that nothing in the document or the registry has. */
  #free(name: string): string {
    let free = name;
    for (let count = 2; this.#taken.has(free); count++) free = `${name}-${count}`;
    return free;
  }
}
