import { expect } from 'chai';
import { RETRY_DEFAULTS } from '../../../../src/base/node-options.js';
import type { RetryData } from '../../../../src/base/workflow-data.js';
import { type RetryFailure, RetryPolicyEngine } from '../../../../src/mixins/enterprise/retry-policy-engine.js';
import { caught } from '../../../support/caught.js';
import { turn } from '../../../support/deferred.js';
import { codeThrownBy } from '../../../support/every-way.js';

const never = {
  keyed: (): number => {
    throw new Error('nobody asked for jitter');
  },
};

function waits(engine: RetryPolicyEngine, policy: Partial<RetryData>, failures: readonly number[]): number[] {
  return failures.map((count) => engine.waitOf({ ...RETRY_DEFAULTS, ...policy }, count, new Error('x'), never, 'key'));
}

/** An engine with one strategy of its own, and the policy that names it. */
function own(strategy: (failure: RetryFailure) => unknown) {
  const engine = new RetryPolicyEngine();
  engine.register('own', strategy as never);
  return { engine, policy: { backoff: { strategy: 'own' }, delayMs: 10, maxDelayMs: 100 } };
}

describe('RetryPolicyEngine', () => {
  it('knows three ways in which waits grow', () => {
    const engine = new RetryPolicyEngine();
    expect(engine.strategies).to.deep.equal(['fixed', 'linear', 'exponential']);
    expect(waits(engine, { backoff: 'fixed', delayMs: 10 }, [1, 2, 3])).to.deep.equal([10, 10, 10]);
    expect(waits(engine, { backoff: 'linear', delayMs: 10 }, [1, 2, 3])).to.deep.equal([10, 20, 30]);
    expect(waits(engine, { backoff: 'exponential', delayMs: 10 }, [1, 2, 3, 4])).to.deep.equal([10, 20, 40, 80]);
    expect(waits(engine, { backoff: { strategy: 'linear' }, delayMs: 10 }, [2])).to.deep.equal([20]);
  });

  it('waits no longer than maxDelayMs, and not at all without a delay, however often something failed', () => {
    const engine = new RetryPolicyEngine();
    const often = [1_024, 1_025, 1_026, 100_000];
    for (const backoff of ['fixed', 'linear', 'exponential'] as const) {
      expect(waits(engine, { backoff, delayMs: 0 }, often), backoff).to.deep.equal([0, 0, 0, 0]);
      const most = waits(engine, { backoff, delayMs: 99, maxDelayMs: 50 }, often);
      expect(most, backoff).to.deep.equal([50, 50, 50, 50]);
    }
  });

  it('tells a strategy what failed and what its policy says', () => {
    const seen: RetryFailure[] = [];
    const { engine, policy } = own((failure) => seen.push(failure) * 7);
    const error = new Error('it');
    expect(engine.waitOf({ ...RETRY_DEFAULTS, ...policy }, 4, error, never, 'key')).to.equal(7);
    expect(seen).to.deep.equal([{ failures: 4, delayMs: 10, maxDelayMs: 100, error }]);
    expect(seen[0]?.error).to.equal(error);
  });

  it('takes jitter off the wait, and asks for none where there is nothing to take it off', () => {
    const { engine, policy } = own(() => 1_000);
    const asked: string[] = [];
    const random = { keyed: (key: string) => asked.push(key) / 2 };
    const retry = { ...RETRY_DEFAULTS, ...policy, jitter: 0.5 };
    expect(engine.waitOf(retry, 1, undefined, random, 'a/b')).to.equal(75);
    expect(asked).to.deep.equal(['a/b']);
    expect(engine.waitOf({ ...RETRY_DEFAULTS, jitter: 1 }, 1, undefined, never, '')).to.equal(0);
  });

  it('takes an endless wait, and any that is longer than allowed, for the longest', () => {
    for (const wait of [101, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      const { engine, policy } = own(() => wait);
      expect(waits(engine, policy, [1])).to.deep.equal([100]);
    }
    const { engine, policy } = own(() => 100);
    expect(waits(engine, policy, [1])).to.deep.equal([100]);
    const zero = own(() => 0);
    expect(waits(zero.engine, zero.policy, [1])).to.deep.equal([0]);
  });

  for (const [name, answer] of [
    ['not a number', Number.NaN],
    ['negative', -0.001],
    ['minus infinity', Number.NEGATIVE_INFINITY],
    ['nothing', undefined],
    ['null', null],
    ['a text', '5'],
    ['a bigint', 5n],
    ['an object whose then throws', Object.defineProperty({}, 'then', { get: fail })],
  ] as const) {
    it(`refuses the answer of a strategy that is ${name}`, () => {
      const { engine, policy } = own(() => answer);
      const error = caught(() => waits(engine, policy, [1]));
      expect(error).to.include({ code: 'STRATEGY_THREW', at: 'own' });
      expect(error.message).to.contain('Retry strategy "own" answered no number of milliseconds.');
      expect(Object.is(error.value, answer)).to.equal(true);
    });
  }

  it('refuses a promise as an answer, and handles its rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { engine, policy } = own(async () => Promise.reject(new Error('late')));
    expect(codeThrownBy(() => waits(engine, policy, [1]))).to.equal('STRATEGY_THREW');
    await turn();
    process.off('unhandledRejection', note);
    expect(unhandled).to.deep.equal([]);
  });

  it('says which strategy threw, and what', () => {
    const cause = new TypeError('in there');
    const { engine, policy } = own(() => {
      throw cause;
    });
    expect(() => waits(engine, policy, [1]))
      .to.throw('Retry strategy "own" threw.')
      .that.includes({ code: 'STRATEGY_THREW', at: 'own', cause });
  });

  it('says that there is no strategy of a name, and which was meant', () => {
    const engine = new RetryPolicyEngine();
    expect(engine.unknown('linear')).to.equal(undefined);
    expect(engine.unknown('liner')).to.equal('There is no retry strategy "liner". Did you mean "linear"?');
    expect(() => waits(engine, { backoff: { strategy: 'liner' } }, [1]))
      .to.throw('There is no retry strategy "liner". Did you mean "linear"?')
      .that.includes({ code: 'UNKNOWN_STRATEGY', value: 'liner' });
  });

  it('replaces a strategy of its own, never a built-in one', () => {
    const { engine, policy } = own(() => 1);
    engine.register('own', () => 2);
    expect(engine.strategies).to.deep.equal(['fixed', 'linear', 'exponential', 'own']);
    expect(waits(engine, policy, [1])).to.deep.equal([2]);
    for (const name of ['fixed', 'linear', 'exponential'])
      expect(() => engine.register(name, () => 1)).to.throw(`Strategy "${name}" is built in and cannot be replaced.`);
    expect(waits(engine, { backoff: 'fixed', delayMs: 10 }, [1])).to.deep.equal([10]);
  });

  it('refuses names and strategies that are none', () => {
    const engine = new RetryPolicyEngine();
    for (const name of ['', 5, undefined])
      expect(() => engine.register(name as string, () => 1), String(name))
        .to.throw('The name of a strategy is a non-empty string.')
        .that.includes({ code: 'INVALID_OPTION', at: 'registerRetryStrategy', value: name });
    expect(() => engine.register('own', 5 as never)).to.throw('Strategy "own" is not a function.');
    expect(engine.strategies).to.have.length(3);
  });

  it('holds each error to be retried once, and gives a list that changes nothing', () => {
    const engine = new RetryPolicyEngine();
    engine.addRetriable('E_1');
    engine.addRetriable(TypeError);
    engine.addRetriable('E_1');
    expect(engine.retriable).to.deep.equal(['E_1', TypeError]);
    (engine.retriable as unknown[]).length = 0;
    expect(engine.retriable).to.have.length(2);
    expect(codeThrownBy(() => engine.addRetriable(5 as never))).to.equal('INVALID_OPTION');
  });
});

function fail(): never {
  throw new Error('do not read me');
}
