import { expect } from 'chai';
import type { Durability } from '../../src/base/history/event-store.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { deferred, turn } from '../support/deferred.js';
import { inBoth, inOne, type Process } from '../support/durable.js';
import { withX } from '../support/module-nodes.js';
import { RecordingStore } from '../support/recording-store.js';

/** n0, n1, … one after the other, each with a durability of its own. */
function chain(levels: readonly (Durability | undefined)[], hear: (id: string) => void = () => undefined) {
  const w = workflow('chain');
  const nodes = levels.map((durability, index) => {
    const options = durability === undefined ? {} : { durability };
    const id = `n${index}`;
    return { id, options };
  });
  let last = undefined as undefined | { readonly out: { readonly value: never } };
  for (const { id, options } of nodes) {
    const node = w.fn(
      id,
      last === undefined ? { x: 0 } : { x: last.out.value },
      ({ x }) => {
        hear(id);
        return (x as number) + 1;
      },
      options as never,
    );
    last = node as never;
  }
  return w.build({ outputs: { end: (last as { readonly out: { readonly value: never } }).out.value } });
}

/** Nodes that are performed together, each until it is told to go on. */
function fan(size: number, perform: (id: string) => Promise<unknown> | unknown) {
  const w = workflow('fan');
  for (let index = 0; index < size; index++) w.fn(`n${index}`, { id: `n${index}` }, ({ id }) => perform(id));
  return w.build();
}

const doubled = () => withX('double')({ x: 2 });

describe('What a durable run commits', () => {
  inBoth('is one batch before each node of a chain, and one at the end', async (bench) => {
    const outcome = await bench.open().settle(chain([undefined, undefined, undefined]));
    expect(outcome).to.include({ status: 'completed' });
    expect(bench.store.commits).to.deep.equal([
      ['run.started', 'started n0'],
      ['completed n0', 'started n1'],
      ['completed n1', 'started n2'],
      ['completed n2', 'run.completed'],
    ]);
    expect(bench.store.appends.map(({ durability }) => durability)).to.deep.equal(Array(4).fill('process'));
  });

  inBoth('is there before the node is called', async (bench) => {
    const seen: unknown[] = [];
    const flow = chain([undefined, undefined], () => seen.push(bench.store.kinds('r').length));
    await bench.open().settle(flow);
    expect(seen).to.deep.equal([2, 4]);
  });

  inBoth('is told of by its receipt', async (bench) => {
    const outcome = await bench.open().settle(chain([undefined, undefined]));
    expect(outcome).to.have.deep.property('receipt', { durability: 'memory', commits: 3, events: 6 });
  });

  inOne('async', 'is shared by nodes that start together and by those that end together', async (bench) => {
    const gates = Array.from({ length: 4 }, () => deferred<number>());
    const run = bench.open().settle(fan(4, (id) => gates[Number(id.slice(1))]?.promise));
    await turn();
    for (const { resolve } of gates) resolve(1);
    await run;
    expect(bench.store.commits).to.have.length(2);
    expect(bench.store.commits[0]).to.deep.equal([
      'run.started',
      ...['started n0', 'started n1', 'started n2', 'started n3'],
    ]);
  });

  inOne('sync', 'is shared by module nodes that start together', async (bench) => {
    const w = workflow('modules');
    for (const id of ['a', 'b', 'c']) w.add(id, doubled());
    const outcome = await bench.open().settle(w.build());
    expect(outcome.status).to.equal('completed');
    expect(bench.store.commits[0]).to.deep.equal(['run.started', 'started a', 'started b', 'started c']);
    expect(bench.store.commits.length).to.be.at.most(4);
  });

  inOne('async', 'is shared by runs that are ready in the same turn', async (bench) => {
    const process = bench.open();
    const flow = fan(1, async (id) => id);
    const runs = Array.from({ length: 10 }, (_, number) => process.settle(flow, {}, { runId: `r${number}` }));
    const outcomes = await Promise.all(runs);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(Array(10).fill('completed'));
    expect(bench.store.appends.length).to.be.lessThan(14);
    expect(bench.store.runs().map(({ events }) => events)).to.deep.equal(Array(10).fill(4));
  });

  inBoth('of nodes that need not be kept is written with the next one that must', async (bench) => {
    await bench.open().settle(chain(['memory', 'memory', 'process', 'memory', 'memory']));
    expect(bench.store.commits).to.deep.equal([
      ['run.started', 'started n0'],
      ['completed n0', 'started n1', 'completed n1', 'started n2'],
      ['completed n2', 'started n3'],
      ['completed n3', 'started n4', 'completed n4', 'run.completed'],
    ]);
  });

  inBoth('is as durable as its nodes ask', async (bench) => {
    await bench.open().settle(chain(['process', 'power', 'process']));
    const levels = bench.store.appends.map(({ durability }) => durability);
    expect(levels).to.deep.equal(['process', 'power', 'power', 'process']);
  });

  inBoth('is as durable as their executors and the runtime ask', async (bench) => {
    const options = { durability: 'memory' } as const;
    await bench.open(options).settle(chain([undefined, undefined]));
    expect(bench.store.commits).to.have.length(1);
    expect(bench.store.appends[0]?.durability).to.equal('memory');

    const w = workflow('executors');
    w.add('a', doubled());
    bench.fresh();
    const power = { durability: 'memory', executors: { 'function.double': { durability: 'power' } } } as const;
    const outcome = await bench.open(power).settle(w.build());
    expect(outcome.status).to.equal('completed');
    expect(bench.store.appends.map(({ durability }) => durability)).to.deep.equal(['power', 'power']);
  });

  inOne('sync', 'is as durable as each of the nodes that start together asks', async (bench) => {
    const w = workflow('modules');
    w.add('a', doubled());
    w.add('b', doubled(), { durability: 'power' });
    await bench.open().settle(w.build());
    expect(bench.store.appends[0]).to.include({ durability: 'power' });
  });

  inOne('sync', 'is as durable as a node asks that starts after module nodes', async (bench) => {
    const w = workflow('modules');
    w.add('a', doubled());
    w.fn('b', {}, () => 1, { durability: 'power' } as never);
    await bench.open().settle(w.build());
    expect(bench.store.appends[0]).to.deep.include({ durability: 'power' });
  });

  inOne('async', 'is as durable as its nodes ask, where another run commits first', async (bench) => {
    const process = bench.open();
    const slow = deferred<number>();
    const w = workflow('careful');
    const first = w.fn('first', {}, () => slow.promise);
    w.fn('second', { x: first.out.value }, ({ x }) => x, { durability: 'power' } as never);
    const careful = process.settle(w.build(), {}, { runId: 'careful' });
    await turn();
    const busy = process.settle(chain([undefined, undefined]), {}, { runId: 'busy' });
    slow.resolve(1);
    await Promise.all([careful, busy]);
    const start = bench.store.appends.find(({ events }) => events.careful?.includes('started second'));
    expect(start?.durability).to.equal('power');
  });

  inBoth('is heard once it is committed', async (bench) => {
    const early: unknown[] = [];
    const process = bench.open();
    process.runtime.on('event', ({ seq, runId }) => {
      if (bench.store.kinds(runId).length <= seq) early.push(seq);
    });
    await process.settle(chain([undefined, undefined]));
    expect(early).to.deep.equal([]);
    expect(process.heard).to.deep.equal(bench.store.log('r'));
  });

  inBoth('is never heard where it could not be', async (bench) => {
    const process = bench.open();
    const own: string[] = [];
    bench.store.breaks = ({ events }) => (events.r?.includes('started n1') ? new Error('disk') : undefined);
    const run = process.settle(chain([undefined, undefined]), {}, { onEvent: ({ kind }) => own.push(kind) });
    expect(await run.catch((error: Error) => error.message)).to.equal('disk');
    expect(process.heard.map(({ kind }) => kind)).to.deep.equal(['run.started', 'attempt.started']);
    expect(own).to.deep.equal(['run.started', 'attempt.started']);
  });

  inBoth('is heard in order, also by those who answer a gate while they listen', async (bench) => {
    const process = bench.open();
    const w = workflow('beside');
    const gate = w.gate('gate');
    const a = w.fn('a', {}, () => 1);
    w.fn('b', { a: a.out.value }, () => 1);
    w.fn('c', { yes: gate.out.approved }, () => 1);
    process.runtime.on('event', ({ kind }) => {
      if (kind === 'gate.opened') process.runtime.approve('r', 'gate');
    });
    expect(await process.settle(w.build())).to.include({ status: 'completed' });
    expect(process.heard.map(({ seq }) => seq)).to.deep.equal(bench.store.log('r').map(({ seq }) => seq));
  });

  inBoth('is heard in order, also by those who start a run while they listen', async (bench) => {
    const process = bench.open();
    const later: Promise<unknown>[] = [];
    const heard: string[] = [];
    process.runtime.on('event', ({ runId, kind, seq }) => {
      heard.push(`${runId} ${seq}`);
      if (runId === 'r' && kind === 'run.started') later.push(start(process, 'inner'));
    });
    await process.settle(chain([undefined, undefined]));
    await Promise.all(later);
    for (const runId of ['r', 'inner']) {
      const own = heard.filter((each) => each.startsWith(`${runId} `));
      expect(own).to.deep.equal(bench.store.log(runId).map(({ seq }) => `${runId} ${seq}`));
    }
  });
});

async function start(process: Process, runId: string): Promise<unknown> {
  return process.settle(chain([undefined]), {}, { runId });
}

describe('A store that several runtimes share', () => {
  inBoth('keeps the runs of each', async (bench) => {
    const store = new RecordingStore();
    const [one, two] = [bench.open({ store }), bench.open({ store }, bench.other)];
    await one.settle(chain([undefined]), {}, { runId: 'a' });
    await two.settle(chain([undefined]), {}, { runId: 'b' });
    expect(one.runtime.runs().map(({ runId }) => runId)).to.have.members(['a', 'b']);
  });
});
