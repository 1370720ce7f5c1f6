import { expect } from 'chai';
import { workflow } from '../../../src/base/workflow-builder.js';
import { type ChromeTrace, type TraceEvent, toChromeTrace } from '../../../src/report/index.js';
import { answered, busyItems, charges, failing, family, hostileChildren } from '../../support/report-children.js';
import { diamond, eventful, flaky, hostile, large, recorded, turning } from '../../support/report-runs.js';

type Slice = Extract<TraceEvent, { ph: 'X' }>;

function slicesOf({ traceEvents }: ChromeTrace, cat?: string): Slice[] {
  const slices = traceEvents.filter((event): event is Slice => event.ph === 'X');
  return cat === undefined ? slices : slices.filter((slice) => slice.cat === cat);
}

/** What must hold of any trace, so that Perfetto draws all of it. */
function check(trace: ChromeTrace): void {
  const { traceEvents } = JSON.parse(JSON.stringify(trace)) as ChromeTrace;
  const timed = traceEvents.filter((event) => event.ph !== 'M');
  for (const [index, event] of timed.entries()) {
    expect(event.ts)
      .to.satisfy(Number.isInteger)
      .and.to.be.at.least(timed[index - 1]?.ts ?? 0);
    if (event.ph === 'X') expect(event.dur).to.satisfy(Number.isInteger).and.to.be.at.least(0);
  }
  const lanes = new Set(
    traceEvents.flatMap((event) => (event.ph === 'M' && event.name === 'thread_name' ? event.tid : [])),
  );
  for (const { tid } of timed) expect(lanes.has(tid)).to.equal(true);
  for (const tid of lanes) checkLane(slicesOf(trace).filter((slice) => slice.tid === tid));
  const arrows = timed.filter((event) => event.ph === 's' || event.ph === 'f');
  for (const id of new Set(arrows.map((arrow) => arrow.id))) {
    const [start, finish, ...more] = arrows.filter((arrow) => arrow.id === id);
    expect([start?.ph, finish?.ph, more.length]).to.deep.equal(['s', 'f', 0]);
    for (const end of [start, finish]) {
      const inside = slicesOf(trace).filter(
        ({ tid, ts, dur }) => tid === end?.tid && ts <= end.ts && end.ts <= ts + dur,
      );
      expect(inside).to.not.have.length(0);
    }
  }
}

/** On one lane slices lie side by side, or one inside the other. */
function checkLane(slices: readonly Slice[]): void {
  const open: number[] = [];
  for (const { ts, dur } of slices) {
    while (open.length > 0 && (open.at(-1) as number) <= ts) open.pop();
    if (open.length > 0) expect(ts + dur).to.be.at.most(open.at(-1) as number);
    open.push(ts + dur);
  }
}

describe('toChromeTrace', () => {
  it('places attempts that ran side by side on lanes of their own', async () => {
    const { run, events } = await recorded(diamond);
    const trace = toChromeTrace(run, { events });
    const attempts = slicesOf(trace, 'attempt').map(({ name, ts, dur, tid }) => [name, ts, dur, tid]);
    expect(attempts).to.deep.equal([
      ['start', 0, 10_000, 2],
      ['long', 10_000, 30_000, 3],
      ['short', 10_000, 20_000, 2],
      ['end', 40_000, 5000, 2],
    ]);
    expect(trace.traceEvents.filter(({ name }) => name.endsWith('_name'))).to.deep.equal([
      { ph: 'M', name: 'process_name', pid: 1, tid: 0, args: { name: 'diamond' } },
      { ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: { name: 'run' } },
      { ph: 'M', name: 'thread_name', pid: 1, tid: 2, args: { name: 'attempts 1' } },
      { ph: 'M', name: 'thread_name', pid: 1, tid: 3, args: { name: 'attempts 2' } },
    ]);
    expect(trace.traceEvents.filter(({ ph }) => ph === 's')).to.have.length(4);
    expect(trace.displayTimeUnit).to.equal('ms');
    expect(trace.otherData).to.include({
      workflow: 'diamond',
      status: 'completed',
      startedAt: '2024-01-01T00:00:00.000Z',
    });
  });

  it('names failures, and shows the wait before the next attempt', async () => {
    const { run, events } = await recorded(flaky);
    const slices = slicesOf(toChromeTrace(run, { events })).filter(({ args }) => args.node === 'call');
    expect(slices.map(({ name, ts, dur, cname }) => [name, ts, dur, cname])).to.deep.equal([
      ['call ✗ NO_ANSWER', 0, 10_000, 'terrible'],
      ['call waits to retry', 10_000, 100_000, 'white'],
      ['call (attempt 2) ✗ NO_ANSWER', 110_000, 10_000, 'terrible'],
      ['call waits to retry', 120_000, 100_000, 'white'],
      ['call (attempt 3)', 220_000, 10_000, undefined],
    ]);
    expect(slices[0]?.args).to.deep.equal({
      node: 'call',
      visit: 1,
      attempt: 1,
      status: 'failed',
      code: 'NO_ANSWER',
      reason: 'no answer 1',
    });
  });

  it('puts the iterations of a cycle inside the cycle, and arrows along its feedback', async () => {
    const { run, events } = await recorded(turning);
    const trace = toChromeTrace(run, { events });
    const lane = slicesOf(trace).filter(({ tid }) => tid === 2);
    expect(lane.map(({ name, ts, dur }) => [name, ts, dur])).to.deep.equal([
      ['cycle loop', 2000, 30_000],
      ['loop #1', 2000, 10_000],
      ['loop #2', 12_000, 10_000],
      ['loop #3', 22_000, 10_000],
    ]);
    expect(lane[0]?.args).to.deep.equal({ cycle: 'loop', iterations: 3, reason: 'converged' });
    // seed to halve, halve to look three times, look to halve twice, look to done.
    expect(trace.traceEvents.filter(({ ph }) => ph === 's')).to.have.length(7);
  });

  it('marks warnings and limits as moments', async () => {
    const { run, events } = await recorded(eventful);
    const moments = toChromeTrace(run, { events }).traceEvents.filter((event) => event.ph === 'i');
    expect(moments.map(({ name, cat }) => [cat, name])).to.deep.equal([
      ['limit', 'cycle pricing: max_iterations'],
      ['warning', 'warning not-converged'],
    ]);
  });

  it('shows what a time limit cut off, and both levels of the limit', async () => {
    const { run, events } = await recorded(
      (takes) => {
        const w = workflow('late');
        w.fn('slow', {}, () => takes(100, 1));
        return w.build() as never;
      },
      { timeoutMs: 50, softTimeoutMs: 20 },
    );
    const trace = toChromeTrace(run, { events });
    expect(slicesOf(trace).map(({ name, dur, cname }) => [name, dur, cname])).to.deep.equal([
      ['late ✗ failed', 50_000, 'terrible'],
      ['slow ✗ cancelled', 50_000, 'grey'],
    ]);
    const moments = trace.traceEvents.flatMap((event) => (event.ph === 'i' ? [[event.name, event.ts]] : []));
    expect(moments).to.deep.equal([
      ['soft time limit', 20_000],
      ['warning soft-timeout', 50_000],
      ['hard time limit', 50_000],
    ]);
  });

  it('names a cycle that failed, and its error', async () => {
    const { run, events } = await recorded((takes) => {
      const w = workflow('endless');
      const start = w.fn('start', {}, () => 1);
      const turn = w.fn('turn', { n: start.out.value }, ({ n }) => takes(3, n));
      w.cycle('loop', { feedback: [turn.out.value.to(turn.in.n)], maxIterations: 2, onMaxIterations: 'fail' });
      return w.build() as never;
    });
    const { traceEvents } = toChromeTrace(run, { events });
    const names = traceEvents.flatMap((event) => (event.ph !== 'M' && 'args' in event ? [event.name] : []));
    expect(names).to.include.members([
      'cycle loop ✗ max_iterations',
      'cycle loop: max_iterations',
      'cycle loop ✗ CYCLE_LIMIT',
    ]);
  });

  it('puts what children did inside their owner, and what ran beside it on lanes of its scope', async () => {
    const { run, events } = await recorded(family);
    const trace = toChromeTrace(run, { events });
    const names = trace.traceEvents.flatMap(({ ph, name, tid, ...rest }) =>
      ph === 'M' && name === 'thread_name' && 'args' in rest ? [`${tid} ${rest.args.name}`] : [],
    );
    expect(names).to.deep.equal([
      '1 run',
      '2 cycle loop',
      '3 attempts 1',
      '4 attempts 2',
      '5 all[…]/ 1',
      '6 all[…]/ 2',
    ]);
    const told = slicesOf(trace).filter(({ tid }) => tid > 2);
    expect(told.map(({ tid, cat, name, ts, dur }) => `${tid} ${cat} ${name} ${ts / 1000}+${dur / 1000}`)).to.deep.equal(
      [
        '4 attempt all 0+30',
        '5 item all[1] 0+30',
        '5 attempt wait 0+30',
        '6 item all[2] 0+10',
        '6 attempt wait 0+10',
        '4 item all[0] 0+5',
        '4 attempt wait 0+5',
        '3 attempt seed 0+2',
        '4 attempt list 0+0',
        '3 attempt settle 2+10',
        '3 attempt half 2+4',
        '3 attempt check 6+6',
        '3 attempt settle 12+10',
        '3 attempt half 12+4',
        '3 attempt check 16+6',
        '3 attempt done 30+1',
      ],
    );
    // seed to settle, settle to itself, list to all, both to done, and half to check in each visit.
    expect(trace.traceEvents.filter(({ ph }) => ph === 's')).to.have.length(7);
    expect(told[2]?.args).to.deep.equal({ scope: 'all[1]/', node: 'wait', visit: 1, attempt: 1, status: 'completed' });
  });

  it('shows the waits of gates in a colour of their own, and names the time in which the run only waited', async () => {
    const { waiting, resumed } = await answered();
    const told = (trace: ChromeTrace): unknown[] =>
      slicesOf(trace)
        .filter(({ cat }) => cat === 'gate' || cat === 'run-wait')
        .map(({ name, ts, dur, cname }) => [name, ts / 1000, dur / 1000, cname]);
    expect(told(toChromeTrace(resumed.run, { events: resumed.events }))).to.deep.equal([
      ['review ‖ approved', 4, 3_600_006, 'yellow'],
      ['waits for gates', 10, 3_660_000, 'white'],
      ['sign ‖ approved', 10, 3_660_000, 'yellow'],
    ]);
    const trace = toChromeTrace(waiting.run, { events: waiting.events });
    expect(told(trace)).to.deep.equal([
      ['review ‖ still open', 4, 6, 'yellow'],
      ['sign ‖ still open', 10, 0, 'yellow'],
    ]);
    const moments = trace.traceEvents.flatMap((event) => (event.ph === 'i' ? [[event.name, event.ts]] : []));
    expect(moments).to.deep.equal([['run waits for gates', 10_000]]);
    for (const { run, events } of [waiting, resumed]) {
      check(toChromeTrace(run, { events }));
      check(toChromeTrace(run));
      expect(JSON.stringify(toChromeTrace(run, { events }))).to.not.match(/PAYLOAD|ANSWER/);
    }
  });

  it('is sorted, nested and paired for every run, with events and without', async () => {
    for (const build of [
      ...[diamond, flaky, turning, eventful, hostile, large(300)],
      ...[family, failing, hostileChildren, busyItems, charges(60)],
    ]) {
      const { run, events } = await recorded(build);
      check(toChromeTrace(run, { events }));
      check(toChromeTrace(run));
    }
  });
});
