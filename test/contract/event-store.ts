import { expect } from 'chai';
import type { EventStore } from '../../src/base/history/event-store.js';
import { refusal } from '../support/caught.js';
import {
  blob,
  endedBatch,
  firstBatch,
  header,
  nextBatch,
  snapshot,
  storedEvent,
  storedEvents,
} from '../support/stored-events.js';

/** A store under test, not opened. What `make` leaves behind is its own to remove. */
export interface StoreUnderTest {
  readonly store: EventStore;
  /** What a receipt says of `process`. */
  readonly durability: 'memory' | 'process';
}

/** What every event store promises. */
export function eventStoreContract(name: string, make: () => StoreUnderTest): void {
  describe(`${name}, as an event store`, () => {
    let store: EventStore;
    let durability: StoreUnderTest['durability'];

    beforeEach(() => {
      ({ store, durability } = make());
      store.open();
    });

    afterEach(() => store.close());

    const idsOf = (query = {}): readonly string[] => store.runs(query).map(({ runId }) => runId);

    describe('adds events', () => {
      it('and gives them back as they were', () => {
        const batch = firstBatch('r', 2, {
          events: [
            storedEvent(0, { kind: 'run.started', ts: 1_000.25, data: '{"text":"é\\u0000 😀 \'"}' }),
            storedEvent(1, { key: 'gate g', v: 3 }),
          ],
        });
        expect(store.append([batch], 'process')).to.deep.equal({ durability, created: 2, position: 2 });
        expect([...store.events('r')]).to.deep.equal(batch.events);
      });

      it('of several runs at once, and counts positions over all of them', () => {
        store.append([firstBatch('a', 2), firstBatch('b', 3)], 'process');
        const receipt = store.append([nextBatch('b', 3, 4), nextBatch('a', 2, 4)], 'process');
        expect(receipt).to.deep.equal({ durability, created: 3, position: 8 });
        expect([...store.events('a')]).to.deep.equal(storedEvents(0, 4));
        expect([...store.events('b')]).to.deep.equal(storedEvents(0, 4));
      });

      it('of one run in several batches', () => {
        store.append([firstBatch('a', 1), nextBatch('a', 1, 3)], 'process');
        expect([...store.events('a')]).to.deep.equal(storedEvents(0, 3));
      });

      it('once for each key of a run', () => {
        const keyed = (seq: number, key: string) => storedEvent(seq, { key });
        store.append([firstBatch('a', 1, { events: [keyed(0, 'x'), keyed(1, 'y')] })], 'process');
        store.append([firstBatch('b', 1, { events: [keyed(0, 'x')] })], 'process');
        const again = nextBatch('a', 0, 0, { events: [keyed(1, 'y'), keyed(2, 'z'), keyed(3, 'z'), storedEvent(3)] });
        expect(store.append([again], 'process')).to.include({ created: 2, position: 5 });
        expect([...store.events('a')].map(({ key }) => key)).to.deep.equal(['x', 'y', 'z', null]);
        const known = { ...again, events: again.events.slice(0, 3) };
        expect(store.append([known], 'process')).to.deep.equal({ durability, created: 0, position: 5 });
      });

      for (const [what, from] of [
        ['leave a gap', 3],
        ['are there already', 1],
      ] as const) {
        it(`all or none: nothing where those of one batch ${what}`, () => {
          store.append([firstBatch('a', 2)], 'process');
          const batches = [firstBatch('b', 1), nextBatch('a', from, from + 1)];
          const error = refusal(() => store.append(batches, 'process'));
          expect(error).to.include({ code: 'SEQ_CONFLICT', at: 'a' });
          expect(error.message).to.match(new RegExp(`^The next event of run a is number 2, not ${from}\\.`));
          expect(store.run('b')).to.equal(undefined);
          expect(store.run('a')?.events).to.equal(2);
        });
      }

      it('after a refusal of what does not follow', () => {
        store.append([firstBatch('a', 2)], 'process');
        const events = [storedEvent(2), storedEvent(4)];
        const error = refusal(() => store.append([{ runId: 'a', events, blobs: [] }], 'process'));
        expect(error.code).to.equal('SEQ_CONFLICT');
        expect(store.append([nextBatch('a', 2, 3)], 'process')).to.include({ created: 1, position: 3 });
        expect(store.verify().ok).to.equal(true);
      });

      it('only with a header where the run begins', () => {
        const error = refusal(() => store.append([nextBatch('a', 0, 1)], 'process'));
        expect(error).to.include({ code: 'INVALID_OPTION', at: 'append: the first batch of run a' });
        expect(store.health()).to.include({ status: 'open', runs: 0 });
      });

      it('never more durably than a word that it knows', () => {
        const error = refusal(() => store.append([firstBatch('a')], 'disk' as never));
        expect(error.code).to.equal('INVALID_OPTION');
        expect(idsOf()).to.deep.equal([]);
      });

      it('with what is asked for, or more', () => {
        const levels = ['memory', 'process', 'power', 'process'] as const;
        const told = levels.map((level, run) => store.append([firstBatch(`r${run}`)], level).durability);
        const [process, power] = durability === 'memory' ? ['memory', 'memory'] : ['process', 'power'];
        expect(told).to.deep.equal([process, process, power, process]);
      });
    });

    describe('reads events', () => {
      beforeEach(() => {
        store.append([firstBatch('r', 700)], 'process');
      });

      it('of a range', () => {
        expect([...store.events('r', { from: 3, to: 5 })]).to.deep.equal(storedEvents(3, 5));
        expect([...store.events('r', { from: 698 })]).to.deep.equal(storedEvents(698, 700));
        expect([...store.events('r', { to: 300 })]).to.deep.equal(storedEvents(0, 300));
        expect([...store.events('r', { from: 256, to: 512 })]).to.deep.equal(storedEvents(256, 512));
        expect([...store.events('r', { from: 5, to: 5 })]).to.deep.equal([]);
        expect([...store.events('r', { from: 700 })]).to.deep.equal([]);
      });

      it('of no run that does not exist', () => {
        expect([...store.events('other')]).to.deep.equal([]);
        expect(store.run('other')).to.equal(undefined);
      });

      it('while others are added and read', () => {
        const first = store.events('r');
        first.next();
        const second = store.events('r', { from: 400 });
        second.next();
        store.append([nextBatch('r', 700, 701)], 'process');
        expect([...first]).to.have.length.within(699, 700);
        expect([...second]).to.have.length.within(299, 300);
      });
    });

    describe('lists runs', () => {
      it('with what their headers say last', () => {
        const forkedFrom = { runId: 'origin', events: 7 };
        const ended = header({ status: 'failed', endedAt: 3_000, errorCode: 'E', wakeAt: 4_000, forkedFrom });
        store.append([firstBatch('a', 2)], 'process');
        expect(store.run('a')).to.deep.equal({ ...header(), runId: 'a', events: 2, updatedAt: 1_001 });
        store.append([nextBatch('a', 2, 3, { header: ended })], 'process');
        expect(store.run('a')).to.deep.equal({ ...ended, runId: 'a', events: 3, updatedAt: 1_002 });
        expect(store.runs()).to.deep.equal([store.run('a')]);
      });

      it('the newest first, in pages', () => {
        for (const [runId, startedAt] of Object.entries({ a: 3, b: 1, c: 3, d: 2 }))
          store.append([firstBatch(runId, 1, { header: header({ startedAt }) })], 'process');
        expect(idsOf()).to.deep.equal(['c', 'a', 'd', 'b']);
        expect(idsOf({ limit: 2 })).to.deep.equal(['c', 'a']);
        expect(idsOf({ limit: 2, before: 'a' })).to.deep.equal(['d', 'b']);
        expect(idsOf({ before: 'b' })).to.deep.equal([]);
      });

      it('fifty of them, where nobody says how many', () => {
        store.append(
          Array.from({ length: 51 }, (_, run) => firstBatch(`r${run}`)),
          'process',
        );
        expect(store.runs()).to.have.length(50);
      });

      it('of a workflow or with a status', () => {
        store.append(
          [
            firstBatch('a', 1, { header: header({ status: 'waiting' }) }),
            firstBatch('b', 1, { header: header({ workflow: 'other' }) }),
            firstBatch('c', 1, { header: header({ workflow: 'other', status: 'waiting' }) }),
          ],
          'process',
        );
        expect(idsOf({ status: 'waiting' })).to.deep.equal(['c', 'a']);
        expect(idsOf({ workflow: 'other' })).to.deep.equal(['c', 'b']);
        expect(idsOf({ workflow: 'other', status: 'running' })).to.deep.equal(['b']);
      });

      it('never after one that it does not have', () => {
        expect(refusal(() => store.runs({ before: 'gone' }))).to.include({ code: 'RUN_UNKNOWN', at: 'gone' });
      });
    });

    it('keeps workflows and blobs under their hashes', () => {
      const large = blob('large');
      store.append([firstBatch('a', 1, { blobs: [large] })], 'process');
      store.append([firstBatch('b', 1, { blobs: [large] })], 'process');
      expect(store.blob(large.hash)).to.equal('large');
      expect(store.blob('other')).to.equal(undefined);
      expect(store.workflow('f'.repeat(64))).to.deep.equal(firstBatch('a').workflow);
      expect(store.workflow('other')).to.equal(undefined);
    });

    it('keeps a workflow that a run is given later', () => {
      const workflow = { hash: 'changed', name: 'flow', description: '{}' };
      store.append([firstBatch('a')], 'process');
      store.append([nextBatch('a', 1, 2, { workflow, header: header({ workflowHash: 'changed' }) })], 'process');
      expect(store.workflow('changed')).to.deep.equal(workflow);
    });

    describe('keeps snapshots', () => {
      beforeEach(() => {
        store.append([firstBatch('a', 1), firstBatch('b', 1)], 'process');
      });

      it('and gives those first that cover most', () => {
        for (const events of [5, 9, 7]) store.saveSnapshot('a', snapshot(events));
        store.saveSnapshot('b', snapshot(6));
        expect(store.snapshots('a')).to.deep.equal([snapshot(9), snapshot(7), snapshot(5)]);
        expect(store.snapshots('a', 7)).to.deep.equal([snapshot(7), snapshot(5)]);
        expect(store.snapshots('none')).to.deep.equal([]);
      });

      it('the ten newest of a run', () => {
        for (let events = 1; events <= 12; events++) store.saveSnapshot('a', snapshot(events));
        store.saveSnapshot('b', snapshot(1));
        expect(store.snapshots('a').map(({ events }) => events)).to.deep.equal([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
        expect(store.snapshots('b')).to.have.length(1);
      });

      it('of no run that it does not have', () => {
        expect(refusal(() => store.saveSnapshot('none', snapshot(1)))).to.include({ code: 'RUN_UNKNOWN', at: 'none' });
      });
    });

    describe('removes runs', () => {
      it('with everything that only they use', () => {
        const [shared, own] = [blob('shared'), blob('own')];
        const workflow = { hash: 'other', name: 'w', description: '{}' };
        const ended = header({ status: 'completed', endedAt: 2_000, workflowHash: 'other' });
        store.append([firstBatch('a', 3, { header: ended, workflow, blobs: [shared, own] })], 'process');
        store.append([firstBatch('b', 3, { blobs: [shared] })], 'process');
        store.saveSnapshot('a', snapshot(1));

        expect(store.remove('a')).to.equal(true);

        expect(store.remove('a')).to.equal(false);
        expect(store.run('a')).to.equal(undefined);
        expect([...store.events('a')]).to.deep.equal([]);
        expect(store.snapshots('a')).to.deep.equal([]);
        expect([store.blob(own.hash), store.blob(shared.hash)]).to.deep.equal([undefined, 'shared']);
        expect([store.workflow('other'), store.workflow('f'.repeat(64))?.name]).to.deep.equal([undefined, 'flow']);
        expect(store.verify()).to.deep.equal({ ok: true, runs: 1, events: 3, problems: [] });
      });

      it('and keeps the workflows of others, also those that another was one of before', () => {
        const batch = (hash: string) => ({
          header: header({ status: 'completed', endedAt: 2_000, workflowHash: hash }),
          workflow: { hash, name: 'w', description: '{}' },
        });
        for (const runId of ['a', 'b', 'c']) store.append([firstBatch(runId, 1, batch('first'))], 'process');
        store.append([nextBatch('c', 1, 2, batch('second'))], 'process');
        const kept = (): readonly boolean[] => ['first', 'second'].map((hash) => store.workflow(hash) !== undefined);

        store.remove('a');
        expect(kept()).to.deep.equal([true, true]);
        store.remove('b');
        expect(kept()).to.deep.equal([true, true]);
        store.remove('c');
        expect(kept()).to.deep.equal([false, false]);
      });

      it('only when they have ended', () => {
        for (const status of ['running', 'waiting'] as const) {
          store.append([firstBatch(status, 1, { header: header({ status }) })], 'process');
          expect(refusal(() => store.remove(status))).to.include({ code: 'RUN_NOT_ENDED', at: status });
        }
        expect(store.prune({ keep: 0 })).to.deep.equal({ runs: 0, events: 0, blobs: 0 });
        expect(idsOf()).to.have.length(2);
      });

      it('so that a new one may have the same id', () => {
        store.append([endedBatch('a', 3)], 'process');
        store.remove('a');
        expect(store.append([firstBatch('a', 1)], 'process')).to.include({ created: 1, position: 4 });
        expect(store.run('a')?.events).to.equal(1);
      });
    });

    describe('prunes', () => {
      beforeEach(() => {
        const own = { blobs: [blob('0123456789')] };
        store.append([{ ...endedBatch('a', 1, 1_000), ...own }, endedBatch('b', 2, 3_000)], 'process');
        store.append([endedBatch('c', 3, 2_000), firstBatch('d', 4)], 'process');
      });

      it('all but so many of the newest ended runs', () => {
        expect(store.prune({ keep: 2 })).to.deep.equal({ runs: 1, events: 1, blobs: 1 });
        expect(idsOf()).to.have.members(['b', 'c', 'd']);
        expect(store.prune({ keep: 0 })).to.deep.equal({ runs: 2, events: 5, blobs: 0 });
        expect(idsOf()).to.deep.equal(['d']);
        expect(store.verify().ok).to.equal(true);
      });

      it('the oldest that take more than so many bytes together', () => {
        expect(store.prune({ bytes: 5 * 13 + 24 })).to.include({ runs: 0 });
        expect(store.prune({ bytes: 5 * 13 + 22 })).to.include({ runs: 1 });
        expect(idsOf()).to.have.members(['b', 'c', 'd']);
      });

      it('those that ended long ago', () => {
        expect(store.prune({ ageMs: Date.now() - 2_500 })).to.include({ runs: 2 });
        expect(idsOf()).to.have.members(['b', 'd']);
      });

      it('nothing where no limit is given', () => {
        expect(store.prune({})).to.deep.equal({ runs: 0, events: 0, blobs: 0 });
      });

      it('by limits that exist', () => {
        const prune = (limits: object) => refusal(() => store.prune(limits)).message;
        expect(prune({ keeps: 1 })).to.match(/^prune has no option "keeps"\. Did you mean "keep"\?/);
        expect(prune({ keep: -1 })).to.match(/^prune\.keep must be a whole number of at least 0\./);
        expect(prune({ bytes: 0.5 })).to.match(/^prune\.bytes must be a whole number of at least 0\./);
        expect(prune({ ageMs: 0 })).to.match(/^prune\.ageMs must be a finite number of milliseconds > 0\./);
      });
    });

    describe('verifies', () => {
      it('that everything is what was written', () => {
        store.append([firstBatch('a', 130), endedBatch('b', 64)], 'process');
        store.append([nextBatch('a', 130, 131, { header: header({ status: 'waiting' }) })], 'process');
        expect(store.verify()).to.deep.equal({ ok: true, runs: 2, events: 195, problems: [] });
        expect(store.verify('b')).to.deep.equal({ ok: true, runs: 1, events: 64, problems: [] });
        expect(store.verify('none')).to.deep.equal({ ok: true, runs: 0, events: 0, problems: [] });
      });

      it('that blobs have the hashes they are kept under, and names the event that refers to one that has not', () => {
        const wrong = { hash: blob('right').hash, text: 'wrong' };
        const events = [storedEvent(0), storedEvent(1, { data: `{"blob":"${wrong.hash}"}` })];
        store.append([firstBatch('a', 2, { events, blobs: [wrong] }), firstBatch('b', 1)], 'process');
        const what = `Blob ${wrong.hash} is not what was written.`;
        const problem = { kind: 'blob', runId: 'a', seq: 1, missing: 0, what };
        expect(store.verify()).to.deep.equal({ ok: false, runs: 2, events: 3, problems: [problem] });
        expect(store.verify('b').ok).to.equal(true);
      });
    });

    it('goes on after it was closed and opened again', () => {
      store.append([firstBatch('a', 3)], 'process');
      store.close();
      store.close();
      expect(store.health()).to.include({ status: 'closed' });
      store.open();
      store.open();
      expect(store.append([nextBatch('a', 3, 70)], 'process')).to.include({ created: 67, position: 70 });
      expect(store.health()).to.include({ status: 'open', runs: 1, events: 70 });
      expect(store.verify().ok).to.equal(true);
    });

    it('does nothing while it is closed', () => {
      store.close();
      for (const use of [
        () => store.append([firstBatch('a')], 'process'),
        () => store.run('a'),
        () => store.runs(),
        () => [...store.events('a')],
        () => store.blob('h'),
        () => store.workflow('h'),
        () => store.saveSnapshot('a', snapshot(1)),
        () => store.snapshots('a'),
        () => store.verify(),
        () => store.remove('a'),
        () => store.prune({}),
      ])
        expect(refusal(use).code, use.toString()).to.equal('STORE_CLOSED');
    });
  });
}
