import { historyFor } from '../base/cycle-options.js';
import type { NodeImplementation } from '../base/node.js';
import { knownFields } from '../base/option-checks.js';
import { type Contract, requireWorkflow, type Workflow } from '../base/workflow.js';
import type { ConnectionData, CycleData, Source } from '../base/workflow-data.js';
import { jsonSchemaOf } from '../mixins/validation/json-schema.js';
import { compact, filled, oneOrAll } from './compact.js';
import {
  type ContractDocument,
  type CycleDocument,
  DOCUMENT_VERSION,
  type InlineWorkflowDocument,
  type SchemaDocument,
  type SourceDocument,
  type WorkflowDocument,
} from './document.js';
import type { NodeRegistry } from './registry.js';
import { writeCondition } from './write-conditions.js';
import { NodeWriter } from './write-nodes.js';
import { notRegistered, SchemaWriter } from './write-schemas.js';
import { SourceWriter } from './write-sources.js';
import { WorkflowWriter } from './write-workflows.js';

/** What `toJSON` and `toYaml` take beside the workflow. */
export interface WriteOptions {
  /** Names schemas, and makes sure that everything the document names is there to be read back. Default: nothing is looked up. */
  readonly registry?: NodeRegistry;
}

const KEPT = ['keepHistory', 'onMaxIterations', 'onTimeout'] as const;

/** Writes one workflow of a document. */
class DocumentWriter {
  readonly #workflow: Workflow;
  readonly #registry: NodeRegistry | undefined;
  readonly #schemas: SchemaWriter;
  readonly #sources: SourceWriter;
  readonly #nodes: NodeWriter;

  constructor(workflow: Workflow, registry: NodeRegistry | undefined, workflows: WorkflowWriter) {
    this.#workflow = workflow;
    this.#registry = registry;
    this.#schemas = new SchemaWriter(registry);
    this.#sources = new SourceWriter(workflow.bindings.schemas, this.#schemas);
    this.#nodes = new NodeWriter(workflow, { registry, schemas: this.#schemas, sources: this.#sources, workflows });
  }

  write(): InlineWorkflowDocument & { readonly name: string } {
    const { data, bindings } = this.#workflow;
    const outputs = Object.entries(data.outputs).map(([name, source]) => [
      name,
      this.#sources.write(source, `output ${name}`),
    ]);
    const cycles = data.cycles.map((cycle) => [cycle.id, this.#cycle(cycle)] as const);
    const contracts = [...bindings.contracts].map(([key, list]) => [key, this.#contracts(key, list)] as const);
    return compact<InlineWorkflowDocument & { readonly name: string }>({
      name: data.name,
      params: filled(this.#params()),
      nodes: Object.fromEntries(data.nodes.map((node) => [node.id, this.#nodes.write(node)])),
      cycles: filled(Object.fromEntries(cycles)),
      contracts: filled(Object.fromEntries(contracts)),
      outputs: filled(Object.fromEntries(outputs) as Record<string, SourceDocument>),
    });
  }

  #params(): Readonly<Record<string, SchemaDocument>> {
    const entries = this.#workflow.data.parameters.map(({ name, optional }) => {
      const { schema } = this.#workflow.bindings.parameters.get(name) as NodeImplementation['inputs'][number];
      const written = this.#schemas.write(schema, `parameter ${name}`);
      const own = typeof written === 'string' || (typeof written === 'object' && written.default !== undefined);
      const marked = jsonSchemaOf(schema)?.optional ?? (optional && !own);
      return [typeof written !== 'string' && marked ? `${name}?` : name, written] as const;
    });
    return Object.fromEntries(entries);
  }

  #cycle(cycle: CycleData): CycleDocument {
    const { id, feedback, until, within, maxIterations, timeoutMs } = cycle;
    const edges = feedback.map(({ from, to }: { readonly from: Source; readonly to: ConnectionData['to'] }) => [
      `${to.node}.${to.port}`,
      this.#sources.write(from, `cycle "${id}"`),
    ]);
    const defaults = { keepHistory: historyFor(until), onMaxIterations: 'accept', onTimeout: 'fail' };
    const kept = KEPT.map((name) => [name, cycle[name] === defaults[name] ? undefined : cycle[name]]);
    return compact<CycleDocument>({
      feedback: Object.fromEntries(edges) as Record<string, SourceDocument>,
      until: until === undefined ? undefined : writeCondition(until, `until of "${id}"`, this.#sources, this.#schemas),
      maxIterations,
      timeoutMs,
      within,
      ...Object.fromEntries(kept),
    });
  }

  #contracts(key: string, list: readonly Contract[]): ContractDocument | readonly ContractDocument[] {
    const written = list.map(({ schema, jsonSchema, policies }) => {
      const name = schema === undefined ? undefined : this.#registry?.nameOfSchema(schema);
      if (schema !== undefined && name === undefined)
        return notRegistered(`contract ${key}`, 'its schema is not registered.');
      return compact<ContractDocument>({ schema: name, jsonSchema, policies });
    });
    return oneOrAll(written);
  }
}

/**
 * A workflow as a document (see `WorkflowDocument`): plain JSON, which `fromJSON` reads back as a workflow with the same hash.
 * Workflows that its nodes run are named where they are registered, and otherwise written into the document.
 *
 * @throws ConfigurationError NOT_REGISTERED naming what is code without a name; LockstepError UNHASHABLE_LITERAL naming a literal
 * that JSON cannot hold
 */
export function toJSON(workflow: Workflow, options: WriteOptions = {}): WorkflowDocument {
  requireWorkflow('toJSON', workflow);
  knownFields(options, ['registry'], 'toJSON');
  const { registry } = options;
  const write = (each: Workflow, all: WorkflowWriter) => new DocumentWriter(each, registry, all).write();
  const workflows = new WorkflowWriter(registry, write);
  const { name, params, ...rest } = write(workflow, workflows);
  return compact<WorkflowDocument>({
    lockstep: DOCUMENT_VERSION,
    name,
    params,
    workflows: filled(Object.fromEntries(workflows.written)),
    ...rest,
  });
}
