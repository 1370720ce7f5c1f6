import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { spansOf } from '../../../src/report/attempts.js';
import { answered, busyItems, family } from '../../support/report-children.js';
import { diamond, flaky, recorded, turning } from '../../support/report-runs.js';

/** Attempts as `node visit.attempt status from-to`, in milliseconds since the start of the run. */
function told(run: Parameters<typeof spansOf>[0], events: Parameters<typeof spansOf>[1]): string[] {
  return spansOf(run, events).attempts.map(({ scope, node, visit, attempt, status, startedAt, endedAt, retryAt }) => {
    const retry = retryAt === undefined ? '' : `, again at ${retryAt - run.startedAt}`;
    return `${scope}${node} ${visit}.${attempt} ${status} ${startedAt - run.startedAt}-${endedAt - run.startedAt}${retry}`;
  });
}

type Run = Parameters<typeof spansOf>[0];

function gates(run: Run, events: Parameters<typeof spansOf>[1]): string[] {
  return spansOf(run, events).gates.map(({ scope, node, outcome, openedAt, closedAt }) => {
    const closed = closedAt === undefined ? undefined : closedAt - run.startedAt;
    return `${scope}${node} ${outcome} ${openedAt - run.startedAt}-${closed}`;
  });
}

function waits(run: Run, events: Parameters<typeof spansOf>[1]): string[] {
  return spansOf(run, events).waits.map(
    ({ from, to }) => `${from - run.startedAt}-${to === undefined ? undefined : to - run.startedAt}`,
  );
}

describe('spansOf', () => {
  it('tells the same from a result as from events where no node had two visits', async () => {
    for (const build of [diamond, flaky]) {
      const { run, events } = await recorded(build);
      expect(told(run, undefined)).to.deep.equal(told(run, events));
      expect(spansOf(run, undefined).complete).to.equal(true);
    }
    const { run } = await recorded(flaky);
    expect(told(run, undefined)).to.deep.equal([
      'call 1.1 failed 0-10, again at 110',
      'call 1.2 failed 110-120, again at 220',
      'call 1.3 completed 220-230',
      'after 1.1 completed 230-235',
    ]);
  });

  it('tells every visit and iteration from events, and says that a result alone does not', async () => {
    const { run, events } = await recorded(turning);
    const spans = spansOf(run, events);
    expect(told(run, events)).to.deep.equal([
      'seed 1.1 completed 0-2',
      'halve 1.1 completed 2-6',
      'look 1.1 completed 6-12',
      'halve 2.1 completed 12-16',
      'look 2.1 completed 16-22',
      'halve 3.1 completed 22-26',
      'look 3.1 completed 26-32',
      'done 1.1 completed 32-33',
    ]);
    const iterations = spans.iterations.map(({ cycle, iteration, entry, startedAt, endedAt, stopped }) => {
      return [cycle, entry, iteration, startedAt - run.startedAt, endedAt - run.startedAt, stopped?.reason];
    });
    expect(iterations).to.deep.equal([
      ['loop', 0, 0, 2, 12, undefined],
      ['loop', 0, 1, 12, 22, undefined],
      ['loop', 0, 2, 22, 32, 'converged'],
    ]);
    expect(spansOf(run, undefined).complete).to.equal(false);
  });

  it('keeps the attempts of children apart by scope, also those of visits that the result no longer remembers', async () => {
    const { run, events } = await recorded(family);
    const last = [
      'settle 2.1 completed 12-22',
      'settle#2/half 1.1 completed 12-16',
      'settle#2/check 1.1 completed 16-22',
      'done 1.1 completed 30-31',
    ];
    const first = [
      'seed 1.1 completed 0-2',
      'list 1.1 completed 0-0',
      'all 1.1 completed 0-30',
      'all[0]/wait 1.1 completed 0-5',
      'all[1]/wait 1.1 completed 0-30',
      'all[2]/wait 1.1 completed 0-10',
    ];
    expect(told(run, events)).to.deep.equal([
      ...first,
      'settle 1.1 completed 2-12',
      'settle/half 1.1 completed 2-6',
      'settle/check 1.1 completed 6-12',
      ...last,
    ]);
    expect(told(run, undefined)).to.deep.equal([...first, ...last]);
    expect(spansOf(run, undefined).complete).to.equal(false);
  });

  it('counts the iterations of each child by itself, also where children turn side by side', async () => {
    const { run, events } = await recorded(busyItems);
    const inside = spansOf(run, events).iterations.map(
      ({ scope, iteration, startedAt, endedAt }) =>
        `${scope} ${iteration} ${startedAt - run.startedAt}-${endedAt - run.startedAt}`,
    );
    expect(inside.toSorted()).to.deep.equal([
      'each[0]/busy/ 0 1-5',
      'each[0]/busy/ 1 5-9',
      'each[0]/busy/ 2 9-13',
      'each[1]/busy/ 0 1-5',
      'each[1]/busy/ 1 5-9',
    ]);
  });

  it('tells of gates until the run waits, and how they went once it has gone on', async () => {
    const { waiting, resumed } = await answered();
    const open = ['review open 4-undefined', 'legal/sign open 10-undefined'];
    for (const events of [waiting.events, undefined]) {
      expect(told(waiting.run, events)).to.deep.equal([
        'amount 1.1 completed 0-4',
        'review 1.1 waiting 4-10',
        'legal 1.1 running 4-10',
        'legal/draft 1.1 completed 4-10',
        'legal/sign 1.1 waiting 10-10',
      ]);
      expect(gates(waiting.run, events)).to.deep.equal(open);
      expect(waits(waiting.run, events)).to.deep.equal(['10-undefined']);
    }
    for (const events of [resumed.events, undefined])
      expect(gates(resumed.run, events)).to.deep.equal(['review approved 4-3600010', 'legal/sign approved 10-3660010']);
    expect(waits(resumed.run, resumed.events)).to.deep.equal(['10-3660010']);
    expect(told(resumed.run, resumed.events)).to.include('review 1.1 completed 4-3600010');
  });

  it('says who answered a gate where the events hold it', async () => {
    const { waiting, resumed } = await answered();
    const { runId, startedAt } = waiting.run;
    const data = { scope: '', node: 'review', visit: 1, attempt: 1, reason: 'PAYLOAD', by: 'ada' };
    const answer: RunEvent = { seq: 12, ts: startedAt + 99, runId, kind: 'gate.rejected', v: 1, data };
    const [review] = spansOf(resumed.run, [...waiting.events, answer]).gates;
    expect(review).to.deep.include({ outcome: 'rejected', by: 'ada', closedAt: startedAt + 99 });
    expect(JSON.stringify(review)).to.not.contain('PAYLOAD');
  });

  it('leaves out the events of other runs', async () => {
    const { run } = await recorded(flaky);
    const { events } = await recorded(diamond);
    const foreign = events.map((event) => ({ ...event, runId: 'another' }));
    expect(told(run, foreign)).to.deep.equal(told(run, undefined));
  });
});
