import { expect } from 'chai';
import { Attempt } from '../../../src/base/attempt.js';

const [soft, hard, later] = ['soft', 'hard', 'later'].map((text) => new Error(text)) as [Error, Error, Error];

const made = () => new Attempt(undefined, undefined as never, 1, 1, 0);

const view = ({ aborted, reason }: AbortSignal) => [aborted, reason];

describe('The signals of an attempt', () => {
  for (const read of ['before', 'after'] as const) {
    const run = (act: (attempt: Attempt) => void) => {
      const attempt = made();
      const early = read === 'before' ? [attempt.signal, attempt.gone] : [];
      act(attempt);
      const signals = [attempt.signal, attempt.gone];
      for (const [index, signal] of early.entries()) expect(signals[index]).to.equal(signal);
      return signals.map(view);
    };

    it(`are not aborted by themselves, read ${read}`, () => {
      expect(run(() => undefined)).to.deep.equal([
        [false, undefined],
        [false, undefined],
      ]);
    });

    it(`are aborted one at a time, each with the first reason that it was given, read ${read}`, () => {
      expect(run((attempt) => attempt.abort(soft))).to.deep.equal([
        [true, soft],
        [false, undefined],
      ]);
      const both = (attempt: Attempt): void => {
        attempt.abort(soft);
        attempt.abandon(hard);
        attempt.abort(later);
        attempt.abandon(later);
      };
      expect(run(both)).to.deep.equal([
        [true, soft],
        [true, hard],
      ]);
    });

    it(`are both aborted where nobody waits any more, read ${read}`, () => {
      expect(run((attempt) => attempt.abandon(hard))).to.deep.equal([
        [true, hard],
        [true, hard],
      ]);
    });
  }
});
