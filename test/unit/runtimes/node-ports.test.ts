import { execFile } from 'node:child_process';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { pino } from 'pino';
import { workflow } from '../../../src/base/workflow-builder.js';
import { canonicalWorkflow } from '../../../src/base/workflow-hash.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { keyedRandom, nodeHash, nodeIds, nodePorts, pinoLog } from '../../../src/runtimes/node-ports.js';
import { nodeReadings } from '../../../src/runtimes/node-readings.js';
import { systemClock } from '../../../src/runtimes/system-clock.js';
import { MemoryLog } from '../../../src/testing/memory-log.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

const run = promisify(execFile);
const SRC = new URL('../../../src/', import.meta.url).href;

/** Runs a program of its own, as a module, and returns what it wrote. */
async function program(code: string) {
  return run(process.execPath, ['--input-type=module', '--eval', code]);
}

describe('ports bound to Node', () => {
  describe('run ids', () => {
    it('have 26 characters, digits and lower-case letters', () => {
      for (let index = 0; index < 100; index++) expect(nodeIds.runId()).to.match(/^[0-9a-z]{26}$/);
    });

    it('are unique and sort by creation', () => {
      const ids = Array.from({ length: 10_000 }, () => nodeIds.runId());
      expect(new Set(ids).size).to.equal(ids.length);
      expect([...ids].sort()).to.deep.equal(ids);
    });

    it('differ between processes', async () => {
      const code = `import { nodeIds } from '${SRC}runtimes/node-ports.js'; console.log(nodeIds.runId().slice(13));`;
      const [one, two] = await Promise.all([program(code), program(code)]);
      expect(one.stdout.trim()).to.have.length(13);
      expect(one.stdout).not.to.equal(two.stdout);
    });
  });

  describe('keyed random', () => {
    it('depends on the key and the seed, and on nothing else', () => {
      const random = keyedRandom('seed');
      const first = random.keyed('a');
      random.keyed('b');
      expect(random.keyed('a')).to.equal(first);
      expect(keyedRandom('seed').keyed('a')).to.equal(first);
      expect(keyedRandom('other').keyed('a')).not.to.equal(first);
      expect(random.keyed('b')).not.to.equal(first);
    });

    it('gives known numbers', () => {
      // The first 52 bits of SHA-256('seed/a'), over 2^52.
      expect(keyedRandom('seed').keyed('a')).to.equal(
        Number.parseInt(nodeHash.sha256('seed/a').slice(0, 13), 16) / 2 ** 52,
      );
      expect(keyedRandom('').keyed('')).to.equal(0x8a5edab282632 / 2 ** 52);
    });

    it('spreads evenly over [0, 1)', () => {
      const random = keyedRandom('spread');
      const tenths = new Array<number>(10).fill(0);
      for (let index = 0; index < 10_000; index++) {
        const value = random.keyed(`key ${index}`);
        expect(value).to.be.within(0, 1);
        tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] as number) + 1;
      }
      for (const count of tenths) expect(count).to.be.within(850, 1_150);
    });
  });

  describe('hash', () => {
    it('is SHA-256 of the UTF-8 bytes, in lower-case hexadecimal digits', () => {
      expect(nodeHash.sha256('')).to.equal('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
      expect(nodeHash.sha256('abc')).to.equal('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
      expect(nodeHash.sha256('ä')).to.equal(nodeHash.sha256('\u00e4'));
    });

    it('of a workflow is that of its canonical JSON', () => {
      const make = (name: string) => {
        const w = workflow(name);
        w.fn('a', { n: 1 }, ({ n }) => n);
        return w.build();
      };
      expect(hashOf(make('w'))).to.equal(nodeHash.sha256(canonicalWorkflow(make('w'), nodeHash)));
      expect(hashOf(make('v'))).not.to.equal(hashOf(make('w')));
    });
  });

  describe('log', () => {
    function sink() {
      const lines: string[] = [];
      const stream = new Writable({
        write: (chunk, _encoding, done) => {
          lines.push(String(chunk));
          done();
        },
      });
      return { lines, log: pinoLog(pino({ base: null, timestamp: false, level: 'debug' }, stream)) };
    }

    it('writes each level through pino, with its fields', () => {
      const { lines, log } = sink();
      log.log('debug', 'a');
      log.log('info', 'b', { node: 'x' });
      log.log('warn', 'c');
      log.log('error', 'd', { error: { code: 'E' } });
      expect(lines.map((line) => JSON.parse(line))).to.deep.equal([
        { level: 20, msg: 'a' },
        { level: 30, node: 'x', msg: 'b' },
        { level: 40, msg: 'c' },
        { level: 50, error: { code: 'E' }, msg: 'd' },
      ]);
    });

    it('of what nodes say carries their place; of what listeners throw, the reason', () => {
      const { lines, log } = sink();
      const runtime = new LocalRuntime({ log, ids: seededIds() });
      runtime.on('event', ({ kind }) => {
        if (kind === 'run.started') throw new Error('deaf');
      });
      const w = workflow('w');
      w.fn('a', {}, ((_: unknown, { log: own }: { log: MemoryLog }) => own.log('info', 'hello', { rows: 3 })) as never);
      runtime.execute(w.build());
      expect(lines.map((line) => JSON.parse(line))).to.deep.equal([
        {
          level: 50,
          error: { name: 'Error', code: 'NODE_THREW', message: 'deaf' },
          msg: 'The listener of "event" threw; the run goes on.',
        },
        { level: 30, rows: 3, runId: 'run-1', node: 'a', visit: 1, attempt: 1, msg: 'hello' },
      ]);
    });

    it('by default is warnings and errors as JSON lines on stderr, nothing on stdout, no payload', async () => {
      const code = `
        import { workflow } from '${SRC}base/workflow-builder.js';
        import { LocalRuntime } from '${SRC}runtimes/local-runtime.js';
        const runtime = new LocalRuntime();
        runtime.on('event', () => { throw new Error('deaf'); });
        const w = workflow('w');
        const a = w.fn('a', {}, (_, { log }) => { log.log('info', 'quiet'); log.log('debug', 'quiet'); log.log('warn', 'loud'); return 'payload-1234'; });
        w.fn('b', { text: a.out.value }, () => { throw new Error('no'); });
        runtime.settle(w.build());`;
      const { stdout, stderr } = await program(code);
      expect(stdout).to.equal('');
      const lines = stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).to.have.length(7);
      expect(
        lines.map(({ msg }) => msg).filter((msg) => msg !== 'The listener of "event" threw; the run goes on.'),
      ).to.deep.equal(['loud']);
      expect(new Set(lines.map(({ name }) => name))).to.deep.equal(new Set(['lockstep']));
      expect(stderr).not.to.contain('payload-1234');
    });
  });

  it('are used where the options leave them open, and only there', () => {
    const own = {
      clock: new VirtualClock(),
      ids: seededIds(),
      random: keyedRandom('x'),
      log: new MemoryLog(),
      hash: nodeHash,
      readings: { memory: () => ({ rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 2 }), eventLoopDelayMs: () => 0 },
    };
    const { bytes, ...ports } = nodePorts(own);
    expect(ports).to.deep.equal({ ...own, secrets: undefined, access: undefined, store: undefined });
    expect(bytes.toBase64(bytes.fromBase64('AAEC'))).to.equal('AAEC');
    const open = nodePorts({});
    expect([open.clock, open.ids, open.hash, open.readings]).to.deep.equal([
      systemClock,
      nodeIds,
      nodeHash,
      nodeReadings,
    ]);
    expect(open.random.keyed('a')).to.equal(nodePorts({}).random.keyed('a'));
    expect(open.log).to.equal(nodePorts({}).log);
  });
});
