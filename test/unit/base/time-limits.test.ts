import { expect } from 'chai';
import { Attempt } from '../../../src/base/attempt.js';
import { compile } from '../../../src/base/compile.js';
import { AttemptError } from '../../../src/base/errors.js';
import { ExecutionState } from '../../../src/base/execution-state.js';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import type { PlanNode } from '../../../src/base/plan.js';
import { isOverdue, isTimeout, limitsOf, passedSoftLimit, timedOut } from '../../../src/base/time-limits.js';
import { workflow } from '../../../src/base/workflow-builder.js';

/** An attempt of a node with these limits, whose first attempt started at 100. */
function attemptOf(options: NodeCapabilities, number: number, startedAt: number): Attempt {
  const w = workflow('timed');
  w.add('step', defineNode({ name: 'step', outputs: {}, ...options, run: () => ({}) })({}));
  const state = new ExecutionState(compile(w.build()));
  state.startedAt[0] = 100;
  const attempt = new Attempt(undefined as never, state.plan.nodes[0] as PlanNode, 1, number, startedAt);
  attempt.limits = limitsOf(state, attempt);
  return attempt;
}

/** What an error says of itself: where, its code, and what caused it. */
const summaryOf = ({ at, code, cause }: AttemptError): unknown[] => [at, code, cause];

describe('time limits', () => {
  describe('of an attempt', () => {
    for (const [options, limits] of [
      [{}, undefined],
      [{ timeoutMs: 30 }, { hard: 530, soft: undefined }],
      [{ softTimeoutMs: 20 }, { hard: undefined, soft: 520 }],
      [
        { timeoutMs: 30, softTimeoutMs: 20 },
        { hard: 530, soft: 520 },
      ],
      [{ totalTimeoutMs: 450 }, { hard: 550, soft: undefined }],
      [
        { timeoutMs: 30, totalTimeoutMs: 450 },
        { hard: 530, soft: undefined },
      ],
      [
        { timeoutMs: 60, totalTimeoutMs: 450 },
        { hard: 550, soft: undefined },
      ],
    ] as const) {
      it(`the second one, started at 500 after one at 100, with ${JSON.stringify(options)}`, () => {
        expect(attemptOf(options, 2, 500).limits).to.deep.equal(limits);
      });
    }

    it('the first one counts from its own start', () => {
      expect(attemptOf({ totalTimeoutMs: 450 }, 1, 500).limits).to.deep.equal({ hard: 950, soft: undefined });
    });
  });

  it('what settles exactly at its limit settles too late, and without a limit never', () => {
    const limits = { hard: 50, soft: undefined };
    expect([49, 50, 51].map((now) => isOverdue(limits, now))).to.deep.equal([false, true, true]);
    expect(isOverdue({ hard: undefined, soft: 10 }, 51)).to.equal(false);
  });

  describe('the error of an attempt that ran too long', () => {
    it('is that of the attempt where its own limit came first', () => {
      const { code } = timedOut(attemptOf({ timeoutMs: 30, totalTimeoutMs: 450 }, 2, 500));
      expect(code).to.equal('ATTEMPT_TIMEOUT');
    });

    it('is that of the node where the limit of all attempts came first', () => {
      const { code } = timedOut(attemptOf({ timeoutMs: 60, totalTimeoutMs: 450 }, 2, 500));
      expect(code).to.equal('NODE_TIMEOUT');
    });

    it('is that of the node where the attempt had no limit of its own', () => {
      expect(timedOut(attemptOf({ totalTimeoutMs: 450 }, 2, 500)).code).to.equal('NODE_TIMEOUT');
    });

    it('names the node, and carries what the attempt threw, if it did', () => {
      const attempt = attemptOf({ timeoutMs: 30 }, 1, 100);
      const thrown = new Error('too late');
      expect(summaryOf(timedOut(attempt, thrown))).to.deep.equal(['step', 'ATTEMPT_TIMEOUT', thrown]);
      expect(summaryOf(timedOut(attempt))).to.deep.equal(['step', 'ATTEMPT_TIMEOUT', undefined]);
      expect(timedOut(attempt)).not.to.have.property('cause');
    });
  });

  it('the soft limit tells the node why its signal was aborted', () => {
    const error = passedSoftLimit(attemptOf({ softTimeoutMs: 20 }, 1, 100));
    expect(summaryOf(error)).to.deep.equal(['step', 'ATTEMPT_TIMEOUT', undefined]);
    expect(error.message).to.match(/^Node "step" ran longer than its soft limit of 20 ms\./);
  });

  describe('an error is the verdict of a limit', () => {
    const unreadable = new Proxy(new Error('hidden'), {
      getPrototypeOf: () => {
        throw new Error('not to be looked at');
      },
    });
    for (const [what, error, expected] of [
      ['of the attempt', new AttemptError('ATTEMPT_TIMEOUT', 'Late.'), true],
      ['of the node', new AttemptError('NODE_TIMEOUT', 'Late.'), true],
      ['not where it has another code', new AttemptError('OUTPUT_MISSING', 'None.'), false],
      ['not where only its code looks like it', Object.assign(new Error('Late.'), { code: 'ATTEMPT_TIMEOUT' }), false],
      ['not where it cannot be looked at', unreadable, false],
    ] as const) {
      it(what, () => {
        expect(isTimeout(error)).to.equal(expected);
      });
    }
  });
});
