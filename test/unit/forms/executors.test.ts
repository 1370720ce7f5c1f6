import { expect } from 'chai';
import { workflow } from '../../../src/base/workflow-builder.js';
import { fromJSON, fromYaml, registry, toJSON, toYaml } from '../../../src/forms/index.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { toolNode, toolWorkers } from '../../support/tool-executor.js';

const echo = toolNode('echo', { version: '1', retry: { attempts: 2 } });
const known = { registry: registry(echo) };

function build() {
  const w = workflow('simple');
  const a = w.add('a', echo({ value: 8 }));
  const b = w.add('b', echo({ value: a.out.value }));
  return w.build({ outputs: { value: b.out.value } });
}

describe('A node that an executor performs, in a document', () => {
  it('is written as any other, by name and version', () => {
    expect(toJSON(build(), known).nodes).to.deep.equal({
      a: { use: 'echo@1', config: { value: 8 } },
      b: { use: 'echo@1', inputs: { value: 'a.value' } },
    });
  });

  it('comes back with its executor: the same hash, and the same run', async () => {
    await using runtime = new AsyncLocalRuntime({ plugins: [toolWorkers()] });
    for (const read of [fromJSON(toJSON(build(), known), known), fromYaml(toYaml(build(), known), known)]) {
      expect(hashOf(read)).to.equal(hashOf(build()));
      expect(read.bindings.implementations.get('a')?.executor?.target).to.deep.equal({ tool: 'echo' });
      expect((await runtime.execute(read as ReturnType<typeof build>)).output).to.deep.equal({ value: 8 });
    }
  });
});
