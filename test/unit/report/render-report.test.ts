import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { oneOf } from '../../../src/base/ref.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { escapeHtml, jsonInScript } from '../../../src/report/escape.js';
import { type Expanded, expand, type PageEdge } from '../../../src/report/page/expand.js';
import type { PageData } from '../../../src/report/page-data.js';
import { renderReport } from '../../../src/report/render-report.js';
import { writeReport } from '../../../src/report/write-report.js';
import { caught } from '../../support/caught.js';
import { eventful, hostile, pictured, recorded } from '../../support/report-runs.js';

/** What a report holds for its page. */
function dataOf(report: string): PageData & Expanded & { readonly edges: readonly PageEdge[] } {
  const text = /<script type="application\/json" id="data">(.*)<\/script>/.exec(report)?.[1];
  const data = JSON.parse(text ?? '') as PageData;
  const expanded = expand(data);
  return { ...data, ...expanded, edges: expanded.edgesOf(0) };
}

describe('renderReport', () => {
  it('says what became of every node and edge', async () => {
    const { run, events } = await recorded(pictured);
    const { nodes, edges, cycles, primary } = dataOf(renderReport(run, { events }));
    const name = (part: number): string => (part < 0 ? cycles[~part]?.id : nodes[part]?.id) as string;
    expect(nodes.map(({ id, shape, status, meta }) => [id, shape, status, meta])).to.deep.equal([
      ['read', 'function', 'completed', '4.0 ms'],
      ['route', 'switch', 'completed', 'switch · 0 ms'],
      ['tried', 'try', 'completed', 'try · 2.0 ms'],
      ['step', 'function', 'completed', '2.0 ms · 2×'],
      ['small', 'function', 'skipped', 'skipped'],
      ['joined', 'function', 'completed', '0 ms'],
      ['last', 'function', 'completed', '0 ms'],
    ]);
    const untaken = edges.filter(({ taken }) => !taken).map(({ from, to }) => `${name(from)} ${name(to)}`);
    expect(untaken).to.deep.equal(['route small', 'small joined']);
    expect(edges.filter(({ caption }) => caption !== '').map(({ to, caption }) => [name(to), caption])).to.deep.equal([
      ['tried', 'many'],
      ['step', 'many'],
      ['small', 'few'],
    ]);
    expect(primary).to.equal(null);
  });

  it('dims the way that was not taken, also where its end was reached by another', async () => {
    const { run } = await recorded(() => {
      const w = workflow('two-ways');
      const start = w.fn('start', {}, () => 3);
      const route = w.switch('route', start.out.value, { many: (n) => n > 2, few: otherwise });
      const long = w.fn('long', { n: route.out.many }, ({ n }) => n);
      w.fn('end', { n: oneOf(route.out.few, long.out.value) }, ({ n }) => n);
      return w.build() as never;
    });
    const { edges, nodes } = dataOf(renderReport(run));
    const untaken = edges.filter(({ taken }) => !taken).map(({ from, to }) => [nodes[from]?.id, nodes[to]?.id]);
    expect(untaken).to.deep.equal([['route', 'end']]);
  });

  it('names the failure of the run first, with its causes', async () => {
    const { run } = await recorded(eventful);
    const { primary, complete } = dataOf(renderReport(run));
    expect(primary?.part).to.equal('post-to-ledger');
    expect(primary?.error.code).to.equal('LEDGER_CLOSED');
    expect(primary?.error.cause?.code).to.equal('LOCK_HELD');
    expect(complete).to.equal(false);
  });

  it('holds no payload', async () => {
    const { run, events } = await recorded(() => {
      const w = workflow('quiet');
      const first = w.fn('first', {}, () => ({ text: 'PAYLOAD' }));
      const second = w.fn('second', { given: first.out.value }, ({ given }) => [given]);
      return w.build({ outputs: { all: second.out.value } }) as never;
    });
    expect(JSON.stringify(run.output)).to.contain('PAYLOAD');
    expect(renderReport(run, { events })).to.not.contain('PAYLOAD');
  });

  it('forbids every connection, and allows its own script and style by their content', async () => {
    const { run } = await recorded(pictured);
    const report = renderReport(run);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(report)?.[1]?.split('; ');
    expect(policy?.[0]).to.equal("default-src 'none'");
    expect(policy?.[1]).to.match(/^script-src 'sha256-[\w+/]{43}='$/);
    expect(policy?.[2]).to.match(/^style-src 'sha256-[\w+/]{43}='$/);
    expect(report).to.not.match(/\b(?:src|href)="(?!data:,")/);
    expect(report).to.contain('<html lang="en">').and.contain('<title>pictured: completed</title>');
  });

  it('keeps hostile text out of its markup', async () => {
    const { run } = await recorded(hostile);
    const report = renderReport(run, { title: '</title><script>alert(1)</script>' });
    expect(report.match(/<script/g)).to.have.length(2);
    expect(report).to.not.contain('<img').and.not.contain('<!--');
    expect(report).to.contain('<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</title>');
    expect(dataOf(report).nodes[0]?.id).to.contain('<img src=x onerror=');
  });

  it('escapes what HTML and scripts would read as more than text', () => {
    expect(escapeHtml(`<a href="x">'&`)).to.equal('&lt;a href=&quot;x&quot;&gt;&#39;&amp;');
    const value = { text: '</script><!-- \u2028\u2029 & ' };
    expect(jsonInScript(value))
      .to.match(/^[ -;=?-~]*$/)
      .and.not.match(/[<>&]/);
    expect(JSON.parse(jsonInScript(value))).to.deep.equal(value);
  });
});

describe('writeReport', () => {
  it('writes the page to a file, making folders on the way, and returns its path', async () => {
    const { run } = await recorded(pictured);
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-report-'));
    const file = join(folder, 'a', 'b', 'run.html');
    expect(writeReport(run, { file, title: 'Mine' })).to.equal(file);
    expect(readFileSync(file, 'utf8')).to.equal(renderReport(run, { title: 'Mine' }));
    rmSync(folder, { recursive: true });
  });

  it('refuses options that it does not have, and a file without a name', async () => {
    const { run } = await recorded(pictured);
    const write = (options: object): string => caught(() => writeReport(run, options as never)).code;
    expect(write({ file: '' })).to.equal('INVALID_OPTION');
    expect(write({})).to.equal('INVALID_OPTION');
    expect(write({ file: '/nowhere/x.html', event: [] })).to.equal('UNKNOWN_OPTION');
  });
});
