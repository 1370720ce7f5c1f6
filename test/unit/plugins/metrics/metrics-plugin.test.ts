import { expect } from 'chai';
import { AsyncLocalRuntime, defineNode, LocalRuntime, type, type Workflow, workflow } from '../../../../src/index.js';
import {
  ALL_INSTRUMENTS,
  INSTRUMENTS,
  type Instrument,
  LABELS,
  type Labels,
  METRICS,
  type MetricsSink,
  memoryMetrics,
  metricsPlugin,
  prometheusName,
} from '../../../../src/plugins/metrics/index.js';
import { MemoryLog } from '../../../../src/testing/memory-log.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { refusal } from '../../../support/caught.js';
import { branching, coded, failing, gated, straight, taking } from '../../../support/metered-workflows.js';

/** A node that ends when it is told to. */
function stuckNode() {
  let release = (): void => {};
  const node = defineNode({
    name: 'stuck',
    outputs: { n: type<number>() },
    async: true,
    run: () =>
      new Promise<{ n: number }>((resolve) => {
        release = () => resolve({ n: 1 });
      }),
  });
  return { node, release: () => release() };
}

describe('metricsPlugin', () => {
  it('provides its sink as METRICS', () => {
    const sink = memoryMetrics();
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })] });
    expect(runtime.get(METRICS)).to.equal(sink);
  });

  it('gives a sink of your own the labels of a series always as one frozen object', () => {
    const seen = new Map<string, Set<Labels>>();
    const add = ({ name }: Instrument, _: number, labels: Labels) => {
      expect(Object.isFrozen(labels)).to.equal(true);
      const key = `${name} ${JSON.stringify(labels)}`;
      seen.set(key, (seen.get(key) ?? new Set()).add(labels));
    };
    const sink: MetricsSink = { add, set: add, record: add };
    const clock = new VirtualClock();
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink, maxSeries: 1 })], clock });
    for (let run = 0; run < 3; run++) runtime.execute(straight(clock));
    expect([...seen.keys()].filter((key) => key.includes('"other"'))).to.have.length(2);
    expect(seen.size).to.equal(7);
    for (const [key, objects] of seen) expect(objects.size, key).to.equal(1);
  });

  it('touches no run when the sink throws, and says so in the log', async () => {
    const broken = (): never => {
      throw new Error('disk full');
    };
    for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
      const clock = new VirtualClock();
      const log = new MemoryLog();
      const sink = { add: broken, set: broken, record: broken };
      const runtime = new Runtime({ plugins: [metricsPlugin({ sink })], clock, log });
      expect((await runtime.execute(straight(clock))).status).to.equal('completed');
      await runtime.close();
      expect(log.entries.map(({ level, message }) => `${level} ${message}`)).to.deep.equal([
        'error The listener of "started" threw; the run goes on.',
        'error The listener of "attempt" threw; the run goes on.',
        'error The listener of "attempt" threw; the run goes on.',
        'error The listener of "ended" threw; the run goes on.',
      ]);
    }
  });

  it('leaves out nodes that say so', () => {
    const clock = new VirtualClock();
    const sink = memoryMetrics();
    const w = workflow('quiet');
    const a = w.add('a', taking(clock, 'read', 5)({ n: 1 }), { metrics: false });
    w.add('b', taking(clock, 'write', 5)({ n: a.out.n }));
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })], clock });
    runtime.execute(w.build());
    expect(sink.value('lockstep.attempts', { executor: 'function.read' })).to.equal(0);
    expect(sink.value('lockstep.attempts', { executor: 'function.write' })).to.equal(1);
  });

  it('takes runs away that the runtime did not wait for when it closed', async () => {
    const sink = memoryMetrics();
    const plugin = metricsPlugin({ sink });
    const runtime = new AsyncLocalRuntime({ plugins: [plugin] });
    const { node, release } = stuckNode();
    const w = workflow('stuck');
    w.add('stuck', node());
    const run = runtime.execute(w.build());
    await new Promise(setImmediate);
    expect(sink.value('lockstep.run.active')).to.equal(1);
    await runtime.close({ signal: AbortSignal.abort() }).catch(() => undefined);
    expect(sink.value('lockstep.run.active')).to.equal(0);
    release();
    await run;
    await new AsyncLocalRuntime({ plugins: [plugin] }).close();
    const later = new AsyncLocalRuntime({ plugins: [plugin] });
    await later.start();
    await later.close();
    expect(sink.value('lockstep.run.active')).to.equal(0);
  });

  it('keeps the runs of another runtime when one of those that share it closes', async () => {
    const sink = memoryMetrics();
    const plugin = metricsPlugin({ sink });
    const first = new AsyncLocalRuntime({ plugins: [plugin] });
    const second = new AsyncLocalRuntime({ plugins: [plugin] });
    const { node, release } = stuckNode();
    const w = workflow('stuck');
    w.add('stuck', node());
    await first.start();
    const run = second.execute(w.build());
    await new Promise(setImmediate);
    await first.close();
    expect(sink.value('lockstep.run.active')).to.equal(1);
    release();
    await run;
    expect(sink.value('lockstep.run.active')).to.equal(0);
    await second.close();
  });

  it('refuses what is no sink and no option', () => {
    const sink = memoryMetrics();
    const wrong = (options: object) => refusal(() => metricsPlugin(options as never));
    for (const none of [undefined, null, {}, { add: 1, set: 1, record: 1 }, { add() {}, set() {} }])
      expect(wrong({ sink: none })).to.include({ code: 'INVALID_OPTION', at: 'metricsPlugin.sink' });
    for (const maxSeries of [0, -1, 1.5, '5', Number.NaN, null])
      expect(wrong({ sink, maxSeries })).to.include({ code: 'INVALID_OPTION', at: 'metricsPlugin.maxSeries' });
    expect(wrong({ sink, nodes: 1 })).to.include({ code: 'INVALID_OPTION', at: 'metricsPlugin.nodes' });
    expect(wrong({ sink, node: true })).to.include({ code: 'UNKNOWN_OPTION' });
    expect(refusal(() => metricsPlugin(undefined as never))).to.include({ code: 'INVALID_OPTION' });
    expect(refusal(() => new LocalRuntime({ plugins: [metricsPlugin({ sink }), metricsPlugin({ sink })] }))).to.include(
      { code: 'PLUGIN_DUPLICATE' },
    );
  });
});

describe('The label error_type', () => {
  it('shows codes, and nothing that only stands where a code should', () => {
    const shown = (code: string) => {
      const sink = memoryMetrics();
      using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })] });
      const w = workflow('w');
      w.fn('bad', {}, () => {
        throw coded(code);
      });
      runtime.settle(w.build());
      return sink.series().find(({ name }) => name === 'lockstep.run.errors')?.labels.error_type;
    };
    for (const code of ['ENOENT', 'ERR_HTTP2.x', '23505', 'a'.repeat(64), 'ns:Code-1'])
      expect(shown(code)).to.equal(code);
    for (const code of ['a'.repeat(65), 'two words', 'a,b', '"', 'x@y.z']) expect(shown(code)).to.equal('other');
  });
});

describe('The table of instruments', () => {
  it('has names that Prometheus and OpenTelemetry take, each once', () => {
    for (const { name, unit, description, labels } of ALL_INSTRUMENTS) {
      expect(labels, name).to.not.have.length(0);
      expect(name).to.match(/^lockstep(\.[a-z_]+)+$/);
      expect(unit, name).to.match(/^(s|\{[a-z]+\})$/);
      expect(description, name).to.match(/^[A-Z1].*\.$/);
    }
    const names = ALL_INSTRUMENTS.map(prometheusName);
    expect(new Set(names).size).to.equal(names.length);
    for (const name of names) expect(name).to.match(/^lockstep_[a-z_]+$/);
  });

  it('derives names for Prometheus with unit and kind', () => {
    expect(prometheusName(INSTRUMENTS.runs)).to.equal('lockstep_runs_total');
    expect(prometheusName(INSTRUMENTS.runDuration)).to.equal('lockstep_run_duration_seconds');
    expect(prometheusName(INSTRUMENTS.activeRuns)).to.equal('lockstep_run_active');
  });

  it('never tells series apart by what has no end by nature', () => {
    const used = new Set(ALL_INSTRUMENTS.flatMap(({ labels }) => labels));
    expect([...used].sort()).to.deep.equal(Object.keys(LABELS).sort());
    const attributes = Object.values(LABELS).map(({ attribute }) => attribute);
    for (const endless of ['lockstep.run.id', 'lockstep.node.scope']) expect(attributes).to.not.include(endless);
  });
});

describe('What metricsPlugin keeps', () => {
  it('does not grow with the number of runs, however they end', () => {
    const clock = new VirtualClock();
    const sink = memoryMetrics();
    const flows = [straight(clock), branching(clock), failing(clock), gated(clock)];
    const runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink, nodes: true })], clock });
    const many = (runs: number) => {
      for (let run = 0; run < runs; run++) {
        for (const flow of flows) runtime.settle(flow);
        runtime.settle(flows[0] as Workflow, undefined, { signal: AbortSignal.abort() });
        expect(runtime.settle(undefined as never).status).to.equal('rejected');
      }
    };
    many(3);
    const series = sink.series().length;
    many(200);
    expect(sink.series().length).to.equal(series);
    expect(sink.value('lockstep.runs')).to.equal(203 * 4);
    expect(sink.value('lockstep.run.waits')).to.equal(203);
    runtime.close(); // takes away what it still holds to be in flight: nothing
    for (const { name, value } of sink.series()) if (name === 'lockstep.run.active') expect(value).to.equal(0);
  });
});
