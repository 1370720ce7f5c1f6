// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of documents

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { definitionOf } from '../../src/base/node.js';
import type { NodeCapabilities } from '../../src/base/node-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { DocumentError, fromJSON, fromYaml, NodeRegistry, toJSON, toYaml } from '../../src/forms/index.js';
import { jsonSchemaFaults } from '../../src/mixins/validation/json-schema.js';
import { hashOf } from '../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { buildFlow, predicatesOf } from '../../src/testing/arbitrary/build-flow.js';
import type { FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { MemoryLog, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { capabilitiesIn, randomCallCapabilities, STRATEGY } from '../support/capabilities.js';
import { inForms, known } from '../support/document-workflows.js';
import { flows } from '../support/flows.js';
import { nest, nestedDefinitions, nestedParts } from '../support/nested-documents.js';
import { nestedForms, nestedKnown } from '../support/nested-workflows.js';
import { holds, same } from '../support/property.js';
import { resultOf } from '../support/run-flow.js';

function registryOf(workflow: Workflow, spec: FlowSpec): NodeRegistry {
  const registry = new NodeRegistry().register(...predicatesOf(spec));
  for (const implementation of workflow.bindings.implementations.values())
    if (!implementation.identity.name.startsWith('lockstep.')) registry.register(definitionOf(implementation));
  return registry;
}

function isStateful({ bindings }: Workflow, id: string): boolean {
  return bindings.implementations.get(id)?.state !== undefined;
}

function run(workflow: Workflow, { parameters, set }: FlowSpec): unknown {
  const clock = new VirtualClock();
  using runtime = new LocalRuntime({ clock, ids: seededIds(), random: seededRandom(1), log: new MemoryLog() });
  return resultOf(runtime.settle(workflow as Workflow<object>, parameters.values, { set }) as never);
}

const steady = ({ delayMs }: { readonly delayMs: number }): number => delayMs + 7;

/** How a workflow with children and gates ends, or what it waits for. */
function end(built: Workflow): unknown {
  const log = new MemoryLog();
  using runtime = new LocalRuntime({ clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1), log });
  runtime.registerRetryStrategy(STRATEGY, steady);
  const outcome = runtime.settle(built as Workflow<object, object>, { start: [1, 2] });
  const gates = outcome.status === 'waiting' ? outcome.gates : [];
  const output = outcome.status === 'completed' ? outcome.output : undefined;
  return { status: outcome.status, gates, output, code: 'error' in outcome ? outcome.error.code : '' };
}

const path = fileURLToPath(new URL('../../../workflow.schema.json', import.meta.url));
const schema = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;

/** Replaces, removes or adds something at one place of a document, chosen by `steps`. */
function damaged(value: unknown, steps: readonly number[], by: unknown): unknown {
  const [step, ...rest] = steps;
  if (typeof value !== 'object' || value === null || step === undefined) return by;
  const keys = Object.keys(value);
  if (keys.length === 0) return by;
  const key = keys[step % keys.length] as string;
  const record = value as Readonly<Record<string, unknown>>;
  if (rest.length === 0 && step % 7 === 0) return { ...record, extra: by };
  if (rest.length === 0 && by === undefined)
    return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
  const inner = damaged(record[key], rest, by);
  return Array.isArray(value)
    ? value.map((item, index) => (String(index) === key ? inner : item))
    : { ...record, [key]: inner };
}

interface Wound {
  readonly steps: readonly number[];
  readonly by: unknown;
}

/** Damages a document here and there; what is left is JSON. */
function wound(document: unknown, wounds: readonly Wound[]): unknown {
  const left = wounds.reduce((value, { steps, by }) => damaged(value, steps, by), document);
  return left === undefined ? null : (JSON.parse(JSON.stringify(left)) as unknown);
}

const damage: fc.Arbitrary<Wound> = fc.record({
  steps: fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 8 }),
  by: fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      0,
      -1,
      '',
      'n0',
      'n0.value',
      'otherwise',
      '${x}',
      '$params.p0',
      [],
      {},
    ),
    fc.jsonValue(),
  ),
});

const everything = [
  ...Object.values(inForms).map((form) => [form, known] as const),
  ...Object.values(nestedForms).map((form) => [form, nestedKnown] as const),
];

describe('a random workflow as a document', () => {
  holds(
    'is read back with the same hash, document and run',
    flows({ delays: false, children: false, gates: false }),
    (spec) => {
      const original = buildFlow(spec, { clock: new VirtualClock() });
      const registry = registryOf(original, spec);
      const document = toJSON(original, { registry });
      const back = fromJSON(JSON.parse(JSON.stringify(document)), { registry });
      same(hashOf(back), hashOf(original), 'the hash');
      same(hashOf(fromYaml(toYaml(original, { registry }), { registry })), hashOf(original), 'the hash in YAML');
      same(jsonSchemaFaults(schema, document), [], 'what the published schema says');
      same(toJSON(back, { registry }), document, 'the document');
      same(run(back as Workflow, spec), run(original, spec), 'the run');
    },
  );

  holds(
    'has the same hash whatever governs its nodes, and another one with another retry',
    fc.tuple(
      flows({ delays: false, children: false, gates: false }),
      fc.array(randomCallCapabilities, { minLength: 1 }),
    ),
    ([spec, drawn]) => {
      const original = buildFlow(spec, { clock: new VirtualClock() });
      const registry = registryOf(original, spec);
      const document = toJSON(original, { registry });
      const governed = (take: (capabilities: NodeCapabilities) => NodeCapabilities): Workflow => {
        const nodes = Object.entries(document.nodes).map(([id, node], index) => {
          const capabilities = take(drawn[index % drawn.length] as NodeCapabilities);
          const kept = 'use' in node && !isStateful(original, id) ? capabilities : {};
          return [id, { ...node, ...kept }] as const;
        });
        return fromJSON({ ...document, nodes: Object.fromEntries(nodes) }, { registry }) as Workflow;
      };
      same(hashOf(governed(({ retry: _, ...operational }) => operational)), hashOf(original), 'the hash');
      const retried = governed((capabilities) => capabilities);
      const retries = ({ data, bindings }: Workflow) =>
        data.nodes.map(({ id, retry }) => [retry, bindings.retries.get(id)?.dontRetryOn]);
      const alike = isDeepStrictEqual(retries(retried), retries(original));
      same(hashOf(retried) === hashOf(original), alike, 'whether the hash is the same');
    },
  );

  holds('is read back with the same hash, document and end, whatever runs in it', nestedParts, (parts) => {
    const original = nest(parts);
    const registry = nestedDefinitions;
    const document = toJSON(original, { registry });
    const back = fromJSON(JSON.parse(JSON.stringify(document)), { registry });
    same(hashOf(back), hashOf(original), 'the hash');
    const inYaml = fromYaml(toYaml(original, { registry }), { registry });
    same(hashOf(inYaml), hashOf(original), 'the hash in YAML');
    same(capabilitiesIn(back.data), capabilitiesIn(original.data), 'the capabilities');
    same(capabilitiesIn(inYaml.data), capabilitiesIn(original.data), 'the capabilities in YAML');
    same(jsonSchemaFaults(schema, document), [], 'what the published schema says');
    same(toJSON(back, { registry }), document, 'the document');
    same(end(back), end(original), 'the end');
  });

  holds(
    'is read or refused at a place that is named, however it was damaged',
    fc.tuple(flows({ delays: false, children: false, gates: false }), fc.array(damage, { minLength: 1, maxLength: 3 })),
    ([spec, wounds]) => {
      const original = buildFlow(spec, { clock: new VirtualClock() });
      const registry = registryOf(original, spec);
      const document = wound(JSON.parse(JSON.stringify(toJSON(original, { registry }))), wounds);
      try {
        const read = fromJSON(document, { registry });
        same(hashOf(fromJSON(toJSON(read, { registry }), { registry })), hashOf(read), 'the hash of what was read');
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
      }
    },
  );

  holds(
    'is read or refused at a place that is named, also where it uses everything that there is',
    fc.tuple(fc.constantFrom(...everything), fc.array(damage, { minLength: 1, maxLength: 3 })),
    ([[{ build }, registry], wounds]) => {
      const original = JSON.parse(JSON.stringify(toJSON(build(), { registry }))) as unknown;
      const document = wound(original, wounds);
      try {
        const read = fromJSON(document, { registry });
        const again = fromYaml(toYaml(read, { registry }), { registry });
        same(hashOf(again), hashOf(read), 'the hash');
        same(capabilitiesIn(again.data), capabilitiesIn(read.data), 'the capabilities');
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
      }
    },
  );
});
