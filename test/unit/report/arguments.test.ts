import { expect } from 'chai';
import { workflow } from '../../../src/base/workflow-builder.js';
import { toChromeTrace } from '../../../src/report/chrome-trace.js';
import { toDot } from '../../../src/report/dot.js';
import { toMermaid } from '../../../src/report/mermaid.js';
import { renderReport } from '../../../src/report/render-report.js';
import { writeReport } from '../../../src/report/write-report.js';
import { caught } from '../../support/caught.js';
import { diamond, flaky, recorded } from '../../support/report-runs.js';

const NO_RUNS: readonly unknown[] = [undefined, null, {}, 'run', Promise.resolve()];
const file = 'never-written.html';

describe('pictures and reports of something else', () => {
  it('say that it is no run: a promise that nobody awaited above all', async () => {
    const { run } = await recorded(diamond);
    for (const value of [...NO_RUNS, run.plan.workflow]) {
      const junk = value as never;
      for (const call of [() => toChromeTrace(junk), () => renderReport(junk), () => writeReport(junk, { file })]) {
        const { code, value: named } = caught(call);
        expect([code, named]).to.deep.equal(['NOT_A_RUN', value]);
      }
      for (const draw of [toDot, toMermaid])
        if (value !== undefined)
          expect(caught(() => draw(run.plan.workflow, { run: junk })).code).to.equal('NOT_A_RUN');
    }
  });

  it('say that it is no workflow', async () => {
    const { run } = await recorded(diamond);
    for (const draw of [toDot, toMermaid])
      for (const junk of [...NO_RUNS, run, workflow('open')])
        expect(caught(() => draw(junk as never)).code).to.equal('NOT_A_WORKFLOW');
  });

  it('refuse options that do not exist, and events that are no list', async () => {
    const { run } = await recorded(diamond);
    const calls: readonly (() => unknown)[] = [
      () => toDot(run.plan.workflow, { runs: run } as never),
      () => toMermaid(run.plan.workflow, { runs: run } as never),
      () => toChromeTrace(run, { event: [] } as never),
      () => renderReport(run, { event: [] } as never),
    ];
    for (const call of calls) expect(caught(call).code).to.equal('UNKNOWN_OPTION');
    const noList = { events: 5 } as never;
    for (const call of [() => toChromeTrace(run, noList), () => renderReport(run, noList)])
      expect(caught(call).code).to.equal('INVALID_OPTION');
    expect(caught(() => writeReport(run, undefined as never)).at).to.equal('report.file');
  });

  it('never colour a workflow by the run of another one, and take one that was built again', async () => {
    const [{ run }, again, other] = [await recorded(diamond), await recorded(diamond), await recorded(flaky)];
    for (const draw of [toDot, toMermaid]) {
      expect(caught(() => draw(other.run.plan.workflow, { run })).code).to.equal('INVALID_OPTION');
      expect(draw(again.run.plan.workflow, { run })).to.equal(draw(run.plan.workflow, { run }));
    }
  });
});
