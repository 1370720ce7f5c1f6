import { eventStoreContract } from '../../../contract/event-store.js';
import { StoreFolder } from '../../../support/store-file.js';

describe('SqliteEventStore', () => {
  let folder: StoreFolder;

  beforeEach(() => {
    folder = new StoreFolder();
  });

  afterEach(() => folder.remove());

  eventStoreContract('SqliteEventStore', () => ({ store: folder.make(), durability: 'process' }));
});
