import { expect } from 'chai';
import { compile } from '../../../../src/base/compile.js';
import { when } from '../../../../src/base/condition.js';
import { shapeOf } from '../../../../src/base/event-data.js';
import type { RunEvent } from '../../../../src/base/events.js';
import { hollowWorkflow } from '../../../../src/base/history/hollow-workflow.js';
import { describeWorkflow, type WorkflowDescription } from '../../../../src/base/history/workflow-description.js';
import { type } from '../../../../src/base/schema.js';
import type { Workflow } from '../../../../src/base/workflow.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { jsonSchema } from '../../../../src/mixins/validation/json-schema.js';
import { LocalRuntime } from '../../../../src/runtimes/local-runtime.js';
import { caught } from '../../../support/caught.js';
import { inForms } from '../../../support/document-workflows.js';
import { nestedForms } from '../../../support/nested-workflows.js';
import { hash, replayed, sameReplay } from '../../../support/replayed.js';
import * as children from '../../../support/report-children.js';
import { diamond, eventful, flaky, hostile, pictured, recorded, turning } from '../../../support/report-runs.js';
import { Watched } from '../../../support/watched.js';
import * as timed from '../../../support/watched-workflows.js';

/** What a store gives back. */
function storedDescription(built: Workflow): WorkflowDescription {
  return JSON.parse(JSON.stringify(describeWorkflow(built, hash))) as WorkflowDescription;
}

function hollow(built: Workflow): Workflow {
  return hollowWorkflow(storedDescription(built));
}

function compareWith(built: Workflow, events: readonly RunEvent[]): void {
  const made = hollow(built);
  expect(shapeOf(compile(made))).to.deep.equal(shapeOf(compile(built)));
  sameReplay(built, made, events);
}

describe('A hollow workflow', () => {
  for (const [name, build] of Object.entries(timed)) {
    it(`replays the run of "${name}" and looks the same`, async () => {
      const watched = new Watched('LocalRuntime');
      const { built, params, run } = build(watched);
      const events: RunEvent[] = [];
      await watched.settle(built, params, { ...run, onEvent: (event) => events.push(event) });
      compareWith(built, events);
    });
  }

  for (const [name, build] of Object.entries({ diamond, flaky, turning, eventful, pictured, hostile })) {
    it(`replays the run of the report "${name}" and looks the same`, async () => {
      const { run, events } = await recorded(build as typeof diamond);
      compareWith(run.plan.workflow, events);
    });
  }

  const families = { family: children.family, charges: children.charges(60), failing: children.failing };
  for (const [name, build] of Object.entries(families)) {
    it(`replays the children of "${name}" and looks the same`, async () => {
      const { run, events } = await recorded(build);
      compareWith(run.plan.workflow, events);
    });
  }

  it('replays a run with gates, while it waits and once it was answered', async () => {
    const { waiting, resumed } = await children.answered();
    compareWith(waiting.run.plan.workflow, waiting.events);
    compareWith(resumed.run.plan.workflow, resumed.events);
  });

  for (const [name, { build, params, output }] of Object.entries({ ...inForms, ...nestedForms })) {
    it(`replays the run of the document "${name}" and looks the same`, () => {
      const built = build();
      const events: RunEvent[] = [];
      using runtime = new LocalRuntime();
      const outcome = runtime.settle(built as Workflow<object>, params, { onEvent: (event) => events.push(event) });
      expect(outcome.status).to.equal('completed');
      compareWith(built, events);
      expect(replayed(hollow(built), events).result.output).to.deep.equal(output);
    });
  }

  function small() {
    const w = workflow('small', { params: { n: jsonSchema<number>({ type: 'number' }), rest: type<number>() } });
    const turn = w.fn('turn', { n: w.params.n, rest: w.params.rest }, ({ n }) => n);
    const far = w.fn('far', { n: turn.out.value.path('a.b', jsonSchema<number>({ type: 'number' })) }, () => 1);
    w.gate('ok', { answer: jsonSchema<number>({ type: 'number' }), shows: { n: far.out.value }, timeoutMs: 5 });
    w.cycle('loop', {
      feedback: [turn.out.value.to(turn.in.n)],
      until: when(turn.out.value, () => true),
      maxIterations: 2,
    });
    return w.build();
  }

  it('throws a typed error wherever only the code of the workflow could answer', () => {
    const { implementations, parameters, tests } = hollow(small()).bindings;
    const one = implementations.get('turn');
    const asked: Readonly<Record<string, () => unknown>> = {
      'function of node "turn"': () => one?.run({}, undefined as never),
      'condition of cycle "loop"': () => tests.get('loop')?.[0]?.(1 as never, undefined as never),
      'schema of parameter n': () => parameters.get('n')?.schema['~standard'].validate(1),
      'schema of the answers of ok': () => implementations.get('ok')?.gate?.answer?.['~standard'].validate(1),
    };
    for (const [at, act] of Object.entries(asked)) {
      const error = caught(act) as Error;
      expect(error).to.include({ code: 'HOLLOW_WORKFLOW', at });
      expect(error.message).to.contain(`The ${at} of workflow "small" is not there, only its description.`);
    }
    expect(implementations.get('ok')?.gate?.timeoutMs).to.equal(5);
    expect(hollow(small()).data.nodes[0]?.use).to.deep.equal({ name: 'lockstep.fn', unversioned: true });
  });

  it('cannot be run: its first node fails', () => {
    const w = workflow('w');
    w.fn('a', {}, async () => 1);
    using runtime = new LocalRuntime();
    const outcome = runtime.settle(hollow(w.build()) as Workflow<object>, {});
    expect(outcome).to.have.nested.property('error.failure.code', 'HOLLOW_WORKFLOW');
  });

  it('is not made of a description in a format that is not known', () => {
    const description = { ...storedDescription(small()), v: 2 };
    expect(caught(() => hollowWorkflow(description))).to.include({ code: 'DESCRIPTION_VERSION', value: 2 });
  });
});
