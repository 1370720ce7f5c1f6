import { expect } from 'chai';
import type { RunEvent } from '../../../../src/base/events.js';
import type { Projection } from '../../../../src/base/history/projection.js';
import { ProjectionCache } from '../../../../src/base/history/projection-cache.js';
import { ProjectionFailedError, ProjectionStaleError } from '../../../../src/base/history/projection-errors.js';
import type { ProjectionStatus } from '../../../../src/base/history/projection-runner.js';
import { ProjectionRunner } from '../../../../src/base/history/projection-runner.js';
import { MemoryLog } from '../../../../src/testing/index.js';
import { caught } from '../../../support/caught.js';
import { decodeEvent, EventShelf, shelfEvents } from '../../../support/event-shelf.js';

/** How many events of each kind there are. */
const counts: Projection<Map<string, number>> = {
  name: 'counts',
  version: 1,
  init: () => new Map(),
  apply(state, { kind }) {
    state.set(kind, (state.get(kind) ?? 0) + 1);
  },
};

/** How many attempts have ended, as a state that is replaced. */
const ended: Projection<number> = {
  name: 'ended',
  version: 1,
  required: true,
  kinds: ['attempt.completed', 'attempt.failed'],
  init: () => 0,
  apply: (state) => state + 1,
};

/** Fails at an event as long as it is broken. */
function fragile(name: string, required: boolean, seq: number) {
  const switched = { isBroken: true };
  const projection: Projection<string[]> = {
    name,
    version: 1,
    required,
    init: () => [],
    apply(state, event) {
      if (switched.isBroken && event.seq === seq) throw new RangeError('it holds a secret');
      state.push(`${event.runId}/${event.seq}`);
    },
  };
  return { projection, switched };
}

function setting(cache?: ProjectionCache) {
  const store = new EventShelf();
  const log = new MemoryLog();
  const runner = new ProjectionRunner({ store, decode: decodeEvent, log, ...(cache === undefined ? {} : { cache }) });
  /** As a writer does: commits, then tells. */
  const write = (events: readonly RunEvent[]): void => {
    store.commit(events);
    runner.applied(events);
  };
  return { store, log, runner, write };
}

const whole = ({ events, failure }: ProjectionStatus): readonly unknown[] => [events, failure?.seq];

describe('a projection', () => {
  it('has seen every event as soon as it is applied, of the kinds that it wants', () => {
    const { runner, write } = setting();
    runner.attach(counts);
    runner.attach(ended);
    const a = shelfEvents('a', 4);
    write(a.slice(0, 3));
    write(shelfEvents('b', 3));
    write(a.slice(3));
    expect(runner.read(counts)).to.deep.equal(
      new Map([
        ['run.started', 2],
        ['attempt.started', 3],
        ['attempt.completed', 2],
      ]),
    );
    expect(runner.read(ended)).to.equal(2);
    expect([
      runner.watermark('ended', 'a'),
      runner.watermark('ended', 'b'),
      runner.watermark('ended', 'c'),
    ]).to.deep.equal([4, 3, 0]);
    expect(runner.watermark('ended')).to.equal(7);
    expect(runner.projections).to.deep.equal([
      { name: 'counts', version: 1, required: false, events: 7, failure: undefined },
      { name: 'ended', version: 1, required: true, events: 7, failure: undefined },
    ]);
  });

  it('that is attached late reads what the store has, also of more runs than a page holds', () => {
    const { runner, write } = setting();
    for (let run = 0; run < 450; run++) write(shelfEvents(`run-${run}`, 3));
    runner.attach(ended);
    expect([runner.read(ended), runner.watermark('ended')]).to.deep.equal([450, 1_350]);
  });

  it('takes each event once, and reads from the store what it was not told', () => {
    const { runner, store } = setting();
    runner.attach(ended);
    const events = shelfEvents('a', 9);
    store.commit(events);
    runner.applied(events.slice(5, 7));
    expect(runner.watermark('ended', 'a')).to.equal(7);
    runner.applied(events);
    runner.applied(events);
    expect([runner.read(ended), runner.watermark('ended')]).to.deep.equal([4, 9]);
  });

  it('catches up with a store that another process writes', () => {
    const { runner, store } = setting();
    runner.attach(ended);
    store.commit(shelfEvents('a', 5));
    expect(runner.read(ended)).to.equal(0);
    runner.catchUp();
    expect(runner.read(ended)).to.equal(2);
  });

  it('that is required and fails tells its writer that the events are committed, and the others are served', () => {
    const { runner, write, store, log } = setting();
    const { projection, switched } = fragile('fragile', true, 2);
    runner.attach(projection);
    runner.attach(ended);
    const error = caught(() => write(shelfEvents('a', 4))) as unknown as ProjectionFailedError;
    expect(error).to.be.instanceOf(ProjectionFailedError);
    expect(error.message).to.equal(
      'The events are committed, but the required projection "fragile" failed at event 2 of run a. Do not append them again; mend the projection and rebuild it.',
    );
    const { code, at, projection: name, runId, seq, cause } = error;
    expect({ code, at, name, runId, seq }).to.deep.equal({
      code: 'PROJECTION_FAILED',
      at: 'fragile',
      name: 'fragile',
      runId: 'a',
      seq: 2,
    });
    expect(cause).to.be.instanceOf(RangeError);
    expect(store.run('a')?.events).to.equal(4);
    expect(runner.read(ended)).to.equal(1);
    expect(caught(() => write(shelfEvents('b', 1))).code).to.equal('PROJECTION_FAILED');
    expect(log.entries.map(({ level, fields }) => [level, fields])).to.deep.equal([
      [
        'error',
        {
          projection: 'fragile',
          required: true,
          runId: 'a',
          seq: 2,
          error: { name: 'RangeError', code: 'NODE_THREW' },
        },
      ],
    ]);
    expect(caught(() => runner.rebuild('fragile')).code).to.equal('PROJECTION_FAILED');
    switched.isBroken = false;
    runner.rebuild('fragile');
    write(shelfEvents('c', 1));
    expect(runner.read(projection)).to.have.members(['a/0', 'a/1', 'a/2', 'a/3', 'b/0', 'c/0']);
  });

  it('that is optional and fails stops where it is, and says so to whoever reads it', () => {
    const { runner, write, log } = setting();
    const { projection } = fragile('fragile', false, 2);
    runner.attach(projection);
    write(shelfEvents('a', 4));
    write(shelfEvents('b', 4));
    expect(runner.projections.map(whole)).to.deep.equal([[2, 2]]);
    const error = caught(() => runner.read(projection)) as unknown as ProjectionStaleError;
    expect(error).to.be.instanceOf(ProjectionStaleError);
    expect([error.code, error.projection, (error.cause as Error).message]).to.deep.equal([
      'PROJECTION_STALE',
      'fragile',
      'it holds a secret',
    ]);
    expect(error.message).to.equal(
      'Projection "fragile" failed at event 2 of run a. Rebuild it, or ask for what it has with stale: "allow".',
    );
    expect(runner.read('fragile', { stale: 'allow' })).to.deep.equal(['a/0', 'a/1']);
    expect(caught(() => runner.save(projection)).code).to.equal('PROJECTION_STALE');
    expect(log.entries.map(({ message }) => message)).to.deep.equal([
      'Projection "fragile" failed at event 2 of run a.',
    ]);
  });

  it('goes on from where it was saved, unless it is of another version', () => {
    const { runner, write } = setting();
    const asked: string[] = [];
    const watched = (version: number): Projection<number> => ({
      ...ended,
      version,
      apply: (state, event) => {
        asked.push(`${event.runId}/${event.seq}`);
        return state + 1;
      },
    });
    runner.attach(watched(1));
    write(shelfEvents('a', 5));
    const saved = runner.save<number>('ended');
    expect(saved).to.deep.equal({ name: 'ended', version: 1, state: 2, runs: new Map([['a', 5]]) });
    write(shelfEvents('b', 3));
    asked.length = 0;
    runner.attach(watched(1), saved);
    expect([runner.read('ended'), runner.watermark('ended'), asked]).to.deep.equal([3, 8, ['b/2']]);
    asked.length = 0;
    runner.attach(watched(2), saved);
    expect([runner.read('ended'), asked]).to.deep.equal([3, ['a/2', 'a/4', 'b/2']]);
    expect(saved.runs.size).to.equal(1);
  });

  it('is known by its name, and by no other', () => {
    const { runner } = setting();
    runner.attach(counts);
    const error = caught(() => runner.read('count'));
    expect([error.code, error.message.split('. ')[1]]).to.deep.equal([
      'PROJECTION_UNKNOWN',
      'Did you mean "counts"? Correct the name, or attach the projection.',
    ]);
    expect([runner.detach('counts'), runner.detach('counts')]).to.deep.equal([true, false]);
    expect(caught(() => runner.barrier('counts', 'a', 1)).code).to.equal('PROJECTION_UNKNOWN');
    for (const wrong of [{ name: '' }, { name: 1 }, { version: -1 }, { version: 'a' }])
      expect(caught(() => runner.attach({ ...counts, ...wrong } as never)).code).to.equal('INVALID_OPTION');
  });
});

describe('a barrier', () => {
  it('brings a projection to where whoever wrote needs it', () => {
    const { runner, store } = setting();
    runner.attach(ended);
    store.commit(shelfEvents('a', 7));
    runner.barrier('ended', 'a', 5);
    expect([runner.watermark('ended', 'a'), runner.read(ended)]).to.deep.equal([5, 2]);
    runner.barrier('ended', 'a', 5);
    expect(store.reads).to.equal(1);
  });

  it('refuses where the store does not have so many events, and where the projection has failed', () => {
    const { runner, write } = setting();
    runner.attach(fragile('fragile', false, 4).projection);
    write(shelfEvents('a', 3));
    const short = caught(() => runner.barrier('fragile', 'a', 4));
    expect([short.code, short.message.split('. ')[0]]).to.deep.equal([
      'PROJECTION_STALE',
      'Projection "fragile" has seen 3 events of run a, and the store has no more',
    ]);
    write(shelfEvents('b', 9));
    expect(caught(() => runner.barrier('fragile', 'b', 9)).message).to.match(/failed at event 4 of run b/);
    runner.barrier('fragile', 'b', 4);
  });
});

describe('a store that cannot be read', () => {
  it('stops a projection: what it has may not be all', () => {
    const { runner, store, log } = setting();
    store.commit(shelfEvents('a', 3));
    store.isBroken = true;
    runner.attach(counts);
    expect(caught(() => runner.read(counts)).message).to.match(/failed when the runs of the store were listed/);
    store.isBroken = false;
    runner.rebuild('counts');
    expect(runner.watermark('counts')).to.equal(3);
    store.isBroken = true;
    expect(caught(() => runner.barrier('counts', 'a', 4)).message).to.match(/failed at event 3 of run a/);
    expect(log.entries.length).to.equal(2);
  });

  it('or one that lacks events, as well', () => {
    const { runner } = setting();
    runner.attach(counts);
    runner.applied(shelfEvents('a', 5).slice(2));
    const error = caught(() => runner.read(counts));
    expect((error.cause as Error).message).to.equal('Its position should be 0.');
  });
});

describe('a projection of one run', () => {
  it('is what its events give, or the first of them, and is not made twice', () => {
    let folds = 0;
    const counted: Projection<number> = {
      ...ended,
      init: () => {
        folds++;
        return 0;
      },
    };
    const { runner, write } = setting(new ProjectionCache({ entries: 2 }));
    runner.attach(counted);
    write(shelfEvents('a', 9));
    write(shelfEvents('b', 5));
    folds = 0;
    const of = (runId: string, events?: number) => [runner.ofRun(counted, runId, events), folds];
    expect([of('a'), of('a', 9), of('a', 99), of('a', 3), of('a')]).to.deep.equal([
      [4, 1],
      [4, 1],
      [4, 1],
      [1, 2],
      [4, 2],
    ]);
    expect([of('b'), of('a'), of('a', 3)]).to.deep.equal([
      [2, 3],
      [4, 3],
      [1, 4],
    ]);
    expect(of('none')).to.deep.equal([0, 5]);
  });

  it('is made anew where the projection or the run is another one', () => {
    const cache = new ProjectionCache();
    const { runner, write, store } = setting(cache);
    runner.attach(ended);
    write(shelfEvents('a', 5));
    write(shelfEvents('b', 5));
    expect([runner.ofRun(ended, 'a'), runner.ofRun(ended, 'b')]).to.deep.equal([2, 2]);
    runner.forget('a');
    expect(cache.size).to.equal(1);
    store.drop('a');
    write(shelfEvents('a', 3));
    expect([runner.ofRun(ended, 'a'), runner.watermark('ended'), runner.read(ended)]).to.deep.equal([1, 8, 5]);
    runner.rebuild('ended');
    expect([cache.size, runner.read(ended)]).to.deep.equal([0, 3]);
  });

  it('fails as the projection does, and is made each time where nothing is remembered', () => {
    const { runner, write } = setting();
    const { projection, switched } = fragile('fragile', false, 2);
    runner.attach(projection);
    write(shelfEvents('a', 3));
    expect(() => runner.ofRun(projection, 'a')).to.throw(RangeError);
    switched.isBroken = false;
    expect(runner.ofRun(projection, 'a')).to.deep.equal(['a/0', 'a/1', 'a/2']);
    expect(runner.ofRun(projection, 'a')).to.not.equal(runner.ofRun(projection, 'a'));
  });

  it('is not remembered in a cache for none', () => {
    const cache = new ProjectionCache({ entries: 0 });
    expect(cache.get({ projection: 'p', version: 1, runId: 'a', events: 1 }, () => 7)).to.equal(7);
    expect(cache.size).to.equal(0);
    expect(caught(() => new ProjectionCache({ entries: -1 })).code).to.equal('INVALID_OPTION');
  });
});
