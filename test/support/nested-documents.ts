import fc from 'fast-check';
import { defineNode } from '../../src/base/node.js';
import type { NodeCapabilities } from '../../src/base/node-options.js';
import type { Ref } from '../../src/base/ref.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { type WorkflowBuilder, workflow } from '../../src/base/workflow-builder.js';
import { registry } from '../../src/forms/index.js';
import { randomCallCapabilities, randomCapabilities } from './capabilities.js';

interface Governed {
  readonly capabilities: NodeCapabilities;
}

/** One node of a workflow in which every node delivers a list of numbers; `from` chooses what it reads among what is before it. */
type Part =
  | ({ readonly kind: 'use' | 'turn'; readonly from: number; readonly by: number } & Governed)
  | ({
      readonly kind: 'map';
      readonly from: number;
      readonly other: number;
      readonly by: number;
      readonly child: Parts | undefined;
    } & Governed)
  | ({ readonly kind: 'workflow'; readonly from: number; readonly fails: boolean; readonly child: Parts } & Governed)
  | { readonly kind: 'gate'; readonly from: number; readonly limit: number };

type Parts = readonly Part[];

type Numbers = Ref<readonly number[], string>;

const shift = defineNode({
  name: 'shift',
  version: '1',
  inputs: { list: type<readonly number[]>(), by: type<number>() },
  outputs: { list: type<readonly number[]>() },
  run: ({ list, by }) => ({ list: list.slice(0, 4).map((each) => each + by) }),
});
const pair = defineNode({
  name: 'pair',
  version: '1',
  inputs: { item: type<number>(), beside: type<unknown>(), by: type<number>() },
  outputs: { list: type<number>() },
  run: ({ item, by }) => {
    if (item > 9) throw new Error('large');
    return { list: item + by };
  },
});

/** What the workflows of `nestedParts` name. */
export const nestedDefinitions = registry(shift, pair);

const place = fc.nat({ max: 5 });

/** Most nodes are governed by nothing. */
function sometimes(capabilities: fc.Arbitrary<NodeCapabilities>): fc.Arbitrary<NodeCapabilities> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: capabilities });
}

function parts(depth: number): fc.Arbitrary<Parts> {
  const by = fc.integer({ min: -2, max: 9 });
  const capabilities = sometimes(randomCapabilities);
  const called = sometimes(randomCallCapabilities);
  const plain: fc.Arbitrary<Part>[] = [
    fc.record({ kind: fc.constantFrom('use' as const, 'turn' as const), from: place, by, capabilities: called }),
    fc.record({
      kind: fc.constant('map' as const),
      from: place,
      other: place,
      by,
      child: fc.constant(undefined),
      capabilities,
    }),
  ];
  if (depth > 0) {
    const child = parts(depth - 1);
    plain.push(fc.record({ kind: fc.constant('map' as const), from: place, other: place, by, child, capabilities }));
    plain.push(
      fc.record({ kind: fc.constant('workflow' as const), from: place, fails: fc.boolean(), child, capabilities }),
    );
  }
  const gate: fc.Arbitrary<Part> = fc.record({
    kind: fc.constant('gate' as const),
    from: place,
    limit: fc.constantFrom(0, 60_000),
  });
  const part = fc.oneof({ weight: 1, arbitrary: gate }, { weight: 12, arbitrary: fc.oneof(...plain) });
  return fc.array(part, { minLength: 1, maxLength: 4 });
}

/** Workflows in each other, in maps and in cycles. */
export const nestedParts: fc.Arbitrary<Parts> = parts(2);

type Caller = (inputs: object) => never;

/** Builds a workflow; equal lists of parts are one workflow, as a user would write them. */
class Nester {
  readonly #built = new Map<Parts, Workflow>();

  workflow(list: Parts): Workflow {
    const known = this.#built.get(list) ?? this.#build(list);
    this.#built.set(list, known);
    return known;
  }

  #build(list: Parts): Workflow {
    const w = workflow('nest', { params: { start: type<readonly number[]>() } });
    const made: Numbers[] = [w.params.start];
    for (const [index, part] of list.entries())
      made.push(this.#add(w as never, `p${index}`, part, (at) => made[at % made.length] as Numbers));
    return w.build({ outputs: { list: made.at(-1) as Numbers } });
  }

  #add(w: WorkflowBuilder<Record<never, never>>, id: string, part: Part, at: (place: number) => Numbers): Numbers {
    const from = at(part.from);
    switch (part.kind) {
      case 'use':
        return w.add(id, shift({ list: from, by: part.by }), part.capabilities).out.list;
      case 'turn': {
        const step = w.add(id, shift({ list: from, by: part.by }), part.capabilities);
        w.cycle(`${id}c`, { feedback: [step.out.list.to(step.in.list)], maxIterations: 3 });
        return step.out.list;
      }
      case 'gate': {
        const limit = part.limit === 0 ? {} : { timeoutMs: part.limit };
        w.gate(id, { shows: { from, kind: 'gate' }, ...limit });
        return from;
      }
      case 'map': {
        const { child, by, other, capabilities } = part;
        const options = { maxConcurrency: by + 3, onItemError: by > 3 ? 'collect' : 'fail', ...capabilities } as const;
        const run = (item: Ref<number>, index: Ref<number>) =>
          child === undefined
            ? pair({ item, by: by > 0 ? index : by, beside: at(other) })
            : (this.workflow(child) as unknown as Caller)({ start: at(other) });
        return w.map(id, from, run as () => never, options).out['list' as never];
      }
      case 'workflow': {
        const bound = (this.workflow(part.child) as unknown as Caller)({ start: from });
        const { out } = part.fails ? w.try(id, bound, part.capabilities) : w.add(id, bound, part.capabilities);
        return out['list' as never];
      }
    }
  }
}

/** A random workflow with children. */
export function nest(list: Parts): Workflow {
  return new Nester().workflow(list);
}
