import { expect } from 'chai';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, VirtualClock } from '../../../src/testing/index.js';
import { fetching } from '../../support/governed.js';

/** A clock that somebody sets back. */
class SetBack extends VirtualClock {
  #back = 0;

  override now(): number {
    return super.now() - this.#back;
  }

  setBack(ms: number): void {
    this.#back += ms;
  }
}

const options = {
  performanceMonitoring: true,
  executors: { 'function.fetch': { breaker: { failures: 1, openMs: 100, successes: 1 } } },
};

for (const Runtime of [LocalRuntime, AsyncLocalRuntime])
  describe(`a clock that is set back, in ${Runtime.name}`, () => {
    it('opens no breaker early, and keeps none open for longer than its time', async () => {
      const clock = new SetBack(10_000);
      const runtime = new Runtime({ ...options, clock, ids: seededIds() });
      const fetch = fetching();
      const w = workflow('w', { params: { how: type<string>() } });
      w.try('step', fetch.node({ how: w.params.how }), { retry: { attempts: 1 }, cache: { ttlMs: 100 } });
      const flow = w.build();
      const tell = async (how: string): Promise<string> => {
        const outcome = await advanceUntil(async () => runtime.settle(flow, { how }), clock);
        return outcome.status === 'completed' ? (outcome.node('step').error?.code ?? 'ok') : outcome.status;
      };
      expect(await tell('known')).to.equal('ok');
      expect(await tell('fail')).to.equal('E_FETCH');
      clock.setBack(5_000);
      expect(await tell('ok')).to.equal('BREAKER_OPEN');
      clock.advance(5_000 + 99);
      expect(await tell('ok')).to.equal('BREAKER_OPEN');
      clock.advance(1);
      expect(await tell('ok')).to.equal('ok');
      const { attempts, busyMs } = runtime.getExecutionMetrics('run-1');
      expect([attempts.completed, busyMs]).to.deep.equal([1, 0]);
      expect(await tell('known'), 'as old as it may be').to.equal('ok');
      expect(fetch.calls).to.deep.equal(['known', 'fail', 'ok', 'known']);
      expect(runtime.getRetryAnalytics()).to.include({ waitedMs: 0, attempts: 6 });
      await runtime.close();
    });
  });
