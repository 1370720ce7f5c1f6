import { rmSync } from 'node:fs';
import { expect } from 'chai';
import type { DiskMode } from '../support/disk-events.js';
import { compileShim, type DiskTrial, type Found, loseThePower, quickFolder } from '../support/disk-trial.js';

/** `npm run test:crash` tries more. */
const RANDOM = process.env.LOCKSTEP_CRASH === 'all' ? 40 : 2;

/** The shim is one of Linux. Elsewhere there is no such test, and none that is skipped: CI takes a skipped test for a failed one. */
if (process.platform === 'linux') describe('A disk that loses its power', powerLoss);

function powerLoss(this: Mocha.Suite): void {
  this.timeout(600_000);
  const folder = quickFolder();
  const seed = process.env.LOCKSTEP_SEED ?? `${Date.now()}`;
  const seen: string[] = [];
  let shim: string | undefined;

  before(function () {
    shim = compileShim(folder);
    if (shim === undefined && process.env.CI === 'true') throw new Error('There is no gcc, which this test needs.');
    if (shim === undefined) this.skip();
  });
  after(() => {
    rmSync(folder, { recursive: true });
    console.log([`seed ${seed}`, ...seen].map((line) => `      ${line}`).join('\n'));
  });

  function trial(mode: DiskMode): DiskTrial {
    const began = performance.now();
    const found = loseThePower(mode, { shim: shim as string, folder, random: RANDOM, seed });
    const count = (what: (each: Found) => boolean): number => found.found.filter(what).length;
    seen.push(
      `${mode}: ${found.syncs} syncs, ${found.receipts} receipts, ${found.found.length} disks; ` +
        `${count(({ lost }) => lost > 0)} lack what a receipt told of, ${count(({ ahead }) => ahead > 0)} lack what the head tells of, ` +
        `${count(isDamaged)} are damaged; ${((performance.now() - began) / 1_000).toFixed(1)} s`,
    );
    return found;
  }

  it('keeps every event of a receipt that says power', () => {
    const { syncs, receipts, found } = trial('power');
    expect(syncs).to.be.greaterThan(receipts);
    expect(found.filter(({ lost }) => lost > 0)).to.deep.equal([]);
    expect(found.filter(({ report }) => report?.ok !== true)).to.deep.equal([]);
    expect(found.filter(isDamaged)).to.deep.equal([]);
  });

  it('leaves a store whole where receipts say process, and says how much is missing at its end', () => {
    const { found } = trial('process');
    expect(found.filter(isDamaged)).to.deep.equal([]);
    for (const each of found) expect(missingIn(each), each.at).to.equal(each.ahead);
    expect(found.some(({ ahead }) => ahead > 0)).to.equal(true);
  });

  it('keeps every event of a receipt that says power where others say process', () => {
    const { found } = trial('mixed');
    expect(found.filter(({ lost }) => lost > 0)).to.deep.equal([]);
    expect(found.filter(isDamaged)).to.deep.equal([]);
    for (const each of found) expect(missingIn(each), each.at).to.equal(each.ahead);
  });

  it('takes events away from a store that never waits for it: this simulation finds what is lost', () => {
    const { found } = trial('off');
    expect(found.filter(({ lost }) => lost > 0)).to.not.be.empty;
    expect(found.filter(isDamaged)).to.not.be.empty;
  });
}

/** Anything else than events that are missing at the end. */
function isDamaged({ refused, report, sqlite }: Found): boolean {
  return refused !== undefined || sqlite !== 'ok' || report?.problems.some(({ kind }) => kind !== 'tail') !== false;
}

function missingIn({ report }: Found): number {
  return report?.problems.reduce((sum, { missing }) => sum + missing, 0) ?? 0;
}
