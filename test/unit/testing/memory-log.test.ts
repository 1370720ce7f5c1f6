import { expect } from 'chai';
import { MemoryLog } from '../../../src/testing/memory-log.js';

describe('MemoryLog', () => {
  it('keeps what it is given, in order, with empty fields where there are none', () => {
    const log = new MemoryLog();
    expect(log.entries).to.deep.equal([]);
    log.log('info', 'one', { rows: 3 });
    log.log('error', 'two');
    expect(log.entries).to.deep.equal([
      { level: 'info', message: 'one', fields: { rows: 3 } },
      { level: 'error', message: 'two', fields: {} },
    ]);
  });

  it('is a log of its own for everyone who makes one', () => {
    const [one, two] = [new MemoryLog(), new MemoryLog()];
    one.log('info', 'here');
    expect([one.entries.length, two.entries.length]).to.deep.equal([1, 0]);
  });
});
