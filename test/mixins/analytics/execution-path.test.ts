import { expect } from 'chai';
import type { RunResult } from '../../../src/base/run-result.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import type { ExecutionPath } from '../../../src/mixins/analytics/path-types.js';
import { caught } from '../../support/caught.js';
import { BEGINNING, KINDS, Watched } from '../../support/watched.js';
import {
  approval,
  branches,
  cancelled,
  failing,
  families,
  gates,
  line,
  type Timed,
  turns,
} from '../../support/watched-workflows.js';

const stepsOf = ({ steps }: ExecutionPath) =>
  steps.map(({ atMs, what, node, visit }) => `${atMs} ${node}#${visit} ${what}`);
const whys = ({ nodes }: ExecutionPath) => Object.fromEntries(nodes.map(({ node, why }) => [node, why]));
const pathOf = ({ critical }: ExecutionPath) =>
  critical.visits.map(({ node, durationMs, idleBeforeMs }) => [node, durationMs, idleBeforeMs]);

for (const kind of KINDS) {
  const asyncNodes = kind === 'AsyncLocalRuntime, async nodes';
  const path = async (make: (watched: Watched) => Timed): Promise<ExecutionPath> => {
    const watched = new Watched(kind, { performanceMonitoring: false });
    const { built, params, run } = make(watched);
    return watched.runtime.getExecutionPathDebugInfo((await watched.settle(built, params, run)) as RunResult);
  };

  describe(`getExecutionPathDebugInfo of ${kind} tells of`, () => {
    it('a straight path', async () => {
      const info = await path(line);
      expect(info).to.deep.equal({
        runId: info.runId,
        workflow: 'line',
        status: 'completed',
        startedAt: BEGINNING,
        durationMs: 40,
        steps: [
          { atMs: 0, what: 'started', node: 'a', visit: 1 },
          { atMs: 10, what: 'ended', node: 'a', visit: 1 },
          { atMs: 10, what: 'started', node: 'b', visit: 1 },
          { atMs: 40, what: 'ended', node: 'b', visit: 1 },
        ],
        nodes: [
          {
            node: 'a',
            status: 'completed',
            why: 'it depends on nothing that had to settle first',
            visits: 1,
            attempts: [
              {
                visit: 1,
                attempt: 1,
                status: 'completed',
                startedAtMs: 0,
                durationMs: 10,
                waitedMs: 0,
                errorCode: null,
              },
            ],
          },
          {
            node: 'b',
            status: 'completed',
            why: 'a had settled',
            visits: 1,
            attempts: [
              {
                visit: 1,
                attempt: 1,
                status: 'completed',
                startedAtMs: 10,
                durationMs: 30,
                waitedMs: 0,
                errorCode: null,
              },
            ],
          },
        ],
        cycles: [],
        critical: {
          visits: [
            { node: 'a', visit: 1, startedAtMs: 0, durationMs: 10, share: 0.25, idleBeforeMs: 0, around: false },
            { node: 'b', visit: 1, startedAtMs: 10, durationMs: 30, share: 0.75, idleBeforeMs: 0, around: false },
          ],
          busyMs: 40,
          idleMs: 0,
        },
        complete: true,
      });
      expect(info.runId).to.not.equal('');
      expect(JSON.parse(JSON.stringify(info))).to.deep.equal(info);
    });

    it('branches, with the reason for what did not run', async () => {
      const info = await path(branches);
      expect(whys(info)).to.deep.equal({
        read: 'it depends on nothing that had to settle first',
        route: 'read had settled',
        big: 'route had settled',
        small: 'the branch was not taken (small.n ← route.small)',
        smaller: 'what it depends on was skipped (smaller.n ← small.value; root: route.small)',
      });
      expect(info.nodes.map(({ status, attempts }) => [status, attempts.length])).to.deep.equal([
        ['completed', 1],
        ['completed', 1],
        ['completed', 1],
        ['skipped', 0],
        ['skipped', 0],
      ]);
      expect(pathOf(info)).to.deep.equal([
        ['read', 5, 0],
        ['route', 0, 0],
        ['big', 20, 0],
      ]);
    });

    it('failures: attempts with their errors, and the waits between them', async () => {
      const info = await path(failing);
      const bad = info.nodes.find(({ node }) => node === 'bad');
      expect(bad?.status).to.equal('failed');
      const [first, second] = bad?.attempts ?? [];
      expect(first).to.deep.include({
        attempt: 1,
        status: 'failed',
        durationMs: 12,
        waitedMs: 0,
        errorCode: 'NODE_THREW',
      });
      expect(second).to.deep.include({
        attempt: 2,
        status: 'failed',
        durationMs: 12,
        waitedMs: 50,
        errorCode: 'NODE_THREW',
      });
      expect(bad?.attempts).to.have.length(2);
      expect(whys(info).next).to.equal('what it depends on failed (next.n ← bad.value; root: bad)');
      expect(stepsOf(info).filter((step) => step.includes('bad'))).to.deep.equal(['8 bad#1 started', '82 bad#1 ended']);
      expect(info.critical).to.deep.include({ busyMs: 74, idleMs: 8 });
      expect(pathOf(info)).to.deep.equal([['bad', 74, 8]]);
      expect(info.critical.visits[0]?.share).to.equal(74 / 82);
    });

    it('a cycle: its iterations, and the visits that the result remembers', async () => {
      const info = await path(turns);
      expect(info.cycles).to.deep.equal([
        { cycle: 'loop', iterations: 4, totalIterations: 4, reason: 'max_iterations', failed: false, elapsedMs: 155 },
      ]);
      expect(info.complete).to.equal(false);
      const turn = info.nodes.find(({ node }) => node === 'turn');
      expect(turn?.visits).to.equal(4);
      expect(
        turn?.attempts.map(({ visit, attempt, status, startedAtMs, waitedMs }) => [
          visit,
          attempt,
          status,
          startedAtMs,
          waitedMs,
        ]),
      ).to.deep.equal([
        [2, 1, 'failed', 10, 0],
        [4, 1, 'completed', 145, 0],
      ]);
      expect(stepsOf(info)).to.deep.equal([
        '10 turn#2 started',
        '25 turn#2 ended',
        '145 turn#4 started',
        '155 turn#4 ended',
        '155 after#1 started',
        '156 after#1 ended',
      ]);
      expect(pathOf(info)).to.deep.equal([
        ['turn', 15, 10],
        ['turn', 10, 120],
        ['after', 1, 0],
      ]);
      expect(info.critical).to.deep.include({ busyMs: 26, idleMs: 130 });
    });

    it('maps in subworkflows: what goes on inside an owner, between its start and its end', async () => {
      const info = await path(families);
      expect(stepsOf(info)).to.deep.equal([
        '0 sub#1 started',
        '0 sub/all#1 started',
        '0 sub/all[0]/slow#1 started',
        '10 sub/all[0]/slow#1 ended',
        '10 sub/all[1]/slow#1 started',
        '15 sub/all[1]/slow#1 ended',
        '15 sub/all[2]/slow#1 started',
        '45 sub/all[2]/slow#1 ended',
        '45 sub/all#1 ended',
        '45 sub/sum#1 started',
        '49 sub/sum#1 ended',
        '49 sub#1 ended',
      ]);
      const critical = info.critical.visits.map(({ node, durationMs, around, idleBeforeMs }) => [
        node,
        durationMs,
        around,
        idleBeforeMs,
      ]);
      expect(critical).to.deep.equal([
        ['sub', 49, true, 0],
        ['sub/all', 45, true, 0],
        ['sub/all[2]/slow', 30, false, 15],
        ['sub/sum', 4, false, 0],
      ]);
      expect(info.critical).to.deep.include({ busyMs: 34, idleMs: 15 });
      expect(whys(info)['sub/sum']).to.equal('all had settled');
      expect(info.nodes.map(({ node }) => node)).to.include('sub/all[1]/slow');
    });

    it('a run that waits: what goes on, and what has not started', async () => {
      const info = await path(approval);
      expect(info.status).to.equal('waiting');
      expect(stepsOf(info)).to.deep.equal(['0 draft#1 started', '6 draft#1 ended', '6 ok#1 started']);
      expect(info.nodes.map(({ node, status, why }) => [node, status, why])).to.deep.equal([
        ['draft', 'completed', 'it depends on nothing that had to settle first'],
        ['ok', 'waiting', 'draft had settled'],
        ['send', 'pending', 'it has not started'],
      ]);
      expect(info.nodes[1]?.attempts).to.deep.equal([
        { visit: 1, attempt: 1, status: 'waiting', startedAtMs: 6, durationMs: 0, waitedMs: 0, errorCode: null },
      ]);
    });

    it('owners that go on while their run waits', async () => {
      const info = await path(gates);
      expect(info.nodes[0]).to.deep.include({ node: 'all', status: 'running' });
      const ends = stepsOf(info).filter((step) => step.endsWith('ended'));
      expect(ends).to.deep.equal(['2 all[0]/inner/draft#1 ended', '4 all[1]/inner/draft#1 ended']);
      expect(stepsOf(info)).to.include.members([
        '0 all#1 started',
        '0 all[0]/inner#1 started',
        '2 all[1]/inner/draft#1 started',
      ]);
    });

    it('a run that was cancelled', async () => {
      const info = await path(cancelled);
      expect(info.status).to.equal('cancelled');
      expect(info.nodes.map(({ status }) => status)).to.deep.equal([
        asyncNodes ? 'cancelled' : 'completed',
        'cancelled',
      ]);
      expect(whys(info).second).to.equal('the run was cancelled');
      expect(stepsOf(info)).to.deep.equal(['0 first#1 started', '3 first#1 ended']);
    });

    it('a run that took no time, and one without nodes that ran', async () => {
      const info = await path(() => {
        const w = workflow('instant');
        w.fn('now', {}, () => 1);
        return { built: w.build() };
      });
      expect(info.critical).to.deep.equal({
        visits: [{ node: 'now', visit: 1, startedAtMs: 0, durationMs: 0, share: 0, idleBeforeMs: 0, around: false }],
        busyMs: 0,
        idleMs: 0,
      });
      const none = await path(({ clock }) => {
        const controller = new AbortController();
        controller.abort();
        return { ...line({ clock, takes: () => () => 1 } as never), run: { signal: controller.signal } };
      });
      expect(none).to.deep.include({ steps: [], critical: { visits: [], busyMs: 0, idleMs: 0 } });
    });

    it('nothing that is no run', () => {
      const { runtime } = new Watched(kind);
      expect(caught(() => runtime.getExecutionPathDebugInfo({} as never)).code).to.equal('NOT_A_RUN');
    });
  });
}

describe('getExecutionPathDebugInfo tells of nodes that ran side by side', () => {
  it('steps in the order of time, why a node did not wait for others, and the longest chain', async () => {
    const watched = new Watched('AsyncLocalRuntime', { performanceMonitoring: false });
    const { clock, runtime } = watched;
    const lasting = (ms: number) => async (): Promise<number> => {
      await new Promise<void>((resolve) => void clock.setTimer(ms, resolve));
      return ms;
    };
    const w = workflow('beside');
    const long = w.fn('long', {}, lasting(100));
    const short = w.fn('short', {}, lasting(30));
    const either = w.fn('either', { n: short.out.value.or(long.out.value) }, lasting(20));
    w.fn('both', { a: long.out.value, b: either.out.value }, lasting(5));
    const outcome = (await watched.settle(w.build())) as RunResult;
    const info = runtime.getExecutionPathDebugInfo(outcome);
    expect(stepsOf(info)).to.deep.equal([
      '0 long#1 started',
      '0 short#1 started',
      '30 short#1 ended',
      '30 either#1 started',
      '50 either#1 ended',
      '100 long#1 ended',
      '100 both#1 started',
      '105 both#1 ended',
    ]);
    expect(whys(info)).to.deep.include({ either: 'short had settled', both: 'long, either had settled' });
    expect(pathOf(info)).to.deep.equal([
      ['long', 100, 0],
      ['both', 5, 0],
    ]);
  });
});
