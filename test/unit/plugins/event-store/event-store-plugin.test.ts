import { expect } from 'chai';
import { AsyncLocalRuntime, EVENT_STORE, LocalRuntime, MemoryEventStore } from '../../../../src/index.js';
import {
  memoryEventStore,
  EVENT_STORE as SAME,
  SqliteEventStore,
  sqliteEventStore,
} from '../../../../src/plugins/event-store/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { caught, refusal } from '../../../support/caught.js';
import { straight } from '../../../support/metered-workflows.js';
import { StoreFolder } from '../../../support/store-file.js';

describe('The plugins of event stores', () => {
  let folder: StoreFolder;

  beforeEach(() => {
    folder = new StoreFolder();
  });

  afterEach(() => folder.remove());

  it('provide a store as EVENT_STORE', () => {
    expect(SAME).to.equal(EVENT_STORE);
    using sqlite = new LocalRuntime({ plugins: [sqliteEventStore({ file: folder.file })] });
    expect(sqlite.get(EVENT_STORE)).to.be.instanceOf(SqliteEventStore);
    using memory = new LocalRuntime({ plugins: [memoryEventStore()] });
    expect(memory.get(EVENT_STORE)).to.be.instanceOf(MemoryEventStore);
  });

  it('open it with the first runtime of a process and close it with the last', async () => {
    const plugin = sqliteEventStore({ file: folder.file });
    const first = new LocalRuntime({ plugins: [plugin] });
    const store = first.get(EVENT_STORE);
    expect(store.health().status).to.equal('open');
    const second = new AsyncLocalRuntime({ plugins: [plugin] });
    expect(second.get(EVENT_STORE)).to.equal(store);
    await second.settle(straight(new VirtualClock()));
    first.close();
    expect(store.health().status).to.equal('open');
    await second.close();
    expect(store.health().status).to.equal('closed');
  });

  it('say what kept it from being opened', () => {
    const error = caught(() => new LocalRuntime({ plugins: [sqliteEventStore({ file: folder.path })] }));
    expect(error).to.include({ code: 'PLUGIN_FAILED', at: 'event-store' });
    expect(error.cause).to.include({ code: 'STORE_NOT_LOCKSTEP' });
  });

  it('check their options at once', () => {
    expect(refusal(() => sqliteEventStore({ file: '' })).code).to.equal('INVALID_OPTION');
  });
});
