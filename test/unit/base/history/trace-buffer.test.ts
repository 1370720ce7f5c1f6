import { expect } from 'chai';
import type { EventData, EventKind, RunEvent } from '../../../../src/base/events.js';
import { TraceBuffer } from '../../../../src/base/history/trace-buffer.js';
import { defineNode } from '../../../../src/base/node.js';
import { type } from '../../../../src/base/schema.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../../src/runtimes/local-runtime.js';
import { seededRandom } from '../../../../src/testing/index.js';
import { caught } from '../../../support/caught.js';
import { settledHeap } from '../../../support/settled-heap.js';

let seq = 0;
function event<K extends EventKind>(kind: K, data: object, runId = 'r'): RunEvent {
  return { seq: seq++, ts: 0, runId, kind, v: 1, data: data as EventData[K] } as unknown as RunEvent;
}

const started = (visit: number, node = 'a', scope = '') => event('attempt.started', { scope, node, visit, attempt: 1 });
const completed = (visit: number, node = 'a', scope = '') =>
  event('attempt.completed', { scope, node, visit, attempt: 1, output: { n: visit } });
const failed = (visit: number) =>
  event('attempt.failed', { scope: '', node: 'a', visit, attempt: 1, error: {}, then: { kind: 'fail' } });
const iterated = (iteration: number, scope = '') =>
  event('cycle.iterated', { scope, cycle: 'c', iteration, elapsedMs: 0, metric: null });
const stopped = (isFailed: boolean) =>
  event('cycle.stopped', { scope: '', cycle: 'c', iterations: 1, elapsedMs: 0, metric: null, failed: isFailed });

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  const placed = items.map((item, index) => ({ item, at: random.keyed(`${index}`) }));
  return placed.sort((left, right) => left.at - right.at).map(({ item }) => item);
}

function fill(buffer: TraceBuffer, events: Iterable<RunEvent>): TraceBuffer {
  for (const each of events) buffer.add(each);
  return buffer;
}

const odd = defineNode({
  name: 'odd',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => {
    if (n % 20 === 0) throw new RangeError('even');
    return { n };
  },
});

const names = (events: readonly RunEvent[]): string[] =>
  events.map(({ kind, data }) => `${kind} ${'visit' in data ? data.visit : ''}`).sort();

describe('TraceBuffer', () => {
  it('holds everything in order while it fits', () => {
    const events = [event('run.started', {}), started(1), completed(1), event('run.completed', { output: {} })];
    const buffer = fill(new TraceBuffer({ capacity: 4 }), events);
    expect(buffer.events).to.deep.equal(events);
    expect([buffer.dropped, buffer.share]).to.deep.equal([0, 1]);
  });

  it('halves the share of visits when it is full: all of a visit or none of it, in order, and counts what it drops', () => {
    const buffer = new TraceBuffer({ capacity: 100 });
    for (let visit = 1; visit <= 1_000; visit++) fill(buffer, [started(visit), completed(visit)]);
    const { events, dropped, share } = buffer;
    expect(events.length).to.be.within(20, 100);
    expect(dropped).to.equal(2_000 - events.length);
    expect(Math.log2(1 / share) % 1).to.equal(0);
    const visits = events.map(({ data }) => ('visit' in data ? data.visit : 0));
    expect(visits).to.deep.equal([...visits].sort((left, right) => left - right));
    expect(visits.filter((_, index) => index % 2 === 0)).to.deep.equal(visits.filter((_, index) => index % 2 === 1));
  });

  it('keeps the share that it is told, and no visit with a share of 0', () => {
    const of = (sample: number) => {
      const buffer = new TraceBuffer({ sample });
      for (let visit = 1; visit <= 4_000; visit++) buffer.add(started(visit));
      return buffer.events.length;
    };
    expect(of(0.25)).to.be.within(900, 1_100);
    expect([of(0), of(1)]).to.deep.equal([0, 4_000]);
  });

  it('keeps the same events in whatever order they come', () => {
    const events: RunEvent[] = [event('run.started', {})];
    for (let visit = 1; visit <= 600; visit++)
      events.push(started(visit), visit % 50 === 0 ? failed(visit) : completed(visit));
    for (const capacity of [700, 100, 20, 8, 1]) {
      const inOrder = names(fill(new TraceBuffer({ capacity }), events).events);
      expect(inOrder.length).to.be.at.most(capacity);
      for (const seed of [1, 2, 3])
        expect(names(fill(new TraceBuffer({ capacity }), shuffled(events, seed)).events)).to.deep.equal(inOrder);
    }
  });

  it('keeps failures and what concerns the run as long as there is anything else, unless it is told otherwise', () => {
    const events = [event('run.started', {}), stopped(true), stopped(false)];
    for (let visit = 1; visit <= 500; visit++)
      events.push(started(visit), visit % 100 === 0 ? failed(visit) : completed(visit));
    events.push(event('deadline.expired', { scope: '', subject: '', level: 'soft' }));
    const held = fill(new TraceBuffer({ capacity: 20 }), events).events;
    const firm = ['run.started', 'cycle.stopped', 'attempt.failed', 'deadline.expired'];
    expect(held.filter(({ kind }) => firm.includes(kind)).map(({ kind }) => kind)).to.deep.equal([
      'run.started',
      'cycle.stopped',
      ...Array<string>(5).fill('attempt.failed'),
      'deadline.expired',
    ]);
    const sampled = fill(new TraceBuffer({ sample: 0, keepFailures: false }), events).events;
    expect(sampled.map(({ kind }) => kind)).to.deep.equal(['run.started', 'deadline.expired']);
  });

  it('stays bounded where there is nothing but failures', () => {
    const buffer = new TraceBuffer({ capacity: 10 });
    for (let visit = 1; visit <= 5_000; visit++) fill(buffer, [started(visit), failed(visit)]);
    expect(buffer.events.length).to.be.within(1, 10);
    expect(buffer.events.every(({ kind }) => kind === 'attempt.failed')).to.equal(true);
    expect(buffer.share).to.equal(0);
  });

  it('takes every turn of a cycle by itself, also where an inner cycle counts anew', () => {
    const buffer = new TraceBuffer({ capacity: 64 });
    for (let outer = 0; outer < 1_000; outer++) fill(buffer, [iterated(0), iterated(1), stopped(false)]);
    expect(buffer.events.length).to.be.within(8, 64);
    const children = new TraceBuffer({ sample: 0.5 });
    for (let item = 0; item < 400; item++) children.add(iterated(0, `all[${item}]/`));
    expect(children.events.length).to.be.within(150, 250);
    buffer.add(event('run.completed', { output: {} }));
    const again = fill(new TraceBuffer({ sample: 0.5 }), [iterated(0), event('run.failed', {}), iterated(0)]);
    expect(again.events.filter(({ kind }) => kind === 'cycle.iterated').length).to.be.oneOf([0, 2]);
  });

  it('tells warnings and limits apart by what they concern', () => {
    const warned = (at: string) => event('run.warned', { scope: '', code: 'soft-timeout', message: '', at });
    const passed = (subject: string) => event('deadline.expired', { scope: '', subject, level: 'soft' });
    const buffer = new TraceBuffer({ capacity: 50, sample: 0.5 });
    for (let each = 0; each < 400; each++) fill(buffer, [warned(`n${each}`), passed(`n${each}`)]);
    expect(buffer.events.length).to.be.within(10, 50);
    expect(new Set(buffer.events.map(({ kind }) => kind))).to.deep.equal(new Set(['run.warned']));
  });

  it('keeps the same visits of a run in both runtimes', async () => {
    const build = () => {
      const w = workflow('both');
      const list = w.fn('list', {}, () => Array.from({ length: 40 }, (_, index) => index));
      w.map('all', list.out.value, (n) => odd({ n }), { onItemError: 'collect' });
      return w.build();
    };
    const [sync, async] = [new TraceBuffer({ capacity: 30 }), new TraceBuffer({ capacity: 30 })];
    using local = new LocalRuntime();
    local.execute(build(), {}, { runId: 'r', onEvent: sync.add });
    await using later = new AsyncLocalRuntime();
    await later.execute(build(), {}, { runId: 'r', onEvent: async.add });
    expect(names(sync.events)).to.deep.equal(names(async.events));
    expect([sync.dropped > 0, sync.dropped]).to.deep.equal([true, async.dropped]);
  });

  it('does not grow over a million visits', async function () {
    this.timeout(60_000);
    const buffer = new TraceBuffer({ capacity: 2_000 });
    const visit = (from: number, to: number) => {
      for (let each = from; each < to; each++) {
        buffer.add(started(each));
        buffer.add(each % 1_000 === 0 ? failed(each) : completed(each));
      }
    };
    visit(0, 100_000);
    const before = await settledHeap();
    visit(100_000, 1_000_000);
    const growth = (await settledHeap()) - before;
    expect(buffer.events.length).to.be.at.most(2_000);
    expect(buffer.dropped + buffer.events.length).to.equal(2_000_000);
    expect(growth).to.be.below(500_000); // every event takes some 200 bytes: two millions of them 400 MB
  });

  it('refuses options that it does not have', () => {
    for (const [options, code] of [
      [{ capacity: 0 }, 'INVALID_OPTION'],
      [{ sample: 1.1 }, 'INVALID_OPTION'],
      [{ keepFailures: 1 }, 'INVALID_OPTION'],
      [{ size: 1 }, 'UNKNOWN_OPTION'],
    ] as const)
      expect(caught(() => new TraceBuffer(options as object)).code).to.equal(code);
  });
});
