import { expect } from 'chai';
import type { Readings } from '../../../src/base/ports.js';
import type { ResourceOptions } from '../../../src/base/resource-options.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { everyWay } from '../../support/every-way.js';
import { Gauge, held } from '../../support/gauge.js';

/** What a process says of itself, as a function of the time. */
class ScriptedReadings implements Readings {
  readonly #gauge: Gauge;
  readonly #rss: (time: number) => number;
  readonly #delay: (time: number) => number;
  /** When it was asked. */
  readonly asked: number[] = [];

  constructor(gauge: Gauge, rss: (time: number) => number, delay: (time: number) => number = () => 0) {
    this.#gauge = gauge;
    this.#rss = rss;
    this.#delay = delay;
  }

  memory() {
    this.asked.push(this.#gauge.time);
    return { rssBytes: this.#rss(this.#gauge.time), heapUsedBytes: 1, heapLimitBytes: 2 };
  }

  eventLoopDelayMs(): number {
    return this.#delay(this.#gauge.time);
  }
}

/** Nodes one after another, each taking 10 ms. */
function chain(gauge: Gauge, count: number) {
  const w = workflow('chain');
  for (let each = 0; each < count; each++)
    w.add(`n${each}`, gauge.node('work', 10)({}), each === 0 ? {} : { after: `n${each - 1}` });
  return w.build();
}

const RSS: ResourceOptions = { maxRssBytes: 100 };
const DELAY: ResourceOptions = { maxEventLoopDelayMs: 50 };

async function run(
  resources: ResourceOptions,
  rss: (time: number) => number,
  delay: (time: number) => number = () => 0,
  count = 2,
) {
  const gauge = new Gauge();
  const readings = new ScriptedReadings(gauge, rss, delay);
  const runtime = gauge.runtime({ resources, readings });
  const outcome = await gauge.until(runtime.settle(chain(gauge, count), {}, { runId: 'A' }));
  const metrics = runtime.getResourceMetrics();
  expect(held(metrics).nothing).to.equal(true);
  const failure = outcome.status === 'failed' ? outcome.error.failure : undefined;
  return { starts: gauge.starts, failure, exhausted: metrics.exhausted, asked: readings.asked, tookMs: gauge.time };
}

describe('A limit of memory', () => {
  it('that is not passed changes nothing; what is exactly as much does not pass it', async () => {
    const { starts, exhausted } = await run(RSS, () => 100);
    expect([starts, exhausted]).to.deep.equal([['A n0@0', 'A n1@10'], 0]);
  });

  it('lets attempts wait until there is enough, looking every 100 ms', async () => {
    const { starts, failure, exhausted } = await run(RSS, (time) => (time < 250 ? 101 : 99));
    expect([starts, failure, exhausted]).to.deep.equal([['A n0@300', 'A n1@310'], undefined, 0]);
  });

  it('looks as often as it is told, and not for every attempt', async () => {
    const { starts, asked } = await run({ ...RSS, checkEveryMs: 15 }, (time) => (time < 40 ? 101 : 99), undefined, 4);
    expect(starts).to.deep.equal(['A n0@45', 'A n1@55', 'A n2@65', 'A n3@75']);
    expect(asked.filter((time) => time < 80)).to.deep.equal([0, 15, 30, 45, 65]);
  });

  it('is looked at once for all attempts of one moment', async () => {
    const gauge = new Gauge();
    const readings = new ScriptedReadings(gauge, () => 99);
    const runtime = gauge.runtime({ resources: RSS, readings });
    const w = workflow('wide');
    for (const id of ['a', 'b', 'c']) w.add(id, gauge.node('work', 1)({}));
    await gauge.until(runtime.execute(w.build()));
    expect(readings.asked).to.deep.equal([0]);
  });

  it('rejects where it is told to, and says how much there is', async () => {
    const { starts, failure, exhausted, tookMs } = await run({ ...RSS, whenExhausted: 'reject' }, (time) =>
      time < 10 ? 5 : 123,
    );
    // What was read at 0 holds for 100 ms.
    expect([starts, failure]).to.deep.equal([['A n0@0', 'A n1@10'], undefined]);
    expect([exhausted, tookMs]).to.deep.equal([0, 20]);
    const often = await run({ ...RSS, whenExhausted: 'reject', checkEveryMs: 1 }, (time) => (time < 10 ? 5 : 123));
    expect(often.starts).to.deep.equal(['A n0@0']);
    expect(often.failure).to.deep.equal({
      name: 'AttemptError',
      code: 'RESOURCE_EXHAUSTED',
      message:
        'Node "n1" was not started: the process holds 123 bytes of memory, more than 100. Try again later, do less at once, or raise the limit of the resource.',
    });
    expect(often.exhausted).to.equal(1);
  });

  it('can be tried again, as the policy of the node says', async () => {
    const gauge = new Gauge();
    const readings = new ScriptedReadings(gauge, (time) => (time < 100 ? 101 : 99));
    const resources: ResourceOptions = { ...RSS, whenExhausted: 'reject', checkEveryMs: 1 };
    const runtime = gauge.runtime({
      resources,
      readings,
      capabilities: { retry: { attempts: 9, delayMs: 30, backoff: 'fixed' } },
    });
    await gauge.until(runtime.execute(chain(gauge, 1), {}, { runId: 'A' }));
    expect(gauge.starts).to.deep.equal(['A n0@120']);
    expect(runtime.getResourceMetrics().exhausted).to.equal(4);
  });

  it('is looked at when an attempt starts, also one that waited for a slot', async () => {
    const gauge = new Gauge();
    const readings = new ScriptedReadings(gauge, (time) => (time >= 10 && time < 200 ? 101 : 99));
    const runtime = gauge.runtime({ readings, resources: { ...RSS, checkEveryMs: 10, limits: { maxConcurrency: 1 } } });
    const w = workflow('wide');
    for (const id of ['a', 'b']) w.add(id, gauge.node('work', 10)({}));
    await gauge.until(runtime.execute(w.build(), {}, { runId: 'A' }));
    expect(gauge.starts).to.deep.equal(['A a@0', 'A b@200']);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it('gives the slot back of an attempt that it rejects', async () => {
    const gauge = new Gauge();
    const readings = new ScriptedReadings(gauge, (time) => (time >= 10 && time < 20 ? 101 : 99));
    const resources: ResourceOptions = {
      ...RSS,
      whenExhausted: 'reject',
      checkEveryMs: 1,
      limits: { maxConcurrency: 1 },
    };
    const runtime = gauge.runtime({ readings, resources });
    const w = workflow('wide');
    for (const id of ['a', 'b', 'c']) w.try(id, gauge.node('work', 10)({}));
    const outcome = await gauge.until(runtime.execute(w.build(), {}, { runId: 'A' }));
    const codes = [...outcome.nodes.values()].map(({ id, error }) => `${id} ${error?.code ?? 'fine'}`);
    expect(codes).to.deep.equal(['a fine', 'b RESOURCE_EXHAUSTED', 'c RESOURCE_EXHAUSTED']);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it('looks again when the clock goes backwards', () => {
    let now = 1_000_000;
    let rss = 99;
    const readings = {
      memory: () => ({ rssBytes: rss, heapUsedBytes: 1, heapLimitBytes: 2 }),
      eventLoopDelayMs: () => 0,
    };
    const clock = {
      now: () => now,
      sleepSync: () => expect.fail('nothing is to be waited for'),
      setTimer: () => () => undefined,
      yieldTurn: () => undefined,
      onStall: () => () => undefined,
    };
    using runtime = new LocalRuntime({ clock, readings, resources: { ...RSS, checkEveryMs: 60_000 } });
    const w = workflow('back');
    w.fn('a', {}, () => {
      now -= 1;
      rss = 101;
    });
    w.fn('b', {}, () => 1, { after: 'a' });
    const outcome = runtime.settle(w.build());
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('RESOURCE_EXHAUSTED');
  });

  it('that never gets better is ended by the limit of the run', async () => {
    const gauge = new Gauge();
    const readings = new ScriptedReadings(gauge, () => 101);
    const runtime = gauge.runtime({ resources: RSS, readings });
    const outcome = await gauge.until(runtime.settle(chain(gauge, 1), {}, { timeoutMs: 350 }));
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('RUN_TIMEOUT');
    expect([gauge.time, gauge.starts]).to.deep.equal([350, []]);
  });
});

describe('A limit of the delay of the event loop', () => {
  it('lets attempts wait, or rejects them, and says how late it is', async () => {
    const { starts } = await run(
      DELAY,
      () => 0,
      (time) => (time < 150 ? 51 : 50),
    );
    expect(starts).to.deep.equal(['A n0@200', 'A n1@210']);
    const { failure } = await run(
      { ...DELAY, whenExhausted: 'reject' },
      () => 0,
      () => 72.5,
    );
    expect(failure?.message).to.contain('Node "n0" was not started: the event loop is 72.5 ms late, more than 50.');
  });

  it('is looked at beside that of memory', async () => {
    const { failure } = await run(
      { ...RSS, ...DELAY, whenExhausted: 'reject' },
      () => 7,
      () => 51,
    );
    expect(failure?.message).to.contain('the event loop is 51 ms late');
    const both = await run(
      { ...RSS, ...DELAY, whenExhausted: 'reject' },
      () => 101,
      () => 51,
    );
    expect(both.failure?.message).to.contain('the process holds 101 bytes');
  });
});

describe('Limits of the process in LocalRuntime', () => {
  it('always reject: nothing gets better while its thread waits', () => {
    for (const resources of [RSS, { ...RSS, whenExhausted: 'defer' as const }, DELAY]) {
      const gauge = new Gauge();
      const readings = new ScriptedReadings(
        gauge,
        () => 101,
        () => 51,
      );
      using runtime = new LocalRuntime({ clock: gauge.clock, readings, resources });
      const w = workflow('one');
      w.add('n', gauge.syncNode('work', 1)({}));
      const outcome = runtime.settle(w.build());
      expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('RESOURCE_EXHAUSTED');
      expect([gauge.time, runtime.getResourceMetrics().exhausted]).to.deep.equal([0, 1]);
    }
  });

  it(
    'are the same in every way of running where they reject',
    everyWay(async (way) => {
      const gauge = new Gauge();
      const w = workflow('tried');
      w.try('n', gauge.syncNode('work', 1)({}));
      const readings = new ScriptedReadings(gauge, () => 101);
      const result = await way.complete(w.build(), {
        runtime: { clock: gauge.clock, readings, resources: { ...RSS, whenExhausted: 'reject' } },
      });
      expect(result.node('n').error?.code).to.equal('RESOURCE_EXHAUSTED');
    }),
  );
});
