import { expect } from 'chai';
import type { AccessPolicy, AccessRequest } from '../../../src/base/ports.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { both } from '../../support/both.js';
import { give } from '../../support/nodes.js';

function build() {
  const w = workflow('guarded');
  const a = w.add('a', give(1));
  return w.build({ outputs: { v: a.out.v } });
}

/** A policy that answers whatever it is told to. */
function answering(answer: unknown): AccessPolicy {
  return { allows: () => answer as boolean };
}

const throwing: AccessPolicy = {
  allows: () => {
    throw new Error('the directory is down');
  },
};

describe('checkWorkflowAccess', () => {
  const decide = (access?: AccessPolicy) =>
    [LocalRuntime, AsyncLocalRuntime].map((Runtime) =>
      new Runtime({ log: new MemoryLog(), ...(access === undefined ? {} : { access }) }).checkWorkflowAccess(
        build(),
        'run-7',
        {},
      ),
    );
  const twice = (decision: unknown) => [decision, decision];

  it('allows where no policy is bound', () => {
    expect(decide()).to.deep.equal(twice({ allowed: true, reason: '' }));
  });

  it('allows where the policy says true', () => {
    expect(decide(answering(true))).to.deep.equal(twice({ allowed: true, reason: '' }));
  });

  it('denies where it says anything else: false, nothing, something that is merely true-like', () => {
    for (const answer of [false, undefined, null, 0, 1, '', {}]) {
      expect(decide(answering(answer))).to.deep.equal(twice({ allowed: false, reason: 'the policy says no' }));
    }
  });

  it('denies with the sentence that the policy gives', () => {
    expect(decide(answering('only on Mondays'))).to.deep.equal(twice({ allowed: false, reason: 'only on Mondays' }));
  });

  it('denies where the policy throws, and tells the log', () => {
    const log = new MemoryLog();
    const runtime = new LocalRuntime({ log, access: throwing });
    expect(runtime.checkWorkflowAccess(build(), 'run-7', {})).to.deep.equal({
      allowed: false,
      reason: 'the policy threw',
    });
    expect(log.entries).to.deep.equal([
      {
        level: 'error',
        message: 'The access policy threw; the run is refused.',
        fields: { runId: 'run-7', error: 'the directory is down' },
      },
    ]);
  });

  it('denies where the policy answers with a promise, and leaves no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const decisions = [
      ...decide(answering(Promise.resolve(true))),
      ...decide({ allows: () => Promise.reject(new Error('late')) as never }),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect(decisions).to.deep.equal(
      new Array(4).fill({ allowed: false, reason: 'the policy answered with a promise' }),
    );
    expect(unhandled).to.deep.equal([]);
  });

  it('gives the policy the workflow, the run and the context', () => {
    const asked: AccessRequest[] = [];
    const access: AccessPolicy = { allows: (request) => asked.push(request) > 0 };
    new LocalRuntime({ access }).checkWorkflowAccess(build(), 'run-7', { tenant: 'acme' });
    expect(asked).to.deep.equal([{ workflow: 'guarded', runId: 'run-7', context: { tenant: 'acme' } }]);
  });
});

describe('A run', () => {
  it('that the policy refuses is rejected before its first node', async () => {
    const run = await both(build, { runtime: { access: answering('only on Mondays') } });
    expect(run.status).to.equal('rejected');
    expect(run.problems).to.deep.equal([
      {
        code: 'ACCESS_DENIED',
        message: 'Workflow "guarded" may not run: only on Mondays. Ask for access, or correct the policy.',
      },
    ]);
    expect(run.log).to.deep.equal([]);
  });

  it('of a policy that throws is rejected', async () => {
    const run = await both(build, { runtime: { access: throwing } });
    expect([run.status, run.code]).to.deep.equal(['rejected', 'ACCESS_DENIED']);
    expect(run.logged.map(({ message }) => message)).to.deep.equal(['The access policy threw; the run is refused.']);
  });

  it('is asked about once, with the context of the caller, and goes on where it is allowed', async () => {
    const asked: AccessRequest[] = [];
    const access: AccessPolicy = { allows: (request) => asked.push(request) > 0 };
    const run = await both(build, { runtime: { access }, run: { context: { tenant: 'acme' }, runId: 'mine' } });
    expect(run.output).to.deep.equal({ v: 1 });
    expect(asked).to.deep.equal(new Array(3).fill({ workflow: 'guarded', runId: 'mine', context: { tenant: 'acme' } }));
  });
});
