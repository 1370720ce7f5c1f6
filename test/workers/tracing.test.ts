import { expect } from 'chai';
import { workflow } from '../../src/base/workflow-builder.js';
import { tracingPlugin } from '../../src/plugins/metrics/tracing-plugin.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import { SpanRecorder } from '../support/span-recorder.js';

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

for (const Runtime of [LocalRuntime, AsyncLocalRuntime])
  describe(`Traces of Python nodes, in ${Runtime.name}`, function () {
    this.timeout(60_000);
    let pool: PythonPool;
    let recorder: SpanRecorder;

    before(async () => {
      pool = await PythonPool.open();
    });
    after(() => pool.remove());
    beforeEach(() => {
      recorder = new SpanRecorder();
    });

    /** A workflow with one node, and what came of it. */
    const ran = async (traced: boolean, context: Readonly<Record<string, unknown>> = {}) => {
      // The workers come first: whoever traces may be set up after them.
      const plugins = [pool.workers(), ...(traced ? [tracingPlugin({ tracer: recorder.tracer })] : [])];
      const runtime = new Runtime({ plugins });
      const w = workflow('w');
      const a = w.add('a', pyTool('traced', [])({}));
      const run = await runtime.settle(w.build({ outputs: { traceparent: a.out.value } }), {}, { context });
      await runtime.close();
      return run.status === 'completed' ? run.output.traceparent : run;
    };

    it('hand the span of the attempt to Python, which is open then', async () => {
      const traceparent = await ran(true);
      const [trace] = recorder.traces;
      expect(traceparent).to.match(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
      const { from, to, parent, attributes } = recorder.span('attempt a');
      expect(parent).to.equal('run w');
      expect(attributes).to.include({ 'lockstep.executor': 'python.traced' });
      expect(to).to.be.above(from);
      expect(recorder.open).to.equal(0);
    });

    it('hold the parts that Python has measured, below the attempt', async () => {
      await ran(true);
      const parts = ['load', 'parse', 'fit'].map((name) => recorder.span(name));
      for (const { parent } of parts) expect(parent).to.equal('run w/attempt a');
      const [load, , fit] = parts;
      expect(load?.attributes).to.deep.equal({ rows: 3, kind: 'table' });
      expect(load?.status).to.equal('unset');
      expect(fit).to.include({ status: 'error', message: 'NoLuckError: flat' });
      const attempt = recorder.span('attempt a');
      for (const { from, to } of parts) {
        expect(to).to.be.at.least(from);
        expect(from).to.be.at.least(attempt.from - 1);
      }
    });

    it('are those of the caller where no plugin traces', async () => {
      expect(await ran(false, { traceparent: CALLER })).to.equal(CALLER);
      expect(await ran(false)).to.equal(null);
    });
  });
