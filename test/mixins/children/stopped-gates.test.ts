import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay } from '../../support/every-way.js';
import { Session } from '../../support/session.js';

const failing = defineNode({
  name: 'failing',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => {
    throw new Error(`no ${n}`);
  },
});

describe('A gate inside a subworkflow that is stopped', () => {
  it(
    'waits no longer, and is not among those that do',
    everyWay(async (run) => {
      const session = new Session(run, { onError: 'fail-fast' });
      const inner = workflow('inner');
      inner.gate('inside');
      inner.add('failing', failing({ n: 1 }));
      const w = workflow('outer');
      const ok = w.gate('ok');
      w.try('sub', inner.build()());
      const flow = w.build({ outputs: { yes: ok.out.approved } });
      const waiting = await session.wait(flow);
      expect(waiting.gates.map(({ gate }) => gate)).to.deep.equal(['ok']);
      expect(session.runtime.gates('run-1').map(({ gate }) => gate)).to.deep.equal(['ok']);
      expect(waiting.children('sub')[0]?.node('inside').status).to.equal('cancelled');
      session.runtime.approve('run-1', 'ok', 5);
      expect((await session.resume(flow)).output).to.deep.equal({ yes: 5 });
      await session.close();
    }),
  );
});
