/**
 * Measures other engines, ours and a bare loop on the same graphs, every cell in a process of its own. Prints a table. A result
 * that is not the bare loop's ends the benchmark with exit code 1; so does an engine that failed, after the table.
 *
 * Usage: node run.js [--only PEER ...] [--quick] [--json]
 *   --only   peers by the names of their files; the bare loop is always measured
 *   --quick  fewer sizes and samples
 *   --json   also writes build/bench-peers.json, with every number
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { BARE, PEERS, type Peer, peersOf, QUICK_SIZES, SHAPES, type Shape, SIZES } from './catalog.js';
import type { Outcome } from './cell.js';
import type { Form } from './engine.js';
import { type Options, optionsOf } from './options.js';
import { runCell } from './run-cell.js';
import { noteOf, type Row, tableOf } from './table.js';

/** The folder of the peers' package, and the build folder of the project, seen from the compiled program. */
const PACKAGE = new URL('../../', import.meta.url);
const BUILD = new URL('../../../../build/', import.meta.url);

async function measureAll({ only, quick }: Options): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const shape of SHAPES) {
    const peers = peersOf(shape).filter(({ name }) => only.includes(name));
    for (const size of quick ? QUICK_SIZES : SIZES) {
      for (const row of await measureGraph(peers, shape, size, quick)) rows.push(row);
    }
  }
  return rows;
}

/** One graph in one size: the bare loop in both forms, then every peer. */
async function measureGraph(
  peers: readonly Peer[],
  shape: Shape,
  size: number,
  quick: boolean,
): Promise<readonly Row[]> {
  const bare = new Map<Form, Outcome>();
  const rows: Row[] = [];
  for (const { name, title, forms, shapes } of [BARE, ...peers]) {
    for (const form of forms) {
      const cell = { peer: name, shape, size, form };
      process.stderr.write(`measuring ${title}, ${shape} of ${size}, ${form} functions … `);
      const isAbsent = !shapes.includes(shape);
      const outcome: Outcome = isAbsent ? { kind: 'absent' } : await runCell(cell, quick ? 'quick' : 'full');
      process.stderr.write(`${shortOf(outcome, size)}\n`);
      if (outcome.kind === 'differs') throw new Error(`${title}, ${shape} of ${size}: ${noteOf(outcome)}.`);
      if (name === BARE.name) bare.set(form, outcome);
      rows.push({ cell, title, outcome, bare: bare.get(form) as Outcome });
    }
  }
  return rows;
}

function shortOf(outcome: Outcome, size: number): string {
  return outcome.kind === 'measured' ? `${Math.round(outcome.run.processor / size)} ns a node` : noteOf(outcome);
}

/** Where, when and with which versions the numbers were taken. */
function circumstances() {
  const names = new Set(PEERS.map((peer) => peer.package));
  const read = (path: string): { readonly version: string } => JSON.parse(readFileSync(new URL(path, PACKAGE), 'utf8'));
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: `${cpu?.model ?? 'unknown'}, ${cpus().length} cores`,
    versions: Object.fromEntries([...names].map((name) => [name, read(`node_modules/${name}/package.json`).version])),
  };
}

async function main(options: Options): Promise<void> {
  const made = circumstances();
  const rows = await measureAll(options);
  const versions = Object.entries(made.versions).map((entry) => entry.join(' '));
  console.log(`node ${made.node}, ${made.cpu}, ${made.date}`);
  console.log(`${versions.join(', ')}; least of the samples, in nanoseconds a node`);
  for (const line of tableOf(rows)) console.log(line);
  if (rows.some(({ outcome }) => outcome.kind === 'failed')) process.exitCode = 1;
  if (!options.json) return;
  const report = { ...made, mode: options.quick ? 'quick' : 'full', rows };
  mkdirSync(BUILD, { recursive: true });
  writeFileSync(new URL('bench-peers.json', BUILD), `${JSON.stringify(report, undefined, 2)}\n`);
}

try {
  await main(optionsOf(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
