import { expect } from 'chai';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { MemoryEventStore } from '../../../src/plugins/event-store/index.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { increment } from '../../support/child-nodes.js';

/** The items of a map are workflows: their attempts are held until they are recorded, and open children of their own then. */
function mapOfWorkflows() {
  const w = workflow('outer', { params: { list: type<number[]>() } });
  const child = increment();
  const all = w.map('all', w.params.list, (n) => child({ n }));
  return w.build({ outputs: { n: all.out.n } });
}

describe('Children of several attempts that are recorded together', () => {
  it('begin in AsyncLocalRuntime', async () => {
    const store = new MemoryEventStore();
    store.open();
    await using runtime = new AsyncLocalRuntime({ store });
    const { output } = await runtime.execute(mapOfWorkflows(), { list: [1, 2, 3] });
    expect(output).to.deep.equal({ n: [2, 3, 4] });
  });

  it('begin in LocalRuntime', () => {
    const store = new MemoryEventStore();
    store.open();
    using runtime = new LocalRuntime({ store });
    expect(runtime.execute(mapOfWorkflows(), { list: [1, 2, 3] }).output).to.deep.equal({ n: [2, 3, 4] });
  });
});
