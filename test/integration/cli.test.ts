import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunHeader, StoredEvent } from '../../src/base/history/event-store.js';
import type { RunDocument } from '../../src/cli/run-document.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { CommandFolder, steady } from '../support/command.js';

const MODULES = {
  'sum.mjs': `import { type, workflow } from 'lockstep';
const w = workflow('sum', { params: { numbers: type(), label: type() } });
const some = w.switch('some', w.params.numbers, { any: (numbers) => numbers.length > 0, none: (numbers) => numbers.length === 0 });
const sum = w.fn('sum', { numbers: some.out.any }, ({ numbers }) => numbers.reduce((a, b) => a + b, 0));
const nothing = w.fn('nothing', { numbers: some.out.none }, () => 0);
const text = w.fn('text', { sum: some.join({ any: sum.out.value, none: nothing.out.value }), label: w.params.label }, ({ sum, label }) => label + ': ' + sum);
const half = w.map('half', w.params.numbers, (value) => halved({ value }));
import { halved } from './halved.mjs';
export default w.build({ outputs: { text: text.out.value, half: half.out.half } });
const u = workflow('unused');
u.fn('a', {}, () => 1);
export const other = u.build();
`,
  'halved.mjs': `import { defineNode, type } from 'lockstep';
export const halved = defineNode({ name: 'halved', version: '1', inputs: { value: type() }, outputs: { half: type() }, run: ({ value }) => ({ half: value / 2 }) });
`,
  'several.mjs': `import { type, when, workflow } from 'lockstep';
const w = workflow('fails');
const load = w.fn('load', {}, () => { throw new Error('the network is down'); }, { retry: { attempts: 2 } });
const after = w.fn('after', { rows: load.out.value }, ({ rows }) => rows);
export const failing = w.build({ outputs: { rows: after.out.value } });
const g = workflow('offer', { params: { price: type() } });
g.gate('review', { shows: { price: g.params.price }, answer: type() });
export const offer = g.build();
const c = workflow('climb');
const step = c.fn('step', { at: 0 }, ({ at }) => at + 1);
c.cycle('up', { feedback: [step.out.value.to(step.in.at)], until: when(step.out.value, () => false), maxIterations: 2 });
export const climb = c.build({ outputs: { at: step.out.value } });
const x = workflow('odd');
const odd = x.fn('odd', {}, () => ({ big: 1n, map: new Map([['a', NaN]]), bytes: new Uint8Array([1, 2]), set: new Set([1]), floats: new Float32Array([0.5]) }));
export const values = x.build({ outputs: { odd: odd.out.value } });
const a = workflow('later');
const soon = a.fn('soon', {}, async () => 1);
export const later = a.build({ outputs: { soon: soon.out.value } });
`,
  'wait.mjs': `import { type, workflow } from 'lockstep';
const wait = (obeys) => (_, { signal }) => new Promise((done, fail) => {
  const timer = setTimeout(done, 60_000);
  signal.addEventListener('abort', () => { if (obeys) { clearTimeout(timer); fail(signal.reason); } });
});
const w = workflow('polite'); w.fn('wait', {}, wait(true)); export const polite = w.build();
const d = workflow('deaf'); d.fn('wait', {}, wait(false)); export const deaf = d.build();
`,
  'stray.mjs':
    "import { workflow } from 'lockstep';\nconst w = workflow('stray');\nw.fn('wait', {}, () => new Promise(() => setTimeout(() => { throw new Error('nobody asked'); }, 1)));\nexport default w.build();\n",
  'throws.mjs': 'const fine = 1;\nnull.field;\n',
  'syntax.mjs': 'const fine = 1;\nexport const a = ;\n',
  'refused.mjs':
    "import { workflow } from 'lockstep';\nconst w = workflow('w');\nw.fn('a', {}, () => 1);\nw.fn('a', {}, () => 1);\n",
  'nothing.mjs': 'export const answer = 42;\n',
  'foreign.mjs': 'export default Object.assign(() => 1, { data: {}, bindings: {} });\n',
  'common.cjs':
    "const { workflow } = require('lockstep');\nconst w = workflow('common');\nconst a = w.fn('a', {}, () => 1);\nexports.common = w.build({ outputs: { a: a.out.value } });\n",
  'typed.ts':
    "import { workflow } from 'lockstep';\nimport { factor } from './factor.js';\nenum Unit { metre = 2 }\nconst w = workflow('typed');\nconst a = w.fn('a', {}, (): number => factor * Unit.metre);\nexport default w.build({ outputs: { a: a.out.value } });\n",
  'factor.ts': 'export const factor: number = 21;\n',
  'script/typed.ts': 'export const a: number = 1;\n',
  'script/package.json': '{}',
  'half.yaml':
    'lockstep: 1\nname: half\nnodes:\n  half: { use: halved@1, config: { value: 3 } }\noutputs: { half: half.half }\n',
  'bad.yaml':
    'lockstep: 1\nname: half\nnodes:\n  half: { use: halved@1, config: { value: 3 } }\noutputs:\n  half: half.hlaf\n',
  'bad.json':
    '{ "lockstep": 1, "name": "half",\n  "nodes": { "half": { "use": "halved@1", "config": { "value": 3 } } },\n  "outputs": { "half": "half.hlaf" } }',
  'torn.json': '{ "lockstep": 1,\n  "name": }',
  'params.json': '{ "numbers": [1, 2, 3], "label": "from a file" }',
  'numbers.json': '[4, 4]',
  'label.txt': 'as it stands',
};

const NUMBERS = ['--param', 'numbers=[1, 2, 3]', '--param', 'label=sum'];

function documentOf(stdout: string): RunDocument {
  return JSON.parse(stdout) as RunDocument;
}

describe('The lockstep command', function () {
  this.timeout(30_000);
  const folder = new CommandFolder();
  const lockstep = (...words: readonly string[]) => folder.run(...words);
  before(() => folder.write(MODULES));
  after(() => folder.remove());

  describe('run', () => {
    it('prints the table of the run and its output, and says on stderr how it proceeds', async () => {
      const { code, stdout, stderr } = await lockstep('run', 'sum.mjs', ...NUMBERS);
      expect(code).to.equal(0);
      expect(steady(stdout)).to.equal(`sum: completed in N ms (run RUN)

node  status  visits  attempts  duration
some  completed  1  1  N ms
sum  completed  1  1  N ms
nothing  skipped  -  0  -  the branch was not taken (nothing.numbers ← some.none)
text  completed  1  1  N ms
half  completed  1  1  N ms  3 items: 3 completed

output
{
  "text": "sum: 6",
  "half": [
    0.5,
    1,
    1.5
  ]
}`);
      expect(steady(stderr).split('\n').toSorted()).to.deep.equal([
        'half: completed in N ms, 3/3',
        'half: running',
        'nothing: skipped, the branch was not taken (nothing.numbers ← some.none)',
        'some: completed in N ms',
        'some: running',
        'sum: completed in N ms',
        'sum: running',
        'text: completed in N ms',
        'text: running',
      ]);
    });

    it('prints with --quiet the output and nothing else', async () => {
      const { stdout, stderr } = await lockstep('run', 'several.mjs', '--workflow', 'climb', '--quiet');
      expect({ stdout, stderr }).to.deep.equal({ stdout: '{\n  "at": 2\n}\n', stderr: '' });
    });

    it('says warnings on stderr, and how a cycle ended', async () => {
      const { stdout, stderr } = await lockstep('run', 'several.mjs', '--workflow', 'climb');
      const warning = 'warning not-converged: Cycle "up" reached maxIterations (2) before its condition was met.';
      expect(steady(stderr)).to.equal(
        `step: running\nstep: completed in N ms\ncycle up: 2 iterations, max_iterations\n${warning}`,
      );
      expect(stdout).not.to.contain('warning');
    });

    it('prints with --json one document that holds everything', async () => {
      const { code, stdout, stderr } = await lockstep('run', 'sum.mjs', ...NUMBERS, '--json');
      const run = documentOf(stdout);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(Object.keys(run)).to.deep.equal(
        'runId workflow status startedAt durationMs output nodes cycles gates warnings error receipt'.split(' '),
      );
      expect(run.output).to.deep.equal({ text: 'sum: 6', half: [0.5, 1, 1.5] });
      expect(run.nodes.map(({ id, status, children }) => [id, status, children])).to.deep.equal([
        ['some', 'completed', null],
        ['sum', 'completed', null],
        ['nothing', 'skipped', null],
        ['text', 'completed', null],
        ['half', 'completed', { completed: 3 }],
      ]);
      expect(run.error).to.equal(null);
    });

    it('prints with --events each event as a line, and the result as the last', async () => {
      const { stdout, stderr } = await lockstep('run', 'several.mjs', '--workflow', 'climb', '--events');
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly kind?: string });
      expect(stderr).to.equal('');
      expect(lines.map(({ kind }) => kind)).to.deep.equal([
        'run.started',
        ...['attempt.started', 'attempt.completed', 'cycle.iterated'],
        ...['attempt.started', 'attempt.completed', 'run.warned', 'cycle.stopped'],
        'run.completed',
        undefined,
      ]);
      expect(lines.at(-1)).to.include({ status: 'completed' });
    });

    it('gives the same result with --sync', async () => {
      const [asynchronous, synchronous] = await Promise.all([
        lockstep('run', 'sum.mjs', ...NUMBERS),
        lockstep('run', 'sum.mjs', ...NUMBERS, '--sync'),
      ]);
      expect(steady(synchronous.stdout)).to.equal(steady(asynchronous.stdout));
    });

    it('refuses an asynchronous node with --sync, and says what to do about it here', async () => {
      const { code, stderr } = await lockstep('run', 'several.mjs', '--workflow', 'later', '--sync');
      expect(code).to.equal(2);
      expect(stderr).to.equal(
        'error ASYNC_NODE at soon\n  Node "soon" is asynchronous.\n  → Leave out --sync, make the node synchronous, or define it with moduleNode().\n',
      );
    });

    it('ends with 1 where the run failed, and says why', async () => {
      const { code, stdout, stderr } = await lockstep('run', 'several.mjs', '--workflow', 'failing');
      expect(code).to.equal(1);
      expect(steady(stdout)).to.equal(`fails: failed in N ms (run RUN)

node  status  visits  attempts  duration
load  failed  1  2  N ms  NODE_THREW: the network is down
after  blocked  -  0  -  what it depends on failed (after.rows ← load.value; root: load)`);
      expect(steady(stderr)).to.equal(`load: running
load: attempt 1 failed: NODE_THREW: the network is down
load: running, attempt 2
load: failed in N ms, attempt 2, NODE_THREW: the network is down
after: blocked, what it depends on failed (after.rows ← load.value; root: load)
error NODE_THREW at load
  the network is down
  → Correct the node; LOCKSTEP_DEBUG=1 shows the stack.`);
    });

    it('holds the error of a run that failed in its JSON', async () => {
      const { code, stdout } = await lockstep('run', 'several.mjs', '--workflow', 'failing', '--json');
      expect(code).to.equal(1);
      const error = {
        code: 'NODE_THREW',
        message: 'the network is down',
        at: 'load',
        remedy: 'Correct the node; LOCKSTEP_DEBUG=1 shows the stack.',
      };
      expect(documentOf(stdout)).to.deep.include({ status: 'failed', output: null, error });
    });

    it('ends with 3 where the run waits, and shows what the gate shows', async () => {
      const { code, stdout, stderr } = await lockstep(
        'run',
        'several.mjs',
        '--workflow',
        'offer',
        '--param',
        'price=3',
      );
      expect(code).to.equal(3);
      expect(steady(stdout)).to.equal(`offer: waiting in N ms (run RUN)

node  status  visits  attempts  duration
review  waiting  1  1  -

waits for an answer to gate review

gate review shows {
  "price": 3
}`);
      expect(stderr).to.equal(
        'review: running\nreview: waiting\nnote: nothing keeps this run, it ends with this process; --store FILE would\n',
      );
    });

    it('writes what JSON has no form for', async () => {
      const { stdout } = await lockstep('run', 'several.mjs', '--workflow', 'values', '--json');
      const odd = { big: '1', map: [['a', 'NaN']], bytes: 'AQI=', set: [1], floats: [0.5] };
      expect(documentOf(stdout).output).to.deep.equal({ odd });
    });

    it('writes a report and a trace, into a folder that it makes', async () => {
      const files = ['--report', 'out/run.html', '--trace', 'out/run.json'];
      const { stderr } = await lockstep('run', 'sum.mjs', ...NUMBERS, ...files);
      expect(stderr).to.match(/report: out\/run.html\ntrace: out\/run.json\n$/);
      expect(readFileSync(join(folder.path, 'out/run.html'), 'utf8')).to.contain('<title>sum: completed</title>');
      expect(JSON.parse(readFileSync(join(folder.path, 'out/run.json'), 'utf8'))).to.have.property('traceEvents');
    });

    it('refuses a report that cannot be written before anything runs', async () => {
      const { code, stdout, stderr } = await lockstep('run', 'sum.mjs', ...NUMBERS, '--report', 'sum.mjs/run.html');
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.match(/^error FILE_UNWRITABLE at sum.mjs\/run.html\n/);
    });

    it('refuses a report in a folder that is further off than one, also below /proc, and leaves no file of a run that was refused', async () => {
      for (const [file, why] of [
        ['no/such/run.html', 'there is no folder '],
        ['/proc/no/such/run.html', 'there is no folder /proc/no'],
        ['/proc/no/run.html', 'ENOENT'],
      ] as const) {
        const { code, stderr } = await lockstep('run', 'sum.mjs', ...NUMBERS, '--report', file);
        expect(code).to.equal(2);
        expect(stderr).to.contain(`error FILE_UNWRITABLE at ${file}\n  ${file} cannot be written: ${why}`);
      }
      expect((await lockstep('run', 'sum.mjs', '--report', 'early.html')).code).to.equal(2);
      expect(existsSync(join(folder.path, 'early.html'))).to.equal(false);
    });

    it('uses colours where FORCE_COLOR asks for them, and nowhere else without a terminal', async () => {
      const words = ['run', 'several.mjs', '--workflow', 'climb'];
      const plain = await folder.start(words).ended;
      const coloured = await folder.start(words, { FORCE_COLOR: '1' }).ended;
      const refused = await folder.start(words, { FORCE_COLOR: '0' }).ended;
      expect(plain.stdout + plain.stderr + refused.stdout).not.to.contain('\x1b');
      expect(coloured.stdout).to.contain('step  \x1b[32mcompleted\x1b[39m  2');
      expect(coloured.stderr).to.contain('\x1b[36mstep: running\x1b[39m');
    });
  });

  describe('parameters', () => {
    const textOf = async (...words: readonly string[]): Promise<unknown> => {
      const { stdout, stderr } = await lockstep('run', 'sum.mjs', '--json', ...words);
      expect(stderr).to.equal('');
      return (documentOf(stdout).output as { readonly text: string } | null)?.text;
    };

    it('come from a file, from JSON, from texts, and the later replaces the file', async () => {
      expect(await textOf('--params', 'params.json')).to.equal('from a file: 6');
      expect(await textOf('--params', 'params.json', '--param', 'label=x = y')).to.equal('x = y: 6');
      expect(await textOf('--params', 'params.json', '--param', 'numbers=@numbers.json')).to.equal('from a file: 8');
      expect(await textOf('--params', 'params.json', '--param', 'label=@label.txt')).to.equal('as it stands: 6');
      expect(await textOf('--params', 'params.json', '--param', 'label="7"')).to.equal('7: 6');
    });

    const wrong: readonly (readonly [string, readonly string[], string])[] = [
      [
        'without a value',
        ['--param', 'label'],
        'CLI_USAGE at --param\n  --param takes name=value and was given "label".',
      ],
      ['without a name', ['--param', '=3'], 'CLI_USAGE at --param\n  --param takes name=value and was given "=3".'],
      ['given twice', ['--param', 'a=1', '--param', 'a=2'], 'CLI_USAGE at --param\n  --param a was given twice.'],
      [
        'in a file that is a list',
        ['--params', 'numbers.json'],
        'CLI_USAGE at --params\n  numbers.json must hold an object with the parameters.',
      ],
      [
        'in a file that is torn',
        ['--params', 'torn.json'],
        'INVALID_JSON at torn.json\n  torn.json is no JSON: line 2, column 11: "}" is not expected.',
      ],
      [
        'with an unknown name',
        [...NUMBERS, '--param', 'lable=1'],
        'UNKNOWN_PARAMETER at lable\n  Workflow "sum" has no parameter "lable". Did you mean "label"?',
      ],
      [
        'with a dotted name',
        [...NUMBERS, '--param', 'a.b=1'],
        'UNKNOWN_PARAMETER at a.b\n  Workflow "sum" has no parameter "a.b". Known: "numbers", "label".',
      ],
      [
        'that are missing',
        ['--param', 'numbers=[]'],
        'MISSING_PARAMETER at label\n  Parameter "label" is required.\n  → Pass it: --param NAME=VALUE.',
      ],
    ];
    for (const [what, words, said] of wrong) {
      it(`are refused ${what}`, async () => {
        const { code, stdout, stderr } = await lockstep('run', 'sum.mjs', ...words);
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr)
          .to.match(/^error /)
          .and.contain(said);
      });
    }
  });

  describe('FILE', () => {
    it('may be CommonJS', async () => {
      expect((await lockstep('run', 'common.cjs', '--quiet')).stdout).to.equal('{\n  "a": 1\n}\n');
    });

    it('may be TypeScript, where the project has tsx', async () => {
      const { stdout, stderr } = await lockstep('run', 'typed.ts', '--quiet');
      expect({ stdout, stderr }).to.deep.equal({ stdout: '{\n  "a": 42\n}\n', stderr: '' });
    });

    it('may be a document, with the registry that a module makes', async () => {
      const { stdout } = await lockstep('run', 'half.yaml', '--registry', 'halved.mjs', '--quiet');
      expect(stdout).to.equal('{\n  "half": 1.5\n}\n');
    });

    it('is chosen among several by the name of the export, or of the workflow', async () => {
      for (const name of ['other', 'unused'])
        expect(documentOf((await lockstep('run', 'sum.mjs', '--workflow', name, '--json')).stdout).workflow).to.equal(
          'unused',
        );
    });

    const wrong: readonly (readonly [readonly string[], string])[] = [
      [['sun.mjs'], 'FILE_UNREADABLE at sun.mjs\n  There is no file sun.mjs. Did you mean "sum.mjs"?'],
      [['half.yml'], 'FILE_UNREADABLE at half.yml\n  There is no file half.yml. Did you mean "half.yaml"?'],
      [['no/such/file.mjs'], 'FILE_UNREADABLE at no/such/file.mjs\n  There is no file no/such/file.mjs.'],
      [
        ['label.txt'],
        'FILE_KIND at label.txt\n  label.txt ends with none of .js, .mjs, .cjs, .ts, .mts, .yaml, .yml, .json.',
      ],
      [
        ['throws.mjs'],
        "IMPORT_FAILED at throws.mjs:2:6\n  throws.mjs threw while it was imported: TypeError: Cannot read properties of null (reading 'field').",
      ],
      [
        ['syntax.mjs'],
        "IMPORT_FAILED at syntax.mjs:2\n  syntax.mjs threw while it was imported: SyntaxError: Unexpected token ';'.",
      ],
      [
        ['refused.mjs'],
        'DUPLICATE_ID at refused.mjs:4:3\n  Workflow "w" has two parts with the id "a".\n  → Give each node, switch and cycle its own id.',
      ],
      [['nothing.mjs'], 'NO_WORKFLOW at nothing.mjs\n  nothing.mjs exports no workflow; it exports "answer".'],
      [['throws.mjs/x.mjs'], 'FILE_UNREADABLE at throws.mjs/x.mjs\n  There is no file throws.mjs/x.mjs.'],
      [
        ['foreign.mjs'],
        'FOREIGN_COPY at foreign.mjs\n  foreign.mjs imports another copy of lockstep than this command.',
      ],
      [
        ['several.mjs'],
        'WORKFLOW_AMBIGUOUS at several.mjs\n  several.mjs exports several workflows: "climb", "failing", "later", "offer", "values".\n  → Choose one with --workflow NAME.',
      ],
      [
        ['several.mjs', '--workflow', 'clmib'],
        'EXPORT_UNKNOWN at several.mjs\n  several.mjs exports no workflow "clmib". Did you mean "climb"?',
      ],
      [['sum.mjs', '--registry', 'halved.mjs'], 'CLI_USAGE at --registry\n  --registry is for YAML and JSON documents'],
      [
        ['half.yaml', '--workflow', 'half'],
        'CLI_USAGE at --workflow\n  --workflow is for modules, a document holds one workflow.',
      ],
      [
        ['half.yaml'],
        'UNKNOWN_DEFINITION at nodes.half.use\n  line 4, column 16: nodes.half.use: No node definition "halved@1" is registered. There are none.',
      ],
      [
        ['half.yaml', '--registry', 'nothing.mjs'],
        'NO_REGISTRY at nothing.mjs\n  nothing.mjs exports neither a registry nor a node definition.',
      ],
      [
        ['bad.yaml', '--registry', 'halved.mjs'],
        'UNKNOWN_PORT at outputs.half\n  line 6, column 9: outputs.half: The output half reads "half.hlaf". Did you mean "half"?\n\n    4 |',
      ],
      [
        ['bad.json', '--registry', 'halved.mjs'],
        'UNKNOWN_PORT at outputs.half\n  line 3, column 24: outputs.half: The output half reads "half.hlaf". Did you mean "half"?\n\n    1 |',
      ],
      [['torn.json'], 'INVALID_JSON at torn.json\n  torn.json is no JSON: line 2, column 11: "}" is not expected.'],
      [['script/typed.ts'], 'NO_ES_MODULE at script/typed.ts\n  script/typed.ts is CommonJS by its package.json.'],
    ];
    for (const [words, said] of wrong) {
      it(`is refused with a reason: ${words.join(' ')}`, async () => {
        const { code, stdout, stderr } = await lockstep('run', ...words);
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr.slice(0, said.length + 6)).to.equal(`error ${said}`);
        expect(stderr).not.to.contain('    at ');
      });
    }

    it('is refused as one JSON document with --json', async () => {
      const { code, stdout, stderr } = await lockstep('run', 'sun.mjs', '--json');
      expect({ code, stderr }).to.deep.equal({ code: 2, stderr: '' });
      expect(JSON.parse(stdout)).to.deep.equal({
        error: {
          code: 'FILE_UNREADABLE',
          message: 'There is no file sun.mjs. Did you mean "sum.mjs"?',
          at: 'sun.mjs',
          remedy: 'Correct the path, or make the file readable.',
        },
      });
    });

    it('that throws outside of the run ends with 70', async () => {
      const { code, stderr } = await lockstep('run', 'stray.mjs', '--quiet');
      expect(code).to.equal(70);
      expect(stderr).to.match(/^error CLI_DEFECT\n {2}Error: nobody asked\n {2}→ /);
    });

    it('shows its stack with LOCKSTEP_DEBUG=1', async () => {
      const { stderr } = await folder.start(['run', 'throws.mjs'], { LOCKSTEP_DEBUG: '1' }).ended;
      expect(stderr).to.contain(`${folder.path}/throws.mjs:2:6`);
      const failed = await folder.start(['run', 'several.mjs', '--workflow', 'failing'], { LOCKSTEP_DEBUG: '1' }).ended;
      expect(failed.stderr).to.contain(`${folder.path}/several.mjs:3:`);
    });

    it('needs tsx where it is TypeScript', async () => {
      const bare = new CommandFolder([]);
      bare.write(MODULES);
      const { code, stderr } = await bare.run('run', 'typed.ts');
      bare.remove();
      expect(code).to.equal(2);
      expect(stderr).to.equal(
        'error TSX_MISSING at typed.ts\n  typed.ts is TypeScript, and its project has no package tsx.\n  → Install it: npm i -D tsx.\n',
      );
    });
  });

  describe('graph', () => {
    it('draws Mermaid unless it is asked for something else', async () => {
      const { code, stdout } = await lockstep('graph', 'several.mjs', '--workflow', 'failing');
      expect({ code, stdout }).to.deep.equal({
        code: 0,
        stdout: 'flowchart TB\n  n0["load"]\n  n1["after"]\n  n0 -->|"rows"| n1\n',
      });
    });

    it('writes DOT to a file', async () => {
      const { stdout, stderr } = await lockstep('graph', 'sum.mjs', '--format', 'dot', '-o', 'out/sum.dot');
      expect({ stdout, stderr }).to.deep.equal({ stdout: '', stderr: 'graph: out/sum.dot\n' });
      expect(readFileSync(join(folder.path, 'out/sum.dot'), 'utf8')).to.match(/^digraph /);
    });

    it('prints nodes, cycles and edges as JSON, those of children too', async () => {
      const { stdout } = await lockstep('graph', 'several.mjs', '--workflow', 'climb', '--json');
      expect(JSON.parse(stdout)).to.deep.equal({
        name: 'climb',
        nodes: [
          { id: 'step', kind: 'function', use: null, cycle: 'up', join: 'required', mayFail: false, children: null },
        ],
        cycles: [{ id: 'up', within: null, maxIterations: 2 }],
        edges: [{ from: 'step', to: 'step', kind: 'feedback', ports: [{ from: 'value', to: 'at', via: null }] }],
      });
      const sum = JSON.parse((await lockstep('graph', 'sum.mjs', '--format', 'json')).stdout);
      expect(sum.nodes.at(-1).children.nodes).to.have.length(1);
    });
  });

  describe('usage', () => {
    it('prints its version and its help', async () => {
      const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
      expect((await lockstep('--version')).stdout).to.equal(`${version}\n`);
      const { code, stdout } = await lockstep('help', 'graph');
      expect(code).to.equal(0);
      expect(stdout).to.match(/^Usage: lockstep graph \[options\] <FILE>\n/);
    });

    it('is printed without loading the kernel', async () => {
      const load = 'export const load = (url, context, next) => (process._rawDebug(url), next(url, context));';
      folder.write({ 'hook.mjs': load });
      const env = { NODE_OPTIONS: '--no-warnings --loader=./hook.mjs' };
      const { stderr } = await folder.start(['--help'], env).ended;
      expect(stderr).to.contain('/src/cli/program.js').and.contain('/commander/');
      expect(stderr).not.to.match(/\/src\/(?!cli\/)|tsyringe|reflect-metadata/);
    });

    const wrong: readonly (readonly [readonly string[], string])[] = [
      [['rnu'], 'Unknown command \'rnu\'. Did you mean "run"?'],
      [['run'], "Missing required argument 'FILE'."],
      [['run', 'sum.mjs', '--parm', 'a=1'], `Unknown option '--parm'. Did you mean "--param"?`],
      [['graph', 'sum.mjs', 'more'], "Too many arguments for 'graph'. Expected 1 argument but got 2."],
      [
        ['graph', 'sum.mjs', '--format', 'png'],
        "Option '--format <FORMAT>' argument 'png' is invalid. Allowed choices are mermaid, dot, json.",
      ],
      [['runs', 'lits'], 'Unknown command \'lits\'. Did you mean "list"?'],
      [
        ['runs', 'list', '--limit', '0'],
        "Option '--limit <COUNT>' argument '0' is invalid. It must be a whole number, at least 1.",
      ],
    ];
    for (const [words, said] of wrong) {
      it(`is explained: ${words.join(' ')}`, async () => {
        const { code, stdout, stderr } = await lockstep(...words);
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr).to.equal(
          `error CLI_USAGE\n  ${said}\n  → See "lockstep help", and "lockstep help VERB" for the options of a verb.\n`,
        );
        const json = JSON.parse((await lockstep(...words, '--json')).stdout);
        expect(json.error).to.include({ code: 'CLI_USAGE' });
      });
    }

    for (const words of [[], ['runs'], ['help', 'rnu']]) {
      it(`is printed on stderr for "${['lockstep', ...words].join(' ')}"`, async () => {
        const { code, stdout, stderr } = await lockstep(...words);
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr).to.match(/^Usage: lockstep /);
      });
    }
  });

  describe('signals', () => {
    for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
      it(`${signal} cancels the run, prints what became of it, and ends with ${code}`, async () => {
        const command = folder.start(['run', 'wait.mjs', '--workflow', 'polite']);
        await command.kill(signal, 'wait: running');
        const { code: ended, stdout, stderr } = await command.ended;
        expect(ended).to.equal(code);
        expect(steady(stdout)).to.equal(`polite: cancelled in N ms (run RUN)

node  status  visits  attempts  duration
wait  cancelled  1  1  N ms  the run was cancelled`);
        expect(stderr).to.contain(`${signal}: the run is being stopped; once more ends it at once\n`);
        expect(stderr).to.contain('error RUN_CANCELLED\n');
      });
    }

    it('a second one ends the process at once', async () => {
      const command = folder.start(['run', 'wait.mjs', '--workflow', 'deaf']);
      await command.kill('SIGINT', 'wait: running');
      await command.kill('SIGINT', 'the run is being stopped');
      expect((await command.ended).code).to.equal(130);
    });
  });

  describe('stores', () => {
    const header: RunHeader = {
      workflow: 'sum',
      workflowHash: 'ab'.repeat(32),
      status: 'completed',
      startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
      endedAt: Date.UTC(2026, 0, 2, 3, 4, 6),
      errorCode: null,
      wakeAt: null,
      forkedFrom: null,
    };
    const event = (seq: number, kind: StoredEvent['kind'], data: object): StoredEvent => {
      return { seq, ts: header.startedAt + seq, kind, v: 1, key: null, data: JSON.stringify(data) };
    };
    const workflow = { hash: header.workflowHash, name: 'sum', description: '{}' };

    before(() => {
      const store = new SqliteEventStore({ file: join(folder.path, 'runs.sqlite') });
      store.open();
      const started = { scope: 'half[3]/', node: 'halved', visit: 2, attempt: 3 };
      const events = [event(0, 'run.started', { workflow: 'sum' }), event(1, 'attempt.started', started)];
      store.append([{ runId: 'first', events, blobs: [], header, workflow }], 'process');
      const later: RunHeader = {
        ...header,
        status: 'waiting',
        startedAt: header.startedAt + 60_000,
        endedAt: null,
        errorCode: 'NODE_THREW',
        wakeAt: header.startedAt + 120_000,
        forkedFrom: { runId: 'first', events: 1 },
      };
      store.append(
        [{ runId: 'second', events: [event(0, 'run.started', {})], blobs: [], header: later, workflow }],
        'process',
      );
      store.close();
    });
    const stored = (...words: readonly string[]) => lockstep(...words, '--store', 'runs.sqlite');

    it('are listed, the newest run first', async () => {
      const { code, stdout } = await stored('runs', 'list');
      expect(code).to.equal(0);
      expect(
        stdout.replace(/\b\d+ [hd]\b/g, 'AGE').replace(/ {2,}/g, '  '),
      ).to.equal(`run  workflow  status  age  duration  events  error
second  sum  waiting  AGE  -  1  NODE_THREW
first  sum  completed  AGE  1.00 s  2
`);
    });

    it('are listed as JSON, by status, workflow and page', async () => {
      const list = async (...words: readonly string[]): Promise<readonly string[]> => {
        const { runs } = JSON.parse((await stored('runs', 'list', '--json', ...words)).stdout);
        return (runs as { readonly runId: string }[]).map(({ runId }) => runId);
      };
      expect(await list()).to.deep.equal(['second', 'first']);
      expect(await list('--status', 'completed')).to.deep.equal(['first']);
      expect(await list('--workflow', 'other')).to.deep.equal([]);
      expect(await list('--before', 'second')).to.deep.equal(['first']);
      expect(await list('--limit', '1')).to.deep.equal(['second']);
      expect((await stored('runs', 'list', '--workflow', 'other')).stderr).to.equal('no runs\n');
    });

    it('show a run with its events, also where they cannot be replayed', async () => {
      const { code, stdout, stderr } = await stored('runs', 'show', 'first', '--events');
      expect(code).to.equal(4);
      expect(stderr).to.match(/^error CORRUPT_HISTORY at first\n/);
      expect(stdout).to.equal(`run       first
workflow  sum (abababababab)
status    completed
started   2026-01-02 03:04:05Z
duration  1.00 s

event  after    kind             of
0      +0 µs    run.started
1      +1.0 ms  attempt.started  half[3]/halved visit 2 attempt 3
`);
      const second = (await stored('runs', 'show', 'second')).stdout;
      expect(second).to.contain('status    waiting, NODE_THREW\n');
      expect(second).to.contain('wakes     2026-01-02 03:06:05Z\nforked    from first, 1 events\n');
    });

    it('show a run as JSON', async () => {
      const { run, result, events, error } = JSON.parse(
        (await stored('runs', 'show', 'first', '--events', '--json')).stdout,
      );
      expect(run).to.include({ runId: 'first', status: 'completed', events: 2 });
      expect(events[0]).to.deep.equal({ ...event(0, 'run.started', {}), data: { workflow: 'sum' } });
      expect({ result, code: error.code }).to.deep.equal({ result: null, code: 'CORRUPT_HISTORY' });
    });

    it('end with 5 for a run that is not there', async () => {
      const { code, stderr } = await stored('runs', 'show', 'third');
      expect(code).to.equal(5);
      expect(stderr).to.equal(
        'error RUN_UNKNOWN at third\n  There is no run "third" here. Known: "second", "first".\n  → See "lockstep runs list".\n',
      );
    });

    it('end with 4 for a file that is no store, and with 2 for none', async () => {
      const damaged = await lockstep('runs', 'list', '--store', 'sum.mjs');
      expect(damaged.code).to.equal(4);
      expect(damaged.stderr).to.match(/^error STORE_NOT_LOCKSTEP at /);
      const absent = await lockstep('runs', 'list');
      expect(absent.code).to.equal(2);
      expect(absent.stderr).to.contain('There is no file .lockstep/runs.sqlite.');
    });

    it('are looked at by doctor', async () => {
      const { code, stdout } = await stored('doctor');
      expect(code).to.equal(0);
      expect(stdout).to.match(/^lockstep {8}\d/);
      expect(stdout).to.match(/\nnode {12}v\d+\.\d+\.\d+ on \w+ \w+\n/);
      expect(stdout).to.match(/\nbetter-sqlite3 {2}12\.\d+\.\d+, SQLite 3\.\d+\.\d+\n/);
      expect(stdout).to.match(/\nfsync {11}\d+\.\d\d ms in \//);
      expect(stdout).to.match(/\nstore {11}\/.*\/runs\.sqlite: 2 runs, 3 events, \d+\.\d KiB, WAL .*, nobody writes\n/);
      // Which, if any, depends on the machine: test/workers has its own.
      expect(stdout).to.match(/\npython {10}.+\n$/);
    });

    it('need not be there for doctor, which makes none', async () => {
      const { code, stdout } = await lockstep('doctor', '--json');
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.include({ store: { value: null } });
      expect(existsSync(join(folder.path, '.lockstep'))).to.equal(false);
    });

    it('that are none are named by doctor, which ends with 4', async () => {
      const { code, stdout } = await lockstep('doctor', '--store', 'sum.mjs');
      expect(code).to.equal(4);
      expect(stdout).to.match(/\nstore {11}STORE_NOT_LOCKSTEP: .*sum.mjs is no database/);
    });
  });
});
