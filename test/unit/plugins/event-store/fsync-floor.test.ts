import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { fsyncFloor } from '../../../../src/plugins/event-store/index.js';
import { StoreFolder } from '../../../support/store-file.js';

describe('fsyncFloor', () => {
  it('tells what waiting for the disk costs, and leaves nothing behind', () => {
    const folder = new StoreFolder();
    const { medianMs, samples } = fsyncFloor(folder.path);
    expect(medianMs).to.be.above(0).and.below(10_000);
    expect(samples).to.equal(21);
    expect(readdirSync(folder.path)).to.deep.equal([]);
    folder.remove();
    expect(() => fsyncFloor(folder.path)).to.throw(/ENOENT/);
  });
});
