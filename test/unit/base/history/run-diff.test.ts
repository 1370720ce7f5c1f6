import { expect } from 'chai';
import type { EventData, EventKind, RunEvent } from '../../../../src/base/events.js';
import { diffEvents } from '../../../../src/base/history/run-diff.js';

function log(...parts: readonly (readonly [EventKind, object])[]): readonly RunEvent[] {
  return parts.map(
    ([kind, data], seq) => ({ seq, ts: seq, runId: 'r', kind, v: 1, data: data as EventData[EventKind] }) as RunEvent,
  );
}

const of = (node: string, more: object = {}) => ({ scope: '', node, visit: 1, attempt: 1, ...more });
const begun = (node: string) => ['attempt.started', of(node)] as const;
const done = (node: string, output: object) => ['attempt.completed', of(node, { output })] as const;

describe('The difference of two runs', () => {
  it('is none where each node did the same, in whatever order and at whatever time', () => {
    const left = log(begun('a'), begun('b'), done('a', { v: 1 }), done('b', { v: 2 }));
    const right = log(begun('b'), done('b', { v: 2 }), begun('a'), done('a', { v: 1 }));
    expect(diffEvents(left, right)).to.equal(undefined);
    expect(diffEvents([], [])).to.equal(undefined);
  });

  it('is the first event of the first run that differs, with its path', () => {
    const left = log(begun('a'), done('a', { v: [1, 2] }), begun('b'), done('b', { v: 1 }));
    const right = log(begun('b'), done('b', { v: 9 }), begun('a'), done('a', { v: [1, 3] }));
    expect(diffEvents(left, right)).to.deep.equal({ subject: 'a', left: left[1], right: right[3], path: 'output.v.1' });
  });

  it('is of another kind', () => {
    const error = { name: 'E', code: 'E', message: '' };
    const right = log(begun('a'), ['attempt.failed', of('a', { error, then: { kind: 'fail' } })]);
    expect(diffEvents(log(begun('a'), done('a', {})), right)).to.include({ subject: 'a', path: 'kind' });
  });

  it('is what only one of them has, what only the second has last', () => {
    const one = log(begun('a'));
    const more = log(begun('a'), done('a', {}), begun('b'));
    expect(diffEvents(one, more)).to.deep.equal({ subject: 'a', left: undefined, right: more[1], path: '' });
    expect(diffEvents(more, one)).to.deep.equal({ subject: 'a', left: more[1], right: undefined, path: '' });
    const other = log(begun('a'), done('a', { v: 1 }));
    expect(diffEvents(log(begun('a'), done('a', { v: 2 })), [...log(begun('z')), ...other])?.subject).to.equal('a');
  });

  it('is not how often a run was resumed, nor what was lost, nor when a retry is due', () => {
    const error = { name: 'E', code: 'E', message: '' };
    const lost = ['attempt.lost', of('a', { error, then: { kind: 'retry', at: 5 } })] as const;
    const again = ['attempt.started', of('a', { attempt: 2 })] as const;
    const ended = ['attempt.completed', of('a', { attempt: 2, output: {} })] as const;
    const left = log(['run.waiting', { scope: '' }], ['run.resumed', { scope: '' }], begun('a'), lost, again, ended);
    expect(diffEvents(left, log(begun('a'), done('a', {})))).to.equal(undefined);
    const given = ['attempt.lost', of('a', { error, then: { kind: 'fail' } })] as const;
    expect(diffEvents(log(begun('a'), given), log(begun('a'), done('a', {})))).to.include({
      subject: 'a',
      path: 'kind',
    });
    const failed = (at: number) => log(['attempt.failed', of('a', { error, then: { kind: 'retry', at } })]);
    expect(diffEvents(failed(1), failed(2))).to.equal(undefined);
  });
});
