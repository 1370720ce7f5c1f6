// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of documents

import { anyOf, budget, tolerance } from '../../src/base/convergence.js';
import { defineNode } from '../../src/base/node.js';
import { merge } from '../../src/base/nodes/merge.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { template } from '../../src/base/ref.js';
import { type } from '../../src/base/schema.js';
import type { BuiltWorkflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { cel, registry } from '../../src/forms/index.js';
import { jsonSchema } from '../../src/mixins/validation/json-schema.js';
import type { InForms } from './document-workflows.js';

const number = () => jsonSchema<number>({ type: 'number' });

const add = defineNode({
  name: 'add',
  version: '1',
  inputs: { a: type<number>(), b: type<number>() },
  outputs: { sum: type<number>() },
  run: ({ a, b }) => {
    if (a < 0) throw Object.assign(new Error('negative'), { code: 'NEGATIVE' });
    return { sum: a + b };
  },
});
const total = defineNode({
  name: 'total',
  version: '1',
  inputs: { numbers: type<readonly number[]>() },
  outputs: { sum: type<number>(), halves: type<number[]>() },
  run: ({ numbers }) => ({
    sum: numbers.reduce((sum, each) => sum + each, 0),
    halves: numbers.map((each) => each / 2),
  }),
});
const text = defineNode({
  name: 'text',
  version: '1',
  inputs: { text: type<string>(), of: type<unknown>() },
  outputs: { text: type<string>() },
  run: ({ text: words, of }) => ({ text: `${words}: ${JSON.stringify(of)}` }),
});

function plusOne() {
  const w = workflow('plusOne', { params: { n: number() } });
  const sum = w.add('sum', add({ a: w.params.n, b: 1 }));
  return w.build({ outputs: { n: sum.out.sum } });
}

/** Registered: the same object in every form. */
const increment: BuiltWorkflow<{ readonly n: number }, { n: number }> = plusOne();

/** Everything that the documents of these tests name. */
export const nestedKnown = registry(add, total, text)
  .registerSchema('Decision', jsonSchema<{ readonly by: string }>({ type: 'object', required: ['by'] }))
  .registerWorkflow(increment, '1.0.0');

type Step = { readonly numbers: readonly number[]; readonly bonus: number };

function settle() {
  const w = workflow('settle', { params: { numbers: type<readonly number[]>(), bonus: number() } });
  const all = w.map('all', w.params.numbers, (n, i) => add({ a: n, b: i }), { onItemError: 'collect' });
  const sum = w.add('sum', total({ numbers: all.out.sum }));
  const sure = w.switch('sure', sum.out.sum, { huge: cel('value > 1000.0'), fine: otherwise });
  const ok = w.gate('ok', {
    shows: { sum: sure.out.huge, note: 'Is this right?' },
    answer: nestedKnown.schema('Decision') as never,
    timeoutMs: 60_000,
  });
  const asked = ok.join({ approved: sum.out.sum, rejected: ok.out.rejected, timedOut: ok.out.timedOut.at('at') });
  const next = w.add('next', increment({ n: w.params.bonus }), { after: 'all' });
  return w.build({
    outputs: {
      halves: sum.out.halves,
      sum: sure.join({ huge: asked, fine: sum.out.sum }) as never,
      next: next.out.n,
      failed: all.failed.at(0).at('error').at('code'),
    },
  });
}

/** Maps, workflows and gates in each other and in a cycle. */
const nested: InForms = {
  build: () => {
    const w = workflow('nested', {
      params: {
        rows: type<{ readonly numbers: readonly number[] }[]>(),
        title: jsonSchema<string>({ type: 'string' }),
      },
    });
    const inner = settle() as unknown as BuiltWorkflow<
      Step,
      { halves: number[]; sum: number; next: number; failed: string | undefined }
    >;
    const each = w.map('each', w.params.rows, (row, index) => inner({ numbers: row.at('numbers'), bonus: index }), {
      maxConcurrency: 2,
      timeoutMs: 5_000,
    });
    const zipped = w.map('zipped', each.out.halves, (list) =>
      merge.zip({ b: list, a: w.params.rows }, { lengths: 'shortest' }),
    );
    const labels = w.map('labels', each.out.sum, (sum) => text({ text: template('The ${title}', w.params), of: sum }));
    const turn = w.add('turn', inner({ numbers: [16, 8], bonus: 0 }), { timeoutMs: 9_000 });
    const step = w.map('step', turn.out.halves, (n) => increment({ n }));
    const fit = w.cycle('fit', {
      feedback: [step.out.n.to(turn.in.numbers as never), turn.out.next.to(turn.in.bonus)],
      until: anyOf(tolerance(turn.out.sum, 0.5), budget({ iterations: 7 })),
      maxIterations: 20,
    });
    const risky = w.try('risky', inner({ numbers: [-1], bonus: 3 }));
    return w.build({
      outputs: {
        sums: each.out.sum,
        zipped: zipped.out.value.at(0),
        labels: labels.out.text,
        turns: fit.out.iterations,
        list: step.out.n,
        // The types refuse an output that may be dead there; a document cannot know.
        risky: risky.join({ ok: risky.out.failed as never, failed: risky.error.at('code') }),
      },
    });
  },
  yaml: `
lockstep: 1
name: nested
workflows:
  settle:
    params:
      numbers: {}
      bonus: { type: number }
    nodes:
      all: { map: add@1, over: $params.numbers, inputs: { b: $index, a: $item }, onItemError: collect }
      sum: { use: total, inputs: { numbers: all.sum } }
      sure:
        switch: sum.sum
        cases: { huge: { when: value > 1000.0 }, fine: otherwise }
      ok:
        gate: true
        shows: { sum: sure.huge }
        config: { note: Is this right? }
        answer: Decision
        timeout: 1m
      next: { workflow: plusOne, inputs: { n: $params.bonus }, after: all }
    outputs:
      halves: sum.halves
      sum:
        join: sure
        cases:
          huge: { join: ok, cases: { approved: sum.sum, rejected: ok.rejected, timedOut: ok.timedOut.at } }
          fine: sum.sum
      next: next.n
      failed: all.$failed.0.error.code
params:
  rows: {}
  title: { type: string }
nodes:
  each:
    map: { workflow: settle }
    over: $params.rows
    inputs: { numbers: $item.numbers, bonus: $index }
    maxConcurrency: 2
    timeout: 5s
  zipped: { map: { merge: zip }, over: each.halves, inputs: { b: $item, a: $params.rows }, config: { lengths: shortest } }
  labels: { map: text, over: each.sum, config: { text: "The \${title}" }, inputs: { of: $item } }
  turn: { workflow: settle, config: { numbers: [16, 8], bonus: 0 }, timeout: 9s }
  step: { map: { workflow: plusOne@1.0.0 }, over: turn.halves, inputs: { n: $item } }
  risky: { workflow: settle, config: { numbers: [-1], bonus: 3 }, allowFailure: true }
cycles:
  fit:
    feedback: { turn.numbers: step.n, turn.bonus: turn.next }
    until: { anyOf: [{ tolerance: turn.sum, epsilon: 0.5 }, { budget: { iterations: 7 } }] }
    maxIterations: 20
outputs:
  sums: each.sum
  zipped: zipped.value.0
  labels: labels.text
  turns: fit.iterations
  list: step.n
  risky: { join: risky, cases: { ok: risky.failed, failed: risky.$error.code } }
`,
  params: { rows: [{ numbers: [1, 2] }, { numbers: [3] }], title: 'Sum' },
  output: {
    sums: [4, 3],
    zipped: [
      { b: 0.5, a: { numbers: [1, 2] } },
      { b: 1.5, a: { numbers: [3] } },
    ],
    labels: ['The Sum: 4', 'The Sum: 3'],
    turns: 7,
    list: [2.109375, 3.0390625],
    risky: 'NEGATIVE',
  },
};

/** Workflows with children in all forms, by name. */
export const nestedForms: Readonly<Record<string, InForms>> = { nested };
