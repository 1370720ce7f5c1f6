import { inspect } from 'node:util';
import { expect } from 'chai';
import { z } from 'zod';
import { ConfigurationError, LockstepError } from '../../../src/base/errors.js';
import { defineNode } from '../../../src/base/node.js';
import { RunCancelledError, RunError, RunFailedError, RunRejectedError } from '../../../src/base/run-errors.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

const PAYLOAD = 'payload-1234';

function runtime(options = {}): LocalRuntime {
  return new LocalRuntime({ clock: new VirtualClock(), ids: seededIds(), ...options });
}

function thrown<E>(call: () => unknown): E {
  try {
    call();
  } catch (error) {
    return error as E;
  }
  throw new Error('Nothing was thrown.');
}

/** A workflow whose node fails after another produced a payload. */
function failing(error: unknown) {
  const w = workflow('etl', { params: { token: type<string>() } });
  const a = w.fn('read', { token: w.params.token }, ({ token }) => ({ rows: [token] }));
  w.fn('tidy', { all: a.out.value }, () => {
    throw error;
  });
  return w.build();
}

describe('run errors', () => {
  describe('of a run that failed', () => {
    const original = new TypeError('rows.map is not a function');
    const failed = (): RunFailedError => thrown(() => runtime().execute(failing(original), { token: PAYLOAD }));

    it('say which run of which workflow failed, where and why', () => {
      const error = failed();
      expect(error).to.be.instanceOf(RunFailedError).and.instanceOf(RunError).and.instanceOf(LockstepError);
      expect(error.name).to.equal('RunFailedError');
      expect([error.code, error.runId, error.workflow, error.node, error.at]).to.deep.equal([
        'RUN_FAILED',
        'run-1',
        'etl',
        'tidy',
        'tidy',
      ]);
      expect(error.failure).to.deep.equal({
        name: 'TypeError',
        code: 'NODE_THREW',
        message: 'rows.map is not a function',
      });
      expect(error.message).to.equal('Run run-1 of "etl" failed in "tidy": NODE_THREW: rows.map is not a function');
    });

    it('carry the original error as their cause', () => {
      expect(failed().cause).to.equal(original);
    });

    it('carry the result, which is at hand but not enumerable', () => {
      const error = failed();
      expect(error.result.status).to.equal('failed');
      expect(error.result.results.get('read')).to.deep.equal({ value: { rows: [PAYLOAD] } });
      expect(Object.keys(error)).not.to.include('result');
      expect(JSON.stringify(error)).not.to.contain(PAYLOAD);
    });

    it('print no payload', () => {
      expect(inspect(failed(), { depth: 9 })).not.to.contain(PAYLOAD);
      expect(String(failed())).not.to.contain(PAYLOAD);
    });

    it('print no payload where an input or an output does not fit its schema', () => {
      const Token = z.custom<string>((value) => value === 'fits', { message: 'does not fit' });
      const strict = defineNode({
        name: 'strict',
        inputs: { token: Token },
        outputs: { token: type<string>() },
        run: ({ token }) => ({ token }),
      });
      const giver = defineNode({
        name: 'giver',
        inputs: { token: type<string>() },
        outputs: { token: Token },
        run: ({ token }) => ({ token }),
      });
      for (const node of [strict, giver]) {
        const w = workflow('etl', { params: { token: type<string>() } });
        w.add('a', node({ token: w.params.token as never }) as ReturnType<typeof giver>);
        const error = thrown<RunFailedError>(() => runtime().execute(w.build(), { token: PAYLOAD }));
        expect(error.failure.code).to.match(/^(INPUT|OUTPUT)_INVALID$/);
        expect(inspect(error, { depth: 9 })).not.to.contain(PAYLOAD);
      }
    });

    it('name the failed node lowest in plan order', () => {
      const w = workflow('two');
      w.fn(
        'late',
        {},
        () => {
          throw new Error('late');
        },
        { after: 'early' },
      );
      w.fn('early', {}, () => 1);
      w.fn('first', {}, () => {
        throw new Error('first');
      });
      const error = thrown<RunFailedError>(() => runtime().execute(w.build()));
      expect([error.node, error.failure.message]).to.deep.equal(['late', 'late']);
    });

    for (const [what, value, shown] of [
      ['undefined', undefined, 'NODE_THREW: undefined'],
      ['a string', 'just text', 'NODE_THREW: just text'],
      ['null', null, 'NODE_THREW: null'],
    ] as const) {
      it(`have a cause also where a node threw ${what}`, () => {
        const error = thrown<RunFailedError>(() => runtime().execute(failing(value), { token: PAYLOAD }));
        expect(error.failure).to.deep.equal({ name: 'NonError', code: 'NODE_THREW', message: String(value) });
        expect(error.cause).to.satisfy(
          (cause: unknown) => cause === value || (cause instanceof Error && cause.message === shown),
        );
        expect(error.cause).not.to.equal(undefined);
      });
    }

    it('have no node where the run failed as a whole', () => {
      const clock = new VirtualClock();
      const w = workflow('slow');
      w.fn('a', {}, () => clock.advance(50));
      w.fn('b', {}, () => 1);
      const error = thrown<RunFailedError>(() =>
        new LocalRuntime({ clock, ids: seededIds(), timeoutMs: 20 }).execute(w.build()),
      );
      expect([error.node, error.at, error.failure.code]).to.deep.equal([undefined, '', 'RUN_TIMEOUT']);
      expect(error.message).to.match(
        /^Run run-1 of "slow" failed: RUN_TIMEOUT: The run took longer than 20 ms\. Raise timeoutMs\./,
      );
      expect((error.cause as Error).message).to.contain('RUN_TIMEOUT');
    });
  });

  describe('of a run that was cancelled', () => {
    const cancelled = (size: number): RunCancelledError => {
      const abort = new AbortController();
      const w = workflow('etl');
      w.fn('read', {}, () => PAYLOAD);
      w.fn('stop', {}, () => abort.abort(new Error('enough of it')), { after: 'read' });
      for (let index = 0; index < size; index++) w.fn(`later${index}`, {}, () => 1, { after: 'stop' });
      return thrown(() => runtime().execute(w.build(), {}, { signal: abort.signal }));
    };

    it('say why, what had completed and what had not started', () => {
      const error = cancelled(2);
      expect(error).to.be.instanceOf(RunCancelledError).and.instanceOf(RunError);
      expect([error.code, error.reason]).to.deep.equal(['RUN_CANCELLED', 'enough of it']);
      expect([error.completed, error.stoppedAt, error.notStarted]).to.deep.equal([
        ['read', 'stop'],
        [],
        ['later0', 'later1'],
      ]);
      expect(error.message).to.equal(
        'Run run-1 of "etl" was cancelled before "later0", "later1": enough of it. Completed: "read", "stop". See what had completed and where it stopped.',
      );
    });

    it('list five nodes at most in the message', () => {
      const error = cancelled(7);
      expect(error.message).to.contain(
        'before "later0", "later1", "later2", "later3", "later4" and 2 more: enough of it.',
      );
      expect(error.notStarted).to.have.length(7);
    });

    it('carry the result, and print no payload', () => {
      const error = cancelled(1);
      expect(error.result.results.get('read')).to.deep.equal({ value: PAYLOAD });
      expect(Object.keys(error)).not.to.include('result');
      expect(inspect(error, { depth: 9 })).not.to.contain(PAYLOAD);
    });

    it('say that nothing had completed where nothing had', () => {
      const w = workflow('etl');
      w.fn('a', {}, () => 1);
      const error = thrown<RunCancelledError>(() => runtime().execute(w.build(), {}, { signal: AbortSignal.abort() }));
      expect(error.message).to.match(
        /^Run run-1 of "etl" was cancelled before "a": This operation was aborted\. Completed: nothing\. /,
      );
    });
  });

  describe('of a run that was refused', () => {
    const built = () => {
      const w = workflow('etl', { params: { path: z.string(), limit: z.number() } });
      w.fn('read', { path: w.params.path, limit: w.params.limit }, () => PAYLOAD);
      return w.build();
    };
    const refused = (params: object, options = {}): RunRejectedError =>
      thrown(() => runtime(options).execute(built(), params as never));

    it('list every problem, and are named after the first', () => {
      const error = refused({ pth: 'a.csv', limit: PAYLOAD });
      expect(error).to.be.instanceOf(RunRejectedError).and.instanceOf(RunError);
      expect(error.problems.map(({ code }) => code).sort()).to.deep.equal([
        'INVALID_PARAMETER',
        'MISSING_PARAMETER',
        'UNKNOWN_PARAMETER',
      ]);
      expect(error.code).to.equal(error.problems[0]?.code);
      expect(error.cause).to.equal(error.problems[0]);
      expect(error.message).to.match(/^Run of "etl" refused: /);
      expect(error.message).to.contain(' And 2 more: ');
      for (const { message } of error.problems) expect(error.message).to.contain(message);
      expect([error.runId, error.workflow]).to.deep.equal(['run-1', 'etl']);
    });

    it('have no tail where there is one problem', () => {
      const error = refused({ path: 'a.csv' });
      expect(error.problems).to.have.length(1);
      expect(error.message).to.equal(`Run of "etl" refused: ${error.problems[0]?.message}`);
    });

    it('show four problems at most, and keep all', () => {
      const problems = Array.from(
        { length: 9 },
        (_, index) => new ConfigurationError('UNKNOWN_PARAMETER', `Problem ${index}.`, { at: `p${index}` }),
      );
      const error = new RunRejectedError({ runId: 'r', workflow: 'w' }, problems);
      expect(error.problems).to.have.length(9);
      expect(error.message).to.equal(
        `Run of "w" refused: ${problems[0]?.message} And 8 more: ${problems[1]?.message} ${problems[2]?.message} ${problems[3]?.message}`,
      );
      expect([error.code, error.at]).to.deep.equal(['UNKNOWN_PARAMETER', 'p0']);
    });

    it('carry no result, and print no payload', () => {
      const error = refused({ path: 'a.csv', limit: PAYLOAD });
      expect('result' in error).to.equal(false);
      expect(inspect(error, { depth: 9 })).not.to.contain(PAYLOAD);
      expect(JSON.stringify(error)).not.to.contain(PAYLOAD);
    });

    it('come back as a value from settle()', () => {
      const outcome = runtime().settle(built(), {} as never);
      expect(outcome.status).to.equal('rejected');
      expect(outcome.status === 'rejected' && [outcome.runId, outcome.error.problems.length]).to.deep.equal([
        'run-1',
        2,
      ]);
    });
  });
});
