import { expect } from 'chai';
import { compile } from '../../../src/base/compile.js';
import type { RunEvent } from '../../../src/base/events.js';
import { durationText } from '../../../src/cli/duration.js';
import { paintFor } from '../../../src/cli/paint.js';
import { Board, type Change } from '../../../src/cli/progress/board.js';
import { cut, LiveBoard } from '../../../src/cli/progress/live-board.js';
import { describeNode } from '../../../src/cli/progress/node-line.js';
import { PlainLines } from '../../../src/cli/progress/plain-lines.js';
import { valueText } from '../../../src/cli/run-text.js';
import { Screen } from '../../../src/cli/screen.js';
import { sizeText, tableText } from '../../../src/cli/table.js';
import { defineNode, LocalRuntime, otherwise, type, when, workflow } from '../../../src/index.js';

const half = defineNode({
  name: 'half',
  inputs: { value: type<number>() },
  outputs: { half: type<number>() },
  run: ({ value }) => {
    if (value === 3) throw new Error('three');
    return { half: value / 2 };
  },
});

/** A workflow whose map runs a child with a branch and a cycle, and its events. */
function recorded() {
  const c = workflow('child', { params: { value: type<number>() } });
  const route = c.switch('route', c.params.value, { small: (value) => value < 3, large: otherwise });
  c.fn('small', { value: route.out.small }, () => 1);
  const step = c.add('step', half({ value: c.params.value }));
  const risky = c.try('risky', half({ value: c.params.value }));
  c.cycle('halving', {
    feedback: [step.out.half.to(step.in.value)],
    until: when(step.out.half, (value) => value < 1),
    maxIterations: 5,
  });
  const child = c.build({ outputs: { half: step.out.half, more: risky.out.half } });
  const w = workflow('whole', { params: { values: type<number[]>() } });
  const all = w.map('all', w.params.values, (value) => child({ value }), { onItemError: 'collect' });
  w.fn('after', { rows: all.out.half }, ({ rows }) => rows.length);
  const whole = w.build();
  const events: RunEvent[] = [];
  new LocalRuntime().settle(whole, { values: [1, 2, 3, 4] }, { onEvent: (event) => events.push(event) });
  return { whole, events };
}

describe('Board', () => {
  it('counts the items of a map once they are over, whatever became of them', () => {
    const { whole, events } = recorded();
    const board = new Board(compile(whole));
    const counts = events.flatMap((event) => {
      const change = board.take(event);
      return change?.kind === 'node' && change.node.id === 'all' ? [`${change.node.items?.done}`] : [];
    });
    expect([...new Set(counts)]).to.deep.equal(['undefined', '0', '1', '2', '3', '4']);
    const [all, after] = board.nodes.map((node) => ({ ...node, text: describeNode({ ...node, ms: 5 }, 0) }));
    expect(all?.items).to.include({ total: 4, done: 4, failed: 1 });
    expect(all?.text).to.equal('completed in 5.0 ms, 4/4 (1 failed)');
    expect(after).to.include({ status: 'completed', attempt: 1, visit: 1 });
  });

  it('takes what a node at the top reports, and nothing of others', () => {
    const board = new Board(compile(recorded().whole));
    const update = {
      runId: 'r',
      scope: '',
      node: 'after',
      visit: 1,
      attempt: 1,
      current: 3,
      total: 9,
      message: 'going',
    };
    expect(board.report(update, 7)).to.deep.include({ kind: 'node', at: 7 });
    expect(board.nodes[1]?.remark).to.equal('3/9 going');
    expect(board.report({ ...update, total: undefined, message: undefined }, 7)).not.to.equal(undefined);
    expect(board.nodes[1]?.remark).to.equal('3');
    expect(board.report({ ...update, scope: 'all[0]/' }, 7)).to.equal(undefined);
    expect(board.report({ ...update, node: 'unknown' }, 7)).to.equal(undefined);
  });
});

/** A screen whose words are kept. */
class KeptScreen extends Screen {
  readonly lines: string[] = [];
  constructor() {
    super({ json: false, quiet: false });
  }
  override say(text: string): void {
    this.lines.push(text);
  }
}

describe('PlainLines', () => {
  it('says of a node that goes on how far it is once a second, and of later visits only failures', () => {
    const screen = new KeptScreen();
    const lines = new PlainLines(screen);
    const node = new Board(compile(recorded().whole)).nodes[0];
    if (node === undefined) throw new Error('no node');
    const tell = (at: number, fields: object): void => {
      lines.changed({ kind: 'node', node: Object.assign(node, fields), at } satisfies Change);
    };
    tell(1_000, { status: 'running', since: 1_000, visit: 1 });
    tell(1_500, { remark: '1/9' });
    tell(2_000, { remark: '2/9' });
    tell(2_100, { status: 'running', visit: 2 });
    tell(2_200, { status: 'failed', ms: 100, remark: 'E: why' });
    lines.changed({ kind: 'line', text: 'cycle up: 2 iterations' });
    lines.end();
    expect(screen.lines).to.deep.equal([
      'all: running',
      'all: running since 1.00 s, 2/9',
      'all: failed in 100.0 ms, visit 2, E: why',
      'cycle up: 2 iterations',
    ]);
  });
});

describe('LiveBoard', () => {
  it('draws every node, takes itself away for a line, and draws less where there is less room', () => {
    const board = new Board(compile(recorded().whole));
    const screen = new KeptScreen();
    let written = '';
    const terminal = { columns: 27, rows: 20, write: (text: string) => (written += text) };
    const live = new LiveBoard(board, screen, terminal);
    const [all] = board.nodes;
    if (all === undefined) throw new Error('no node');
    Object.assign(all, { status: 'waiting', remark: 'because of reasons' });
    live.changed({ kind: 'node', node: all, at: 0 });
    expect(written).to.equal('? all    waiting, because\n· after  pending\n');
    written = '';
    live.changed({ kind: 'node', node: all, at: 0 });
    expect(written).to.equal('');
    live.changed({ kind: 'line', text: 'a line' });
    live.hide();
    expect(written).to.equal('\x1b[2A\r\x1b[J');
    Object.assign(terminal, { rows: 4, columns: 0 });
    written = '';
    live.show();
    live.end();
    expect(screen.lines).to.deep.equal(['a line']);
    expect(written).to.contain('? all    waiting, because of reasons\n· after  pending\n');
  });

  it('shows what runs where there is no room for all', () => {
    const w = workflow('many');
    for (const name of ['a', 'b', 'c', 'd']) w.fn(name, {}, () => 1);
    const board = new Board(compile(w.build()));
    Object.assign(board.nodes[2] as object, { status: 'running', since: Date.now() });
    let written = '';
    const live = new LiveBoard(board, new KeptScreen(), {
      columns: 0,
      rows: 5,
      write: (text: string) => (written += text),
    });
    live.show();
    live.end();
    expect(written.split('\n')[0]).to.match(/^▸ c {2}running/);
    expect(written).to.contain('  … 3 more\n');
  });

  it('cuts lines so that none wraps, also where letters are wide', () => {
    expect(cut('abc\ndef\x1b[31m', 5)).to.equal('abc d');
    expect(cut('日本語', 5)).to.equal('日本');
  });
});

describe('What the command prints', () => {
  it('names durations and sizes in the unit that fits', () => {
    expect([0.5, 12, 1_500, 125_000].map(durationText)).to.deep.equal(['500 µs', '12.0 ms', '1.50 s', '2 min 5 s']);
    expect([12, 2_048, 3 * 2 ** 20].map(sizeText)).to.deep.equal(['12 B', '2.0 KiB', '3.0 MiB']);
  });

  it('is cut on a terminal where it is long, and says so', () => {
    const long = Array.from({ length: 100 }, (_, index) => index);
    expect(valueText(long, false).split('\n')).to.have.length(102);
    const lines = valueText(long, true).split('\n');
    expect(lines).to.have.length(61);
    expect(lines.at(-1)).to.match(/^… \d+ more characters; --json and --quiet show everything$/);
    expect(valueText([1], true)).to.equal('[\n  1\n]');
  });

  it('has colours on a terminal, unless the environment says otherwise', () => {
    const coloured = (target: object, env: NodeJS.ProcessEnv): boolean => paintFor(target, env)('red', 'x') !== 'x';
    expect(coloured({ isTTY: true }, {})).to.equal(true);
    expect(coloured({}, {})).to.equal(false);
    expect(coloured({ isTTY: true }, { NO_COLOR: '1' })).to.equal(false);
    expect(coloured({ isTTY: true }, { NO_COLOR: '' })).to.equal(true);
    expect(coloured({ isTTY: true }, { TERM: 'dumb' })).to.equal(false);
    expect(coloured({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).to.equal(true);
    expect(coloured({ isTTY: true }, { FORCE_COLOR: 'false' })).to.equal(false);
  });

  it('stands in columns', () => {
    const plain = paintFor({}, {});
    expect(
      tableText(
        ['a', 'long'],
        [
          ['wide', '1'],
          ['b', ''],
        ],
        plain,
      ),
    ).to.equal('a     long\nwide  1\nb');
  });
});
