import { expect } from 'chai';
import type { EventStore } from '../../src/base/history/event-store.js';
import { defineNode, LocalRuntime, type, workflow } from '../../src/index.js';
import { MemoryEventStore } from '../../src/plugins/event-store/index.js';

function opened(): EventStore {
  const store = new MemoryEventStore();
  store.open();
  return store;
}

describe('Gates of recorded runs', () => {
  function offer(answer?: 'checked') {
    const w = workflow('offer');
    const review = w.gate(
      'review',
      answer === undefined
        ? {}
        : { answer: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } } },
    );
    const yes = w.fn('yes', { answer: review.out.approved }, ({ answer: said }) => said);
    return w.build({ outputs: { yes: yes.out.value } });
  }

  it('are answered without the code of the workflow', () => {
    const store = opened();
    const { runId } = new LocalRuntime({ store }).execute(offer());
    const stranger = new LocalRuntime({ store });
    expect(stranger.gates(runId).map(({ gate }) => gate)).to.deep.equal(['review']);
    stranger.approve(runId, 'review', 42, 'somebody');
    expect(new LocalRuntime({ store }).resume(offer(), runId).output).to.deep.equal({ yes: 42 });
  });

  it('need it where they check their answers', () => {
    const store = opened();
    const { runId } = new LocalRuntime({ store }).execute(offer('checked'));
    const stranger = new LocalRuntime({ store });
    expect(() => stranger.approve(runId, 'review', 42))
      .to.throw()
      .with.property('code', 'WORKFLOW_UNKNOWN');
    expect(() => stranger.approve(runId, 'reveiw', 42))
      .to.throw()
      .with.property('code', 'GATE_NOT_OPEN');
    stranger.reject(runId, 'review');
    expect(stranger.gates(runId)).to.deep.equal([]);
  });

  it('are shown where the secrets of the run are not, which its answers are compared with', () => {
    const node = defineNode({
      name: 'n',
      version: '1',
      outputs: { v: type<number>() },
      secrets: ['KEY'],
      run: () => ({ v: 1 }),
    });
    const w = workflow('secretive');
    w.add('a', node());
    w.gate('review', { shows: { what: 'it' } });
    const store = opened();
    const { runId } = new LocalRuntime({ store, secrets: { load: () => ({ KEY: 'hidden' }) } }).execute(w.build());
    const stranger = new LocalRuntime({ store });
    expect(stranger.gates(runId).map(({ shows }) => shows)).to.deep.equal([{ what: 'it' }]);
    for (const answer of [() => stranger.approve(runId, 'review'), () => stranger.reject(runId, 'review')])
      expect(answer).to.throw().with.property('code', 'SECRET_MISSING');
    expect(stranger.gates(runId)).to.have.length(1);
  });
});
