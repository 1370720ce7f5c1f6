import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import type { CycleOptions } from '../../../src/base/cycle-options.js';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';

const pass = defineNode({
  name: 'pass',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});

/** What a call throws: code, message and place. */
function thrownBy(call: () => unknown): { readonly code: string; readonly message: string; readonly at: string } {
  try {
    call();
  } catch (error) {
    return error as never;
  }
  throw new Error('Nothing was thrown.');
}

/** Three nodes in a chain: a → b → c. */
function chain() {
  const w = workflow('chain');
  const a = w.add('a', pass({ n: 1 }));
  const b = w.add('b', pass({ n: a.out.n }));
  const c = w.add('c', pass({ n: b.out.n }));
  return { w, a, b, c };
}

describe('cycles that cannot be built', () => {
  it('UNMARKED_CYCLE: connections that form a loop, naming it', () => {
    const w = workflow('loop');
    for (const id of ['a', 'b', 'c']) w.node(id, pass);
    w.connect('a.n', 'b.n').connect('b.n', 'c.n').connect('c.n', 'a.n');
    const { code, message } = thrownBy(() => w.build());
    expect(code).to.equal('UNMARKED_CYCLE');
    expect(message).to.match(/a → b → c → a|b → c → a → b|c → a → b → c/);
  });

  it('UNMARKED_CYCLE: a loop made by after', () => {
    const w = workflow('loop');
    w.fn('a', {}, () => 1, { after: 'b' });
    w.fn('b', {}, () => 1, { after: 'a' });
    expect(thrownBy(() => w.build()).code).to.equal('UNMARKED_CYCLE');
  });

  it('UNMARKED_CYCLE: a loop beside a marked one', () => {
    const { w, a, c } = chain();
    w.cycle('marked', { feedback: [c.out.n.to(a.in.n)], maxIterations: 2 });
    w.node('d', pass);
    w.node('e', pass);
    w.connect('d.n', 'e.n').connect('e.n', 'd.n');
    const { code, message } = thrownBy(() => w.build());
    expect(code).to.equal('UNMARKED_CYCLE');
    expect(message).to.match(/: (d → e → d|e → d → e)\./);
  });

  it('UNMARKED_CYCLE: a member that reads how its own cycle ended', () => {
    const w = workflow('self');
    const a = w.add('a', pass({ n: 1 }));
    const loop = w.cycle('loop', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2 });
    const b = w.fn('b', { n: a.out.n, reason: loop.out.reason }, ({ n }) => n);
    w.cycle('outer', { feedback: [b.out.value.to(a.in.n)], maxIterations: 2 });
    expect(() => w.build()).to.not.throw();

    const other = workflow('self');
    const c = other.node('c', pass);
    const d = other.add('d', pass({ n: c.out.n }));
    other.cycle('loop', { feedback: [d.out.n.to(c.in.n)], maxIterations: 2 });
    other.fn('e', {}, () => 1, { after: 'loop' });
    other.connect('loop.iterations', 'd.n');
    expect(thrownBy(() => other.build()).code).to.equal('UNMARKED_CYCLE');
  });

  it('CYCLE_WITHOUT_CAP: neither maxIterations nor timeoutMs, also beside until', () => {
    const { w, a, c } = chain();
    const feedback = [c.out.n.to(a.in.n)];
    expect(thrownBy(() => w.cycle('one', { feedback }))).to.include({ code: 'CYCLE_WITHOUT_CAP', at: 'one' });
    expect(thrownBy(() => w.cycle('two', { feedback, until: when(c.out.n, () => true) })).code).to.equal(
      'CYCLE_WITHOUT_CAP',
    );
  });

  it('timeoutMs alone is a cap', () => {
    const { w, a, c } = chain();
    w.cycle('loop', { feedback: [c.out.n.to(a.in.n)], timeoutMs: 5 });
    expect(() => w.build()).to.not.throw();
  });

  it('OVERLAPPING_CYCLES: bodies that share nodes without one enclosing the other', () => {
    const { w, a, b, c } = chain();
    w.cycle('left', { feedback: [b.out.n.to(a.in.n)], maxIterations: 2 });
    w.cycle('right', { feedback: [c.out.n.to(b.in.n)], maxIterations: 2 });
    const { code, message } = thrownBy(() => w.build());
    expect(code).to.equal('OVERLAPPING_CYCLES');
    expect(message).to.contain('"left"').and.to.contain('"right"').and.to.contain('"b"');
  });

  it('OVERLAPPING_CYCLES: the same body twice; within says which is inside', () => {
    const { w, a, c } = chain();
    w.cycle('one', { feedback: [c.out.n.to(a.in.n)], maxIterations: 2 });
    w.cycle('two', { feedback: [c.out.n.to(a.in.n)], maxIterations: 2 });
    expect(thrownBy(() => w.build()).code).to.equal('OVERLAPPING_CYCLES');
    const ok = chain();
    ok.w.cycle('one', { feedback: [ok.c.out.n.to(ok.a.in.n)], maxIterations: 2, within: 'two' });
    ok.w.cycle('two', { feedback: [ok.c.out.n.to(ok.a.in.n)], maxIterations: 2 });
    expect(() => ok.w.build()).to.not.throw();
  });

  it('OVERLAPPING_CYCLES: within itself, and in a circle', () => {
    const self = chain();
    self.w.cycle('loop', { feedback: [self.c.out.n.to(self.a.in.n)], maxIterations: 2, within: 'loop' });
    expect(thrownBy(() => self.w.build()).code).to.equal('OVERLAPPING_CYCLES');

    const round = chain();
    round.w.cycle('x', { feedback: [round.b.out.n.to(round.a.in.n)], maxIterations: 2, within: 'y' });
    round.w.cycle('y', { feedback: [round.c.out.n.to(round.a.in.n)], maxIterations: 2, within: 'x' });
    expect(thrownBy(() => round.w.build()).code).to.equal('OVERLAPPING_CYCLES');
  });

  it('OVERLAPPING_CYCLES: two cycles that wait for each other', () => {
    const w = workflow('entangled');
    const a = w.node('a', pass);
    const b = w.node('b', pass);
    const c = w.add('c', pass({ n: a.out.n }));
    const d = w.add('d', pass({ n: b.out.n }));
    const e = w.fn('e', { c: c.out.n, x: b.out.n }, ({ c: n }) => n);
    const f = w.fn('f', { d: d.out.n, x: a.out.n }, ({ d: n }) => n);
    w.cycle('one', { feedback: [e.out.value.to(a.in.n)], maxIterations: 2 });
    w.cycle('two', { feedback: [f.out.value.to(b.in.n)], maxIterations: 2 });
    expect(thrownBy(() => w.build()).code).to.equal('OVERLAPPING_CYCLES');
  });

  it('UNKNOWN_NODE: within a cycle that does not exist', () => {
    const { w, a, c } = chain();
    w.cycle('loop', { feedback: [c.out.n.to(a.in.n)], maxIterations: 2, within: 'lop' });
    const { code, message } = thrownBy(() => w.build());
    expect(code).to.equal('UNKNOWN_NODE');
    expect(message).to.contain('loop');
  });

  it('EMPTY_CYCLE: the output fed back is not reached from the input', () => {
    const { w, a, c } = chain();
    w.cycle('back', { feedback: [a.out.n.to(c.in.n)], maxIterations: 2 });
    expect(thrownBy(() => w.build()).code).to.equal('EMPTY_CYCLE');
  });

  it('EMPTY_CYCLE: one edge closes, another does not', () => {
    const { w, a, c } = chain();
    const lone = w.add('lone', pass({ n: 1 }));
    w.cycle('loop', { feedback: [c.out.n.to(a.in.n), lone.out.n.to(a.in.n)].slice(0, 1), maxIterations: 2 });
    expect(() => w.build()).to.not.throw();
    const other = chain();
    const far = other.w.add('far', pass({ n: 1 }));
    other.w.cycle('loop', { feedback: [other.c.out.n.to(other.a.in.n), far.out.n.to(other.b.in.n)], maxIterations: 2 });
    const { code, message } = thrownBy(() => other.w.build());
    expect(code).to.equal('EMPTY_CYCLE');
    expect(message).to.contain('b.n');
  });

  it('INVALID_CYCLE: feedback and until that were not made by to() and when(), also of the right shape', () => {
    const { w, a, c } = chain();
    const edge = c.out.n.to(a.in.n);
    const until = when(c.out.n, () => true);
    for (const feedback of [{ ...edge }, until, w.build])
      expect(thrownBy(() => w.cycle('loop', { feedback: [feedback as never], maxIterations: 2 })).code).to.equal(
        'INVALID_CYCLE',
      );
    for (const condition of [{ ...until }, edge, null, 'n > 5', { of: { of: edge.from }, test: () => true }])
      expect(
        thrownBy(() => w.cycle('loop', { feedback: [edge], until: condition as never, maxIterations: 2 })),
      ).to.deep.include({ code: 'INVALID_CYCLE', at: 'loop', value: condition });
    expect(w.cycle('loop', { feedback: [edge], until, maxIterations: 2 }).id).to.equal('loop');
  });

  const wrong: Readonly<Record<string, Partial<Record<keyof CycleOptions, unknown>>>> = {
    'no feedback': { feedback: [] },
    'feedback that is no list': { feedback: undefined },
    'maxIterations 0': { maxIterations: 0 },
    'maxIterations 1.5': { maxIterations: 1.5 },
    'maxIterations infinite': { maxIterations: Number.POSITIVE_INFINITY },
    'timeoutMs 0': { timeoutMs: 0 },
    'timeoutMs infinite': { timeoutMs: Number.POSITIVE_INFINITY },
    'keepHistory -1': { keepHistory: -1 },
    'keepHistory 0.5': { keepHistory: 0.5 },
    'onMaxIterations unknown': { onMaxIterations: 'stop' },
    'onTimeout unknown': { onTimeout: 'stop' },
    'until that is no condition': { until: () => true },
    'until null': { until: null },
    'within null': { within: null },
    'within a number': { within: 3 },
    'feedback with null': { feedback: [null] },
  };
  for (const [name, options] of Object.entries(wrong)) {
    it(`INVALID_CYCLE: ${name}`, () => {
      const { w, a, c } = chain();
      const all = { feedback: [c.out.n.to(a.in.n)], maxIterations: 2, ...options } as CycleOptions;
      expect(thrownBy(() => w.cycle('loop', all))).to.include({ code: 'INVALID_CYCLE', at: 'loop' });
    });
  }

  it('INVALID_CYCLE: when() without a test, without a source, or with a literal', () => {
    const { c } = chain();
    expect(thrownBy(() => when(c.out.n, undefined as never)).code).to.equal('INVALID_CYCLE');
    expect(thrownBy(() => when({}, () => true)).code).to.equal('INVALID_CYCLE');
    expect(thrownBy(() => when({ n: 5 } as never, () => true)).code).to.equal('INVALID_CYCLE');
    expect(thrownBy(() => when(undefined as never, () => true)).code).to.equal('INVALID_CYCLE');
  });

  it('UNKNOWN_OPTION, DUPLICATE_ID and INVALID_NAME', () => {
    const { w, a, c } = chain();
    const feedback = [c.out.n.to(a.in.n)];
    const { code, message } = thrownBy(() => w.cycle('loop', { feedback, maxIteration: 2 } as never));
    expect(code).to.equal('UNKNOWN_OPTION');
    expect(message).to.contain('maxIterations');
    const other = chain();
    const edges = [other.c.out.n.to(other.a.in.n)];
    expect(thrownBy(() => other.w.cycle('a', { feedback: edges, maxIterations: 2 })).code).to.equal('DUPLICATE_ID');
    expect(thrownBy(() => other.w.cycle('a b', { feedback: edges, maxIterations: 2 })).code).to.equal('INVALID_NAME');
  });
});
