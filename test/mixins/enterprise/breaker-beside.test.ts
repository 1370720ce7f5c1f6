import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../../src/runtimes/async-local-runtime.js';
import { seededIds, VirtualClock } from '../../../src/testing/index.js';
import { deferred, turn } from '../../support/deferred.js';

/** A node that ends when it is told to, and a workflow `w` of that one node `step`. */
function held(capabilities: NodeCapabilities = {}) {
  const calls: ReturnType<typeof deferred<string>>[] = [];
  const node = defineNode({
    name: 'held',
    version: '1',
    outputs: { got: type<string>() },
    async: true,
    ...capabilities,
    run: async () => {
      const call = deferred<string>();
      calls.push(call);
      return { got: await call.promise };
    },
  });
  const w = workflow('w');
  w.add('step', node({}));
  return { flow: w.build(), calls, node };
}

const brief = { failures: 1, openMs: 100, successes: 2 };

async function withRuntime(
  options: AsyncLocalRuntimeOptions,
  body: (runtime: AsyncLocalRuntime, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock();
  await using runtime = new AsyncLocalRuntime({ clock, ids: seededIds(), ...options });
  await body(runtime, clock);
}

const codeOf = (outcome: RunOutcome<unknown>): string | undefined =>
  outcome.status === 'failed' ? outcome.error.failure.code : outcome.status;

describe('a breaker in AsyncLocalRuntime, several runs beside each other', () => {
  const options = { executors: { 'function.held': { breaker: brief } } };

  it('half-open, lets one of them probe; the others are refused, and do not wait', () =>
    withRuntime(options, async (runtime, clock) => {
      const { flow, calls } = held();
      const state = () => runtime.getCircuitBreakers().get('function.held');
      const first = runtime.settle(flow);
      await turn();
      calls[0]?.reject(new Error('down'));
      expect(codeOf(await first)).to.equal('NODE_THREW');
      clock.advance(100);
      const probe = runtime.settle(flow);
      const others = await Promise.all([runtime.settle(flow), runtime.settle(flow)]);
      expect(others.map(codeOf)).to.deep.equal(['BREAKER_OPEN', 'BREAKER_OPEN']);
      expect(state()).to.include({ state: 'half-open', refused: 2 });
      calls[1]?.resolve('up');
      expect(codeOf(await probe)).to.equal('completed');
      const second = runtime.settle(flow);
      await turn();
      calls[2]?.resolve('up');
      await second;
      expect(state()).to.include({ state: 'closed' });
      expect(calls).to.have.length(3);
    }));

  it('takes a probe whose run was cancelled for none, and lets the next one through', () =>
    withRuntime(options, async (runtime, clock) => {
      const { flow, calls } = held();
      await Promise.all([runtime.settle(flow), turn().then(() => calls[0]?.reject(new Error('down')))]);
      clock.advance(100);
      const canceller = new AbortController();
      const probe = runtime.settle(flow, {}, { signal: canceller.signal });
      await turn();
      canceller.abort(new Error('enough'));
      expect((await probe).status).to.equal('cancelled');
      expect(runtime.getCircuitBreakers().get('function.held').state).to.equal('half-open');
      const next = runtime.settle(flow);
      await turn();
      expect(calls).to.have.length(3);
      calls[2]?.resolve('up');
      calls[1]?.reject(new Error('late, of the one that was cancelled'));
      expect(codeOf(await next)).to.equal('completed');
      expect(runtime.getCircuitBreakers().get('function.held').state).to.equal('half-open');
    }));

  it('does not count what was let through before it opened', () =>
    withRuntime(options, async (runtime) => {
      const { flow, calls } = held();
      const runs = [runtime.settle(flow), runtime.settle(flow)];
      await turn();
      calls[0]?.reject(new Error('down'));
      await runs[0];
      const { retryAt } = runtime.getCircuitBreakers().get('function.held');
      calls[1]?.resolve('up');
      expect(codeOf((await runs[1]) as RunOutcome<unknown>)).to.equal('completed');
      expect(runtime.getCircuitBreakers().get('function.held')).to.include({ state: 'open', retryAt, failures: 1 });
    }));

  it('keeps runs of one id apart', () =>
    withRuntime(options, async (runtime, clock) => {
      const { flow, calls } = held();
      await Promise.all([runtime.settle(flow), turn().then(() => calls[0]?.reject(new Error('down')))]);
      clock.advance(100);
      const probe = runtime.settle(flow, {}, { runId: 'same' });
      expect(codeOf(await runtime.settle(flow, {}, { runId: 'same' }))).to.equal('BREAKER_OPEN');
      expect(runtime.getCircuitBreakers().get('function.held').state, 'its probe is still out').to.equal('half-open');
      calls[1]?.resolve('up');
      expect(codeOf(await probe)).to.equal('completed');
    }));

  it('does not count an attempt that was too late before it started', () =>
    withRuntime(
      {
        executors: {
          'function.held': { breaker: { rate: 0.5, windowSize: 3 }, limit: { maxConcurrency: 1 } },
        },
      },
      async (runtime, clock) => {
        const { node, calls } = held();
        const w = workflow('w');
        w.add('late', node({}), { retry: { attempts: 2, delayMs: 10 }, totalTimeoutMs: 50 });
        w.add('other', node({}));
        const run = runtime.settle(w.build());
        await turn();
        calls[0]?.reject(new Error('first'));
        await turn(); // the other holds the slot now
        clock.advance(60);
        calls[1]?.resolve('second');
        const outcome = await run;
        if (outcome.status !== 'failed') throw new Error(outcome.status);
        expect(outcome.node('late').failures.map(({ error }) => error.code)).to.deep.equal([
          'NODE_THREW',
          'NODE_TIMEOUT',
        ]);
        expect(calls).to.have.length(2);
        expect(runtime.getCircuitBreakers().get('function.held')).to.include({ state: 'closed', failures: 1 });
      },
    ));

  it('is not forgotten while an attempt is in flight', () =>
    withRuntime(options, async (runtime) => {
      const { flow, calls } = held();
      const run = runtime.settle(flow);
      await turn();
      expect(runtime.optimizeRuntimePerformance().after.breakers).to.equal(1);
      calls[0]?.reject(new Error('down'));
      await run;
      expect(codeOf(await runtime.settle(flow))).to.equal('BREAKER_OPEN');
    }));
});
