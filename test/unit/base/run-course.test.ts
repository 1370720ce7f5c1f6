import { expect } from 'chai';
import { rememberedAttempts } from '../../../src/base/remembered-attempts.js';
import { graphsOfResult } from '../../../src/base/result-graphs.js';
import type { RunGraph } from '../../../src/base/run-graph.js';
import type { RunResult } from '../../../src/base/run-result.js';
import { Workflow } from '../../../src/base/workflow.js';
import type { WorkflowData } from '../../../src/base/workflow-data.js';
import { BEGINNING, Watched } from '../../support/watched.js';
import {
  approval,
  branches,
  cancelled,
  failing,
  families,
  gates,
  nested,
  retried,
  stale,
  type Timed,
  turns,
} from '../../support/watched-workflows.js';

async function resultOf(make: (watched: Watched) => Timed): Promise<RunResult> {
  const watched = new Watched('LocalRuntime', { performanceMonitoring: false });
  const { built, params, run } = make(watched);
  return (await watched.settle(built, params, run)) as RunResult;
}

/** The attempts that a result remembers: `scope/node#visit.attempt status from–to`. */
async function attemptsOf(make: (watched: Watched) => Timed) {
  const run = await resultOf(make);
  const { attempts, complete } = rememberedAttempts(run, graphsOfResult(run));
  const texts = attempts.map(({ scope, node, visit, attempt, status, startedAt, endedAt, error, retryAt }) => {
    const times = `${startedAt - BEGINNING}–${endedAt - BEGINNING}`;
    const failed = error === undefined ? '' : ` ${error.code}`;
    const again = retryAt === undefined ? '' : ` again ${retryAt - BEGINNING}`;
    return `${scope}${node}#${visit}.${attempt} ${status} ${times}${failed}${again}`;
  });
  return { texts, complete };
}

describe('rememberedAttempts', () => {
  it('are all attempts of a run without cycles, in order of their start', async () => {
    expect(await attemptsOf(branches)).to.deep.equal({
      texts: ['read#1.1 completed 0–5', 'route#1.1 completed 5–5', 'big#1.1 completed 5–25'],
      complete: true,
    });
    expect(await attemptsOf(failing)).to.deep.equal({
      texts: [
        'may#1.1 failed 0–8 NODE_THREW',
        'bad#1.1 failed 8–20 NODE_THREW again 70',
        'fine#1.1 completed 20–22',
        'bad#1.2 failed 70–82 NODE_THREW',
      ],
      complete: true,
    });
  });

  it('are of a node in a cycle those that failed, and the last one', async () => {
    expect(await attemptsOf(turns)).to.deep.equal({
      texts: [
        'turn#2.1 failed 10–25 NODE_THREW again 125',
        'turn#4.1 completed 145–155',
        'after#1.1 completed 155–156',
      ],
      complete: false,
    });
  });

  it('begin, where a failure came before, when that allowed it', async () => {
    const { texts } = await attemptsOf(lastTurnFails);
    expect(texts).to.deep.equal(['turn#2.1 failed 10–25 NODE_THREW again 125', 'turn#2.2 completed 125–135']);
  });

  it('are of children those of the last attempt of their owner', async () => {
    const { texts, complete } = await attemptsOf(families);
    expect(complete).to.equal(true);
    expect(texts).to.deep.equal([
      'sub#1.1 completed 0–49',
      'sub/all#1.1 completed 0–45',
      'sub/all[0]/slow#1.1 completed 0–10',
      'sub/all[1]/slow#1.1 failed 10–15 NODE_THREW',
      'sub/all[2]/slow#1.1 completed 15–45',
      'sub/sum#1.1 completed 45–49',
    ]);
    const again = await attemptsOf(retried);
    expect(again.complete).to.equal(false);
    expect(again.texts.filter((text) => text.includes('/all#'))).to.deep.equal([
      'sub#1.2/all#1.1 failed 115–230 CHILD_FAILED',
    ]);
    expect((await attemptsOf(nested)).complete).to.equal(false);
  });

  it('go on until the run could only wait', async () => {
    expect((await attemptsOf(approval)).texts).to.deep.equal(['draft#1.1 completed 0–6', 'ok#1.1 waiting 6–6']);
    const { texts } = await attemptsOf(gates);
    expect(texts).to.include.members([
      'all#1.1 running 0–4',
      'all[0]/inner#1.1 running 0–4',
      'all[0]/inner/ok#1.1 waiting 2–4',
    ]);
  });

  it('are none of a node that never started', async () => {
    expect((await attemptsOf(cancelled)).texts).to.deep.equal(['first#1.1 completed 0–3']);
  });
});

/** Two iterations of `turn`: the second one fails once, and is tried again. */
function lastTurnFails(watched: Watched): Timed {
  const { data, bindings } = turns(watched).built;
  const cycles = (data as WorkflowData).cycles.map((cycle) => ({ ...cycle, maxIterations: 2 }));
  const nodes = (data as WorkflowData).nodes.filter(({ id }) => id === 'turn');
  return { built: new Workflow({ ...data, nodes, cycles, connections: [] }, bindings) };
}

describe('graphsOfResult', () => {
  const placesOf = (graphs: readonly RunGraph[]) =>
    graphs.map(({ scope, place }) => [
      scope,
      place && [place.owner.scope, place.owner.node, place.visit, place.attempt, place.number],
    ]);

  it('are the run, and children each after their owner, with the visit and attempt that opened them', async () => {
    expect(placesOf(graphsOfResult(await resultOf(families)))).to.deep.equal([
      ['', undefined],
      ['sub/', ['', 'sub', 1, 1, undefined]],
      ['sub/all[0]/', ['sub/', 'all', 1, 1, 0]],
      ['sub/all[1]/', ['sub/', 'all', 1, 1, 1]],
      ['sub/all[2]/', ['sub/', 'all', 1, 1, 2]],
    ]);
    expect(placesOf(graphsOfResult(await resultOf(nested)))).to.deep.include.members([
      ['all#2[1]/', ['', 'all', 2, 1, 1]],
      ['all#2[1]/inner/', ['all#2[1]/', 'inner', 1, 1, undefined]],
    ]);
    const again = placesOf(graphsOfResult(await resultOf(retried)));
    expect(again).to.deep.include.members([
      ['sub#1.2/', ['', 'sub', 1, 2, undefined]],
      ['sub#1.2/all[11]/', ['sub#1.2/', 'all', 1, 1, 11]],
    ]);
    expect(again).to.have.length(14);
    expect(placesOf(graphsOfResult(await resultOf(stale)))).to.deep.equal([['', undefined]]);
  });

  it('tell status, error, nodes, cycles, and the names of what was delivered', async () => {
    const [top, sub, ...items] = graphsOfResult(await resultOf(families)) as [RunGraph, RunGraph, ...RunGraph[]];
    expect([top.status, sub.status, ...items.map(({ status }) => status)]).to.deep.equal([
      'completed',
      'completed',
      'completed',
      'failed',
      'completed',
    ]);
    expect(items.map(({ error }) => error?.code)).to.deep.equal([undefined, 'NODE_THREW', undefined]);
    expect(items[0]?.delivered('slow')).to.deep.equal(['n']);
    expect(items[1]?.delivered('slow')).to.deep.equal([]);
    expect(items[1]?.node('slow').status).to.equal('failed');
    const [turning] = graphsOfResult(await resultOf(turns)) as [RunGraph];
    expect(turning.cycle('loop').iterations).to.equal(4);
  });

  it('hold what else is known, before what the result remembers', async () => {
    const run = await resultOf(nested);
    const asked: unknown[] = [];
    const graphs = graphsOfResult(run, (graph, node, known) => {
      asked.push([graph.scope, node.id, [...known]]);
      if (node.id !== 'all') return [];
      const [, first] = graphsOfResult(run) as [RunGraph, RunGraph];
      return [{ ...first, scope: 'all[0]/', place: undefined }];
    });
    expect(graphs.map(({ scope }) => scope).slice(0, 3)).to.deep.equal(['', 'all[0]/', 'all#2[0]/']);
    expect(asked.slice(0, 2)).to.deep.equal([
      ['', 'all', ['all#2[0]/', 'all#2[1]/']],
      ['all[0]/', 'inner', []],
    ]);
  });
});
