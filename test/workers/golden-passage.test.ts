import { expect } from 'chai';
import { ndarray } from '../../src/plugins/python/values/ndarray.js';
import { refusal } from '../support/caught.js';
import { goldenTexts, goldenValues } from '../support/golden-values.js';
import { TestWorker } from '../support/python-worker.js';
import { shown } from '../support/shown.js';

describe('A value that goes to Python and back', function () {
  this.timeout(120_000);
  let host: TestWorker;
  before(async () => {
    host = await TestWorker.start({}, 'numpy');
  });
  after(() => host.remove());

  for (const { name } of goldenTexts)
    it(`is what it was: ${name}`, async () => {
      const value = goldenValues[name];
      // As an argument, undefined stands for none.
      const back = await host.call('same', { value: { value } });
      expect(shown(back)).to.deep.equal(shown({ value }));
    });

  it('beside the text, of every kind of numbers, is what it was', async () => {
    for (const kind of [Int16Array, Uint32Array, Float32Array, Float64Array, BigInt64Array] as const) {
      const value = kind === BigInt64Array ? new kind(1_000).fill(-5n) : new (kind as typeof Int16Array)(1_000).fill(5);
      expect(shown(await host.call('same', { value }))).to.deep.equal(shown(value));
    }
  });

  it('with several dimensions is plain data, which Python has as an array', async () => {
    const value = ndarray(
      Float64Array.from({ length: 600 }, (_, n) => n / 3),
      [20, 30],
    );
    expect(await host.call('length_of', { value })).to.equal(20);
    expect(shown(await host.call('same', { value }))).to.deep.equal(shown(value));
    const large = ndarray(new Float32Array(500_000).fill(0.5), [500, 1_000]);
    expect(shown(await host.call('same', { value: large }))).to.deep.equal(shown(large));
  });

  it('is refused as an array whose shape stands for another number of items', () => {
    expect(refusal(() => ndarray(new Int8Array(5), [2, 3]))).to.include({
      code: 'INVALID_OPTION',
      at: 'ndarray.shape',
    });
    expect(refusal(() => ndarray(new Int8Array(1), [-1]))).to.include({ at: 'ndarray.shape' });
    expect(refusal(() => ndarray([1] as never, [1]))).to.include({ at: 'ndarray.data' });
    expect(ndarray(Int32Array.of(7), [])).to.deep.equal({
      kind: 'ndarray',
      dtype: 'int32',
      shape: [],
      data: Int32Array.of(7),
    });
  });
});
