import { expect } from 'chai';
import { toMermaid } from '../../../src/report/mermaid.js';
import { hostile, MARKUP, pictured, recorded } from '../../support/report-runs.js';

/** The lines that `toMermaid` may write, as the grammar of flowcharts has them. A label holds no sign that ends it. */
const LABEL = '"(?:[^"<>&`\\\\\\n#]|#(?:quot|amp|lt|gt|\\d+);)*"';
const LINES = new RegExp(
  `^(?:flowchart TB| +n\\d+(?:\\[${LABEL}\\]|\\{${LABEL}\\}|\\(\\[${LABEL}\\]\\))| +subgraph c\\d+\\[${LABEL}\\]| +end` +
    `| +[nc]\\d+ (?:-->|-\\.->)(?:\\|${LABEL}\\|)? n\\d+| +linkStyle [\\d,]+ stroke-dasharray:\\d+ \\d+` +
    '| +classDef [a-z]+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}| +class [n\\d,]+ [a-z]+)$',
);

const PICTURE = `flowchart TB
  n0["read"]
  n1{"route"}
  n2(["tried"])
  n4["small"]
  n5["joined"]
  n6["last"]
  subgraph c0["↻ turns, at most 2"]
    n3["step"]
  end
  n0 --> n1
  n1 -->|"many → n"| n2
  n1 -->|"many → n"| n3
  n1 -->|"few → n"| n4
  n1 -.->|"chooses one"| n5
  n3 -->|"one (join route: many), all (collect)"| n5
  n4 -->|"one (join route: few), all (collect)"| n5
  c0 -->|"iterations → count"| n5
  n5 -->|"n"| n6
  n3 -.->|"n"| n3
  n2 -.->|"after"| n6
  linkStyle 9 stroke-dasharray:8 4
  linkStyle 4,10 stroke-dasharray:2 4
`;

describe('toMermaid', () => {
  it('draws every kind of node and edge', async () => {
    const { run } = await recorded(pictured);
    expect(toMermaid(run.plan.workflow)).to.equal(PICTURE);
    expect(toMermaid(run.plan.workflow)).to.equal(PICTURE);
  });

  it('marks and colours nodes by what became of them in a run', async () => {
    const { run } = await recorded(pictured);
    const lines = toMermaid(run.plan.workflow, { run }).split('\n');
    expect(lines).to.include('  n0["✓ read"]');
    expect(lines).to.include('  n4["» small"]');
    expect(lines.slice(-5, -1)).to.deep.equal([
      '  classDef completed fill:#dafbe1,stroke:#1a7f37,color:#04260f',
      '  class n0,n1,n2,n3,n5,n6 completed',
      '  classDef skipped fill:#f6f8fa,stroke:#8b949e,color:#57606a',
      '  class n4 skipped',
    ]);
  });

  it('keeps names text, whatever they hold', async () => {
    const { run } = await recorded(hostile);
    const text = toMermaid(run.plan.workflow, { run });
    expect(text).to.not.contain(MARKUP).and.not.contain('<');
    expect(text).to.contain('["✓ first #lt;/script#gt;#lt;img src=x onerror=#quot;window.hacked=1#quot;#gt;');
    for (const line of text.trimEnd().split('\n')) expect(line).to.match(LINES);
  });
});
