import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ASYNC_WAYS, everyWay, statuses } from '../../support/every-way.js';

const index = new URL('../../../src/index.js', import.meta.url);

/** Runs a script in a process of its own. */
function inProcess(script: string): {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
} {
  const child = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', `import { workflow, AsyncLocalRuntime } from '${index.href}';\n${script}`],
    {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      timeout: 30_000,
    },
  );
  return { code: child.status, lines: child.stdout.split('\n').filter((line) => line !== ''), errors: child.stderr };
}

const hanging = defineNode({
  name: 'hanging',
  outputs: { n: type<number>() },
  run: () => new Promise<{ n: number }>(() => undefined),
});

describe('nodes that never settle', () => {
  it(
    'fail NEVER_SETTLED when nothing is left that could settle them, are not tried again, and the rest of the run goes on',
    everyWay(
      async (run) => {
        const w = workflow('hanging');
        const stuck = w.add('stuck', hanging({}), { retry: { attempts: 5 } });
        w.fn('next', { n: stuck.out.n }, ({ n }) => n);
        const allowed = w.try('allowed', hanging({}));
        const spare = w.fn('spare', { error: allowed.error.at('code') }, ({ error }) => error);
        const result = await run.fail(w.build({ outputs: { spare: spare.out.value } }));
        expect(result.error.node).to.equal('stuck');
        expect(result.error.failure.code).to.equal('NEVER_SETTLED');
        expect(result.error.failure.message).to.contain('Node "stuck" never settled');
        expect(statuses(result)).to.deep.equal({
          stuck: 'failed',
          allowed: 'failed',
          next: 'blocked',
          spare: 'completed',
        });
        expect(result.results.get('spare')).to.deep.equal({ value: 'NEVER_SETTLED' });
        expect(result.node('stuck').attempts).to.equal(1);
      },
      ['async runtime, async nodes'],
    ),
  );

  it(
    'one with a time limit fails by that instead',
    everyWay(async (run) => {
      const w = workflow('limited');
      w.add('stuck', hanging({}), { timeoutMs: 1000 });
      const result = await run.fail(w.build());
      expect(result.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
      expect(result.durationMs).to.equal(1000);
    }, ASYNC_WAYS),
  );

  it('a process whose node never settles prints the error and exits 0', () => {
    const { code, lines, errors } = inProcess(`
      const w = workflow('hangs');
      w.fn('fine', {}, () => 1);
      w.fn('stuck', {}, () => new Promise(() => {}));
      const outcome = await new AsyncLocalRuntime().settle(w.build());
      console.log(outcome.status, outcome.error.failure.code, outcome.error.node, outcome.node('fine').status);
    `);
    expect(errors).to.equal('');
    expect(lines).to.deep.equal(['failed NEVER_SETTLED stuck completed']);
    expect(code).to.equal(0);
  });

  it('several runs in one process all end', () => {
    const { code, lines } = inProcess(`
      const w = workflow('hangs');
      w.fn('stuck', {}, () => new Promise(() => {}));
      const built = w.build();
      const runtime = new AsyncLocalRuntime();
      const outcomes = await Promise.all([runtime.settle(built), runtime.settle(built), new AsyncLocalRuntime().settle(built)]);
      console.log(outcomes.map((outcome) => outcome.error.failure.code).join(' '));
      const after = await runtime.settle(built);
      console.log(after.error.failure.code, process.listenerCount('beforeExit'));
    `);
    expect(lines).to.deep.equal(['NEVER_SETTLED NEVER_SETTLED NEVER_SETTLED', 'NEVER_SETTLED 0']);
    expect(code).to.equal(0);
  });

  it('what starts because another never settled, and never settles either, fails as well', () => {
    const { code, lines } = inProcess(`
      const w = workflow('chain');
      w.fn('first', {}, () => new Promise(() => {}));
      w.fn('second', {}, () => new Promise(() => {}), { after: 'first', join: 'always' });
      const outcome = await new AsyncLocalRuntime().settle(w.build());
      console.log(outcome.failures.map(({ node, error }) => node + ' ' + error.code).join(' '));
    `);
    expect(lines).to.deep.equal(['first NEVER_SETTLED second NEVER_SETTLED']);
    expect(code).to.equal(0);
  });

  it('a process that still has something to wait for is left alone', () => {
    const { code, lines } = inProcess(`
      const w = workflow('slow');
      w.fn('slow', {}, () => new Promise((resolve) => setTimeout(() => resolve(7), 50)));
      const run = await new AsyncLocalRuntime().execute(w.build());
      console.log(run.status, run.results.get('slow').value);
    `);
    expect(lines).to.deep.equal(['completed 7']);
    expect(code).to.equal(0);
  });

  it('a run that waits for another one goes on when that has failed: the newest is failed first', () => {
    const { code, lines } = inProcess(`
      const inner = workflow('inner');
      inner.fn('stuck', {}, () => new Promise(() => {}));
      const built = inner.build();
      const runtimes = [new AsyncLocalRuntime(), new AsyncLocalRuntime()];
      for (const other of runtimes) {
        const middle = workflow('middle');
        middle.fn('asks', {}, async () => (await runtimes[0].settle(built)).status);
        const asking = middle.build();
        const outer = workflow('outer');
        const asks = outer.fn('asks', {}, async () => {
          const run = await other.execute(asking);
          return run.results.get('asks').value;
        });
        const run = await runtimes[0].settle(outer.build({ outputs: { inner: asks.out.value } }));
        console.log(run.status, run.output.inner);
      }
    `);
    expect(lines).to.deep.equal(['completed failed', 'completed failed']);
    expect(code).to.equal(0);
  });

  it('a run that is still stuck after that fails as well', () => {
    const { code, lines } = inProcess(`
      const runtime = new AsyncLocalRuntime();
      const inner = workflow('inner');
      inner.fn('stuck', {}, () => new Promise(() => {}));
      const built = inner.build();
      const outer = workflow('outer');
      outer.fn('asks', {}, async () => {
        await runtime.settle(built);
        console.log('goes on');
        return new Promise(() => {});
      });
      const run = await runtime.settle(outer.build());
      console.log(run.status, run.error.failure.code, process.listenerCount('beforeExit'));
    `);
    expect(lines).to.deep.equal(['goes on', 'failed NEVER_SETTLED 0']);
    expect(code).to.equal(0);
  });

  it('a run that waits for room which the node that waits for it holds fails with WOULD_DEADLOCK', () => {
    const { code, lines, errors } = inProcess(`
      const runtime = new AsyncLocalRuntime({ resources: { limits: { maxConcurrency: 1 } } });
      const w = workflow('inner');
      w.fn('n', {}, () => 1);
      const inner = w.build();
      const outer = workflow('outer');
      outer.fn('ask', {}, async () => (await runtime.settle(inner)).error.failure.code);
      const run = await runtime.execute(outer.build());
      console.log(run.results.get('ask').value, runtime.getResourceMetrics().waiting);
    `);
    expect([lines, errors, code]).to.deep.equal([['WOULD_DEADLOCK 0'], '', 0]);
  });

  it('a limit of the run keeps the process alive, which a signal does not', () => {
    const { code, lines } = inProcess(`
      const w = workflow('hangs');
      w.fn('stuck', {}, () => new Promise(() => {}));
      const built = w.build();
      const runtime = new AsyncLocalRuntime();
      const limited = await runtime.settle(built, {}, { timeoutMs: 20 });
      const signalled = await runtime.settle(built, {}, { signal: AbortSignal.timeout(20) });
      const both = await runtime.settle(built, {}, { signal: AbortSignal.timeout(20), timeoutMs: 60_000 });
      console.log(limited.error.failure.code, signalled.error.failure.code, both.status);
    `);
    expect(lines).to.deep.equal(['RUN_TIMEOUT NEVER_SETTLED cancelled']);
    expect(code).to.equal(0);
  });
});
