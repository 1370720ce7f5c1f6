import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { type AnswerQuestion, ToolExecutor, toolNode, toolWorkers } from '../../support/tool-executor.js';
import { until } from '../../support/until.js';

/** A workflow with a node that asks questions, one after the other. */
function asking(tool: string, ...lists: readonly (readonly unknown[])[]) {
  const w = workflow('w');
  for (const [index, value] of lists.entries()) w.add(`a${index}`, toolNode(tool)({ value }));
  return w.build();
}

describe('A service that asks its LocalRuntime for something', () => {
  function open(answer?: AnswerQuestion): LocalRuntime {
    return new LocalRuntime({ plugins: [toolWorkers('default', new ToolExecutor({}, answer))] });
  }

  it('is answered in the thread of the runtime, for the call that asks, although nothing else moves in its own', () => {
    const asked: unknown[] = [];
    using runtime = open((question, { nodeId, runId }) => {
      asked.push([nodeId, question]);
      return `${runId} ${nodeId} ${question}`;
    });
    const numbers = Array.from({ length: 200 }, (_, n) => n);
    const run = runtime.execute(asking('ask', numbers, numbers), {}, { runId: 'r' });
    for (const id of ['a0', 'a1'])
      expect(run.results.get(id)).to.deep.equal({ value: numbers.map((n) => `r ${id} ${n}`) });
    expect(asked).to.have.length(400);
  });

  it('may be answered by a run of the same runtime that asks as well', () => {
    const runtime: LocalRuntime = open((question) => {
      if (question === 0) return 'deep';
      const run = runtime.execute(asking('ask', [(question as number) - 1]));
      return run.results.get('a0')?.value;
    });
    expect(runtime.execute(asking('ask', [3], [2])).results.get('a0')).to.deep.equal({ value: [[[['deep']]]] });
    runtime.close();
  });

  it('is answered with nothing where its executor answers nothing', () => {
    using runtime = open();
    expect(runtime.execute(asking('ask', [1])).results.get('a0')).to.deep.equal({ value: [undefined] });
  });

  it('fails its node where the answer throws, or cannot cross, and others go on', () => {
    using runtime = open((question) => {
      if (question === 'throw') throw Object.assign(new RangeError('no luck'), { code: 'NO_LUCK' });
      return question === 'function' ? () => 1 : question;
    });
    const run = runtime.settle(asking('ask', ['throw'], ['function'], ['fine']));
    if (run.status !== 'failed') throw new Error(run.status);
    expect(run.node('a0').error).to.include({ code: 'NO_LUCK', message: 'no luck' });
    expect(run.node('a1').error?.message).to.include('could not be cloned');
    expect(run.results.get('a2')).to.deep.equal({ value: ['fine'] });
  });

  it('is refused a question that cannot cross', () => {
    using runtime = open();
    const run = runtime.settle(asking('ask_function', []));
    if (run.status !== 'failed') throw new Error(run.status);
    expect(run.node('a0').error?.message).to.include('could not be cloned');
  });

  it('is refused a question that comes when its call is over', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-questions-'));
    const told = join(folder, 'told');
    using runtime = open();
    runtime.execute(asking('ask', [])); // limits count from when the thread is there
    const w = workflow('w');
    w.add('a', toolNode('ask_in_vain')({ value: told }), { timeoutMs: 50 });
    expect(runtime.settle(w.build()).status).to.equal('failed');
    await until(() => existsSync(told));
    expect(readFileSync(told, 'utf8')).to.equal('CALL_CANCELLED');
    rmSync(folder, { recursive: true });
  });
});
