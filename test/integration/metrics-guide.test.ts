import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ALL_INSTRUMENTS, LABELS, prometheusName } from '../../src/plugins/metrics/index.js';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';

const guide = readFileSync(join(repository, 'docs/metrics.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const programs = blocks.flatMap(({ language, text }) =>
  language === 'ts' ? [[/^\/\/ ([\w.]+)\n/.exec(text)?.[1] ?? 'without a name', text] as const] : [],
);
const outputs = blocks.flatMap(({ language, text }) => (language === 'text' ? [text] : []));

/** The rows of the table below a heading, without its head. */
function rowsBelow(heading: string): readonly string[] {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
}

describe('docs/metrics.md', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
    for (const name of ['prom-client', '@opentelemetry/api', '@opentelemetry/sdk-trace-base']) project.link(name);
    project.add('metrics', Object.fromEntries(programs));
  });

  it('lists every instrument as the table of instruments has it', () => {
    const rows = ALL_INSTRUMENTS.map((instrument) => {
      const { name, kind, unit, labels, description } = instrument;
      const named = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | \`${prometheusName(instrument)}\` | ${kind} | \`${unit}\` | ${named} | ${description} |`;
    });
    expect(rowsBelow('Instruments')).to.deep.equal(rows);
  });

  it('lists every label as the table of labels has it', () => {
    const rows = Object.entries(LABELS).map(([name, { attribute, values, description }]) => {
      const possible = values?.map((value) => `\`${value}\``).join(', ') ?? '*any*';
      return `| \`${name}\` | \`${attribute}\` | ${possible} | ${description} |`;
    });
    expect(rowsBelow('Labels')).to.deep.equal(rows);
  });

  it('holds programs and outputs that belong together', () => {
    expect(programs.map(([name]) => name)).to.deep.equal(['memory.ts', 'prometheus.ts', 'tracing.ts', 'sink.ts']);
    expect(outputs).to.have.length(programs.length);
  });

  it('holds programs that type-check', async () => {
    expect(await project.compile('metrics')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  programs.forEach(([name], index) => {
    it(`says what ${name} prints`, async () => {
      const { code, stdout, stderr } = await project.run(`metrics/build/${name.replace(/ts$/, 'js')}`);
      expect(stderr).to.equal('');
      expect(stdout).to.equal(outputs[index]);
      expect(code).to.equal(0);
    });
  });
});
