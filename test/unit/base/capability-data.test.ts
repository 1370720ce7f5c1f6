import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { type } from '../../../src/base/schema.js';
import { childOf, type Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

/** Every capability, in objects of a user's. */
function given() {
  return {
    retry: { attempts: 2, backoff: { strategy: 'steady' }, retryOn: ['A', RangeError], dontRetryOn: ['B'] },
    limit: { maxConcurrency: 2, rate: { count: 3, perMs: 1_000 } },
    breaker: { failures: 2 },
    cache: { ttlMs: 5 },
    validation: 'strict' as const,
    metrics: false,
    timeoutMs: 50,
  };
}

function echoWith(capabilities: NodeCapabilities) {
  return defineNode({
    name: 'echo',
    version: '1',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    ...capabilities,
    run: ({ n }) => ({ n }),
  });
}

/** The ways in which a node comes to capabilities. */
const ways: Readonly<Record<string, (capabilities: NodeCapabilities) => Workflow>> = {
  'where a node is used': (capabilities) => {
    const w = workflow('used');
    w.add('a', echoWith({})({ n: 1 }), capabilities);
    return w.build();
  },
  'in the definition of a node': (capabilities) => {
    const w = workflow('defined');
    w.add('a', echoWith(capabilities)({ n: 1 }));
    return w.build();
  },
  'in the definition of what a map runs': (capabilities) => {
    const w = workflow('mapped', { params: { list: type<number[]>() } });
    w.map('all', w.params.list, (n) => echoWith(capabilities)({ n }));
    const built = w.build();
    return childOf(built.bindings.implementations.get('all') as never) as Workflow;
  },
};

/** Everything in a value that can be changed, by its way. */
function changeable(value: unknown, at: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, each]) => changeable(each, `${at}.${key}`));
  return Object.isFrozen(value) ? inner : [at, ...inner];
}

for (const [way, make] of Object.entries(ways)) {
  describe(`Capabilities that are given ${way}`, () => {
    it('are data that nobody can change, all the way down', () => {
      const { data, bindings } = make(given());
      const [node] = data.nodes;
      expect(node).to.deep.include({ limit: given().limit, breaker: given().breaker, cache: given().cache });
      expect(node?.retry?.backoff).to.deep.equal(given().retry.backoff);
      expect([...bindings.retries.values()]).to.deep.equal([given().retry]);
      expect([...changeable(data, 'data'), ...changeable([...bindings.retries.values()][0], 'retry')]).to.deep.equal(
        [],
      );
    });

    it('are a copy: what the user passed stays free, and changes nothing any more', () => {
      const own = given();
      const { data, bindings } = make(own);
      const parts = [own, own.retry, own.retry.backoff, own.retry.retryOn, own.retry.dontRetryOn];
      for (const part of [...parts, own.limit, own.limit.rate, own.breaker, own.cache])
        expect(Object.isFrozen(part)).to.equal(false);
      own.retry.attempts = 9;
      own.retry.backoff.strategy = 'other';
      own.retry.retryOn.push('C');
      own.retry.dontRetryOn.length = 0;
      own.limit.rate.count = 9;
      own.breaker.failures = 9;
      own.cache.ttlMs = 9;
      expect([...bindings.retries.values()]).to.deep.equal([given().retry]);
      expect(data.nodes[0]?.retry).to.deep.include({ attempts: 2, backoff: { strategy: 'steady' } });
      const { limit, breaker, cache } = given();
      expect(data.nodes[0]).to.deep.include({ limit, breaker, cache });
    });

    it('do not hold what is undefined', () => {
      const nothing = { limit: { maxConcurrency: 1, per: undefined, rate: undefined }, cache: undefined };
      const [node] = make(nothing as unknown as NodeCapabilities).data.nodes;
      expect(JSON.stringify(node?.limit)).to.equal('{"maxConcurrency":1}');
      expect(Object.keys(node?.limit ?? {})).to.deep.equal(['maxConcurrency']);
      expect(node).to.not.have.property('cache');
    });
  });
}

describe('A retry', () => {
  it('is what it was when its node was added, whatever becomes of the options', () => {
    const retry = { attempts: 2, retryOn: ['BUSY'] };
    let calls = 0;
    const failing = defineNode({
      name: 'failing',
      outputs: {},
      run: () => {
        calls += 1;
        throw Object.assign(new Error('always'), { code: 'BUSY' });
      },
    });
    const w = workflow('w');
    w.add('a', failing(), { retry });
    const built = w.build();
    retry.attempts = 5;
    retry.retryOn.length = 0;
    using runtime = new LocalRuntime({ clock: new VirtualClock() });
    expect(runtime.settle(built).status).to.equal('failed');
    expect(calls).to.equal(2);
  });

  it('keeps error classes and predicates as they are', () => {
    const test = (error: unknown): boolean => error === 1;
    const w = workflow('w');
    w.add('a', echoWith({})({ n: 1 }), { retry: { retryOn: [RangeError, test] } });
    const { bindings } = w.build();
    expect(bindings.retries.get('a')?.retryOn?.[0]).to.equal(RangeError);
    expect(bindings.retries.get('a')?.retryOn?.[1]).to.equal(test);
    expect([RangeError, test].map((each) => Object.isFrozen(each))).to.deep.equal([false, false]);
  });
});
