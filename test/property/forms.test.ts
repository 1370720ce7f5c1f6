// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of documents

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { definitionOf } from '../../src/base/node.js';
import type { Workflow } from '../../src/base/workflow.js';
import { DocumentError, fromJSON, fromYaml, NodeRegistry, toJSON, toYaml } from '../../src/forms/index.js';
import { jsonSchemaFaults } from '../../src/mixins/validation/json-schema.js';
import { hashOf } from '../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { buildFlow, predicatesOf } from '../../src/testing/arbitrary/build-flow.js';
import type { FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { MemoryLog, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
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

function run(workflow: Workflow, { parameters, set }: FlowSpec): unknown {
  const clock = new VirtualClock();
  using runtime = new LocalRuntime({ clock, ids: seededIds(), random: seededRandom(1), log: new MemoryLog() });
  return resultOf(runtime.settle(workflow as Workflow<object>, parameters.values, { set }) as never);
}

/** How a workflow with children and gates ends, or what it waits for. */
function end(built: Workflow): unknown {
  const log = new MemoryLog();
  using runtime = new LocalRuntime({ clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1), log });
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

  holds('is read back with the same hash, document and end, whatever runs in it', nestedParts, (parts) => {
    const original = nest(parts);
    const registry = nestedDefinitions;
    const document = toJSON(original, { registry });
    const back = fromJSON(JSON.parse(JSON.stringify(document)), { registry });
    same(hashOf(back), hashOf(original), 'the hash');
    same(hashOf(fromYaml(toYaml(original, { registry }), { registry })), hashOf(original), 'the hash in YAML');
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
        same(hashOf(fromYaml(toYaml(read, { registry }), { registry })), hashOf(read), 'the hash');
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
      }
    },
  );
});
