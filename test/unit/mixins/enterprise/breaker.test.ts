import { expect } from 'chai';
import type { BreakerOptions } from '../../../../src/base/capability-options.js';
import type { BreakerChanged } from '../../../../src/base/notifications.js';
import { Breaker, type Pass } from '../../../../src/mixins/enterprise/breaker.js';

/** A breaker, and every change of state that it told. */
function made(options: BreakerOptions = {}) {
  const told: string[] = [];
  const changes: BreakerChanged[] = [];
  const breaker = new Breaker('function.f', options, (change) => {
    changes.push(change);
    told.push(`${change.at} ${change.from} > ${change.to}: ${change.reason}`);
  });
  return { breaker, told, changes };
}

function passes(breaker: Breaker, at: number): Pass {
  const pass = breaker.admit(at);
  if ('retryAt' in pass) throw new Error(`It refuses until ${pass.retryAt}.`);
  return pass;
}

function fails(breaker: Breaker, at: number): void {
  breaker.settle(passes(breaker, at), 'failed', at);
}

function succeeds(breaker: Breaker, at: number): void {
  breaker.settle(passes(breaker, at), 'succeeded', at);
}

/** One that has been brought into a state, by hand and by time. */
function inState(name: 'closed' | 'open' | 'half-open' | 'probing') {
  const all = made({ failures: 2, openMs: 100, successes: 2 });
  const { breaker, told } = all;
  if (name !== 'closed') breaker.trip(0, 'first');
  const probe = name === 'half-open' || name === 'probing' ? passes(breaker, 100) : undefined;
  if (name === 'half-open') breaker.settle(probe as Pass, 'neither', 100);
  told.length = 0;
  return { ...all, probe };
}

describe('Breaker', () => {
  it('opens after 5 failures in a row for 60 s, and closes after 3 probes, unless told otherwise', () => {
    const { breaker, told } = made();
    for (let count = 1; count <= 4; count++) fails(breaker, count);
    expect(breaker.report()).to.include({ state: 'closed', failures: 4, opened: 0 });
    fails(breaker, 5);
    expect(breaker.report()).to.deep.equal({
      key: 'function.f',
      state: 'open',
      failures: 5,
      retryAt: 60_005,
      refused: 0,
      opened: 1,
    });
    for (const at of [60_005, 60_006, 60_007]) succeeds(breaker, at);
    expect(told).to.deep.equal([
      '5 closed > open: 5 failures in a row',
      '60005 open > half-open: its time has passed',
      '60007 half-open > closed: 3 probes succeeded',
    ]);
    expect(breaker.report()).to.include({ state: 'closed', failures: 0, retryAt: null, opened: 1 });
  });

  it('tells its key with every change', () => {
    const { breaker, changes } = made();
    breaker.trip(7, 'why');
    expect(changes).to.deep.equal([{ key: 'function.f', from: 'closed', to: 'open', at: 7, reason: 'why' }]);
  });

  it('refuses until the very millisecond at which it may be asked again', () => {
    const { breaker } = made({ failures: 1, openMs: 100 });
    fails(breaker, 1_000);
    expect(breaker.admit(1_000)).to.deep.equal({ retryAt: 1_100 });
    expect(breaker.admit(1_099)).to.deep.equal({ retryAt: 1_100 });
    expect(breaker.report().refused).to.equal(2);
    expect(passes(breaker, 1_100).name).to.equal('half-open');
    expect(breaker.report()).to.include({ state: 'half-open', retryAt: null });
  });

  it('lets one probe through at a time', () => {
    const { breaker, probe } = inState('probing');
    expect(breaker.admit(105)).to.deep.equal({ retryAt: 105 });
    breaker.settle(probe as Pass, 'succeeded', 110);
    const second = passes(breaker, 110);
    expect(breaker.admit(111)).to.deep.equal({ retryAt: 111 });
    breaker.settle(second, 'succeeded', 112);
    expect(breaker.report()).to.include({ state: 'closed', refused: 2 });
  });

  it('counts successes of probes in a row from the opening on: one failure opens it again, for its whole time', () => {
    const { breaker, told } = inState('half-open');
    succeeds(breaker, 110);
    fails(breaker, 120);
    expect(breaker.report()).to.include({ state: 'open', retryAt: 220, opened: 2 });
    succeeds(breaker, 220);
    expect(breaker.report().state).to.equal('half-open');
    succeeds(breaker, 221);
    expect(told).to.deep.equal([
      '120 half-open > open: a probe failed',
      '220 open > half-open: its time has passed',
      '221 half-open > closed: 2 probes succeeded',
    ]);
  });

  it('lets the next probe through after one that says nothing, which counts for nothing', () => {
    const { breaker } = inState('half-open');
    succeeds(breaker, 101);
    breaker.settle(passes(breaker, 102), 'neither', 103);
    expect(breaker.report().state).to.equal('half-open');
    succeeds(breaker, 104);
    expect(breaker.report().state).to.equal('closed');
  });

  it('forgets failures after a success, and nothing after what says nothing', () => {
    const { breaker } = made({ failures: 3 });
    fails(breaker, 1);
    fails(breaker, 2);
    breaker.settle(passes(breaker, 3), 'neither', 3);
    expect(breaker.report().failures).to.equal(2);
    succeeds(breaker, 4);
    expect(breaker.report()).to.include({ failures: 0, state: 'closed' });
    fails(breaker, 5);
    fails(breaker, 6);
    expect(breaker.report().state).to.equal('closed');
    fails(breaker, 7);
    expect(breaker.report().state).to.equal('open');
  });

  describe('what was let through before the last change of state is not counted', () => {
    for (const outcome of ['succeeded', 'failed', 'neither'] as const) {
      it(`while open: ${outcome}`, () => {
        const { breaker, told } = inState('closed');
        const pass = passes(breaker, 0);
        breaker.trip(1, 'by hand');
        breaker.settle(pass, outcome, 50);
        expect(breaker.report()).to.include({ state: 'open', retryAt: 101, opened: 1, failures: 0 });
        expect(told).to.have.length(1);
      });

      it(`while half-open, a probe in flight: ${outcome}`, () => {
        const { breaker } = inState('closed');
        const pass = passes(breaker, 0);
        breaker.trip(0, 'by hand');
        passes(breaker, 100);
        breaker.settle(pass, outcome, 101);
        expect(breaker.report().state).to.equal('half-open');
        expect(breaker.admit(102)).to.deep.equal({ retryAt: 102 });
      });

      it(`closed again: ${outcome}`, () => {
        const { breaker } = inState('closed');
        const pass = passes(breaker, 0);
        breaker.trip(0, 'by hand');
        breaker.reset(1, 'by hand');
        fails(breaker, 2);
        breaker.settle(pass, outcome, 3);
        expect(breaker.report()).to.include({ state: 'closed', failures: 1 });
      });

      it(`a probe of an earlier time: ${outcome}`, () => {
        const { breaker, probe } = inState('probing');
        breaker.trip(110, 'by hand');
        const next = passes(breaker, 210);
        breaker.settle(probe as Pass, outcome, 211);
        expect(breaker.report().state).to.equal('half-open');
        expect(breaker.admit(212), 'the second probe is still out').to.deep.equal({ retryAt: 212 });
        breaker.settle(next, 'succeeded', 213);
        expect(breaker.report().state, 'one of two successes').to.equal('half-open');
      });

      it(`a probe of a breaker that was reset: ${outcome}`, () => {
        const { breaker, probe } = inState('probing');
        breaker.reset(110, 'by hand');
        fails(breaker, 111);
        breaker.settle(probe as Pass, outcome, 112);
        expect(breaker.report()).to.include({ state: 'closed', failures: 1 });
      });
    }
  });

  describe('by hand', () => {
    const tripped = {
      closed: ['150 closed > open: why'],
      open: [],
      'half-open': ['150 half-open > open: why'],
      probing: ['150 half-open > open: why'],
    } as const;
    for (const [name, expected] of Object.entries(tripped)) {
      it(`trip opens it for its whole time from now, ${name} before`, () => {
        const { breaker, told } = inState(name as keyof typeof tripped);
        breaker.trip(150, 'why');
        expect(told).to.deep.equal(expected);
        expect(breaker.report()).to.include({ state: 'open', retryAt: 250 });
        expect(breaker.report().opened).to.equal(name === 'closed' || name === 'open' ? 1 : 2);
        expect(breaker.admit(249)).to.deep.equal({ retryAt: 250 });
        expect(passes(breaker, 250).name).to.equal('half-open');
      });
    }

    const reset = {
      closed: [],
      open: ['150 open > closed: why'],
      'half-open': ['150 half-open > closed: why'],
      probing: ['150 half-open > closed: why'],
    } as const;
    for (const [name, expected] of Object.entries(reset)) {
      it(`reset closes it and forgets its failures, ${name} before`, () => {
        const { breaker, told } = inState(name as keyof typeof reset);
        if (name === 'closed') fails(breaker, 1);
        breaker.reset(150, 'why');
        expect(told).to.deep.equal(expected);
        expect(breaker.report()).to.include({ state: 'closed', failures: 0, retryAt: null });
        fails(breaker, 151);
        expect(breaker.report().state, 'one of two failures').to.equal('closed');
        fails(breaker, 152);
        expect(breaker.report().state).to.equal('open');
      });
    }
  });

  it('counts nothing that was let through before it was reset, closed as it was', () => {
    const { breaker, told } = made({ failures: 1 });
    const pass = passes(breaker, 0);
    breaker.reset(1, 'by hand');
    breaker.settle(pass, 'failed', 2);
    expect(breaker.report()).to.include({ state: 'closed', failures: 0 });
    expect(told).to.deep.equal([]);
    fails(breaker, 3);
    expect(breaker.report().state).to.equal('open');
  });

  it('takes time that goes backwards for time that stands still', () => {
    const { breaker, told } = made({ failures: 1, openMs: 100 });
    const pass = passes(breaker, 1_000);
    breaker.settle(pass, 'failed', 900);
    expect(breaker.report().retryAt).to.equal(1_100);
    breaker.trip(500, 'again');
    expect(breaker.report().retryAt).to.equal(1_100);
    expect(breaker.admit(10)).to.deep.equal({ retryAt: 1_100 });
    passes(breaker, 1_100);
    breaker.reset(3, 'enough');
    expect(told.map((each) => each.split(' ')[0])).to.deep.equal(['1000', '1100', '1100']);
  });

  it('is idle while it is closed, has counted nothing and has nobody in flight', () => {
    const { breaker } = made({ failures: 2, openMs: 100, successes: 1 });
    expect(breaker.isIdle).to.equal(true);
    const pass = passes(breaker, 0);
    expect(breaker.isIdle, 'in flight').to.equal(false);
    breaker.settle(pass, 'neither', 0);
    expect(breaker.isIdle).to.equal(true);
    fails(breaker, 1);
    expect(breaker.isIdle, 'a failure').to.equal(false);
    succeeds(breaker, 2);
    expect(breaker.isIdle).to.equal(true);
    breaker.trip(3, 'by hand');
    expect(breaker.isIdle, 'open').to.equal(false);
    const probe = passes(breaker, 103);
    expect(breaker.isIdle, 'half-open').to.equal(false);
    breaker.settle(probe, 'succeeded', 104);
    expect(breaker.isIdle).to.equal(true);
  });

  it('is not idle with a window of successes: a new one would need more failures to open', () => {
    const { breaker } = made({ rate: 0.5, windowSize: 2 });
    succeeds(breaker, 0);
    expect(breaker.isIdle).to.equal(false);
    fails(breaker, 1);
    expect(breaker.report().state).to.equal('open');
  });
});
