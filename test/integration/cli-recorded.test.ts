import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunDocument } from '../../src/cli/run-document.js';
import { CommandFolder, steady } from '../support/command.js';

const STEPS = `import { existsSync, writeFileSync } from 'node:fs';
import { type, workflow } from 'lockstep';
const w = workflow('steps', { params: { n: type() } });
const load = w.fn('load', { n: w.params.n }, ({ n }) => n * 2);
const quick = w.fn('quick', { n: load.out.value }, async ({ n }) => n + 1);
const slow = w.fn('slow', { n: load.out.value }, ({ n }, { signal }) => {
  if (existsSync('go')) return Promise.resolve(n + 100);
  return new Promise((done, fail) => {
    const timer = setTimeout(done, 60_000);
    signal.addEventListener('abort', () => { clearTimeout(timer); fail(signal.reason); });
    setImmediate(() => setImmediate(() => { writeFileSync('marker', String(n)); process.stderr.write('marked\\n'); }));
  });
});
const sum = w.fn('sum', { a: quick.out.value, b: slow.out.value }, ({ a, b }) => a + b);
export const steps = w.build({ outputs: { sum: sum.out.value } });
const f = workflow('fails');
f.fn('boom', {}, () => { throw new Error('boom'); });
export const fails = f.build();
`;

const OFFER = `import { type, workflow } from 'lockstep';
const number = { '~standard': { version: 1, vendor: 'test', validate: (value) => typeof value === 'number' ? { value } : { issues: [{ message: 'expected a number' }] } } };
const make = (name, options) => {
  const w = workflow(name, { params: { price: type() } });
  const review = w.gate('review', { shows: { price: w.params.price }, ...options });
  const yes = w.fn('yes', { answer: review.out.approved }, ({ answer }) => answer);
  const no = w.fn('no', { why: review.out.rejected }, ({ why }) => why.reason);
  return w.build({ outputs: { yes: yes.out.value, no: no.out.value } });
};
export const offer = make('offer', {});
export const checked = make('checked', { answer: number });
`;

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly changes?: object };
}

describe('Recorded runs on the command line', function () {
  this.timeout(60_000);
  const folder = new CommandFolder();
  const at = (name: string): string => join(folder.path, name);
  const stored = (...words: readonly string[]) => folder.run(...words, '--store', 'runs.sqlite');
  const json = async <T = RunDocument>(...words: readonly string[]): Promise<T> =>
    JSON.parse((await stored(...words, '--json')).stdout) as T;
  const failure = (...words: readonly string[]) => json<Failure>(...words);
  before(() => folder.write({ 'steps.mjs': STEPS, 'offer.mjs': OFFER, 'edited.mjs': STEPS.replace('n + 1', 'n + 2') }));
  after(() => folder.remove());

  describe('a run that is killed', () => {
    before(async () => {
      const words = ['run', 'steps.mjs', '--workflow', 'steps', '--param', 'n=4', '--store', 'runs.sqlite'];
      const command = folder.start([...words, '--run-id', 'killed-one']);
      await command.kill('SIGKILL', 'marked');
      const { signal, stderr } = await command.ended;
      expect(signal).to.equal('SIGKILL');
      expect(stderr).to.match(/^run killed-one is recorded in runs.sqlite\n/);
      expect(steady(stderr)).to.contain('quick: completed in N ms\n'); // while the other one goes on
    });

    it('left its marker, and what was recorded until then', async () => {
      expect(readFileSync(at('marker'), 'utf8')).to.equal('8');
      const { nodes, status } = await json('replay', 'killed-one');
      expect(status).to.equal('running');
      expect(nodes.map((node) => node.status)).to.deep.equal(['completed', 'completed', 'running', 'pending']);
      const list = await stored('runs', 'list');
      expect(list.stdout).to.match(/killed-one +steps +running/);
      expect(list.stderr).to.match(/^note: nobody writes to this store: what is running was cut off/);
      expect((await stored('doctor')).stdout).to.contain('nobody writes');
    });

    it('cannot go on without its code, or with another one', async () => {
      const without = await stored('resume', 'killed-one');
      expect(without.code).to.equal(2);
      expect(without.stderr).to.equal(
        'error WORKFLOW_UNKNOWN at killed-one\n  Run killed-one is one of workflow "steps": to go on, its code is needed, and no FILE was named.\n  → Name the module or document that holds it, behind the run: RUN FILE.\n',
      );
      const edited = await stored('resume', 'killed-one', 'edited.mjs');
      expect(edited.code).to.equal(2);
      expect(edited.stderr).to.equal(
        'error WORKFLOW_CHANGED at killed-one\n  Run "killed-one" was started with another workflow "steps":\n    node quick: changed (its function)\n  → Name the file as it was, or pass --force to resume: what changed runs again, with what depends on it.\n',
      );
      const { error } = await failure('resume', 'killed-one', 'edited.mjs');
      expect(error.changes).to.have.property('nodes').with.length(1);
    });

    it('is refused to a second process while it runs', async () => {
      const command = folder.start(['resume', 'kille', 'steps.mjs', '--store', 'runs.sqlite']);
      await command.kill('SIGCONT', 'slow: running, attempt 2');
      const other = await stored('resume', 'killed-one', 'steps.mjs');
      expect(other.code).to.equal(4);
      expect(other.stderr).to.match(/^error STORE_LOCKED\n {2}The store is being written by process \d+ on /);
      expect((await stored('runs', 'list')).stderr).to.equal('');
      await command.kill('SIGKILL', 'marked');
      await command.ended;
    });

    it('goes on where it was', async () => {
      writeFileSync(at('go'), '');
      const { code, stdout, stderr } = await stored('resume', 'killed', 'steps.mjs', '--report', 'steps.html');
      expect(code).to.equal(0);
      expect(steady(stdout)).to.match(/\nload {2}completed {2}1 {2}1 {2}N ms\n/);
      expect(steady(stdout)).to.match(/\nslow {2}completed {2}1 {2}3 {2}N ms {2}after 2 failed attempts\n/);
      expect(stdout).to.contain('"sum": 117');
      expect(stderr).not.to.contain('load:');
      expect(stderr).to.match(/\nrecorded in runs.sqlite: 6 events in \d commits, safe from a killed process\n/);
      expect(readFileSync(at('steps.html'), 'utf8')).to.contain('load');
    });

    it('is shown as it ended afterwards, with no code at all', async () => {
      const { code, stdout, stderr } = await stored('resume', 'killed-one', '--quiet', '--report', 'again.html');
      expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: '{\n  "sum": 117\n}\n', stderr: '' });
      expect(existsSync(at('again.html'))).to.equal(true);
      expect((await stored('resume', 'killed-one')).stderr).to.equal(
        'note: this run is over; nothing of it ran again\n',
      );
      const forced = await json('resume', 'killed-one', 'edited.mjs', '--force', '--sync');
      expect(forced).to.have.nested.property('error.code', 'ASYNC_NODE');
      expect((await json('resume', 'killed-one', 'edited.mjs', '--force')).output).to.deep.equal({ sum: 118 });
    });
  });

  describe('a run', () => {
    it('says what was done to keep it, in its JSON too', async () => {
      const run = await json(
        'run',
        'offer.mjs',
        '--workflow',
        'offer',
        '--param',
        'price=3',
        '--run-id',
        'first-offer',
      );
      expect(run.receipt).to.deep.equal({ store: 'runs.sqlite', durability: 'process', commits: 2, events: 4 });
      const words = [
        'run',
        'steps.mjs',
        '--workflow',
        'fails',
        '--run-id',
        'failing',
        '--durability',
        'power',
        '--sync',
      ];
      const { code, stderr } = await stored(...words);
      expect(code).to.equal(1);
      expect(stderr).to.contain('recorded in runs.sqlite: 4 events in 2 commits, safe from the loss of power\n');
      const again = await stored('resume', 'failing');
      expect(again.code).to.equal(1);
      expect(again.stderr).to.contain('error NODE_THREW at boom\n  boom\n');
    });

    it('is cancelled by a signal, also in its record', async () => {
      folder.write({ 'wait.mjs': STEPS.replace("existsSync('go')", 'false').replaceAll("'marker'", "'other'") });
      const words = ['run', 'wait.mjs', '--workflow', 'steps', '--param', 'n=1', '--store', 'runs.sqlite'];
      const command = folder.start([...words, '--run-id', 'stopped']);
      await command.kill('SIGINT', 'marked');
      expect((await command.ended).code).to.equal(130);
      const { stdout, stderr } = await stored('replay', 'stopped');
      expect(steady(stdout)).to.match(/^steps: cancelled in N ms/);
      expect(stderr).to.contain('error RUN_CANCELLED\n  It was cancelled: SIGINT.\n');
    });

    it('is refused where its id is taken, where its store is none, and where durability has no meaning', async () => {
      const words = ['run', 'offer.mjs', '--workflow', 'offer', '--param', 'price=3'];
      const taken = await stored(...words, '--run-id', 'first-offer');
      expect(taken.code).to.equal(2);
      expect(taken.stderr).to.equal(
        'error RUN_EXISTS at run.runId\n  There is a run "first-offer" already.\n  → See it with "lockstep runs show RUN"; another --run-id makes another run.\n',
      );
      expect((await folder.run(...words, '--store', 'offer.mjs')).code).to.equal(4);
      expect((await folder.run(...words, '--store', '/proc/no/such.sqlite')).code).to.equal(2);
      expect((await folder.run(...words, '--durability', 'power')).stderr).to.match(
        /^error CLI_USAGE at --durability\n/,
      );
    });
  });

  describe('a gate', () => {
    it('is shown, answered, and taken up when the run goes on', async () => {
      const shown = await stored('gates', 'first-offer');
      expect(shown.stdout).to.match(/^review, open since \d{4}-\S+ \S+Z, shows \{\n {2}"price": 3\n\}\n$/);
      const { gates } = await json<{ readonly gates: readonly object[] }>('gates', 'first-offer');
      expect(gates[0]).to.deep.include({ gate: 'review', shows: { price: 3 }, expiresAt: null });
      expect((await failure('approve', 'first-offer', 'reveiw')).error.message).to.contain('Did you mean "review"?');
      const answered = await stored('approve', 'first-o', 'review', '--answer', '{"ok": true}', '--by', 'ann');
      expect(answered.code).to.equal(0);
      expect(answered.stderr).to.equal(
        'gate review of run first-offer is approved\nnote: go on with it: lockstep resume first-offer FILE --store runs.sqlite\n',
      );
      expect((await stored('gates', 'first-offer')).stderr).to.equal(
        'no gate of run first-offer waits for an answer; the run is waiting\n',
      );
      const words = ['resume', 'first-offer', 'offer.mjs', '--sync', '--events'];
      const lines = (await stored(...words)).stdout.trimEnd().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { readonly kind?: string }).kind)).to.deep.equal([
        ...['gate.approved', 'run.resumed', 'attempt.started', 'attempt.completed', 'node.skipped', 'run.completed'],
        undefined,
      ]);
      expect((await json('replay', 'first-offer')).output).to.deep.equal({ yes: { ok: true } });
    });

    it('is rejected for a reason', async () => {
      const words = ['run', 'offer.mjs', '--workflow', 'offer', '--param', 'price=3', '--run-id', 'second-offer'];
      expect((await stored(...words)).stderr).to.contain(
        "note: answer it: lockstep approve second-offer 'review' --store runs.sqlite; then go on with it: lockstep resume second-offer FILE --store runs.sqlite\n",
      );
      expect(await json('reject', 'second-offer', 'review', '--reason', 'too dear')).to.deep.equal({
        runId: 'second-offer',
        gate: 'review',
        outcome: 'rejected',
        open: [],
      });
      expect((await json('resume', 'second-offer', 'offer.mjs')).output).to.deep.equal({ no: 'too dear' });
    });

    it('that checks its answers needs the code', async () => {
      await stored('run', 'offer.mjs', '--workflow', 'checked', '--param', 'price=3', '--run-id', 'checked-one');
      const without = await stored('approve', 'checked-one', 'review', '--answer', '4');
      expect(without.code).to.equal(2);
      expect(without.stderr).to.contain('this gate checks its answers, for which its code is needed');
      const { error } = await failure('approve', 'checked-one', 'review', 'offer.mjs', '--answer', 'four');
      expect(error.code).to.equal('GATE_ANSWER_INVALID');
      expect((await stored('approve', 'checked-one', 'review', 'offer.mjs', '--answer', '4')).code).to.equal(0);
      expect((await json('resume', 'checked-one', 'offer.mjs')).output).to.deep.equal({ yes: 4 });
    });
  });

  describe('runs', () => {
    it('are compared', async () => {
      const { code, stdout } = await stored('diff', 'first-offer', 'second-offer');
      expect(code).to.equal(1);
      expect(stdout).to.match(/^the runs differ first at review: kind\n\nrun first-offer: event 4, gate.approved\n\{/);
      expect(stdout).to.contain('\n\nrun second-offer: event 4, gate.rejected\n{');
      const same = await stored('diff', 'first-offer', 'first-offer');
      expect({ code: same.code, stdout: same.stdout }).to.deep.equal({
        code: 0,
        stdout: 'the runs decided the same\n',
      });
      const found = await json<{ readonly equal: boolean; readonly difference: { readonly right: unknown } }>(
        ...['diff', 'first-offer', 'failing'],
      );
      expect(found.equal).to.equal(false);
      expect((await json<{ readonly difference: null }>('diff', 'failing', 'failing')).difference).to.equal(null);
    });

    it('are forked', async () => {
      const words = ['fork', 'first-offer', 'offer.mjs', '--at', '5', '--output'];
      const run = await json(...words, 'yes={"value": "mine"}', '--run-id', 'forked');
      expect(run.output).to.deep.equal({ yes: 'mine' });
      expect((await stored('runs', 'show', 'forked')).stdout).to.contain(
        'forked    from first-offer, 5 events\n\nnode ',
      );
      expect((await failure(...words, 'yes=3')).error.code).to.equal('CLI_USAGE');
      expect((await failure('fork', 'first-offer', 'offer.mjs', '--at', '99')).error.message).to.contain('1 to 10');
      const again = await json('fork', 'first-offer', 'offer.mjs', '--at', '10', '--rerun', 'yes');
      expect(again.output).to.deep.equal({ yes: { ok: true } });
      const unknown = await failure('fork', 'first-offer', 'offer.mjs', '--at', '5', '--rerun', 'yess');
      expect(unknown.error.message).to.contain('Did you mean "yes"?');
    });

    it('are found by the beginning or the end of their ids', async () => {
      expect((await json('replay', 'seco')).runId).to.equal('second-offer');
      await stored('run', 'offer.mjs', '--workflow', 'offer', '--param', 'price=3', '--run-id', 'second-other');
      const several = await stored('replay', 'second');
      expect(several.code).to.equal(2);
      expect(several.stderr).to.equal(
        'error RUN_AMBIGUOUS at second\n  2 runs begin or end with "second":\n    second-other offer waiting\n    second-offer offer completed\n  → Give more of the id.\n',
      );
      expect((await json('replay', 'd-other')).runId).to.equal('second-other');
      expect((await stored('replay', 'offer')).stderr).to.match(
        /^error RUN_AMBIGUOUS at offer\n {2}\d runs begin or end /,
      );
      for (const text of ['sec', 'her', 'secnod-offer']) {
        const { code, stderr } = await stored('replay', text);
        expect(code).to.equal(5);
        expect(stderr).to.match(/^error RUN_UNKNOWN /);
      }
    });

    it('are exported, replayed without a store, and imported', async () => {
      const whole = await stored('export', 'first-offer');
      expect(JSON.parse(whole.stdout)).to.include({ format: 'lockstep-run' });
      const { stderr } = await stored('export', 'first-offer', '-o', 'out/offer.json');
      expect(stderr).to.equal('run first-offer, 10 events: out/offer.json\n');
      const replayed = await folder.run('replay', 'out/offer.json', '--quiet');
      expect(replayed.stdout).to.equal('{\n  "yes": {\n    "ok": true\n  }\n}\n');
      const words = ['import', 'out/offer.json', '--store', 'new/runs.sqlite'];
      expect((await folder.run(...words)).stderr).to.equal('run first-offer, 10 events: added to new/runs.sqlite\n');
      expect((await folder.run(...words, '--json')).code).to.equal(2);
      const { run } = JSON.parse((await folder.run(...words.slice(0, 3), 'more.sqlite', '--json')).stdout);
      expect(run).to.include({ runId: 'first-offer', events: 10 });
      writeFileSync(at('out/offer.json'), readFileSync(at('out/offer.json'), 'utf8').replace('"price', '"prize'));
      const changed = await folder.run('replay', 'out/offer.json');
      expect(changed.code).to.equal(2);
      expect(changed.stderr).to.match(/^error EXPORT_INVALID\n.*it was changed after it was exported/);
      expect((await folder.run('import', 'out/offer.json', '--store', 'none.sqlite')).code).to.equal(2);
      expect(existsSync(at('none.sqlite'))).to.equal(false);
    });

    it('are shown with their nodes, their gates and their events', async () => {
      const { stdout } = await stored('runs', 'show', 'second-other', '--events');
      expect(stdout).to.match(/^run {7}second-other\n/);
      expect(stdout).to.match(/\n\nnode +status +visits.*\nreview +waiting /);
      expect(stdout).to.match(
        /\nwaits for an answer to gate review\n\nevent +after +kind +of\n0 +\+0 µs +run.started\n/,
      );
      const { result, events } = await json<{ readonly result: RunDocument; readonly events: null }>(
        ...['runs', 'show', 'second-other'],
      );
      expect({ status: result.status, events }).to.deep.equal({ status: 'waiting', events: null });
    });

    it('are replayed as far as is asked', async () => {
      const { nodes } = await json('replay', 'first-offer', '--events', '4');
      expect(nodes.map(({ status }) => status)).to.deep.equal(['waiting', 'pending', 'pending']);
      expect((await stored('replay', 'first-offer', '--verify')).stderr).to.equal(
        'verified: all 10 events are what was written\n',
      );
    });

    it('are removed beyond a limit, those that have ended', async () => {
      expect((await failure('runs', 'prune')).error.message).to.equal('runs prune takes --keep, --age or --bytes.');
      expect((await failure('runs', 'prune', '--age', '3x')).error.message).to.contain('such as 30d.');
      expect((await stored('runs', 'prune', '--age', '1d', '--bytes', '1GiB')).stderr).to.equal(
        'removed 0 runs, 0 events\n',
      );
      const { removed } = await json<{ readonly removed: { readonly runs: number } }>('runs', 'prune', '--keep', '0');
      expect(removed.runs).to.be.greaterThan(5);
      const { runs } = await json<{ readonly runs: readonly { readonly runId: string }[] }>('runs', 'list');
      expect(runs.map(({ runId }) => runId)).to.deep.equal(['second-other']);
    });

    it('that are damaged are said to be, with what is bad first', async () => {
      interface Database {
        prepare(sql: string): { run(): unknown };
        close(): void;
      }
      const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (file: string) => Database;
      const db = new Sqlite(at('runs.sqlite'));
      db.prepare(
        `UPDATE blocks SET text = text || ' '
         WHERE run = (SELECT id FROM runs WHERE run_id = 'second-other') AND seq = 2`,
      ).run();
      db.close();
      const verified = await stored('replay', 'second-other', '--verify');
      expect(verified.code).to.equal(4);
      expect(verified.stderr).to.match(
        /Run second-other is not what was written\. Events? 2 .* not what was written: the hash of the block differs\.\n/,
      );
      const shown = await stored('runs', 'show', 'second-other', '--events');
      expect(shown.code).to.equal(4);
      expect(shown.stdout).to.match(/^run {7}second-other\n/);
      expect(shown.stdout).to.match(/\n1 .*\n$/);
    });
  });
});
