import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { toDot } from '../../../src/report/dot.js';
import { toMermaid } from '../../../src/report/mermaid.js';
import { answered, charges, family, hostileChildren } from '../../support/report-children.js';
import { recorded } from '../../support/report-runs.js';

const MERMAID = `flowchart TB
  n0["seed"]
  n2["list"]
  n3[/"all ×N"/]
  n4["done"]
  subgraph c0["↻ loop, at most 5"]
    n1[["settle"]]
  end
  n0 -->|"n"| n1
  n2 --> n3
  n1 -->|"n"| n4
  n3 -->|"waited → all"| n4
  n1 -.->|"n"| n1
  linkStyle 4 stroke-dasharray:8 4
`;

const INSIDE = `flowchart TB
  n0["✓ seed"]
  n2["✓ list"]
  subgraph n3["≡ ✓ all ×3"]
    n3_n0["wait"]
  end
  n4["✓ done"]
  subgraph c0["↻ loop, at most 5"]
    subgraph n1["⊞ ✓ settle (halving)"]
      n1_n0["✓ half"]
      n1_n1["✓ check"]
    end
  end
  n0 -->|"n"| n1
  n2 --> n3
  n1 -->|"n"| n4
  n3 -->|"waited → all"| n4
  n1_n1 -.->|"n"| n1_n0
  n1_n0 -->|"n"| n1_n1
  linkStyle 4 stroke-dasharray:8 4
  classDef completed fill:#dafbe1,stroke:#1a7f37,color:#04260f
  class n0,n1,n2,n3,n4,n1_n0,n1_n1 completed
`;

const DOT = `digraph "family" {
  compound=true;
  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  "seed" [label="seed"];
  "list" [label="list"];
  subgraph "cluster all" {
    label="≡ all ×N";
    style="solid";
    peripheries=2;
    "all[]/wait" [label="wait"];
  }
  "done" [label="done"];
  subgraph "cluster loop" {
    label="↻ loop, at most 5";
    style="rounded";
    subgraph "cluster settle" {
      label="⊞ settle (halving)";
      style="solid";
      peripheries=2;
      "settle/half" [label="half"];
      "settle/check" [label="check"];
    }
  }
  "seed" -> "settle/half" [label="n", lhead="cluster settle"];
  "list" -> "all[]/wait" [lhead="cluster all"];
  "settle/check" -> "done" [label="n", ltail="cluster settle"];
  "all[]/wait" -> "done" [label="waited → all", ltail="cluster all"];
  "settle/check" -> "settle/half" [label="n", style=dashed, constraint=false];
  "settle/half" -> "settle/check" [label="n"];
}
`;

describe('pictures of maps, subworkflows and gates', () => {
  it('gives each kind its shape', async () => {
    const { run } = await recorded(family);
    expect(toMermaid(run.plan.workflow)).to.equal(MERMAID);
    const lines = toDot(run.plan.workflow).split('\n');
    expect(lines).to.include('  "all" [label="all ×N", shape=box3d, style=filled];');
    expect(lines).to.include('    "settle" [label="settle", style=filled, peripheries=2];');
    const { waiting } = await answered();
    expect(toMermaid(waiting.run.plan.workflow, { run: waiting.run }).split('\n')).to.include.members([
      '  n1{{"‖ review"}}',
      '  n2[["▶ legal"]]',
      '  class n1 waiting',
    ]);
    expect(toDot(waiting.run.plan.workflow)).to.contain('"review" [label="review", shape=hexagon, style=filled];');
  });

  it('draws subworkflows in their place and maps once, with what became of them', async () => {
    const { run } = await recorded(family);
    expect(toMermaid(run.plan.workflow, { run, children: true })).to.equal(INSIDE);
    expect(toDot(run.plan.workflow, { children: true })).to.equal(DOT);
  });

  it('counts the items of a map, and those that failed', async () => {
    const { run } = await recorded(charges(50));
    expect(toMermaid(run.plan.workflow, { run })).to.contain('n1[/"✓ charge ×50, 1 failed"/]');
    const nested = toMermaid(run.plan.workflow, { run, children: true });
    expect(nested).to.contain('subgraph n1_n0["⊞ charge-card"]').and.contain('n1_n0_n1["call-bank"]');
  });

  it('writes what Graphviz reads of children whose names and errors are markup', async () => {
    const { run } = await recorded(hostileChildren);
    for (const build of [family, charges(5), hostileChildren]) {
      const text = toDot((await recorded(build)).run.plan.workflow, { children: true });
      expect(text.match(/[{]/g)).to.have.length(text.match(/[}]/g)?.length ?? 0);
      const { error, status } = spawnSync('dot', ['-Tcanon'], { input: text, encoding: 'utf8' });
      if (error === undefined) expect(status).to.equal(0);
    }
    expect(toMermaid(run.plan.workflow, { run, children: true })).to.not.contain('<img');
  });
});
