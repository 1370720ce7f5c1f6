// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of documents

import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { template } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { fromJSON, fromYaml, registry, toJSON, toYaml } from '../../../src/forms/index.js';
import { jsonSchema } from '../../../src/mixins/validation/json-schema.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';
import { refusal } from '../../support/caught.js';

const join = defineNode({
  name: 'join',
  version: '1',
  inputs: { text: type<string>(), parts: type<unknown>() },
  outputs: { text: type<string>() },
  run: ({ text, parts }) => ({ text: `${text}${JSON.stringify(parts)}` }),
});
const known = registry(join);

function child(name: string, text: string): Workflow {
  const w = workflow(name, { params: { parts: type<unknown>() } });
  const made = w.add('made', join({ text, parts: w.params.parts }));
  return w.build({ outputs: { text: made.out.text } });
}

type Callable = Workflow & ((inputs: object) => never);

function inAllForms(yaml: string, build: () => Workflow): void {
  const [hash, document] = [hashOf(build()), toJSON(build(), { registry: known })];
  expect(hashOf(fromYaml(yaml, { registry: known }))).to.equal(hash);
  expect(hashOf(fromJSON(document, { registry: known }))).to.equal(hash);
  expect(toJSON(fromYaml(yaml, { registry: known }), { registry: known })).to.deep.equal(document);
}

describe('a map as a document', () => {
  it('reads the item, its number and paths, in sources and templates, beside what stands outside', async () => {
    const yaml = `
lockstep: 1
name: m
params: { title: { type: string }, rows: {} }
nodes:
  all:
    map: join
    over: $params.rows
    inputs: { parts: { firstOf: [$item.tags.0, { literal: none }] } }
    config: { text: "\${$index}. \${$item.name}$\${x}" }
  numbers: { map: join@1, over: { literal: [7, 8] }, inputs: { parts: $index, text: $params.title } }
  titles: { map: join, over: all.$items, inputs: { parts: { from: $item, path: output.text, schema: { type: string } } }, config: { text: "\${title}!" } }
outputs: { all: all.text, numbers: numbers.text, titles: titles.text, items: titles.$items.0.status, failed: all.$failed }
`;
    const build = () => {
      const params = {
        title: jsonSchema<string>({ type: 'string' }),
        rows: type<{ name: string; tags: string[] }[]>(),
      };
      const w = workflow('m', { params });
      const all = w.map('all', w.params.rows, (item, index) =>
        join({
          text: template('${$index}. ${$item.name}$${x}', { $item: item, $index: index }) as never,
          parts: item.at('tags').at(0).or('none'),
        }),
      );
      const numbers = w.map('numbers', [7, 8] as never, (_, index) => join({ text: w.params.title, parts: index }));
      const titles = w.map('titles', all.items, (item) =>
        join({
          text: template('${title}!', w.params),
          parts: item.path('output.text', jsonSchema({ type: 'string' })),
        }),
      );
      return w.build({
        outputs: {
          all: all.out.text,
          numbers: numbers.out.text,
          titles: titles.out.text,
          items: titles.items.at(0).at('status'),
          failed: all.failed,
        },
      });
    };
    const run = await both(() => fromYaml(yaml, { registry: known }), {
      params: {
        title: 'T',
        rows: [
          { name: 'a', tags: ['x'] },
          { name: 'b', tags: [] },
        ],
      },
    });
    expect(run.output).to.deep.equal({
      all: ['0. a${x}"x"', '1. b${x}"none"'],
      numbers: ['T0', 'T1'],
      titles: ['T!"0. a${x}\\"x\\""', 'T!"1. b${x}\\"none\\""'],
      items: 'completed',
      failed: [],
    });
    inAllForms(yaml, build);
  });

  it('takes several sources of an input, and feedback into its list', () => {
    const yaml = `
lockstep: 1
name: m
params: { flag: {} }
nodes:
  which: { switch: $params.flag }
  all: { map: join, over: [{ literal: [1] }, which.true], inputs: { text: [which.true, which.false], parts: $item } }
cycles: { again: { feedback: { all.$list: all.text }, maxIterations: 2 } }
`;
    const read = fromYaml(yaml, { registry: known });
    expect(toJSON(read, { registry: known }).nodes.all).to.deep.equal({
      map: 'join@1',
      over: [{ literal: [1] }, 'which.true'],
      inputs: { text: ['which.true', 'which.false'], parts: '$item' },
    });
    expect(hashOf(fromYaml(toYaml(read, { registry: known }), { registry: known }))).to.equal(hashOf(read));
  });

  it('of a function that stands in the code is refused', () => {
    const nameless = defineNode({ name: 'other', version: '1', outputs: { n: type<number>() }, run: () => ({ n: 1 }) });
    const w = workflow('m', { params: { rows: type<unknown[]>() } });
    w.map('all', w.params.rows, () => nameless({}));
    expect(refusal(() => toJSON(w.build(), { registry: known })).message).to.equal(
      'node "all": "other@1" is not in the registry. Define it with a name, register it, or write it as data or CEL.',
    );
  });
});

describe('workflows that stand in a document', () => {
  const two = () => {
    const w = workflow('two');
    const [one, other] = [child('part', 'a') as Callable, child('part', 'b') as Callable];
    w.add('x', one({ parts: 1 }));
    w.add('y', other({ parts: 2 }));
    w.add('z', one({ parts: 3 }));
    return w.build();
  };

  it('are written once each, and have names of their own', () => {
    const document = toJSON(two(), { registry: known });
    expect(document.nodes).to.deep.equal({
      x: { workflow: 'part', config: { parts: 1 } },
      y: { workflow: 'part-2', config: { parts: 2 } },
      z: { workflow: 'part', config: { parts: 3 } },
    });
    expect(Object.keys(document.workflows ?? {})).to.deep.equal(['part', 'part-2']);
    expect(document.workflows?.['part-2']?.name).to.equal('part');
    expect(document.workflows?.part?.name).to.equal(undefined);
    inAllForms(toYaml(two(), { registry: known }), two);
  });

  it('are not called as registered ones are', () => {
    const all = registry(join, child('part', 'registered'));
    const document = toJSON(two(), { registry: all });
    expect(Object.keys(document.workflows ?? {})).to.deep.equal(['part-2', 'part-3']);
    expect(hashOf(fromJSON(document, { registry: all }))).to.equal(hashOf(two()));
  });

  it('stand before registered ones of the same name, and may run each other in any order', () => {
    const all = registry(join, child('part', 'registered'));
    const read = fromYaml(
      `
lockstep: 1
name: order
workflows:
  outer: { nodes: { in: { workflow: part, config: { parts: 1 } } }, outputs: { text: in.text } }
  part: { params: { parts: {} }, nodes: { made: { use: join, config: { text: own, parts: 2 } } }, outputs: { text: made.text } }
nodes: { run: { workflow: outer } }
outputs: { text: run.text }
`,
      { registry: all },
    );
    const { output } = new LocalRuntime().execute(read as Workflow<object, object>, {});
    expect(output).to.deep.equal({ text: 'own2' });
  });
});

describe('a gate as a document', () => {
  const yaml = `
lockstep: 1
name: g
params: { who: { type: string } }
nodes:
  draft: { use: join, config: { text: draft, parts: [] } }
  ok:
    gate: true
    shows: { draft: draft.text }
    config: { note: "for \${who}", urgent: true }
    answer: { type: object, required: [grade] }
    timeout: 2d
    after: draft
outputs:
  text: { join: ok, cases: { approved: ok.approved.grade, rejected: ok.rejected.reason, timedOut: ok.timedOut.at } }
`;
  const build = () => {
    const w = workflow('g', { params: { who: jsonSchema<string>({ type: 'string' }) } });
    const draft = w.add('draft', join({ text: 'draft', parts: [] }));
    const ok = w.gate(
      'ok',
      {
        shows: { note: template('for ${who}', w.params), draft: draft.out.text, urgent: true },
        answer: jsonSchema<{ grade: number }>({ type: 'object', required: ['grade'] }),
        timeoutMs: 172_800_000,
      },
      { after: 'draft' },
    );
    const text = ok.join({
      approved: ok.out.approved.at('grade'),
      rejected: ok.out.rejected.at('reason'),
      timedOut: ok.out.timedOut.at('at'),
    });
    return w.build({ outputs: { text } });
  };

  it('has one hash, however what it shows is ordered', () => {
    inAllForms(yaml, build);
  });

  it('waits, checks the answer and goes on', () => {
    const runtime = new LocalRuntime();
    const read = fromYaml(yaml, { registry: known }) as Workflow<object, object>;
    const waiting = runtime.settle(read, { who: 'you' });
    if (waiting.status !== 'waiting') throw new Error(waiting.status);
    expect(waiting.gates[0]?.shows).to.deep.equal({ draft: 'draft[]', note: 'for you', urgent: true });
    expect(refusal(() => runtime.approve(waiting.runId, 'ok', {}))).to.include({ code: 'GATE_ANSWER_INVALID' });
    runtime.approve(waiting.runId, 'ok', { grade: 2 });
    const done = runtime.resume(read, waiting.runId);
    expect(done.status === 'completed' && done.output).to.deep.equal({ text: 2 });
  });
});
