import { expect } from 'chai';
import { MemoryEventStore } from '../../../../src/index.js';
import { eventStoreContract } from '../../../contract/event-store.js';
import { firstBatch } from '../../../support/stored-events.js';

eventStoreContract('MemoryEventStore', () => ({ store: new MemoryEventStore(), durability: 'memory' }));

describe('MemoryEventStore', () => {
  it('says where it is and what it holds', () => {
    const store = new MemoryEventStore();
    store.open();
    store.append([firstBatch('a', 2)], 'power');
    const health = { status: 'open', location: 'memory', runs: 1, events: 2, bytes: 26, details: {} };
    expect(store.health()).to.deep.equal(health);
  });

  it('gives out nothing that could change what it holds', () => {
    const store = new MemoryEventStore();
    store.open();
    store.append([firstBatch('a', 1)], 'memory');
    for (const event of store.events('a')) expect(Object.isFrozen(event)).to.equal(true);
    expect(Object.isFrozen(store.workflow('f'.repeat(64)))).to.equal(true);
  });
});
