import { LIST } from '../built-in.js';
import { WorkflowBuildError } from '../errors.js';
import { FAILED, ITEMS } from '../item-outcome.js';
import { isName } from '../names.js';
import { type Bound, implementationOf, isBound, type NodeImplementation } from '../node.js';
import { capabilitiesOf, nodeData } from '../node-data.js';
import { USE_FIELDS, type UseOptions } from '../node-options.js';
import { checkCount, checkWord, knownFields } from '../option-checks.js';
import { INDEX, ITEM } from '../plan.js';
import { asRef, Reference, type RefScope, referenceOf } from '../ref.js';
import type { StandardSchema } from '../standard-schema.js';
import { Workflow } from '../workflow.js';
import { checkWorkflow } from '../workflow-checks.js';
import { type ConnectionData, freezeData, type MapData, type Source } from '../workflow-data.js';
import { builtInPort, performedByTheMachine } from './subworkflow.js';

/** How a map goes over its list. */
export interface MapOptions extends UseOptions {
  /** The most items in progress at once. A whole number, at least 1. Default: no limit of its own. */
  readonly maxConcurrency?: number;
  /**
   * `'fail'`: once every item has settled, the map fails with the error of the first item that failed. `'collect'`: the map
   * completes, and its failed items are data. Default `fail`.
   */
  readonly onItemError?: 'fail' | 'collect';
}

/** The graph that runs for each item: a scope of its own, in which only the item and its number exist. */
class ItemScope implements RefScope {
  readonly schemas = new Map<string, StandardSchema>();
  readonly item = new Reference({ kind: 'parameter', name: ITEM, path: [] }, this);
  readonly index = new Reference({ kind: 'parameter', name: INDEX, path: [] }, this);

  keepSchema(schema: StandardSchema): string {
    const name = `schema${this.schemas.size}`;
    this.schemas.set(name, schema);
    return name;
  }
}

/** A map ready to be added: its implementation, and what its inputs are bound to. */
export interface PreparedMap {
  readonly implementation: NodeImplementation;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly use: UseOptions;
}

/** Takes the options of a map apart. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
function mapData(id: string, options: MapOptions): { readonly map: MapData; readonly use: UseOptions } {
  const at = `map "${id}"`;
  knownFields(options, [...USE_FIELDS, 'maxConcurrency', 'onItemError'], at);
  checkCount(options.maxConcurrency, 1, `${at}.maxConcurrency`);
  checkWord(options.onItemError, ['fail', 'collect'], `${at}.onItemError`);
  const { maxConcurrency = null, onItemError = 'fail', ...use } = options;
  return { map: Object.freeze({ maxConcurrency, onItemError }), use };
}

/** The body of a map as a graph of one node, and what it reads from outside, by port. */
class BodyGraph {
  readonly captured: Record<string, unknown> = {};
  readonly #id: string;
  readonly #bound: Bound<unknown, unknown, string>;
  readonly #scope: ItemScope;
  readonly #config: Record<string, unknown> = {};
  readonly #sources: (readonly [port: string, from: Source])[] = [];

  constructor(id: string, bound: Bound<unknown, unknown, string>, scope: ItemScope) {
    this.#id = id;
    this.#bound = bound;
    this.#scope = scope;
    for (const [port, value] of Object.entries(bound.inputs)) if (value !== undefined) this.#bind(port, value);
  }

  #bind(port: string, value: unknown): void {
    const reference = referenceOf(value);
    if (reference === undefined) this.#config[port] = value;
    else if (reference.scope === this.#scope) this.#sources.push([port, reference.source]);
    else {
      this.captured[port] = value;
      this.#sources.push([port, { kind: 'parameter', name: port, path: [] }]);
    }
  }

  /** The name of the node: that of the definition, or of the workflow that it calls. */
  get #node(): string {
    const { child, identity } = this.#bound.implementation;
    const name = child?.name ?? identity.name;
    return isName(name) && !(name in this.captured) ? name : `${this.#id}-item`;
  }

  build(): Workflow {
    const { implementation } = this.#bound;
    const node = this.#node;
    const capabilities = capabilitiesOf(this.#id, implementation, {});
    const connections = this.#sources.map(([port, from]): ConnectionData => ({ from, to: { node, port } }));
    const parameters = [ITEM, INDEX, ...Object.keys(this.captured)].map((name) => builtInPort(name));
    const outputs = implementation.outputs.map(({ name }) => [name, { kind: 'output', node, port: name, path: [] }]);
    const data = freezeData({
      format: 1,
      name: this.#id,
      parameters: parameters.map(({ name, optional }) => ({ name, optional })),
      nodes: [nodeData(node, implementation, this.#config, {}, capabilities, 'fails the run')],
      connections,
      cycles: [],
      outputs: Object.fromEntries(outputs) as Readonly<Record<string, Source>>,
    });
    const bindings = Object.freeze({
      implementations: new Map([[node, implementation]]),
      retries: new Map(capabilities.retry === undefined ? [] : [[node, capabilities.retry]]),
      parameters: new Map(parameters.map((spec) => [spec.name, spec])),
      schemas: this.#scope.schemas,
      tests: new Map(),
      contracts: new Map(),
    });
    checkWorkflow(data, bindings);
    return new Workflow(data, bindings);
  }

  /** What the map itself takes from outside for its body. */
  get inputs() {
    return this.#bound.implementation.inputs
      .filter(({ name }) => name in this.captured)
      .map(({ name, optional }) => builtInPort(name, { optional }));
  }
}

/**
 * Makes a map of a list and a body. The body is called once, with references to the item and its number.
 *
 * @throws WorkflowBuildError INVALID_DEFINITION and what is wrong with the body; ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function prepareMap(id: string, list: unknown, body: unknown, options: MapOptions): PreparedMap {
  const { map, use } = mapData(id, options);
  if (typeof body !== 'function') refuse(id, 'takes a function from an item to a called definition', body);
  const scope = new ItemScope();
  const bound: unknown = body(asRef(scope.item), asRef(scope.index));
  if (!isBound(bound))
    refuse(id, 'needs a body that returns a called definition, such as (row) => clean({ row })', bound);
  const graph = new BodyGraph(id, bound, scope);
  const implementation = implementationOf({
    name: 'lockstep.map',
    version: '1',
    kind: 'map',
    map,
    child: graph.build(),
    run: performedByTheMachine,
    inputs: [builtInPort(LIST), ...graph.inputs],
    outputs: [...bound.implementation.outputs.map(({ name }) => name), ITEMS, FAILED].map((name) => builtInPort(name)),
    sourceText: '',
    async: false,
  });
  return { implementation, inputs: { [LIST]: list, ...graph.captured }, use };
}

function refuse(id: string, what: string, value: unknown): never {
  throw new WorkflowBuildError('INVALID_DEFINITION', `map("${id}") ${what}.`, { at: id, value });
}
