import { expect } from 'chai';
import type { RunFailedError } from '../../src/base/run-errors.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { rejection } from '../support/caught.js';
import { plus } from '../support/child-nodes.js';
import { type Bench, codeOf, inBoth, type Process } from '../support/durable.js';

/** What was called, over all processes. */
let calls: string[] = [];

interface Version {
  /** What b adds. */
  readonly by?: number;
  /** Nodes that fail. */
  readonly fails?: readonly string[];
  readonly more?: boolean;
  readonly name?: string;
}

/** a -> b -> c beside d; b is what changes, by a literal. */
function flow({ by = 1, fails = [], more = false, name = 'flow' }: Version = {}) {
  const perform = (id: string, value: number): number => {
    calls.push(id);
    if (fails.includes(id)) throw new Error(`${id} broke`);
    return value;
  };
  const w = workflow(name);
  const a = w.fn('a', { x: 1 }, ({ x }) => perform('a', x));
  const b = w.fn('b', { x: a.out.value, by }, ({ x, by: added }) => perform('b', x + added));
  const c = w.fn('c', { x: b.out.value }, ({ x }) => perform('c', x * 10));
  const d = w.fn('d', { x: a.out.value }, ({ x }) => perform('d', x));
  if (more) w.fn('e', { x: d.out.value }, ({ x }) => perform('e', x));
  return w.build({ outputs: { c: c.out.value, d: d.out.value } });
}

function called(): readonly string[] {
  const now = calls.sort();
  calls = [];
  return now;
}

async function died(bench: Bench, at: string, version: Version = {}): Promise<Process> {
  const first = bench.open();
  bench.store.breaks = ({ events }) => (events.r?.includes(at) ? new Error('gone') : undefined);
  expect(await first.settle(flow(version)).catch((error: Error) => error.message)).to.equal('gone');
  bench.store.breaks = () => undefined;
  return first;
}

describe('A recorded run', () => {
  beforeEach(() => {
    calls = [];
  });

  inBoth('that was cut off goes on where it was, in both kinds of runtime', async (bench) => {
    await died(bench, 'completed b');
    expect(called()).to.include.members(['a', 'b']);
    const outcome = await bench.open({ workflows: [flow()] }, bench.other).resume(undefined);
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 20, d: 1 } });
    expect(called()).to.include.members(['b', 'c']).and.not.include('a');
    expect(bench.store.log('r').map(({ seq }) => seq)).to.deep.equal(bench.store.log('r').map((_, index) => index));
  });

  inBoth('that was cut off is told only what is new', async (bench) => {
    await died(bench, 'completed b');
    const had = bench.store.kinds('r').length;
    const next = bench.open();
    const own: number[] = [];
    await next.resume(flow(), 'r', { onEvent: ({ seq }) => own.push(seq) });
    expect(own[0]).to.equal(had);
    expect(own).to.deep.equal(next.heard.map(({ seq }) => seq));
  });

  for (const [status, fails] of [
    ['completed', []],
    ['failed', ['c']],
  ] as const) {
    inBoth(`that ${status} is given back as it was, without its code`, async (bench) => {
      const original = await bench.open().settle(flow({ fails }));
      expect(original.status).to.equal(status);
      called();
      const events = bench.store.kinds('r').length;
      const next = bench.open();
      const again = await next.resume(undefined);
      expect(called()).to.deep.equal([]);
      expect(again).to.deep.include({ status, output: (original as { output: unknown }).output });
      if (status === 'failed') {
        const [left, right] = [again, original].map((each) => (each as unknown as { error: RunFailedError }).error);
        expect(left).to.deep.include({ failure: right?.failure, node: 'c' });
        expect(await codeOf((async () => next.runtime.resume('r'))())).to.equal(right?.code);
      }
      expect(bench.store.kinds('r')).to.have.length(events);
      expect(next.heard).to.deep.equal([]);
      expect((await next.resume(flow({ by: 2 }))).status).to.equal(status);
    });
  }

  inBoth('that was cancelled is given back as it was', async (bench) => {
    const stop = new AbortController();
    const w = workflow('stopped');
    const a = w.fn('a', {}, () => {
      stop.abort(new Error('enough'));
      return 1;
    });
    w.fn('b', { a: a.out.value }, ({ a: x }) => x);
    const original = await bench.open().settle(w.build(), {}, { signal: stop.signal });
    expect(original.status).to.equal('cancelled');
    const again = await bench.open().resume(undefined);
    expect(again).to.include({ status: 'cancelled' });
    expect((again as unknown as { error: Error }).error.message).to.equal(
      (original as unknown as { error: Error }).error.message,
    );
  });

  inBoth('does not go on with a changed workflow unless it is forced to', async (bench) => {
    await died(bench, 'completed c');
    called();
    const next = bench.open();
    const error = await rejection(next.resume(flow({ by: 2, more: true })));
    expect(error).to.include({ code: 'WORKFLOW_CHANGED', at: 'r' });
    expect(error.message).to.match(/node "b" changed \(literals?[^)]*\)|node "b" changed/);
    expect(error.message).to.include('node "e" was added');
    expect(called()).to.deep.equal([]);
    expect(bench.store.run('r')?.status).to.equal('running');
  });

  inBoth(
    'goes on and is forked with the parameters that it began with: one that is required now is refused',
    async (bench) => {
      const of = (more: boolean) => {
        const w = workflow('flow', { params: more ? { n: type<number>(), m: type<number>() } : { n: type<number>() } });
        const first = w.fn('first', { n: w.params.n }, ({ n }) => n);
        if (more)
          w.fn('second', { n: first.out.value, m: (w.params as { readonly m: typeof w.params.n }).m }, ({ m }) => m);
        return w.build();
      };
      await bench.open().settle(of(false), { n: 1 });
      const before = bench.store.kinds('r');
      const next = bench.open();
      for (const goOn of [
        () => next.resume(of(true), 'r', { force: true }),
        () => next.fork('r', 2, {}, { workflow: of(true) as never }),
      ]) {
        const error = await rejection(goOn());
        expect(error).to.include({ code: 'MISSING_PARAMETER', at: 'm' });
        expect(error.message).to.include('run "r" began without it');
      }
      expect(bench.store.kinds('r')).to.deep.equal(before);
      expect(bench.store.runs()).to.have.length(1);
    },
  );

  inBoth('goes on by force with what changed and what depends on it', async (bench) => {
    await died(bench, 'completed c');
    called();
    const outcome = await bench.open().resume(flow({ by: 2, more: true }), 'r', { force: true });
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 30, d: 1 } });
    expect(called()).to.include.members(['b', 'c', 'e']).and.not.include('a');
    const revised = bench.store.log('r').find(({ kind }) => kind === 'run.revised');
    expect(revised?.data).to.deep.include({ workflow: 'flow', rerun: ['b', 'c', 'e'] });
  });

  for (const fails of [[], ['c']] as const) {
    inBoth(`that ${fails.length === 0 ? 'completed' : 'failed'} runs again by force what changed`, async (bench) => {
      await bench.open().settle(flow({ fails }));
      called();
      const next = bench.open();
      const outcome = await next.resume(flow({ by: 2 }), 'r', { force: true });
      expect(outcome).to.deep.include({ status: 'completed', output: { c: 30, d: 1 } });
      expect(called()).to.deep.equal(['b', 'c']);
      expect(bench.store.run('r')).to.include({
        status: 'completed',
        errorCode: null,
        workflowHash: next.runtime.hashOf(flow({ by: 2 })),
      });
      const seen = bench.open().runtime.replay('r');
      expect(seen).to.deep.include({ status: 'completed', output: { c: 30, d: 1 } });
    });
  }

  inBoth('that is over is given back without a receipt: nothing was done to keep it', async (bench) => {
    const first = await bench.open().settle(flow());
    expect(first).to.have.nested.property('receipt.commits').that.is.above(0);
    const again = await bench.open({ workflows: [flow()] }).resume(undefined);
    expect(again).to.include({ status: 'completed', receipt: undefined });
  });

  inBoth('that is over does nothing by force where nothing changed', async (bench) => {
    await bench.open().settle(flow());
    called();
    const events = bench.store.kinds('r').length;
    const outcome = await bench.open().resume(flow(), 'r', { force: true });
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 20, d: 1 } });
    expect(called()).to.deep.equal([]);
    expect(bench.store.kinds('r')).to.have.length(events);
  });

  inBoth('is revised twice, cut off and resumed, in whatever runtime', async (bench) => {
    await bench.open().settle(flow());
    await bench.open().resume(flow({ by: 2 }), 'r', { force: true });
    called();
    bench.store.breaks = ({ events }) => (events.r?.includes('started c') ? new Error('gone') : undefined);
    const third = bench.open({}, bench.other);
    expect(await third.resume(flow({ by: 3 }), 'r', { force: true }).catch((error: Error) => error.message)).to.equal(
      'gone',
    );
    bench.store.breaks = () => undefined;
    called();
    expect(await codeOf(bench.open().resume(flow({ by: 2 })))).to.equal('WORKFLOW_CHANGED');
    const outcome = await bench.open({}, bench.other).resume(flow({ by: 3 }));
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 40, d: 1 } });
    expect(called()).to.not.include('a');
    const { runtime } = bench.open();
    const all = bench.store.kinds('r').length;
    for (let count = 1; count <= all; count++) runtime.replay('r', { events: count });
    expect(runtime.replay('r').output).to.deep.equal({ c: 40, d: 1 });
    const revisions = bench.store.log('r').flatMap(({ kind, seq }) => (kind === 'run.revised' ? [seq] : []));
    expect(revisions).to.have.length(2);
    expect(runtime.replay('r', { events: revisions[0] as number }).output).to.deep.equal({ c: 20, d: 1 });
  });

  inBoth('keeps every workflow that it was one of, when others are removed and when it is exported', async (bench) => {
    await bench.open().settle(flow({ by: 9 }), {}, { runId: 'old' });
    await bench.open().settle(flow());
    await bench.open().resume(flow({ by: 2 }), 'r', { force: true });
    await bench.open().resume(flow({ by: 3 }), 'r', { force: true });
    bench.store.remove('old');
    const { runtime } = bench.open();
    expect(runtime.replay('r').output).to.deep.equal({ c: 40, d: 1 });
    expect(runtime.replay('r', { events: 8 }).status).to.equal('running');
    const exported = runtime.exportRun('r');
    bench.fresh();
    const elsewhere = bench.open().runtime;
    elsewhere.importRun(JSON.parse(JSON.stringify(exported)));
    expect(elsewhere.replay('r').output).to.deep.equal({ c: 40, d: 1 });
    expect(elsewhere.replay('r', { events: 8 }).status).to.equal('running');
  });

  inBoth('is not tried to be saved as a snapshot once it was revised, by whatever process', async (bench) => {
    const long = (by: number) => {
      const w = workflow('long');
      const gate = w.gate('gate');
      const first = w.fn('first', { gate: gate.out.approved, by }, () => 0);
      const step = w.add('step', plus({ n: first.out.value }));
      w.cycle('turns', { feedback: [step.out.n.to(step.in.n)], maxIterations: 1_000 });
      return w.build({ outputs: { n: step.out.n } });
    };
    await bench.open().settle(long(1));
    expect((await bench.open().resume(long(2), 'r', { force: true })).status).to.equal('waiting');
    const next = bench.open({ workflows: [long(2)] });
    next.runtime.approve('r', 'gate', 1);
    bench.store.breaks = () => void bench.clock.advance(100);
    expect(await next.resume(undefined)).to.deep.include({ status: 'completed', output: { n: 1_000 } });
    expect(next.log.entries).to.deep.equal([]);
  });

  inBoth('goes on by force with a workflow of another name', async (bench) => {
    await died(bench, 'completed c');
    expect(await codeOf(bench.open().resume(flow({ name: 'other' })))).to.equal('WORKFLOW_CHANGED');
    const outcome = await bench.open().resume(flow({ name: 'other' }), 'r', { force: true });
    expect(outcome.status).to.equal('completed');
    expect(bench.store.run('r')).to.include({ workflow: 'other' });
  });

  inBoth('is refused where it is unknown, exists already, or is driven', async (bench) => {
    const process = bench.open({ workflows: [flow()] });
    expect(await codeOf(process.resume(undefined, 'none'))).to.equal('RUN_UNKNOWN');
    expect(await codeOf(process.resume(flow(), 'none'))).to.equal('RUN_UNKNOWN');
    expect(await codeOf(process.resume(flow(), undefined as never))).to.match(/kept|RUN_UNKNOWN/);
    expect(await codeOf(process.resume('r' as never, 'r'))).to.not.match(/kept|TypeError/);
    await process.settle(flow());
    const again = await process.settle(flow());
    expect(again.status === 'rejected' && again.error.problems.map(({ code }) => code)).to.deep.equal(['RUN_EXISTS']);
    const w = workflow('selfish');
    const codes: string[] = [];
    const resume = () => codeOf((async () => process.runtime.resume('own'))());
    const note = (code: string): unknown => codes.push(code);
    w.fn('a', {}, () => (bench.kind === 'async' ? resume().then(note) : [void resume().then(note)].length));
    await process.settle(w.build(), {}, { runId: 'own' });
    await bench.close();
    expect(codes).to.deep.equal(['RUN_EXISTS']);
  });

  inBoth('refuses options that it does not have', async (bench) => {
    const process = bench.open({ workflows: [flow()] });
    await process.settle(flow());
    for (const options of [{ force: 1 }, { nope: 1 }, null, { signal: 1 }])
      expect(await codeOf(process.resume(undefined, 'r', options as never))).to.match(/INVALID_OPTION|UNKNOWN_OPTION/);
  });
});
