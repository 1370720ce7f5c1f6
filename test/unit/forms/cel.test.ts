import { expect } from 'chai';
import { type Condition, when } from '../../../src/base/condition.js';
import { allOf, budget } from '../../../src/base/convergence.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { cel } from '../../../src/forms/index.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { both } from '../../support/both.js';
import { refusal } from '../../support/caught.js';
import { numeric } from '../../support/halving.js';

const give = defineNode({
  name: 'give',
  version: '1',
  inputs: { value: type<unknown>() },
  outputs: { value: type<unknown>() },
  run: ({ value }) => ({ value }),
});

function routing(text: string, value: unknown) {
  const w = workflow('routing');
  const a = w.add('a', give({ value }));
  const route = w.switch('route', a.out.value, { yes: cel(text), no: otherwise });
  const end = route.join({
    yes: route.out.yes.path('x', type<never>()).or('yes'),
    no: route.out.no.path('x', type<never>()).or('no'),
  });
  return w.build({ outputs: { end } });
}

function halving(until: (n: Ref<number>, twice: Ref<number>) => Condition) {
  const w = workflow('halving');
  const step = w.add('step', numeric('halve', (n) => n / 2)({ n: 16 }));
  const twice = w.add('twice', numeric('twice', (n) => n * 2)({ n: step.out.n }));
  const fit = w.cycle('fit', {
    feedback: [step.out.n.to(step.in.n)],
    until: until(step.out.n, twice.out.n),
    maxIterations: 9,
  });
  return w.build({ outputs: { iterations: fit.out.iterations } });
}

describe('a case of a switch as a CEL expression', () => {
  const decided: readonly (readonly [string, unknown, 'yes' | 'no'])[] = [
    ['value.score > 0.9', { score: 0.95 }, 'yes'],
    ['value.score > 0.9', { score: 0.9 }, 'no'],
    ['value > 10', 11, 'yes'],
    ['value == 1', 1, 'yes'],
    ['size(value) >= 2 && value[0] == "a"', ['a', 'b'], 'yes'],
    ['value in ["a", "b"]', 'c', 'no'],
    ['value == null', null, 'yes'],
    ['has(value.name) && value.name.startsWith("A")', { name: 'Ada' }, 'yes'],
    ['value.items.exists(each, each > 3)', { items: [1, 4] }, 'yes'],
    ['value', false, 'no'],
  ];
  for (const [text, value, taken] of decided) {
    it(`"${text}" of ${JSON.stringify(value)}: ${taken}`, async () => {
      const run = await both(() => routing(text, value));
      expect(run.code).to.equal('');
      expect(run.output).to.deep.equal({ end: taken });
    });
  }

  const failing: readonly (readonly [string, unknown, string])[] = [
    ['value > "a"', 1, 'failed: no such overload: dyn<double> > string.'],
    [
      'value + 1 > 1',
      1,
      'failed: no such overload: dyn<double> + int. A number to calculate with is written with a point, such as 1.0.',
    ],
    ['value.a.b == 1', {}, 'failed: No such key: a.'],
    ['value', 1, 'answered with no boolean.'],
  ];
  for (const [text, value, says] of failing) {
    it(`"${text}" of ${JSON.stringify(value)} fails the attempt, naming the expression`, async () => {
      const run = await both(() => routing(text, value));
      expect(run.errors).to.deep.equal({ route: 'CEL_FAILED' });
      expect(run.messages.route).to.equal(
        `The expression "${text}" of route.yes ${says} Make it fit the values that it is given.`,
      );
    });
  }

  it('is data: its text decides about the hash', () => {
    const data = routing('value > 1', 1).data.nodes[1];
    expect(data?.switch?.cases[0]).to.deep.equal({ name: 'yes', test: { kind: 'cel', text: 'value > 1' } });
    expect(data?.use).to.deep.equal({ name: 'lockstep.switch', version: '1' });
    expect(hashOf(routing('value > 1', 1))).to.not.equal(hashOf(routing('value > 2', 1)));
  });
});

describe('the condition of a cycle as a CEL expression', () => {
  it('sees its values by name, the iteration, the metrics of before and the values of before', async () => {
    const stopped: readonly (readonly [string, number])[] = [
      ['n < 3.0', 3],
      ['n < 3.0 && iteration > 3', 5],
      ['size(history) == 3 && history[0] == 8.0', 4],
      ['previous != null && previous.n - n < 2.0', 4],
      ['elapsedMs > 0.0', 9],
    ];
    for (const [text, iterations] of stopped) {
      const run = await both(() => halving((n) => cel({ n }, text)));
      expect(run.output, text).to.deep.equal({ iterations });
      expect(run.cycles.fit?.history[0], text).to.equal(8);
    }
  });

  it('looks at several values, and then has no metric', async () => {
    const run = await both(() => halving((n, twice) => cel({ n, twice }, 'n + twice < 10.0')));
    expect(run.output).to.deep.equal({ iterations: 3 });
    expect(run.cycles.fit).to.include({ reason: 'converged', metric: undefined });
  });

  it('combines with others', async () => {
    const run = await both(() => halving((n) => allOf(cel({ n }, 'n < 5.0'), budget({ iterations: 4 }))));
    expect(run.output).to.deep.equal({ iterations: 4 });
  });

  it('is not met while one of its values is dead', async () => {
    const build = () => {
      const w = workflow('dead');
      const step = w.add('step', numeric('more', (n) => n + 1)({ n: 0 }));
      const route = w.switch('route', step.out.n, { late: cel('value > 2'), early: otherwise });
      const fit = w.cycle('fit', {
        feedback: [step.out.n.to(step.in.n)],
        until: cel({ n: step.out.n, late: route.out.late }, 'n > 0 || late > 0'),
        maxIterations: 9,
      });
      return w.build({ outputs: { iterations: fit.out.iterations } });
    };
    expect((await both(build)).output).to.deep.equal({ iterations: 3 });
  });

  it('fails the cycle with CEL_FAILED, naming the expression and the cycle', async () => {
    const run = await both(() => halving((n) => cel({ n }, 'n.x > 1')));
    expect(run.status).to.equal('failed');
    expect(run.cycles.fit?.error?.code).to.equal('CEL_FAILED');
    expect(run.cycles.fit?.error?.message).to.contain('The expression "n.x > 1" of until of fit failed: ');
  });

  it('has another hash than a test that says the same', () => {
    const text = hashOf(halving((n) => cel({ n }, 'n < 3.0')));
    expect(text).to.equal(hashOf(halving((n) => cel({ n }, 'n < 3.0'))));
    expect(text).to.not.equal(hashOf(halving((n) => cel({ n }, 'n < 2.0'))));
    expect(text).to.not.equal(hashOf(halving((n) => when(n, (value) => value < 3))));
  });
});

describe('a CEL expression that cannot be used', () => {
  const ref = workflow('w').fn('a', {}, () => 1).out.value;
  const wrong: readonly (readonly [string, () => unknown, string])[] = [
    [
      'names what there is not',
      () => cel('vaule > 1'),
      'The expression "vaule > 1" names "vaule". Did you mean "value"?',
    ],
    [
      'names the view of a cycle in a switch',
      () => cel('iteration > 1'),
      'The expression "iteration > 1" names "iteration". Known: "value".',
    ],
    [
      'names what the condition was not given',
      () => cel({ loss: ref }, 'los < 1'),
      'The expression "los < 1" names "los". Did you mean "loss"?',
    ],
    ['is not finished', () => cel('value >'), 'The expression "value >" is no CEL: Unexpected token: EOF.'],
    [
      'calls a function that there is not',
      () => cel('sum(value) > 1'),
      `The expression "sum(value) > 1" cannot be used: found no matching overload for 'sum(dyn)'.`,
    ],
    [
      'is no condition',
      () => cel('size(value)'),
      'The expression "size(value)" answers with the type int, not with true or false.',
    ],
    ['is empty', () => cel(' '), 'The expression " " is not a text.'],
    ['is missing', () => cel({ a: ref }, undefined as never), 'The expression "undefined" is not a text.'],
    [
      'hides what the cycle shows',
      () => cel({ iteration: ref }, 'iteration > 1'),
      'The expression "iteration > 1" cannot look at something called "iteration".',
    ],
  ];
  for (const [what, make, message] of wrong) {
    it(`because it ${what}`, () => {
      const error = refusal(make);
      expect(error.code).to.equal('INVALID_CEL');
      expect(error.message).to.equal(`${message} Correct the expression.`);
    });
  }

  it('because its names are no references', () => {
    expect(refusal(() => cel({ a: 1 } as never, 'a > 1')).code).to.equal('INVALID_CYCLE');
  });
});
