import { expect } from 'chai';
import { checkFork } from '../../../../src/base/history/fork-options.js';
import { caught } from '../../../support/caught.js';

describe('What a fork is given', () => {
  it('may be left out, or name outputs and nodes', () => {
    checkFork({}, {});
    checkFork(
      { outputs: { a: { value: 1 } }, rerun: ['b'] },
      { runId: 'f', signal: new AbortController().signal, onEvent: () => undefined },
    );
  });

  for (const [what, overrides, options, code, at] of [
    ['overrides that are no object', 1, {}, 'INVALID_OPTION', 'fork'],
    ['options that are no object', {}, null, 'INVALID_OPTION', 'fork'],
    ['unknown overrides', { output: {} }, {}, 'UNKNOWN_OPTION', 'fork'],
    ['unknown options', {}, { timeoutMs: 1 }, 'UNKNOWN_OPTION', 'fork'],
    ['no signal', {}, { signal: {} }, 'INVALID_OPTION', 'fork.signal'],
    ['outputs that are a list', { outputs: [] }, {}, 'INVALID_OPTION', 'fork.outputs'],
    ['an output that is no object', { outputs: { a: 1 } }, {}, 'INVALID_OPTION', 'fork.outputs'],
    ['nodes that are no list', { rerun: 'a' }, {}, 'INVALID_OPTION', 'fork.rerun'],
    ['nodes that are no ids', { rerun: [1] }, {}, 'INVALID_OPTION', 'fork.rerun'],
  ] as const) {
    it(`is refused: ${what}`, () => {
      expect(caught(() => checkFork(overrides as never, options as never))).to.include({ code, at });
    });
  }
});
