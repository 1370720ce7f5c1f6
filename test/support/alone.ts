import { BaseRuntime } from '../../src/base/base-runtime.js';
import { plainBytes } from '../../src/base/history/bytes.js';
import type { ExecuteArguments, ExecutedRun, RunOutcome } from '../../src/base/outcome.js';
import type { Ports } from '../../src/base/ports.js';
import { RunRejectedError } from '../../src/base/run-errors.js';
import { type ResolvedOptions, RUNTIME_DEFAULTS } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import type { AbstractConstructor } from '../../src/mixins/constructor.js';
import { nodeHash } from '../../src/runtimes/node-ports.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { seededIds, seededRandom } from '../../src/testing/seeded.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** The smallest runtime there can be: it drives the hooks of one mixin, synchronously, and waits for nothing. */
export interface Driven extends BaseRuntime {
  settle<Params, Output>(workflow: Workflow<Params, Output>, ...args: ExecuteArguments<Params>): RunOutcome<Output>;
  execute<Params, Output>(workflow: Workflow<Params, Output>, ...args: ExecuteArguments<Params>): ExecutedRun<Output>;
}

/**
 * A runtime with one mixin and no other: `new (alone(ValidationMixin))({ validation: 'strict' }, { access })`. Options and ports
 * that are left out are the defaults, virtual time, seeded ids and random, and a log in memory.
 */
export function alone<Features>(
  mixin: (Base: AbstractConstructor<BaseRuntime>) => AbstractConstructor<Features> & AbstractConstructor<BaseRuntime>,
): new (
  options?: Partial<ResolvedOptions>,
  ports?: Partial<Ports>,
) => Driven & Features {
  const Mixed = mixin(BaseRuntime) as AbstractConstructor<BaseRuntime>;
  class Alone extends Mixed implements Driven {
    constructor(options: Partial<ResolvedOptions> = {}, ports: Partial<Ports> = {}) {
      const base: Ports = {
        clock: new VirtualClock(),
        ids: seededIds(),
        random: seededRandom(1),
        log: new MemoryLog(),
        hash: nodeHash,
        secrets: undefined,
        access: undefined,
        readings: { memory: () => ({ rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 2 }), eventLoopDelayMs: () => 0 },
        store: undefined,
        bytes: plainBytes,
      };
      super({ ...RUNTIME_DEFAULTS, ...options }, { ...base, ...ports });
    }

    override settle<Params, Output>(
      workflow: Workflow<Params, Output>,
      ...[parameters, options]: ExecuteArguments<Params>
    ): RunOutcome<Output> {
      try {
        const run = this.openRun(this.requestRun(workflow, parameters, options), () => undefined);
        this.beginRun(run, this.loadSecrets(run) as ReadonlyMap<string, string>);
        for (let attempt = run.execution.next(run.now); attempt !== undefined; attempt = run.execution.next(run.now))
          this.perform(run, attempt);
        return this.closeRun(run);
      } catch (error) {
        if (error instanceof RunRejectedError) return { status: 'rejected', runId: error.runId, error };
        throw error;
      }
    }

    override execute<Params, Output>(
      workflow: Workflow<Params, Output>,
      ...args: ExecuteArguments<Params>
    ): ExecutedRun<Output> {
      return this.unwrapOutcome(this.settle(workflow, ...args));
    }
  }
  return Alone as unknown as new (
    options?: Partial<ResolvedOptions>,
    ports?: Partial<Ports>,
  ) => Driven & Features;
}
