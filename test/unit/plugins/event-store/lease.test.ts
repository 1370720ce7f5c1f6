import { expect } from 'chai';
import sinon from 'sinon';
import { caught, refusal } from '../../../support/caught.js';
import { OtherProcess } from '../../../support/other-process.js';
import { change } from '../../../support/sqlite-connection.js';
import { StoreFolder } from '../../../support/store-file.js';
import { firstBatch, nextBatch } from '../../../support/stored-events.js';

describe('The lease of a store', function () {
  this.timeout(20_000);
  const clock = { time: 1_000_000, now: () => clock.time };
  let folder: StoreFolder;
  let others: OtherProcess[];

  beforeEach(() => {
    folder = new StoreFolder();
    others = [];
    clock.time = 1_000_000;
  });

  afterEach(async () => {
    for (const other of others) await other.kill();
    folder.remove();
  });

  const other = (): OtherProcess => {
    const made = new OtherProcess(folder.file);
    others.push(made);
    return made;
  };

  it('is taken with the first write, and given back when the store is closed', () => {
    const first = folder.open();
    const second = folder.open();
    expect(first.health().details).to.include({ holder: null, holdsLease: false });
    first.append([firstBatch('a')], 'process');
    const holder = String(second.health().details.holder);
    expect(holder).to.match(new RegExp(`^process ${process.pid} on \\S+, since 20\\d\\d-.*Z$`));
    expect(first.health().details).to.include({ holdsLease: true, holder });

    const error = refusal(() => second.append([firstBatch('b')], 'process'));
    expect(error.code).to.equal('STORE_LOCKED');
    expect(error.message).to.equal(
      `The store is being written by ${holder}. End the other process, close its runtime, or read the store with readOnly.`,
    );

    first.close();
    expect(second.append([firstBatch('b')], 'process').position).to.equal(2);
  });

  it('is held by one of two processes that want it at once, and by the other when that one is killed', async () => {
    const pair = [other(), other()] as const;
    await Promise.all(pair.map((each) => each.tell('open')));
    const answers = await Promise.all(pair.map((each) => each.tell('append')));
    expect([...answers].sort()).to.deep.equal(['1', 'STORE_LOCKED']);
    const [winner, loser] = answers[0] === '1' ? pair : [pair[1], pair[0]];

    expect(await winner.tell('append')).to.equal('2');
    expect(await loser.tell('read')).to.equal('2 true');
    expect(await loser.tell('append')).to.equal('STORE_LOCKED');
    await winner.kill();
    expect(await loser.tell('append')).to.equal('1');
    expect(await loser.tell('read')).to.equal('3 true');
  });

  it('says that a process of the same machine has ended also where its number is used again', () => {
    folder.open().append([firstBatch('a')], 'process');
    change(folder.file, `UPDATE lease SET started = '1'`);
    expect(folder.open().append([nextBatch('a', 1, 2)], 'process').created).to.equal(1);
  });

  it('takes a process of another user for one that lives', () => {
    folder.open({ clock }).append([firstBatch('a')], 'process');
    change(folder.file, 'UPDATE lease SET pid = 1, started = NULL');
    expect(refusal(() => folder.open({ clock }).append([firstBatch('b')], 'process')).code).to.equal('STORE_LOCKED');
  });

  it('may be taken from a holder that was silent for 30 seconds, which then writes no more', () => {
    const first = folder.open({ clock });
    first.append([firstBatch('a')], 'process');
    const second = folder.open({ clock });
    clock.time += 29_999;
    expect(refusal(() => second.append([firstBatch('b')], 'process')).code).to.equal('STORE_LOCKED');
    clock.time += 1;
    expect(second.append([firstBatch('b')], 'process').position).to.equal(2);

    const error = caught(() => first.append([nextBatch('a', 1, 2)], 'process'));
    expect(error.code).to.equal('LEASE_LOST');
    expect(error.message).to.match(
      /^The store was taken over by process \d+ on \S+, since 1970-01-01T00:17:10\.000Z\./,
    );
    expect(first.health().status).to.equal('poisoned');
    expect(caught(() => first.append([nextBatch('a', 1, 2)], 'process'))).to.include({
      code: 'STORE_POISONED',
      cause: error,
    });
    first.close();
    expect(second.append([nextBatch('b', 1, 2)], 'process').position).to.equal(3);
    second.close();
    first.open();
    expect(first.append([nextBatch('a', 1, 2)], 'process').position).to.equal(4);
  });

  it('says so of a holder that has closed meanwhile, too', () => {
    const first = folder.open({ clock });
    first.append([firstBatch('a')], 'process');
    clock.time += 30_000;
    const second = folder.open({ clock });
    second.append([firstBatch('b')], 'process');
    second.close();
    const { message } = refusal(() => first.append([nextBatch('a', 1, 2)], 'process'));
    expect(message).to.match(/^The store was taken over by somebody who has closed it again\./);
  });

  it('is kept by writing at least every 30 seconds', () => {
    const first = folder.open({ clock });
    const second = folder.open({ clock });
    first.append([firstBatch('a')], 'process');
    for (let seq = 1; seq < 10; seq++) {
      clock.time += 4_000;
      first.append([nextBatch('a', seq, seq + 1)], 'process');
      expect(refusal(() => second.append([firstBatch('b')], 'process')).code).to.equal('STORE_LOCKED');
    }
  });

  it('of a machine that cannot be looked at is left until it has expired', () => {
    folder.open({ clock }).append([firstBatch('a')], 'process');
    change(folder.file, `UPDATE lease SET machine = 'elsewhere', pid = 999999999`);
    const store = folder.open({ clock });
    const { code, message } = refusal(() => store.append([firstBatch('b')], 'process'));
    expect(code).to.equal('STORE_LOCKED');
    expect(message).to.include(' Nobody else may write before 1970-01-01T00:17:10.000Z.');
    clock.time += 30_000;
    expect(store.append([firstBatch('b')], 'process').created).to.equal(1);
  });

  it('cannot be judged by a clock that is behind its last sign of life', () => {
    folder.open({ clock }).append([firstBatch('a')], 'process');
    const store = folder.open({ clock });
    clock.time -= 1;
    const { code, message } = refusal(() => store.append([firstBatch('b')], 'process'));
    expect(code).to.equal('CLOCK_ROLLED_BACK');
    expect(message).to.match(
      /^It is 1970-01-01T00:16:39\.999Z, and process \d+ on \S+, since 1970-01-01T00:16:40\.000Z was there/,
    );
    expect(store.health().status).to.equal('open');
  });

  it('stays with a holder whose own clock went back', () => {
    const store = folder.open({ clock });
    store.append([firstBatch('a')], 'process');
    clock.time -= 500_000;
    store.append([nextBatch('a', 1, 2)], 'process');
    const second = folder.open({ clock });
    expect(refusal(() => second.append([firstBatch('b')], 'process')).code).to.equal('STORE_LOCKED');
  });

  describe('while nothing is written', () => {
    beforeEach(() => {
      sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    });

    afterEach(() => sinon.restore());

    const pass = (seconds: number): void => {
      for (let second = 0; second < seconds; second++) {
        clock.time += 1_000;
        sinon.clock.tick(1_000);
      }
    };

    it('is kept by a timer, until the store is closed', () => {
      const first = folder.open({ clock });
      first.append([firstBatch('a')], 'process');
      const second = folder.open({ clock });
      pass(120);
      expect(refusal(() => second.append([firstBatch('b')], 'process')).code).to.equal('STORE_LOCKED');
      first.close();
      expect(sinon.clock.countTimers()).to.equal(0);
    });

    it('is found to be lost by that timer, too', () => {
      const first = folder.open({ clock });
      first.append([firstBatch('a')], 'process');
      clock.time += 30_000;
      folder.open({ clock }).append([firstBatch('b')], 'process');
      expect(first.health().status).to.equal('open');
      pass(5);
      expect(first.health()).to.include({ status: 'poisoned' });
      expect(first.health().details).to.include({ poison: 'LEASE_LOST' });
    });
  });

  it('that cannot be given back any more does not keep the store from closing', () => {
    const store = folder.open();
    store.append([firstBatch('a')], 'process');
    change(folder.file, 'DROP TABLE lease');
    store.close();
    expect(store.health().status).to.equal('closed');
  });

  it('keeps no process alive', async () => {
    const holder = other();
    await holder.tell('open');
    expect(await holder.tell('append')).to.equal('1');
    expect(await holder.end()).to.equal(0);
  });
});
