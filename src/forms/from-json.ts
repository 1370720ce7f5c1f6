import { LockstepError } from '../base/errors.js';
import type { PortSchemas } from '../base/node.js';
import { knownFields } from '../base/option-checks.js';
import { InputPort } from '../base/ref.js';
import type { Contract, Workflow } from '../base/workflow.js';
import { type WorkflowBuilder, workflow } from '../base/workflow-builder.js';
import { jsonSchema } from '../mixins/validation/json-schema.js';
import { Cursor } from './cursor.js';
import { DOCUMENT_VERSION } from './document.js';
import { DocumentError, onBehalfOf } from './document-error.js';
import { placeOf } from './place-of.js';
import { ConditionReader } from './read-conditions.js';
import { readNode } from './read-nodes.js';
import { SourceReader } from './read-sources.js';
import { type ReadWorkflow, WORKFLOWS, WorkflowReader } from './read-workflows.js';
import { NodeRegistry } from './registry.js';

/** What `fromJSON` and `fromYaml` take beside the document. */
export interface ReadOptions {
  /** What the document may refer to by name. Default: nothing. */
  readonly registry?: NodeRegistry;
}

const FIELDS = ['name', 'params', 'nodes', 'cycles', 'contracts', 'outputs'];
const CYCLE_FIELDS = [
  ...['feedback', 'until', 'maxIterations', 'timeoutMs'],
  ...['onMaxIterations', 'onTimeout', 'within', 'keepHistory'],
];

function readParams(cursor: Cursor | undefined, registry: NodeRegistry): PortSchemas {
  const params: Record<string, PortSchemas[string]> = {};
  for (const [key, schema] of cursor?.entries() ?? []) {
    const optional = key.endsWith('?');
    const name = optional ? key.slice(0, -1) : key;
    if (Object.hasOwn(params, name)) schema.fail(`the parameter "${name}" is declared twice.`);
    const { value } = schema;
    if (typeof value !== 'string') {
      params[name] = jsonSchema(typeof value === 'boolean' ? value : schema.object(), { optional });
      continue;
    }
    if (optional) schema.fail('a registered schema says itself whether it may be left out: no "?" here.');
    params[name] = onBehalfOf(schema.path, () => registry.schema(value));
  }
  return params;
}

type AnyWorkflow = Workflow<Record<string, unknown>, Record<string, unknown>>;

/** What the readers of one document share. */
interface Shared {
  readonly registry: NodeRegistry;
  readonly workflows: WorkflowReader;
}

/** Reads one workflow of a document. */
class DocumentReader {
  readonly #document: Cursor;
  readonly #registry: NodeRegistry;
  readonly #workflows: WorkflowReader;
  readonly #builder: WorkflowBuilder<PortSchemas>;
  readonly #sources: SourceReader;
  readonly #cases = new Map<string, readonly string[]>();

  /** @param name what it is called unless it says so itself */
  constructor(document: Cursor, name: Cursor, { registry, workflows }: Shared) {
    const params = readParams(document.get('params'), registry);
    this.#document = document;
    this.#registry = registry;
    this.#workflows = workflows;
    this.#builder = onBehalfOf(name.path, () => workflow(name.text(), { params }));
    this.#sources = new SourceReader(this.#builder, registry);
  }

  read(): AnyWorkflow {
    try {
      return this.#read();
    } catch (error) {
      if (!(error instanceof DocumentError) || !(error.cause instanceof LockstepError)) throw error;
      // What a workflow of the document refused has the longer place: it begins with `workflows` and its name.
      const path = placeOf(error.cause, this.#document);
      throw path.length > error.path.length ? DocumentError.from(error.cause, path) : error;
    }
  }

  #read(): AnyWorkflow {
    const [registry, builder, sources] = [this.#registry, this.#builder, this.#sources];
    const reading = { builder, registry, sources, workflows: this.#workflows };
    for (const [id, node] of this.#document.need('nodes').entries()) this.#cases.set(id, readNode(id, node, reading));
    for (const [id, cycle] of this.#document.get('cycles')?.entries() ?? []) this.#cycle(id, cycle);
    for (const [key, contracts] of this.#document.get('contracts')?.entries() ?? [])
      for (const contract of contracts.some()) this.#contract(key, contract);
    const outputs = this.#document.get('outputs');
    const refs = outputs === undefined ? {} : sources.refs(outputs);
    sources.checkJoins((owner) => this.#cases.get(owner));
    return onBehalfOf(this.#document.path, () => builder.build({ outputs: refs })) as never;
  }

  #cycle(id: string, cursor: Cursor): void {
    cursor.fields(CYCLE_FIELDS);
    const { feedback: _feedback, until: _until, ...rest } = cursor.object();
    const feedback = cursor
      .need('feedback')
      .entries()
      .map(([to, from]) => {
        const [node, port, ...more] = to.split('.');
        if (!node || !port || more.length > 0) from.fail(`"${to}" does not name a node and an input.`);
        return this.#sources.ref(from).to(new InputPort(node as string, port as string, this.#builder) as never);
      });
    const until = cursor.get('until');
    cursor.get('within')?.text();
    const conditions = new ConditionReader(this.#sources, this.#registry);
    const options = { ...rest, feedback, ...(until === undefined ? {} : { until: conditions.read(until) }) };
    onBehalfOf(cursor.path, () => this.#builder.cycle(id, options));
  }

  #contract(key: string, cursor: Cursor): void {
    const { schema, ...rest } = cursor.fields(['schema', 'jsonSchema', 'policies']).object();
    const named = schema === undefined ? {} : { schema: this.#sources.schemaAt(cursor.at('schema')) };
    onBehalfOf(cursor.path, () => this.#builder.contract(key, { ...rest, ...named } as Contract));
  }
}

/** Reads a workflow that stands under `workflows`: called as its key says, unless it says so itself. */
function readInline(registry: NodeRegistry): ReadWorkflow {
  return (key, cursor, workflows) => {
    const name = cursor.fields(FIELDS).get('name') ?? new Cursor(key, cursor.path);
    return new DocumentReader(cursor, name, { registry, workflows }).read();
  };
}

/**
 * Builds the workflow that a document describes (see `WorkflowDocument`), through the builder, so that everything is checked. The
 * same workflow built by code, from JSON and from YAML has one hash, as long as its nodes are versioned and its conditions are data.
 *
 * @throws DocumentError INVALID_DOCUMENT, UNKNOWN_KEY, UNKNOWN_DEFINITION, UNKNOWN_PORT, RECURSIVE_WORKFLOW, JOIN_CASES,
 * INVALID_CEL, or the code of what the builder refuses; each names the place in the document
 */
export function fromJSON(
  document: unknown,
  options: ReadOptions = {},
): Workflow<Record<string, unknown>, Record<string, unknown>> {
  knownFields(options, ['registry'], 'fromJSON');
  const { registry = new NodeRegistry() } = options;
  const cursor = new Cursor(document).fields(['$schema', 'lockstep', WORKFLOWS, ...FIELDS]);
  const version = cursor.need('lockstep');
  if (version.value !== DOCUMENT_VERSION)
    version.fail(`this version of the form is not known; there is ${DOCUMENT_VERSION}.`);
  const workflows = new WorkflowReader(cursor.get(WORKFLOWS), registry, readInline(registry));
  const read = new DocumentReader(cursor, cursor.need('name'), { registry, workflows }).read();
  workflows.readAll();
  return read;
}
