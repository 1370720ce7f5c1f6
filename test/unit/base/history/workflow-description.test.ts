import { expect } from 'chai';
import { canonicalJson } from '../../../../src/base/canonical-json.js';
import { when } from '../../../../src/base/condition.js';
import { DESCRIPTION_VERSION, describeWorkflow } from '../../../../src/base/history/workflow-description.js';
import { defineNode, variadic } from '../../../../src/base/node.js';
import { otherwise } from '../../../../src/base/nodes/switch.js';
import { type } from '../../../../src/base/schema.js';
import type { Workflow } from '../../../../src/base/workflow.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { hashedForm, hashWorkflow } from '../../../../src/base/workflow-hash.js';
import { jsonSchema } from '../../../../src/mixins/validation/json-schema.js';
import { moduleNode } from '../../../../src/runtimes/module-node.js';
import { caught } from '../../../support/caught.js';
import { inForms } from '../../../support/document-workflows.js';
import { nestedForms } from '../../../support/nested-workflows.js';
import { hash } from '../../../support/replayed.js';

const number = jsonSchema<number>({ type: 'number' });
const all: Readonly<Record<string, () => Workflow>> = Object.fromEntries(
  Object.entries({ ...inForms, ...nestedForms }).map(([name, { build }]) => [name, build]),
);

function sample() {
  const clean = defineNode({
    name: 'clean',
    version: '3',
    inputs: { row: type<number>(), limit: number, more: jsonSchema<number>({ type: 'number' }, { optional: true }) },
    outputs: { row: type<number>(), count: number },
    secrets: ['TOKEN'],
    run: ({ row }) => ({ row, count: 1 }),
  });
  const gather = defineNode({
    name: 'gather',
    version: '1',
    inputs: { rows: variadic(type<number[]>()) },
    outputs: { sum: type<number>() },
    async: true,
    run: async () => ({ sum: 1 }),
  });
  const far = moduleNode({
    name: 'far',
    version: '1',
    module: new URL('file:///far.js'),
    outputs: { y: type<number>() },
  });
  const w = workflow('sample', {
    params: { list: type<number[]>(), title: jsonSchema<string>({ type: 'string' }, { optional: true }) },
  });
  const rows = w.map('all', w.params.list, (row) => clean({ row, limit: 3 } as never), { maxConcurrency: 2 });
  const sum = w.add('sum', gather({ rows: rows.out.row }), { limit: { maxConcurrency: 1 }, metrics: false });
  w.add('far', far());
  const way = w.switch('way', sum.out.sum, { big: { op: '>', value: 3 }, small: otherwise });
  w.gate('ok', { shows: { n: way.out.big, title: w.params.title }, answer: number, timeoutMs: 50 });
  const turn = w.fn('turn', { n: way.out.small }, ({ n }) => n);
  w.cycle('loop', {
    feedback: [turn.out.value.to(turn.in.n)],
    until: when(turn.out.value, (n) => n === 1),
    maxIterations: 3,
  });
  return w.build({ outputs: { end: turn.out.value } });
}

describe('The description of a workflow', () => {
  it('says of each node what it runs, what it takes and delivers, and what it holds', () => {
    const { graph } = describeWorkflow(sample(), hash);
    const node = (id: string) => graph.nodes.find((each) => each.id === id);
    expect(node('all')).to.deep.include({ kind: 'map', map: { maxConcurrency: 2, onItemError: 'fail' } });
    expect(node('all')?.child?.nodes[0]).to.deep.equal({
      id: 'clean',
      kind: 'function',
      use: { name: 'clean', version: '3' },
      config: { limit: 3 },
      join: 'required',
      after: [],
      allowFailure: false,
      implementation: {
        inputs: [{ name: 'row', unchecked: true }, { name: 'limit' }, { name: 'more', optional: true }],
        outputs: [{ name: 'row', unchecked: true }, { name: 'count' }],
        delivers: 'every',
        secrets: ['TOKEN'],
      },
    });
    expect(node('sum')?.implementation).to.deep.equal({
      inputs: [{ name: 'rows', variadic: true, unchecked: true }],
      outputs: [{ name: 'sum', unchecked: true }],
      delivers: 'every',
      async: true,
    });
    expect(node('far')?.implementation).to.deep.include({ async: true, module: true });
    expect(node('way')).to.deep.include({
      switch: {
        mode: 'first',
        cases: [
          { name: 'big', test: { kind: 'operator', op: '>', value: 3, path: [] } },
          { name: 'small', test: { kind: 'otherwise' } },
        ],
      },
    });
    expect(node('way')?.implementation.delivers).to.equal('one');
    expect(node('ok')).to.deep.include({ kind: 'gate', gate: { timeoutMs: 50 } });
    expect(node('ok')?.implementation.answer).to.equal(true);
    expect(node('turn')?.use).to.deep.equal({
      name: 'lockstep.fn',
      digest: hash.sha256('({ n }) => n'),
      unversioned: true,
    });
    expect(graph.cycles[0]?.tests).to.deep.equal([{ digest: hash.sha256('(n) => n === 1'), unversioned: true }]);
    expect(graph.parameters).to.deep.equal([
      { name: 'list', optional: false },
      { name: 'title', optional: true },
    ]);
    expect(graph.outputs).to.have.all.keys('end');
  });

  it('leaves out what says when a node is called: it is not hashed', () => {
    const sum = describeWorkflow(sample(), hash).graph.nodes.find(({ id }) => id === 'sum');
    expect(sum).to.not.have.any.keys('limit', 'metrics');
  });

  for (const [name, build] of Object.entries({ ...all, sample })) {
    it(`of "${name}" is plain JSON, and its hash is that of the workflow, also once it was stored`, () => {
      const built = build();
      const description = describeWorkflow(built as Workflow, hash);
      expect(description.v).to.equal(DESCRIPTION_VERSION);
      expect(description.hash).to.equal(hashWorkflow(built as Workflow, hash));
      const text = JSON.stringify(description);
      expect(JSON.parse(text)).to.deep.equal(description);
      const { graph } = JSON.parse(text) as typeof description;
      expect(hash.sha256(canonicalJson(hashedForm(graph)))).to.equal(description.hash);
    });
  }

  it('is the same for a workflow that is built twice', () => {
    expect(JSON.stringify(describeWorkflow(sample(), hash))).to.equal(JSON.stringify(describeWorkflow(sample(), hash)));
  });

  it('is worked out once for each workflow and Hash', () => {
    const built = sample();
    let asked = 0;
    const other = {
      sha256: (text: string) => {
        asked++;
        return hash.sha256(text);
      },
    };
    expect(describeWorkflow(built, hash)).to.equal(describeWorkflow(built, hash));
    const description = describeWorkflow(built, other);
    expect(asked).to.be.greaterThan(0);
    asked = 0;
    expect(describeWorkflow(built, other)).to.equal(description);
    expect(asked).to.equal(0);
  });

  it('is refused for what is no workflow, and for a literal that cannot be written', () => {
    expect(caught(() => describeWorkflow({} as Workflow, hash))).to.have.property('code', 'NOT_A_WORKFLOW');
    const w = workflow('w');
    w.fn('odd', { at: (() => 1) as unknown }, () => 1);
    expect(caught(() => describeWorkflow(w.build(), hash))).to.include({ code: 'UNHASHABLE_LITERAL', at: 'odd.at' });
  });
});
