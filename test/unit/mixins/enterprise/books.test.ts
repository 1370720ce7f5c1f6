import { expect } from 'chai';
import type { Attempt } from '../../../../src/base/attempt.js';
import { compile } from '../../../../src/base/compile.js';
import { errorData } from '../../../../src/base/errors.js';
import { ExecutionState } from '../../../../src/base/execution-state.js';
import type { RunView, Settlement } from '../../../../src/base/run-view.js';
import { COMPLETED, RUNNING } from '../../../../src/base/status.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { ExecutionBook } from '../../../../src/mixins/enterprise/execution-metrics.js';
import { RetryBook } from '../../../../src/mixins/enterprise/retry-analytics.js';

const nthAttempt = (number: number, startedAt = 0, cached = false, kind = 'function') =>
  ({ number, startedAt, cached, node: { data: { kind } } }) as Attempt;

const completed = (at: number): Settlement => ({ status: 'completed', at, error: undefined, then: undefined });

function failed(at: number, then: Settlement['then'], code = 'E_1', status: 'failed' | 'lost' = 'failed'): Settlement {
  return { status, at, error: errorData(Object.assign(new Error('x'), { code })), then };
}

const NOTHING = { attempts: 0, firstTry: 0, recovered: 0, failed: 0, retries: 0, waitedMs: 0 };

describe('RetryBook', () => {
  it('begins with nothing', () => {
    expect(new RetryBook().report()).to.deep.equal({
      since: null,
      ...NOTHING,
      givenUp: {
        attempts: 0,
        'not-retriable': 0,
        budget: 0,
        'retry-after': 0,
        'time-limit': 0,
        strategy: 0,
        lost: 0,
      },
      byCode: {},
      byExecutor: {},
    });
  });

  it('counts how visits end, by executor and in all', () => {
    const book = new RetryBook();
    book.note(nthAttempt(1), 'a', completed(5));
    book.note(nthAttempt(1), 'b', failed(6, { kind: 'retry', at: 16 }));
    book.note(nthAttempt(2), 'b', failed(16, { kind: 'retry', at: 46 }, 'E_2', 'lost'));
    book.note(nthAttempt(3), 'b', completed(50));
    book.note(nthAttempt(1), 'a', failed(60, { kind: 'fail' }));
    book.note(nthAttempt(1), 'a', failed(61, { kind: 'allow' }));
    book.note(nthAttempt(1), 'a', { status: 'cancelled', at: 62, error: undefined, then: undefined });
    book.noteGivenUp('attempts');
    book.noteGivenUp('attempts');
    book.noteGivenUp('budget');
    const report = book.report();
    expect(report).to.deep.include({
      since: 5,
      attempts: 7,
      firstTry: 1,
      recovered: 1,
      failed: 2,
      retries: 2,
      waitedMs: 40,
      byCode: { E_1: { failures: 3, retries: 1 }, E_2: { failures: 1, retries: 1 } },
      byExecutor: {
        a: { ...NOTHING, attempts: 4, firstTry: 1, failed: 2 },
        b: { ...NOTHING, attempts: 3, recovered: 1, retries: 2, waitedMs: 40 },
      },
    });
    expect(report.givenUp).to.include({ attempts: 2, budget: 1, strategy: 0 });
  });

  it('gives copies: what is done to a report changes no count', () => {
    const book = new RetryBook();
    book.note(nthAttempt(1), 'a', failed(1, { kind: 'fail' }));
    const before = JSON.stringify(book.report());
    const report = book.report() as unknown as Record<string, Record<string, Record<string, number>>>;
    for (const group of [report.byCode?.E_1, report.byExecutor?.a])
      Object.assign(group ?? {}, { failures: 9, failed: 9 });
    Object.assign(report.givenUp ?? {}, { attempts: 9 });
    expect(JSON.stringify(book.report())).to.equal(before);
  });

  it('counts from anew once it is reset, from that moment on', () => {
    const book = new RetryBook();
    book.note(nthAttempt(1), 'a', failed(1, { kind: 'fail' }));
    book.noteGivenUp('attempts');
    book.reset(77);
    expect(book.report()).to.deep.equal({ ...new RetryBook().report(), since: 77 });
    book.note(nthAttempt(1), 'a', completed(80));
    expect(book.report()).to.include({ since: 77, attempts: 1 });
  });

  it('remembers 100 codes and 1,000 executors by name, and counts the rest together', () => {
    const book = new RetryBook();
    for (let index = 1; index <= 1_002; index++)
      book.note(nthAttempt(1), `executor ${index}`, failed(1, { kind: 'fail' }, `E_${index}`));
    book.note(nthAttempt(1), 'executor 1000', failed(1, { kind: 'fail' }, 'E_100'));
    const { byCode, byExecutor, attempts } = book.report();
    expect(attempts).to.equal(1_003);
    expect(Object.keys(byCode)).to.have.length(101);
    expect([byCode.E_100, byCode.E_101, byCode['(other)']]).to.deep.equal([
      { failures: 2, retries: 0 },
      undefined,
      { failures: 902, retries: 0 },
    ]);
    expect(Object.keys(byExecutor)).to.have.length(1_001);
    expect(byExecutor['executor 1000']).to.include({ attempts: 2 });
    expect(byExecutor['(other)']).to.include({ attempts: 2 });
  });

  it('takes names of properties that every object has for names like others', () => {
    const book = new RetryBook();
    book.note(nthAttempt(1), 'constructor', failed(1, { kind: 'fail' }, '__proto__'));
    const { byCode, byExecutor } = book.report();
    expect(Object.keys(byCode)).to.deep.equal(['__proto__']);
    expect(Object.keys(byExecutor)).to.deep.equal(['constructor']);
  });
});

const w = workflow('w');
w.fn('a', {}, () => 1);
w.fn('b', {}, () => 1);
const plan = compile(w.build());

/** A run that began at a time. */
function run(runId: string, startedAt = 0): RunView & { readonly top: ExecutionState } {
  const top = new ExecutionState(plan);
  top.runStartedAt = startedAt;
  top.runStatus = 'running';
  return { runId, top } as RunView & { readonly top: ExecutionState };
}

function end({ top }: { readonly top: ExecutionState }, at: number): void {
  top.runStatus = 'completed';
  top.runEndedAt = at;
}

describe('ExecutionBook', () => {
  it('shows a run as it is at the moment, until it ends', () => {
    const book = new ExecutionBook();
    const one = run('one', 100);
    book.begin(one);
    one.top.status[0] = COMPLETED;
    one.top.status[1] = RUNNING;
    const shown = book.of('one', 150);
    expect(shown).to.deep.include({ runId: 'one', workflow: 'w', status: 'running', startedAt: 100, durationMs: 50 });
    expect(shown?.nodes).to.include({ pending: 0, running: 1, completed: 1 });
    end(one, 170);
    expect(book.of('one', 180)).to.include({ status: 'completed', durationMs: 80 });
    book.end(one);
    one.top.status[1] = COMPLETED;
    expect(book.of('one', 500)).to.include({ status: 'completed', durationMs: 70 });
    expect(book.of('one', 500)?.nodes).to.include({ running: 1, completed: 1 });
  });

  it('adds up attempts, and the time of those that worked: not of maps, of what the cache answered, or of what was lost', () => {
    const book = new ExecutionBook();
    const one = run('one');
    book.note(one, nthAttempt(1, 10), failed(15, { kind: 'retry', at: 20 }));
    book.note(one, nthAttempt(2, 20), completed(27));
    book.note(one, nthAttempt(1, 30, true), completed(31));
    book.note(one, nthAttempt(1, 0, false, 'map'), failed(40, { kind: 'fail' }));
    book.note(one, nthAttempt(1, 40), { status: 'cancelled', at: 43, error: undefined, then: undefined });
    book.note(one, nthAttempt(1, 50), failed(52, { kind: 'fail' }, 'E', 'lost'));
    expect(book.of('one', 0)).to.deep.include({
      attempts: { completed: 2, failed: 2, lost: 1, cancelled: 1 },
      retries: 1,
      cached: 1,
      busyMs: 15,
      wastedMs: 8,
    });
  });

  it('goes on counting a run that waited, from the state that it goes on with', () => {
    const book = new ExecutionBook();
    const before = run('one', 5);
    book.note(before, nthAttempt(1), completed(6));
    before.top.runStatus = 'waiting';
    const after = run('one', 5);
    after.top.status[0] = COMPLETED;
    book.note(after, nthAttempt(1), completed(8));
    expect(book.of('one', 10)?.attempts.completed).to.equal(2);
    expect(book.of('one', 10)?.nodes.completed).to.equal(1);
  });

  it('begins anew with a run that has the id of one that has ended', () => {
    const book = new ExecutionBook();
    const first = run('one');
    book.note(first, nthAttempt(1), completed(6));
    end(first, 7);
    book.end(first);
    book.begin(run('one', 50));
    expect(book.of('one', 60)).to.deep.include({ status: 'running', startedAt: 50, durationMs: 10 });
    expect(book.of('one', 60)?.attempts.completed).to.equal(0);
    expect(book.size).to.equal(1);
  });

  it('knows nothing of other runs', () => {
    expect(new ExecutionBook().of('one', 0)).to.equal(undefined);
  });

  it('gives copies: what is done to metrics changes no count', () => {
    const book = new ExecutionBook();
    const one = run('one');
    end(one, 1);
    book.end(one);
    const metrics = book.of('one', 0);
    Object.assign(metrics?.attempts ?? {}, { completed: 9 });
    Object.assign(metrics?.nodes ?? {}, { pending: 9 });
    expect(book.of('one', 0)?.attempts.completed).to.equal(0);
    expect(book.of('one', 0)?.nodes.pending).to.equal(2);
  });

  it('remembers 1,000 runs: of those that have ended, the one that began longest ago goes first', () => {
    const book = new ExecutionBook();
    const open = run('open');
    book.begin(open);
    for (let index = 1; index <= 1_000; index++) {
      const next = run(`${index}`);
      end(next, 1);
      book.end(next);
    }
    expect(book.size).to.equal(1_000);
    expect(book.of('open', 0)).not.to.equal(undefined);
    expect(book.of('1', 0)).to.equal(undefined);
    expect(book.of('2', 0)).not.to.equal(undefined);
  });

  it('lets the oldest run go where none has ended', () => {
    const book = new ExecutionBook();
    for (let index = 0; index <= 1_000; index++) book.begin(run(`${index}`));
    expect(book.size).to.equal(1_000);
    expect(book.of('0', 0)).to.equal(undefined);
    expect(book.of('1', 0)).not.to.equal(undefined);
  });

  it('trim leaves runs that go on, and as many others as were asked for', () => {
    const book = new ExecutionBook();
    for (const id of ['a', 'b', 'c', 'd']) {
      const one = run(id);
      end(one, 1);
      if (id === 'a') book.begin(one);
      else book.end(one);
    }
    book.trim(3);
    expect(['a', 'b', 'c', 'd'].filter((id) => book.of(id, 0) !== undefined)).to.deep.equal(['a', 'c', 'd']);
    book.trim(0);
    expect(book.size).to.equal(1);
    expect(book.of('a', 0)).not.to.equal(undefined);
  });
});
