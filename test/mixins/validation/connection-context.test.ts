import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { give, take } from '../../support/nodes.js';

const runtimes = [new LocalRuntime(), new AsyncLocalRuntime()];

/** A node with everything that can lead into one. */
function build() {
  const w = workflow('context', { params: { p: z.number() } });
  const route = w.switch('route', w.add('flag', give(true)).out.v);
  const left = w.add('left', take(z.boolean())({ x: route.out.true }));
  const right = w.add('right', take(z.boolean())({ x: route.out.false }));
  const source = w.add('source', give({ deep: [1] }));
  const node = defineNode({
    name: 'node',
    inputs: { a: z.number(), b: z.unknown(), c: z.number(), d: z.number(), e: z.number().optional() },
    outputs: { n: type<number>() },
    run: ({ a }) => ({ n: a }),
  });
  const h = w.add(
    'h',
    node({ a: source.out.v.at('deep').at(0), b: oneOf(left.out.seen, right.out.seen), c: w.params.p, d: 7 }),
  );
  w.cycle('loop', { feedback: [h.out.n.to(h.in.a), h.out.n.to(h.in.e as never)], maxIterations: 2 });
  return w.build();
}

describe('buildConnectionContext', () => {
  it('lists everything that leads into a node, feedback included, and what is a literal', () => {
    for (const runtime of runtimes) {
      expect(runtime.buildConnectionContext(build(), 'h')).to.deep.equal({
        node: 'h',
        incoming: [
          { from: 'source.v.deep.0', port: 'a', feedbackOf: null },
          { from: 'oneOf(left.seen, right.seen)', port: 'b', feedbackOf: null },
          { from: 'parameter p', port: 'c', feedbackOf: null },
          { from: 'h.n', port: 'a', feedbackOf: 'loop' },
          { from: 'h.n', port: 'e', feedbackOf: 'loop' },
        ],
        configured: ['d'],
      });
    }
  });

  it('is empty for a node into which nothing leads', () => {
    expect(new LocalRuntime().buildConnectionContext(build(), 'source')).to.deep.equal({
      node: 'source',
      incoming: [],
      configured: [],
    });
  });

  it('refuses a node that does not exist', () => {
    expect(() => new LocalRuntime().buildConnectionContext(build(), 'sorce'))
      .to.throw('Workflow "context" has no node "sorce". Did you mean "source"? Correct the id.')
      .with.property('code', 'UNKNOWN_NODE');
  });
});

describe('generateEnhancedValidationError', () => {
  const of = (port: string) =>
    new LocalRuntime().generateEnhancedValidationError(build(), 'INPUT_INVALID', 'h', port, 'it is odd');

  it('names the connection that brought the value', () => {
    for (const runtime of runtimes) {
      const error = runtime.generateEnhancedValidationError(build(), 'INPUT_INVALID', 'h', 'b', 'it is odd');
      expect(error.code).to.equal('INPUT_INVALID');
      expect(error.at).to.equal('h.b');
      expect(error.name).to.equal('AttemptError');
      expect(error.message).to.equal(
        'Input "h.b": it is odd; it comes from oneOf(left.seen, right.seen). Correct the value or the schema.',
      );
    }
  });

  it('names a parameter, a literal and feedback', () => {
    expect(of('c').message).to.include('it is odd; it comes from parameter p.');
    expect(of('d').message).to.include('it is odd; it is a literal.');
    expect(of('e').message).to.include('it is odd; it comes from h.n (feedback of loop).');
  });

  it('names every source where several are possible', () => {
    expect(of('a').message).to.include('it is odd; it comes from source.v.deep.0 or h.n (feedback of loop).');
  });

  it('says nothing of sources where there are none', () => {
    const error = new LocalRuntime().generateEnhancedValidationError(
      build(),
      'CONTRACT_VIOLATED',
      'source',
      'x',
      'it is odd',
    );
    expect(error.message).to.equal('Input "source.x": it is odd. Correct the value or the contract.');
  });
});

describe('shouldStopOnError', () => {
  const build = () => {
    const w = workflow('failing');
    w.add('a', give(1));
    w.try('b', give(2));
    return w.build();
  };

  it('is true for a runtime that fails fast, but for a node that may fail', () => {
    for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
      const fast = new Runtime({ onError: 'fail-fast' });
      expect([fast.shouldStopOnError(build(), 'a'), fast.shouldStopOnError(build(), 'b')]).to.deep.equal([true, false]);
    }
  });

  it('is false for a runtime that goes on', () => {
    const runtime = new LocalRuntime();
    expect([runtime.shouldStopOnError(build(), 'a'), runtime.shouldStopOnError(build(), 'b')]).to.deep.equal([
      false,
      false,
    ]);
  });

  it('refuses a node that does not exist', () => {
    expect(() => new LocalRuntime({ onError: 'fail-fast' }).shouldStopOnError(build(), 'c')).to.throw(
      'Workflow "failing" has no node "c".',
    );
    expect(() => new LocalRuntime().shouldStopOnError(build(), 'c')).to.throw('Workflow "failing" has no node "c".');
  });
});
