import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { BARE, PEERS, type Peer, peersOf, SHAPES, SIZES } from '../../benchmarks/peers/catalog.js';
import type { Cell, Outcome } from '../../benchmarks/peers/cell.js';
import { engine as bare } from '../../benchmarks/peers/engines/bare.js';
import { optionsOf } from '../../benchmarks/peers/options.js';
import { tableOf } from '../../benchmarks/peers/table.js';
import { repository } from '../support/packed-project.js';

/** A package in a lock file. */
interface Locked {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const folder = join(repository, 'benchmarks', 'peers');
const read = (...path: string[]): string => readFileSync(join(repository, ...path), 'utf8');
const readJson = (name: string): unknown => JSON.parse(read('benchmarks', 'peers', name));

const { dependencies: pinned } = readJson('package.json') as { readonly dependencies: Record<string, string> };
const { packages: locked } = readJson('package-lock.json') as { readonly packages: Record<string, Locked> };
const section =
  read('docs', 'benchmarks.md')
    .split(/^## /m)
    .find((part) => part.startsWith('Beside other engines\n')) ?? '';

describe('The benchmark beside other engines', () => {
  it('pins exact versions, which its lock file installs', () => {
    expect(locked['']?.dependencies).to.deep.equal(pinned);
    for (const [name, version] of Object.entries(pinned)) {
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
      expect(locked[`node_modules/${name}`]?.version, name).to.equal(version);
    }
  });

  it('pins what its engines and its callers of Python import, what those ask for beside them, and nothing else', () => {
    const names = ['python.ts', ...readdirSync(join(folder, 'engines')).map((name) => join('engines', name))];
    const files = names.map((name) => read('benchmarks', 'peers', name));
    const imported = files.flatMap((text) =>
      [...text.matchAll(/(?: from |import\()'([^.'][^']*)'/g)].map(([, name = '']) => name),
    );
    const foreign = [...new Set(imported)].filter((name) => !/^(lockstep|node:)/.test(name));
    const asked = foreign.flatMap((name) => Object.keys(locked[`node_modules/${name}`]?.peerDependencies ?? {}));

    expect(Object.keys(pinned)).to.have.members([...new Set([...foreign, ...asked])]);
  });

  it('has an engine for every line of its table, whose package is pinned', () => {
    const engines = readdirSync(join(folder, 'engines')).filter(
      (name) => !['lockstep-workflows.ts', 'stored.ts'].includes(name),
    );

    expect(engines).to.have.members([BARE, ...PEERS].map(({ name }) => `${name}.ts`));
    for (const { name, package: from = 'lockstep' } of PEERS)
      if (from !== 'lockstep') expect(pinned, name).to.have.property(from);
  });

  it('is described with the pinned versions', () => {
    for (const { package: name } of PEERS)
      if (name !== undefined && name !== 'lockstep') expect(section).to.contain(`${name} ${pinned[name]}`);
  });

  for (const shape of SHAPES) {
    it(`shows every engine and size in the documented table of the ${shape}`, () => {
      const table = section.split(/^### /m).find((part) => part.toLowerCase().startsWith(shape)) ?? '';
      const lines = table.split('\n').filter((line) => line.startsWith('| '));
      const names = lines.slice(2).map((line) => line.split('|')[1]?.trim());

      expect(lines[0] ?? '').to.contain(SIZES.map((size) => size.toLocaleString('en-US')).join(' | '));
      expect(names).to.deep.equal([BARE, ...peersOf(shape)].flatMap(linesOf));
    });
  }

  it('asks every engine for what the bare loop gives, with functions of either form', async () => {
    // 1, then × 31, ^ 0x55, squared: 31, 74, 5476.
    expect(bare.chain(4, 'sync')()).to.equal(5476);
    expect(await bare.chain(4, 'async')()).to.equal(5476);
    // 31 + (1 ^ 0x55) + 1 × 1
    expect(bare.fan?.(5, 'sync')()).to.equal(31 + 84 + 1);
    expect(await bare.fan?.(5, 'async')()).to.equal(31 + 84 + 1);
    expect(bare.loop?.(7, 'sync')()).to.equal(7);
    expect(await bare.loop?.(7, 'async')()).to.equal(7);
  });

  it('takes options, and names those that there are when it does not know one', () => {
    const all = PEERS.map(({ name }) => name);
    expect(optionsOf([])).to.deep.equal({ only: all, quick: false, json: false });
    expect(optionsOf(['--quick', '--json', '--only', 'effect', '--only=p-graph'])).to.deep.equal({
      only: ['effect', 'p-graph'],
      quick: true,
      json: true,
    });
    expect(() => optionsOf(['--quik'])).to.throw('no option "--quik". There are: --json, --only, --quick.');
    expect(() => optionsOf(['quick'])).to.throw('no argument "quick". There are: --json, --only, --quick.');
    expect(() => optionsOf(['--only', 'efect'])).to.throw(`no peer "efect". There are: ${all.join(', ')}.`);
  });

  it('prints nanoseconds a node with the ratio to the bare loop, and why a cell has none', () => {
    const cell: Cell = { peer: 'effect', shape: 'chain', size: 1_000, form: 'sync' };
    const times = (us: number): Outcome => ({
      kind: 'measured',
      build: { processor: 3_000, wall: 4_000 },
      run: { processor: us * 1_000, wall: us * 2_000 },
    });
    const table = tableOf([
      { cell, title: 'Effect', outcome: times(1_500_000), bare: times(100_000) },
      { cell, title: 'Effect', outcome: { kind: 'cut', during: 'first run' }, bare: times(100_000) },
      { cell, title: 'Effect', outcome: { kind: 'failed', during: 'building', message: 'no' }, bare: times(1) },
      { cell: { ...cell, shape: 'loop' }, title: 'p-graph', outcome: { kind: 'absent' }, bare: times(1) },
    ]);

    expect(table.map((line) => line.split(/ {2,}/))).to.deep.equal([
      ['graph', 'size', 'engine', 'functions', 'build', 'run', 'ratio', 'wall', 'note'],
      ['chain', '1,000', 'Effect', 'sync', '3.00 ns', '1,500,000 ns', '15.0x', '3,000,000 ns'],
      ['chain', '1,000', 'Effect', 'sync', '-', '-', '-', '-', 'cut at 60 s (first run)'],
      ['chain', '1,000', 'Effect', 'sync', '-', '-', '-', '-', 'failed (building): no'],
      ['loop', '1,000', 'p-graph', 'sync', '-', '-', '-', '-', 'has none'],
    ]);
  });
});

/** What the lines of a peer are called in the documented tables. */
function linesOf({ title, forms }: Peer): readonly string[] {
  return forms.length === 1 ? [title] : forms.map((form) => `${title}, ${form} functions`);
}
