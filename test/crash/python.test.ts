import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { sqliteEventStore } from '../../src/plugins/event-store/index.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { attemptsOf } from '../support/attempts-of.js';
import { logIn } from '../support/crash-checks.js';
import { RUN } from '../support/crash-run.js';
import { type PythonCrashOrder, pythonCrashFlow } from '../support/python-crash-flow.js';
import { PythonPool } from '../support/python-nodes.js';
import { groupOf, hostFiles, isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

type Kind = PythonCrashOrder['kind'];

const PROGRAM = fileURLToPath(new URL('../support/python-crash-process.js', import.meta.url));
/** What is tested here can be seen in /proc only. */
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('A process that is killed while a Python node runs', function () {
  this.timeout(60_000);
  let pool: PythonPool;
  let order: PythonCrashOrder;
  let child: ChildProcess;

  before(async () => {
    pool = await PythonPool.open();
  });
  after(() => pool.remove());
  afterEach(() => child.kill('SIGKILL'));

  /** Starts the process, and waits until its second node holds a worker. @returns the worker and the child that the node has started */
  async function begin(kind: Kind): Promise<readonly [worker: number, grandchild: number]> {
    const place = pool.place();
    const workers = { ...pool.options, dataFolder: place };
    order = { kind, workers, file: `${place}/runs.db`, notes: `${place}/notes` };
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], { env, stdio: 'inherit' });
    const pids = `${order.notes}-pids`;
    await until(() => existsSync(pids) || child.exitCode !== null, 30_000);
    return readFileSync(pids, 'utf8').split(' ').map(Number) as unknown as readonly [number, number];
  }

  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Goes on with the run in this process. */
  async function resume(kind: Kind): Promise<unknown> {
    const plugins = [
      sqliteEventStore({ file: order.file }),
      pool.workers({ dataFolder: order.workers.dataFolder ?? '' }),
    ];
    const runtime = (kind === 'sync'
      ? new LocalRuntime({ plugins })
      : new AsyncLocalRuntime({ plugins })) as unknown as AsyncLocalRuntime;
    try {
      const { status, output } = await runtime.resume(pythonCrashFlow(order.notes), RUN);
      return { status, output };
    } finally {
      await runtime.close();
    }
  }

  /** The run has come to its end, and each attempt that it knows of has taken effect once. */
  function expectWhole(resumed: unknown): void {
    expect(resumed).to.deep.equal({ status: 'completed', output: { a: 7, b: 2, c: 2 } });
    const log = logIn(order.file);
    const noted = readFileSync(order.notes, 'utf8').trim().split('\n');
    expect(noted).to.deep.equal(['a 1', 'b 1', 'b 2', 'c 1']);
    expect(attemptsOf(log, 'attempt.started')).to.deep.equal(noted);
    expect(attemptsOf(log, 'attempt.lost')).to.deep.equal(['b 1']);
    expect(attemptsOf(log, 'attempt.completed')).to.deep.equal(['a 1', 'b 2', 'c 1']);
  }

  for (const [kind, other] of [
    ['sync', 'async'],
    ['async', 'sync'],
  ] as const) {
    it(`takes its worker with it, and what that has started; another one finishes the run (${kind}, then ${other})`, async () => {
      const pids = await begin(kind);
      await kill();
      await until(() => pids.every(isGone), 5_000);
      expectWhole(await resume(other));
      expect(hostFiles(order.workers.dataFolder ?? '')).to.deep.equal([]);
    });

    it(`and whose guards are killed as well, leaves nothing that goes on beside the resumed run (${kind}, then ${other})`, async () => {
      const [worker, grandchild] = await begin(kind);
      const guards = groupOf(worker).filter((pid) => pid !== worker && pid !== grandchild);
      expect(guards).to.have.length(1);
      for (const guard of guards) process.kill(guard, 'SIGKILL');
      await until(() => guards.every(isGone));
      await kill();
      expect(isGone(grandchild)).to.equal(false);
      expectWhole(await resume(other));
      expect([worker, grandchild].map(isGone)).to.deep.equal([true, true]);
    });
  }
});
