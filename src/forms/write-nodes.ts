import { LIST } from '../base/built-in.js';
import type { NodeImplementation } from '../base/node.js';
import { childOf, type Workflow } from '../base/workflow.js';
import type { ConnectionData, MapData, NodeData, Source, SwitchData } from '../base/workflow-data.js';
import { compact, filled, oneOrAll } from './compact.js';
import { formatName } from './definition-name.js';
import type {
  CallDocument,
  FunctionDocument,
  GateDocument,
  InputsDocument,
  MapBodyDocument,
  MapDocument,
  MergeDocument,
  NodeDocument,
  SourceDocument,
  SubworkflowDocument,
  SwitchDocument,
} from './document.js';
import type { NodeRegistry } from './registry.js';
import { escapeTemplates } from './templates.js';
import { CapabilityWriter } from './write-capabilities.js';
import { writeCase } from './write-conditions.js';
import { notRegistered, type SchemaWriter } from './write-schemas.js';
import { SourceWriter } from './write-sources.js';
import type { WorkflowWriter } from './write-workflows.js';

const MERGE = 'lockstep.merge.';

/** What writing the nodes of a workflow needs. */
export interface NodeWriting {
  readonly registry: NodeRegistry | undefined;
  readonly schemas: SchemaWriter;
  readonly sources: SourceWriter;
  readonly workflows: WorkflowWriter;
}

/** A source that goes into an input, and what writes it. */
interface Incoming {
  readonly port: string;
  readonly from: Source;
  readonly sources: SourceWriter;
}

/** Everything that goes into a node: literals and sources, each in the order of its inputs. */
interface Feed {
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly incoming: readonly Incoming[];
}

interface FedDocument {
  readonly inputs?: InputsDocument;
  readonly config?: Readonly<Record<string, unknown>>;
}

type Merge = MergeDocument['merge'];

/** Writes the nodes of one workflow. */
export class NodeWriter {
  readonly #workflow: Workflow;
  readonly #writing: NodeWriting;
  readonly #capabilities: CapabilityWriter;
  readonly #incoming = new Map<string, ConnectionData[]>();

  constructor(workflow: Workflow, writing: NodeWriting) {
    this.#workflow = workflow;
    this.#writing = writing;
    this.#capabilities = new CapabilityWriter(writing.schemas);
    for (const connection of workflow.data.connections) {
      const list = this.#incoming.get(connection.to.node);
      if (list === undefined) this.#incoming.set(connection.to.node, [connection]);
      else list.push(connection);
    }
  }

  write(node: NodeData): NodeDocument {
    switch (node.kind) {
      case 'switch':
        return this.#switch(node, node.switch as SwitchData);
      case 'function':
        return this.#function(node);
      case 'map':
        return this.#map(node, node.map as MapData);
      case 'subworkflow':
        return this.#subworkflow(node);
      case 'gate':
        return this.#gate(node);
    }
  }

  #implementation({ id }: NodeData): NodeImplementation {
    return this.#workflow.bindings.implementations.get(id) as NodeImplementation;
  }

  #child(node: NodeData): Workflow {
    return childOf(this.#implementation(node)) as Workflow;
  }

  #feed(node: NodeData): Feed {
    const { id, config } = node;
    const { sources } = this.#writing;
    const places = this.#implementation(node).inputs.map(({ name }) => name);
    const incoming = (this.#incoming.get(id) ?? []).map(({ from, to }) => ({ port: to.port, from, sources }));
    incoming.sort((left, right) => places.indexOf(left.port) - places.indexOf(right.port));
    return { id, config, incoming };
  }

  #function(node: NodeData): FunctionDocument | MergeDocument {
    const implementation = this.#implementation(node);
    const { name } = node.use;
    const feed = this.#feed(node);
    const rest = { allowFailure: node.allowFailure ? true : undefined, ...this.#use(node, implementation) };
    if (name.startsWith(MERGE)) {
      const merge = name.slice(MERGE.length) as Merge;
      return compact<MergeDocument>({ merge, ...this.#options(feed), ...rest } as MergeDocument);
    }
    return compact<FunctionDocument>({
      use: this.#definition(node.id, implementation),
      ...this.#fed(feed),
      ...rest,
    } as FunctionDocument);
  }

  #definition(id: string, implementation: NodeImplementation): string {
    const { identity } = implementation;
    if (identity.name.startsWith('lockstep.'))
      return notRegistered(`node "${id}"`, 'it is a function that stands in the code.');
    const { registry } = this.#writing;
    if (registry !== undefined && !registry.holds(implementation))
      return notRegistered(`node "${id}"`, `"${formatName(identity)}" is not in the registry.`);
    return formatName(identity);
  }

  /** Inputs and configuration; templates that stand alone are written as configuration. */
  #fed({ id, config, incoming }: Feed): FedDocument {
    const literals = Object.entries(config).map(([port, value]) => [port, this.#literal(id, port, value)]);
    const inputs: Incoming[] = [];
    for (const each of incoming) {
      const { port, from } = each;
      const alone = !Object.hasOwn(config, port) && incoming.every((other) => other === each || other.port !== port);
      if (from.kind !== 'template' || !alone) inputs.push(each);
      else literals.push([port, this.#writing.schemas.literal(from.value, `${id}.${port}`)]);
    }
    return compact<FedDocument>({
      inputs: filled(this.#inputs(id, inputs)),
      config: filled(Object.fromEntries(literals)),
    });
  }

  /** The lists of a merge node, and its options, whose inputs begin with `$`. */
  #options({ id, config, incoming }: Feed): FedDocument {
    const options = Object.entries(config).map(([port, value]) => [port.slice(1), this.#literal(id, port, value)]);
    return { inputs: this.#inputs(id, incoming), config: filled(Object.fromEntries(options)) } as FedDocument;
  }

  #literal(id: string, port: string, value: unknown): unknown {
    return escapeTemplates(this.#writing.schemas.literal(value, `${id}.${port}`));
  }

  #inputs(
    id: string,
    incoming: readonly Incoming[],
  ): Readonly<Record<string, SourceDocument | readonly SourceDocument[]>> {
    const inputs = new Map<string, SourceDocument[]>();
    for (const { port, from, sources } of incoming) {
      const written = sources.write(from, `input ${id}.${port}`);
      const list = inputs.get(port);
      if (list === undefined) inputs.set(port, [written]);
      else list.push(written);
    }
    return Object.fromEntries([...inputs].map(([port, list]) => [port, oneOrAll(list)]));
  }

  /** The one input of a switch, or the list of a map: what goes into it, with a literal first. */
  #subject({ id, config, incoming }: Feed, port: string): SourceDocument | readonly SourceDocument[] {
    const { [port]: connected = [] } = this.#inputs(
      id,
      incoming.filter((each) => each.port === port),
    );
    const literal = Object.hasOwn(config, port)
      ? [{ literal: this.#writing.schemas.literal(config[port], `${id}.${port}`) }]
      : [];
    return oneOrAll([...literal, ...([connected].flat() as readonly SourceDocument[])]);
  }

  #switch(node: NodeData, { mode, cases }: SwitchData): SwitchDocument {
    const { schemas } = this.#writing;
    const written = cases.map(({ name, test }) => [name, writeCase(test, `case ${node.id}.${name}`, schemas)]);
    return compact<SwitchDocument>({
      switch: this.#subject(this.#feed(node), 'value'),
      mode: mode === 'first' ? undefined : mode,
      cases: Object.fromEntries(written),
      ...this.#use(node, this.#implementation(node)),
    });
  }

  #subworkflow(node: NodeData): SubworkflowDocument {
    return compact<SubworkflowDocument>({
      workflow: this.#writing.workflows.nameOf(this.#child(node)),
      ...this.#fed(this.#feed(node)),
      allowFailure: node.allowFailure ? true : undefined,
      ...this.#use(node, this.#implementation(node)),
    } as SubworkflowDocument);
  }

  #gate(node: NodeData): GateDocument {
    const { gate } = this.#implementation(node);
    const { inputs, config } = this.#fed(this.#feed(node));
    const { after, join } = this.#use(node, this.#implementation(node));
    const { answer, timeoutMs } = gate ?? {};
    return compact<GateDocument>({
      gate: true,
      shows: inputs,
      config,
      answer: answer === undefined ? undefined : this.#writing.schemas.write(answer, `answer of gate "${node.id}"`),
      timeoutMs,
      after,
      join,
    });
  }

  #map(node: NodeData, { maxConcurrency, onItemError }: MapData): MapDocument {
    const feed = this.#feed(node);
    const body = this.#child(node);
    const [inner] = body.data.nodes as readonly [NodeData];
    const implementation = body.bindings.implementations.get(inner.id) as NodeImplementation;
    const own = this.#bodyFeed(feed, body, inner, implementation);
    const { name } = inner.use;
    const fed = name.startsWith(MERGE) ? this.#options(own) : this.#fed(own);
    return compact<MapDocument>({
      map: this.#body(node.id, implementation),
      over: this.#subject(feed, LIST),
      ...fed,
      maxConcurrency: maxConcurrency ?? undefined,
      onItemError: onItemError === 'fail' ? undefined : onItemError,
      ...this.#use(node, this.#implementation(node)),
    } as MapDocument);
  }

  #body(id: string, implementation: NodeImplementation): MapBodyDocument {
    const { name } = implementation.identity;
    const child = childOf(implementation);
    if (child !== undefined) return { workflow: this.#writing.workflows.nameOf(child) };
    if (name.startsWith(MERGE)) return { merge: name.slice(MERGE.length) as Merge };
    return this.#definition(id, implementation);
  }

  /** What goes into the body of a map: sources over the item, and, where it reads an input of the map, what goes into that. */
  #bodyFeed({ id, incoming }: Feed, body: Workflow, inner: NodeData, { inputs }: NodeImplementation): Feed {
    const items = new SourceWriter(body.bindings.schemas, this.#writing.schemas);
    const within = new Map(body.data.connections.map(({ from, to }) => [to.port, from] as const));
    const fed = inputs.flatMap(({ name: port }): readonly Incoming[] => {
      const from = within.get(port);
      if (from === undefined) return [];
      const captured = from.kind === 'parameter' && from.name === port;
      return captured ? incoming.filter((each) => each.port === port) : [{ port, from, sources: items }];
    });
    return { id, config: inner.config, incoming: fed };
  }

  #use(node: NodeData, { capabilities }: NodeImplementation): CallDocument {
    const { id, after, join } = node;
    return compact<CallDocument>({
      after: after.length === 0 ? undefined : oneOrAll(after),
      join: join === 'required' ? undefined : join,
      ...this.#capabilities.write(node, this.#workflow.bindings.retries.get(id), capabilities),
    });
  }
}
