import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MemoryEventStore } from '../../src/plugins/event-store/memory-event-store.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { GOLDEN, type GoldenRun, outcomeOf, recordGolden } from '../support/golden-runs.js';

const files = readdirSync(GOLDEN).filter((name) => name.endsWith('.json'));

describe('A history that an earlier version recorded', () => {
  it('is kept for every kind of workflow', () => {
    expect(files.map((name) => name.replace('-v1.json', '')).sort()).to.include.members(
      [...recordGolden().keys()].sort(),
    );
  });

  for (const name of files) {
    it(`is imported, verified and replayed to what it was: ${name}`, () => {
      const { exported, expected } = JSON.parse(readFileSync(join(GOLDEN, name), 'utf8')) as GoldenRun;
      using runtime = new LocalRuntime({ store: new MemoryEventStore() });
      const { runId } = runtime.importRun(exported);
      expect(runtime.verify(runId).problems).to.deep.equal([]);
      const run = runtime.replay(runId);
      expect(outcomeOf(run)).to.deep.equal(expected);
    });
  }

  it('is recorded by this version as it was by the first one', () => {
    for (const [name, { expected }] of recordGolden()) {
      const kept = JSON.parse(readFileSync(join(GOLDEN, `${name}-v1.json`), 'utf8')) as GoldenRun;
      expect(expected, name).to.deep.equal(kept.expected);
    }
  });
});
