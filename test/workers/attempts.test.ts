import { expect } from 'chai';
import { checkWorkerOptions } from '../../src/plugins/python/check-options.js';
import type { AttemptDescription, CallRequest } from '../../src/plugins/python/wire/call-request.js';
import type { Said } from '../../src/plugins/python/wire/said.js';
import { WorkerKeeper } from '../../src/plugins/python/worker-keeper.js';
import { rejection } from '../support/caught.js';
import { preparedPython } from '../support/python-environment.js';
import { TestWorker, TOOLS } from '../support/python-worker.js';

const ATTEMPT: AttemptDescription = {
  runId: 'run-1',
  nodeId: 'score',
  scope: 'all[3]/',
  attempt: 2,
  failures: 1,
  visit: 4,
  iterations: [0, 2],
  maxIterations: 9,
  idempotencyKey: 'run-1/score/4',
  context: { tenant: 'a' },
  secrets: { KEY: 'hush' },
  state: { visits: 3 },
};

describe('A call that is an attempt of a run', function () {
  this.timeout(60_000);
  let keeper: WorkerKeeper;
  let place: TestWorker;

  before(async () => {
    place = await TestWorker.make();
    const { path: interpreter } = await preparedPython();
    const options = { environment: { interpreter }, dataFolder: place.folder, paths: [TOOLS] };
    keeper = new WorkerKeeper(checkWorkerOptions(options));
    await keeper.start();
  });
  after(async () => {
    await keeper.stop();
    await place.remove();
  });

  function request(tool: string, more: Partial<CallRequest> = {}): CallRequest {
    return {
      command: `wire_tools:${tool}`,
      args: {},
      at: 'inputs',
      timeoutMs: undefined,
      items: undefined,
      input: undefined,
      traceparent: null,
      attempt: ATTEMPT,
      onSaid: () => undefined,
      answer: () => ({ value: undefined }),
      ...more,
    };
  }

  it('has the context of its node, and answers with the state that it set', async () => {
    const { outcome } = await keeper.call(request('attempt'));
    const { value, change } = await outcome;
    expect(value).to.deep.equal(['run-1', 'score', 4, 'hush', 'run-1/score/4']);
    expect(change).to.deep.equal([{ visits: 4 }]);
  });

  it('answers without a state where it set none', async () => {
    const { outcome } = await keeper.call(request('same', { args: { value: null } }));
    expect(await outcome).to.deep.equal({ value: null, change: null });
  });

  it('is told what its tool says by the way, before it is answered', async () => {
    const said: Said[] = [];
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const call = await keeper.call(request('attempt', { traceparent, onSaid: (each) => said.push(each) }));
    await call.outcome;
    expect(said.map(({ kind }) => kind)).to.deep.equal(['log', 'span']);
    expect(said[0]).to.deep.include({ level: 'info', message: 'logged' });
    expect((said[0] as { readonly fields: object }).fields).to.include({ n: 1 });
    expect(said[1]).to.deep.include({ name: 'inner', attributes: { size: 2 }, error: null });
    expect((said[1] as { readonly traceparent: string }).traceparent).to.include('0af7651916cd43dd8448eb211c80319c');
  });

  it('is given up where what it says cannot be taken, and the worker goes on', async () => {
    const broken = new Error('no more lines');
    const onSaid = (): never => {
      throw broken;
    };
    const call = await keeper.call(request('attempt', { onSaid }));
    expect(await call.outcome.catch((error: unknown) => error)).to.equal(broken);
    expect(await (await keeper.call(request('same', { args: { value: 1 } }))).outcome).to.include({ value: 1 });
  });

  it('streams items beside its answer', async () => {
    const { items, outcome } = await keeper.call(request('count', { args: { upto: 3 }, items: 'queue' }));
    const seen: unknown[] = [];
    if (items !== undefined) for await (const item of items) seen.push(item);
    expect(seen).to.deep.equal([0, 1, 2]);
    expect((await outcome).value).to.equal('counted');
  });

  it('that is cancelled softly is waited for', async () => {
    let begun = (): void => undefined;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const call = await keeper.call(request('await_gently', { onSaid: () => begun() }));
    await isBegun;
    call.cancel('its time is nearly over');
    call.cancel('again');
    const error = await rejection(call.outcome);
    expect(error.code).to.equal('CALL_CANCELLED');
    expect(error.value).to.deep.equal({ reason: 'its time is nearly over' });
    expect(call.hasEnded).to.equal(true);
  });

  it('names its inputs in errors', async () => {
    const args = { rows: [{ f: Symbol('x') }] };
    expect(() => keeper.call(request('same', { args })))
      .to.throw()
      .with.property('at', 'inputs.rows[0].f');
  });
});
